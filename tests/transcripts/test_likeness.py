"""What may differ between the page and a play, and what may not; and how the page is written."""

import pytest

from tests.kit.wire import Json
from tests.transcripts.likeness import Names
from tests.transcripts.writing import WIDTH, cue_of, message_of, value_of, written

ADA, BEN, ROOM = (f"019ab2f4-6c1e-7d5a-9c3b-5e8f0a1b2c3{digit}" for digit in "abc")
NOON, NIGHT = "2026-11-24T12:00:00.000Z", "2026-11-25T00:00:00.000Z"


@pytest.fixture
def names() -> Names:
    names = Names()
    names.bind("ada", ADA)
    names.bind("ben", BEN)
    return names


@pytest.mark.parametrize(
    ("shown", "real"),
    [
        ({"host_id": "ada", "at": NOON}, {"host_id": ADA, "at": NIGHT}),
        (
            {"members": {"ada": 1}, "path": "/members/ben/seat"},
            {"members": {ADA: 1}, "path": f"/members/{BEN}/seat"},
        ),
        ({"a": "r-1", "b": ["r-1"]}, {"a": ROOM, "b": [ROOM]}),
        ({"code": "DKN0SX53", "typed": "dkn0-sx53"}, {"code": "S64584GQ", "typed": "s645-84gq"}),
        ({"token": "eyJh…", "expires_in": 899}, {"token": "eyJhbGci.a.b", "expires_in": 900}),
    ],
)
def test_ids_moments_codes_and_tokens_are_those_of_the_play(names: Names, shown: Json, real: Json) -> None:
    assert [*names.differences(shown, real)] == []


@pytest.mark.parametrize(
    ("shown", "real"),
    [
        ({"host_id": "ada"}, {"host_id": BEN}),
        ({"path": "/members/ada"}, {"path": f"/members/{BEN}"}),
        ({"a": "r-1", "b": "r-2"}, {"a": ROOM, "b": ROOM}),
        ({"a": "r-1", "b": "r-1"}, {"a": ROOM, "b": ROOM.replace("c", "d")}),
        ({"reason": "left"}, {"reason": "kicked"}),
        ({"at": "noon"}, {"at": NOON}),
        ({"ready": 1}, {"ready": True}),
        ({"seq": 4}, {"seq": 5}),
        ({"a": [1]}, {"a": [1, 2]}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"token_expires_in": 899}, {"token_expires_in": 60}),
    ],
)
def test_everything_else_must_be_as_it_is_shown(names: Names, shown: Json, real: Json) -> None:
    assert [*names.differences(shown, real)] != []


def test_what_was_recorded_has_the_words_of_the_page(names: Names) -> None:
    said = {"members": {ADA: {"name": "Ada"}}, "path": f"/members/{BEN}"}
    assert names.shown(said) == {"members": {"ada": {"name": "Ada"}}, "path": "/members/ben"}


def test_a_line_is_called_by_its_id() -> None:
    assert cue_of('{"type": "GAME_ACTION", "id": "a9"') == "a9"
    assert cue_of("82 a4 74 79 70 65 a4 50\n   49 4e 47 a2 69 64 a2 65 31") == "e1"
    assert cue_of("ping") == "ping"


def test_a_message_is_written_as_it_can_be_read_again() -> None:
    value = {"text": 'a "quoted", word' * 9, "list": [*range(60)], "none": None}
    text = written("{}", value, indent=6)
    assert value_of(message_of(text)) == value
    below = text.split("\n")[1:]
    assert all(line.startswith(" " * 6) and len(line) <= WIDTH for line in below)
    packed = bytes.fromhex("82 a4 74 79 70 65 a4 50 49 4e 47 a2 69 64 a2 65 31") * 3
    assert message_of(written(packed, None, indent=6)) == packed
