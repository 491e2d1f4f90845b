"""What is held during a splice, and where the answer stands in it."""

from gameroom.gateway.asked import asked
from gameroom.gateway.splice import MAX_HELD, Heard, Splice, position_of
from gameroom.protocol.commands import GetRoom
from gameroom.protocol.frames import Frame
from tests.unit.gateway.fakes import event

FRAME = Frame(b"{}")


def splice_of(*seqs: int, epoch: int = 0) -> Splice:
    splice = Splice(asked(GetRoom(room_id="r")))
    for seq in seqs:
        assert splice.hold((event(seq, epoch=epoch), FRAME))
    return splice


def seqs(held: list[Heard]) -> list[int]:
    return [delivery.seq for delivery, _ in held]


def test_the_answer_stands_after_the_event_at_its_position() -> None:
    before, after = splice_of(3, 4, 5, 6).around((0, 4))
    assert (seqs(before), seqs(after)) == ([3, 4], [5, 6])


def test_a_position_that_nothing_was_held_for_has_its_place_too() -> None:
    for at, expected in (((0, 1), ([], [3, 5])), ((0, 4), ([3], [5])), ((0, 9), ([3, 5], []))):
        before, after = splice_of(3, 5).around(at)
        assert (seqs(before), seqs(after)) == expected


def test_an_epoch_comes_before_all_positions_of_the_next() -> None:
    splice = splice_of(1, 2, epoch=1)
    assert seqs(splice.around((0, 99))[0]) == []
    assert seqs(splice.around((2, 0))[1]) == []


def test_events_keep_the_order_in_which_they_came_and_their_frames() -> None:
    splice = splice_of(7)
    assert splice.hold((event(5), None))
    assert [(position_of(delivery), frame) for delivery, frame in splice.all()] == [
        ((0, 7), FRAME),
        ((0, 5), None),
    ]


def test_one_event_too_many_is_not_held() -> None:
    splice = splice_of(*range(MAX_HELD))
    assert not splice.hold((event(MAX_HELD), None))
    assert len(splice.all()) == MAX_HELD
