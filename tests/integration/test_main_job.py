"""The main job on one server: sign in, join a room, play tic-tac-toe to the end, talk, close the room."""

import pytest

from tests.kit.people import People
from tests.kit.tables import ROW, Game, play, sit_down
from tests.kit.ways import every_way
from tests.kit.wire import Json, Refused

pytestmark = every_way
EMPTY = [None] * 9

NOT_ALLOWED: list[tuple[int, Json, str, Json | None]] = [
    (1, {"type": "place", "cell": 1}, "not_your_turn", {"turn": 0}),
    (0, {"type": "place", "cell": 4}, "illegal_action", None),
    (0, {"type": "place", "cell": 9}, "validation_failed", None),
    (0, {"type": "place", "cell": -1}, "validation_failed", None),
    (0, {"type": "place", "cell": "1"}, "validation_failed", None),
    (0, {"type": "place", "cell": 1.5}, "validation_failed", None),
    (0, {"type": "place", "cell": True}, "validation_failed", None),
    (0, {"type": "place"}, "validation_failed", None),
    (0, {"type": "place", "cell": 1, "colour": "red"}, "validation_failed", None),
    (0, {"cell": 1}, "validation_failed", None),
    (0, {"type": "plase", "cell": 1}, "unknown_action", {"did_you_mean": "place"}),
]
"""Seat, action, and what it is refused with once 0 has taken cell 4, 1 cell 0, and it is the turn of seat 0."""


async def test_two_people_play_to_the_end_and_close_the_room(people: People) -> None:
    alice, bob = await people.newcomers("Alice", "Bob")
    room_id = await alice.create("tic-tac-toe", name="Friday game")
    await bob.join(room_id)
    joined = await alice.expect("MEMBER_JOINED", user_id=bob.user_id)
    assert joined["data"]["member"]["seat"] == 1

    for player in (alice, bob):
        await player.ask("SET_READY", ready=True)
    assert (await alice.ask("START_GAME")).data == {"round": 1}
    for player in (alice, bob):
        started = await player.until("GAME_STARTED", round=1)
        assert started["data"]["players"] == {"0": alice.user_id, "1": bob.user_id}

    game = Game(room_id, (alice, bob))
    for seat, cell in ROW:
        await game.place(seat, cell)
    for player in (alice, bob):
        ended = await player.expect("GAME_ENDED", round=1, reason="finished")
        assert ended["data"]["result"] == {"winner": 0, "draw": False}
        assert ended["data"]["players"] == {"0": alice.user_id, "1": bob.user_id}

    said = await bob.ask("SEND_CHAT", text="well played")
    for player in (alice, bob):
        await player.expect("CHAT_MESSAGE", text="well played", message_id=said.data["message_id"])

    await people.verify()
    await alice.ask("CLOSE_GAME_ROOM_GROUP", reason="done")
    for player in (alice, bob):
        await player.expect("GAME_ROOM_GROUP_CLOSED", by=alice.user_id, reason="done")
        await player.expect("DETACHED", room_id=room_id, reason="closed")
    carol = await people.newcomer("Carol")
    with pytest.raises(Refused) as refused:
        await carol.join(room_id)
    assert refused.value.code == "room_closed"


async def test_a_new_room_is_as_the_creator_asked(people: People) -> None:
    alice = await people.newcomer("Alice")
    await alice.create(
        "tic-tac-toe", name="Ours", visibility="unlisted", metadata={"theme": "dark", "n": [1]}
    )
    view = alice.room.view
    shown = {
        name: view[name] for name in ("game", "name", "visibility", "metadata", "status", "round", "locked")
    }
    assert shown == {
        "game": "tic-tac-toe",
        "name": "Ours",
        "visibility": "unlisted",
        "metadata": {"theme": "dark", "n": [1]},
        "status": "waiting",
        "round": 0,
        "locked": False,
    }
    assert (view["min_players"], view["max_players"], view["grace_ms"]) == (2, 2, 60_000)
    assert (view["host_id"], view["has_password"], view["result"]) == (alice.user_id, False, None)
    me = alice.room.members[alice.user_id]
    shown = {name: me[name] for name in ("display_name", "role", "seat", "ready", "connected")}
    assert shown == {
        "display_name": "Alice",
        "role": "player",
        "seat": 0,
        "ready": False,
        "connected": True,
    }


async def test_the_board_is_shown_as_it_is_played(people: People) -> None:
    game = await play(people)
    alice, bob = game.seats
    assert alice.room.state == {"cells": EMPTY, "turn": 0, "winner": None, "draw": False}
    await game.place(0, 4)
    await game.place(1, 0)
    expected = {"cells": [1, None, None, None, 0, *[None] * 4], "turn": 0, "winner": None, "draw": False}
    assert alice.room.state == bob.room.state == expected


async def test_game_updated_tells_who_moved_but_not_what_was_sent(people: People) -> None:
    game = await play(people)
    alice, bob = game.seats
    await alice.act("place", cell=8)
    for player in (alice, bob):
        event = await player.expect("GAME_UPDATED", user_id=alice.user_id, seat=0, cause="action")
        assert not {"cell", "action"} & event["data"].keys()


async def test_the_first_event_of_a_command_has_the_whole_patch(people: People) -> None:
    game = await play(people)
    for seat, cell in ROW[:-1]:
        await game.place(seat, cell)
    await game.seats[0].act("place", cell=ROW[-1][1])
    bob = game.seats[1]
    updated = await bob.expect("GAME_UPDATED", seat=0)
    ended = await bob.expect("GAME_ENDED")
    assert ended["seq"] == updated["seq"] + 1
    assert "patch" not in ended
    assert {"op": "replace", "path": "/status", "value": "waiting"} in updated["patch"]


async def test_after_a_round_the_group_plays_again_and_the_other_begins(people: People) -> None:
    game = await play(people)
    alice, bob = game.seats
    for seat, cell in ROW:
        await game.place(seat, cell)
    for player in (alice, bob):
        await player.expect("GAME_ENDED")
    view = bob.room.view
    assert (view["status"], view["round"], view["result"]) == ("waiting", 1, {"winner": 0, "draw": False})
    assert view["state"]["winner"] == 0
    assert [member["ready"] for member in view["members"].values()] == [False, False]

    await game.start()
    assert alice.room.view["round"] == 2
    assert (alice.room.state["turn"], alice.room.state["cells"], alice.room.view["result"]) == (
        1,
        EMPTY,
        None,
    )
    await game.place(1, 4)


async def test_a_full_board_without_a_row_is_a_draw(people: People) -> None:
    game = await play(people)
    for seat, cell in [(0, 0), (1, 1), (0, 2), (1, 4), (0, 3), (1, 5), (0, 7), (1, 6), (0, 8)]:
        await game.place(seat, cell)
    ended = await game.seats[1].expect("GAME_ENDED", reason="finished")
    assert ended["data"]["result"] == {"winner": None, "draw": True}
    assert game.seats[0].room.state["draw"] is True


async def test_a_move_that_is_not_allowed_changes_nothing(people: People) -> None:
    game = await play(people)
    await game.place(0, 4)
    await game.place(1, 0)
    before = game.seats[0].room.view
    for seat, action, code, params in NOT_ALLOWED:
        with pytest.raises(Refused) as refused:
            await game.seats[seat].ask("GAME_ACTION", action=action)
        assert refused.value.code == code, action
        if params is not None:
            assert refused.value.params == params
    await people.verify()
    assert game.seats[0].room.view == before
    assert not game.seats[0].heard()


async def test_an_illegal_move_says_where_the_mistake_is(people: People) -> None:
    game = await play(people)
    with pytest.raises(Refused) as refused:
        await game.seats[0].act("place", cell=9)
    assert refused.value.pointers == ["#/action/cell"]
    await game.place(0, 4)
    with pytest.raises(Refused) as refused:
        await game.seats[1].act("place", cell=4)
    assert "reason" in refused.value.params


async def test_what_the_status_does_not_allow(people: People) -> None:
    game = await sit_down(people)
    alice, bob = game.seats
    with pytest.raises(Refused) as refused:
        await alice.act("place", cell=0)
    assert (refused.value.code, refused.value.params["status"]) == ("wrong_status", "waiting")
    with pytest.raises(Refused) as refused:
        await alice.ask("START_GAME")
    assert refused.value.code == "players_not_ready"
    assert set(refused.value.params["user_ids"]) == {alice.user_id, bob.user_id}
    with pytest.raises(Refused) as refused:
        await bob.ask("START_GAME")
    assert refused.value.code == "not_host"
    await game.start()
    with pytest.raises(Refused) as refused:
        await alice.ask("START_GAME")
    assert (refused.value.code, refused.value.params["status"]) == ("wrong_status", "playing")
    with pytest.raises(Refused) as refused:
        await alice.ask("SET_READY", ready=False)
    assert refused.value.code == "wrong_status"


async def test_a_game_needs_its_players(people: People) -> None:
    alice = await people.newcomer("Alice")
    await alice.create("tic-tac-toe")
    await alice.ask("SET_READY", ready=True)
    with pytest.raises(Refused) as refused:
        await alice.ask("START_GAME")
    assert (refused.value.code, refused.value.params) == ("not_enough_players", {"need": 2, "have": 1})


async def test_closing_in_play_aborts_the_round(people: People) -> None:
    game = await play(people)
    await game.seats[0].ask("CLOSE_GAME_ROOM_GROUP")
    bob = game.seats[1]
    await bob.expect("GAME_ENDED", reason="aborted", round=1)
    await bob.expect("GAME_ROOM_GROUP_CLOSED", by=game.seats[0].user_id, reason=None)
    await bob.expect("DETACHED", reason="closed")


async def test_only_the_host_closes(people: People) -> None:
    game = await sit_down(people)
    with pytest.raises(Refused) as refused:
        await game.seats[1].ask("CLOSE_GAME_ROOM_GROUP")
    assert refused.value.code == "not_host"


async def test_a_whisper_is_heard_by_two_and_hidden_from_the_third(people: People) -> None:
    game = await sit_down(people)
    alice, bob = game.seats
    carol = await people.newcomer("Carol")
    await carol.join(game.room_id, role="spectator")
    for player in (alice, bob):
        await player.expect("MEMBER_JOINED", user_id=carol.user_id)

    await alice.ask("SEND_CHAT", text="psst", to=bob.user_id)
    for player in (alice, bob):
        heard = await player.expect("CHAT_MESSAGE", user_id=alice.user_id, text="psst", to=bob.user_id)
        assert "patch" not in heard
    hidden = await carol.expect("HIDDEN", room_id=game.room_id)
    assert hidden["seq"] == carol.room.position.seq
    assert not {"data", "announcements", "at"} & hidden.keys()

    await bob.ask("SEND_CHAT", text="all of you")
    spoken = await carol.expect("CHAT_MESSAGE", text="all of you")
    assert "to" not in spoken["data"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": ""}, "validation_failed"),
        ({"text": "x" * 501}, "validation_failed"),
        ({"text": "hello", "to": "nobody"}, "member_not_found"),
    ],
    ids=["empty", "too-long", "to-a-stranger"],
)
async def test_chat_that_is_refused(people: People, fields: Json, code: str) -> None:
    game = await sit_down(people)
    with pytest.raises(Refused) as refused:
        await game.seats[0].ask("SEND_CHAT", **fields)
    assert refused.value.code == code
    await game.seats[0].ask("SEND_CHAT", text="x" * 500)
    await game.seats[1].expect("CHAT_MESSAGE", text="x" * 500)
