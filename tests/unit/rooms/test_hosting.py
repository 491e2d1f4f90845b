"""What the host changes about a room and its members, and what members change about themselves."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gameroom.errors import GameroomError
from gameroom.games.game import Game
from gameroom.games.registry import load_game
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.ids import CROCKFORD
from gameroom.protocol.commands import (
    CloseRoom,
    Command,
    GameAction,
    JoinRoom,
    KickMember,
    LeaveRoom,
    ResumeFrom,
    SendChat,
    SetReady,
    SetRole,
    StartGame,
    TransferHost,
    UpdateRoom,
)
from gameroom.rooms.handlers import hosting, membership
from tests.unit.rooms.games import HigherStakes, Secrets, Stakes
from tests.unit.rooms.scene import Scene
from tests.unit.rooms.test_handlers import gathered, kinds, started

Kind = type[Game[Any, Any]]
Gather = Callable[..., Scene]


def last(scene: Scene, user: str) -> Any:
    return scene.copies[user].frames[-1]


def as_admin(scene: Scene, user: str, command: Command) -> object:
    """The outcome of a command of somebody who is an admin, and has not joined."""
    request = scene.request(user, command, connection="elsewhere")
    sender = msgspec.structs.replace(request.sender, admin=True)
    decision = scene.room.decide(msgspec.structs.replace(request, sender=sender), scene.now)
    scene.keep(decision)
    return decision.outcome


# --- UPDATE ---------------------------------------------------------------------------------------------------


def test_the_view_has_the_settings_that_the_game_is_played_with() -> None:
    """They were `{}` where defaults apply, so each client had to know those of each game."""
    scene = gathered(Stakes, "bob")
    assert scene.fresh_view("bob")["settings"] == {"stake": 1}
    scene.do("ann", UpdateRoom(settings={"stake": 2}))
    scene.do("ann", UpdateRoom(settings={}))
    assert last(scene, "bob")["data"]["changed"] == ["settings"]
    assert scene.fresh_view("bob")["settings"] == {"stake": 1}
    scene.verify()


def test_settings_that_a_version_does_not_take_are_shown_as_they_were_given() -> None:
    scene = Scene(Stakes, settings={"stake": 2})
    scene.game_type = load_game(HigherStakes)
    scene.crash()
    assert scene.fresh_view("ann")["settings"] == {"stake": 2}


@pytest.mark.parametrize(
    ("fields", "changed", "shown"),
    [
        ({"name": "Ours"}, ["name"], {"name": "Ours"}),
        ({"visibility": "private"}, ["visibility"], {"visibility": "private"}),
        ({"password": "mac"}, ["password"], {"has_password": True}),
        ({"locked": True}, ["locked"], {"locked": True}),
        ({"max_players": 3}, ["max_players"], {"max_players": 3}),
        ({"metadata": {"map": 1}}, ["metadata"], {"metadata": {"map": 1}}),
        ({"settings": {"stake": 2}}, ["settings"], {"settings": {"stake": 2}}),
        ({"settings": {"stake": 1}}, [], {}),
        ({"settings": {}}, [], {}),
        ({"name": "Ours", "locked": False}, ["name"], {"name": "Ours", "locked": False}),
        ({"visibility": "public", "locked": False, "password": None, "metadata": {}}, [], {}),
        ({}, [], {}),
    ],
)
def test_an_update_replaces_what_is_given_and_names_what_has_changed(
    fields: dict[str, Any], changed: list[str], shown: dict[str, Any]
) -> None:
    scene = gathered(Stakes, "bob")
    before = scene.fresh_view("bob")
    assert scene.do("ann", UpdateRoom(**fields)) == {}
    event = last(scene, "bob")
    assert (event["type"], event["data"]) == ("GAME_ROOM_GROUP_UPDATED", {"by": "ann", "changed": changed})
    assert ("patch" in event) == bool(changed)
    assert scene.fresh_view("bob") == {**before, **shown}
    scene.verify()


def test_json_that_python_calls_equal_is_a_change() -> None:
    scene = Scene(TicTacToe, metadata={"a": 1})
    scene.do("ann", UpdateRoom(metadata={"a": True}))
    assert last(scene, "ann")["data"]["changed"] == ["metadata"]
    assert scene.copies["ann"].view["metadata"] == {"a": True}


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"max_players": 1}, "validation_failed", "#/max_players"),
        ({"max_players": 5}, "validation_failed", "#/max_players"),
        ({"metadata": {"x": "y" * 4096}}, "validation_failed", "#/metadata"),
        ({"settings": {"stake": 0}}, "validation_failed", "#/settings/stake"),
        ({"settings": {"no_such": 1}}, "validation_failed", "#/settings/no_such"),
        ({"max_players": 2}, "conflict", None),
    ],
)
def test_a_wrong_update_changes_nothing(fields: dict[str, Any], code: str, pointer: str | None) -> None:
    scene = gathered(Stakes, "bob", "cid")
    scene.do("bob", LeaveRoom())  # cid stays on seat 2: seats do not move
    refusal = scene.refused("ann", UpdateRoom(name="Ours", **fields))
    assert (refusal.code, [error.pointer for error in refusal.errors]) == (code, [pointer] if pointer else [])


def test_the_settings_of_an_update_are_those_of_the_next_round() -> None:
    scene = gathered(Stakes, "bob")
    scene.do("ann", UpdateRoom(settings={"stake": 7}))
    for user in ("ann", "bob"):
        scene.do(user, SetReady(ready=True))
    scene.do("ann", StartGame())
    assert scene.fresh_view("ann")["state"] == {"pot": 14}


@pytest.mark.parametrize(("gather", "game"), [(gathered, Relay), (started, Stakes)])
def test_what_a_round_is_played_with_stays_while_it_is_played(gather: Gather, game: Kind) -> None:
    scene = gather(game, "bob")
    for command in (UpdateRoom(settings={}), UpdateRoom(max_players=4)):
        refusal = scene.refused("ann", command)
        assert (refusal.code, refusal.params) == (
            "wrong_status",
            {"status": "playing", "expected": "waiting"},
        )
    scene.do("ann", UpdateRoom(name="Still ours", locked=True))


@pytest.mark.parametrize(
    ("update", "join", "code"),
    [
        ({"visibility": "private"}, JoinRoom(), "room_not_found"),
        ({"visibility": "private"}, JoinRoom(invite_code="ABCDEFGH"), None),
        ({"password": "mac"}, JoinRoom(), "wrong_room_password"),
        ({"password": "mac"}, JoinRoom(password="mac"), None),
        ({"locked": True}, JoinRoom(invite_code="ABCDEFGH"), "room_locked"),
        ({"rotate_invite_code": True}, JoinRoom(invite_code="ABCDEFGH"), "room_not_found"),
    ],
)
def test_an_update_holds_for_the_next_newcomer(
    update: dict[str, Any], join: JoinRoom, code: str | None
) -> None:
    scene = gathered(TicTacToe)
    scene.do("ann", UpdateRoom(**update))
    outcome = scene.ask("bob", join)
    assert (outcome.code if isinstance(outcome, GameroomError) else None) == code


def test_a_password_that_is_taken_away_is_not_asked_for() -> None:
    scene = Scene(TicTacToe, password="mac")
    scene.do("ann", UpdateRoom(password=None))
    assert last(scene, "ann")["data"]["changed"] == ["password"]
    scene.do("bob", JoinRoom())


def test_a_fresh_invite_code_lets_in_and_cannot_be_foreseen() -> None:
    scene = gathered(TicTacToe)
    codes = {scene.room.state.room.invite_code}
    for _ in range(20):
        scene.do("ann", UpdateRoom(rotate_invite_code=True))
        assert last(scene, "ann")["data"] == {"by": "ann", "changed": ["invite_code"]}
        codes.add(scene.copies["ann"].view["invite_code"])
    assert len(codes) == 21
    assert all(len(code) == 8 and set(code) <= set(CROCKFORD) for code in codes)
    other = gathered(TicTacToe)
    other.room.state.change_play(random_key=b"another key".ljust(32))
    other.room.state.commit(other.room.state.changes())
    other.do("ann", UpdateRoom(rotate_invite_code=True))
    assert other.room.state.room.invite_code not in codes
    scene.do("bob", JoinRoom(invite_code=scene.copies["ann"].view["invite_code"]))


def test_a_code_that_was_not_taken_is_not_tried_again() -> None:
    """Where the database has refused it, because another room has it already."""

    def code(after_ms: int) -> str:
        scene = gathered(TicTacToe)
        scene.now += after_ms
        scene.do("ann", UpdateRoom(rotate_invite_code=True))
        return scene.room.state.room.invite_code

    assert code(1) != code(2)


def test_no_record_or_frame_tells_the_password() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.do("ann", UpdateRoom(password="the-mac"))
    assert "the-mac" not in str([copy.frames for copy in scene.copies.values()])
    assert b"the-mac" in scene.records[-1].body  # as the part of the room has it: sealed


# --- SET_ROLE -------------------------------------------------------------------------------------------------


def test_a_player_becomes_a_spectator_and_takes_the_lowest_free_seat_again() -> None:
    scene = gathered(Secrets, "bob", "cid")
    scene.do("ann", SetReady(ready=True))
    assert scene.do("ann", SetRole(role="spectator")) == {"seat": None}
    assert last(scene, "bob")["data"] == {"user_id": "ann", "changed": ["role", "seat", "ready"]}
    member = scene.fresh_view("bob")["members"]["ann"]
    assert (member["role"], member["seat"], member["ready"]) == ("spectator", None, False)
    scene.do("bob", SetRole(role="spectator"))
    assert scene.do("bob", SetRole(role="player")) == {"seat": 0}
    assert last(scene, "cid")["data"] == {"user_id": "bob", "changed": ["role", "seat"]}
    assert scene.do("ann", SetRole(role="player")) == {"seat": 1}
    scene.verify()


def test_the_same_role_again_is_an_event_that_changes_nothing() -> None:
    scene = gathered(TicTacToe, "bob")
    assert scene.do("bob", SetRole(role="player")) == {"seat": 1}
    assert last(scene, "ann")["data"] == {"user_id": "bob", "changed": []}
    assert scene.room.state.members["bob"].since == scene.room.state.members["bob"].joined


def test_there_is_not_a_seat_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = gathered(TicTacToe, "bob")
    scene.do("cid", JoinRoom(role="spectator"))
    assert scene.refused("cid", SetRole(role="player")).code == "room_full"
    monkeypatch.setattr(membership, "MAX_SPECTATORS", 1)
    assert scene.refused("bob", SetRole(role="spectator")).code == "room_full"
    scene.do("cid", SetRole(role="spectator"))


@pytest.mark.parametrize(("gather", "game"), [(gathered, Relay), (started, Secrets)])
def test_roles_are_changed_between_rounds_only(gather: Gather, game: Kind) -> None:
    refusal = gather(game, "bob").refused("bob", SetRole(role="spectator"))
    assert (refusal.code, refusal.params) == ("wrong_status", {"status": "playing", "expected": "waiting"})


def test_who_has_changed_its_role_cannot_resume_from_before() -> None:
    scene = gathered(TicTacToe, "bob")
    before = scene.room.position
    scene.do("bob", SetRole(role="spectator"))
    after = scene.room.position
    for position, resumed in ((before, False), (after, True)):
        answer = scene.do("bob", JoinRoom(resume=ResumeFrom(position.epoch, position.seq)))
        assert answer["resumed"] is resumed


def test_whose_role_has_changed_sees_the_last_round_as_a_spectator() -> None:
    scene = started(Secrets, "bob", "cid")
    scene.do("ann", GameAction(action={"type": "finish"}))
    assert "hand" in scene.copies["bob"].view["state"]
    scene.do("bob", SetRole(role="spectator"))
    assert [step["path"] for step in last(scene, "bob")["patch"]] == [""]
    assert "hand" not in scene.copies["bob"].view["state"]
    scene.do("cid", SetRole(role="spectator"))
    scene.do("cid", SetRole(role="player"))  # on what was bob's seat
    assert "hand" not in scene.copies["cid"].view["state"]
    scene.verify()


# --- KICK_MEMBER ----------------------------------------------------------------------------------------------


def test_who_is_kicked_hears_it_last_and_without_a_patch() -> None:
    scene = gathered(Secrets, "bob", "cid")
    copy = scene.copies["cid"]
    decision = scene.room.decide(scene.request("ann", KickMember(user_id="cid", reason="rude")), scene.now)
    scene.keep(decision)
    data = {"user_id": "cid", "by": "ann", "ban": False, "reason": "rude"}
    assert (copy.frames[-1]["type"], copy.frames[-1]["data"]) == ("MEMBER_KICKED", data)
    assert "patch" not in copy.frames[-1]
    assert decision.deliveries[-1].ends == {"cid": "kicked"}
    assert (last(scene, "bob")["data"], "cid" in scene.copies["bob"].view["members"]) == (data, False)
    assert not scene.room.presence.is_attached("cid", "cid-1")
    scene.do("cid", JoinRoom())
    scene.verify()


def test_a_kick_is_a_leave_to_the_game() -> None:
    scene = started(Secrets, "bob", "cid")
    before = len(scene.records)
    scene.do("ann", KickMember(user_id="cid"))
    assert kinds(scene, before) == ["MEMBER_KICKED", "GAME_UPDATED"]
    scene.do("ann", KickMember(user_id="bob"))
    assert kinds(scene, before)[2:] == ["MEMBER_KICKED", "GAME_UPDATED", "GAME_ENDED"]
    scene.verify()


def test_who_is_banned_stays_out_whatever_it_brings_and_whatever_happens() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.do("ann", KickMember(user_id="bob", ban=True))
    scene.crash()
    scene.do("ann", JoinRoom())
    for join in (JoinRoom(), JoinRoom(invite_code="ABCDEFGH"), JoinRoom(role="spectator")):
        assert scene.refused("bob", join).code == "banned_from_room"
    assert "bob" not in str(scene.fresh_view("ann"))


def test_there_is_an_end_of_bans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "MAX_BANS", 1)
    scene = gathered(Secrets, "bob", "cid")
    scene.do("ann", KickMember(user_id="bob", ban=True))
    assert scene.refused("ann", KickMember(user_id="cid", ban=True)).code == "conflict"
    scene.do("ann", KickMember(user_id="cid"))


@pytest.mark.parametrize(
    ("user", "target", "code"),
    [("ann", "eve", "member_not_found"), ("ann", "ann", "forbidden"), ("bob", "ann", "not_host")],
)
def test_who_may_kick_whom(user: str, target: str, code: str) -> None:
    assert gathered(TicTacToe, "bob").refused(user, KickMember(user_id=target)).code == code


def test_nobody_kicks_themselves() -> None:
    refusal = gathered(TicTacToe).refused("ann", KickMember(user_id="ann"))
    assert (refusal.params, "leave" in refusal.message) == ({"reason": "self"}, True)


def test_an_admin_needs_no_join_and_may_kick_the_host() -> None:
    scene = gathered(Secrets, "bob", "cid")
    before = len(scene.records)
    assert not isinstance(as_admin(scene, "root", KickMember(user_id="ann")), GameroomError)
    assert kinds(scene, before) == ["MEMBER_KICKED", "HOST_CHANGED"]
    assert scene.copies["bob"].view["host_id"] == "bob"
    for command in (TransferHost(user_id="cid"), UpdateRoom(locked=True), CloseRoom()):
        assert not isinstance(as_admin(scene, "root", command), GameroomError)


def test_the_ids_of_who_was_kicked_are_answered_for_a_while() -> None:
    scene = gathered(TicTacToe, "bob")
    said = scene.do("bob", SendChat(text="hi", id="1"))
    scene.do("ann", KickMember(user_id="bob"))
    assert scene.do("bob", SendChat(text="hi", id="1")) == said
    scene.now += 600_001
    assert scene.refused("bob", SendChat(text="hi", id="1")).code == "id_reused"


def test_a_kick_sent_again_puts_nobody_out_twice() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.do("ann", KickMember(user_id="bob", id="k"))
    scene.do("bob", JoinRoom())
    before = len(scene.records)
    scene.do("ann", KickMember(user_id="bob", id="k"))
    assert (len(scene.records), "bob" in scene.room.state.members) == (before, True)


def test_a_game_that_fails_keeps_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """And who is put out hears all of it: that its round was aborted, too."""
    scene = started(Secrets, "bob", "cid")
    before, copy = len(scene.records), scene.copies["cid"]
    monkeypatch.setattr(Secrets, "reveal", _broken)
    scene.room.viewpoint.settle(game_changed=True)  # so that views are made anew
    scene.do("ann", KickMember(user_id="cid"))
    assert kinds(scene, before) == ["GAME_ENDED", "MEMBER_KICKED"]
    assert [frame["type"] for frame in copy.frames[-2:]] == ["GAME_ENDED", "MEMBER_KICKED"]


def _broken(*_: object) -> dict[str, object]:
    raise ValueError("no view of this")


# --- TRANSFER_HOST --------------------------------------------------------------------------------------------


def test_any_member_may_be_made_host() -> None:
    scene = gathered(Secrets, "bob")
    scene.do("cid", JoinRoom(role="spectator"))
    scene.hang_up("bob")
    for former, host in (("ann", "cid"), ("cid", "bob")):
        assert scene.do(former, TransferHost(user_id=host)) == {}
        data = {"host_id": host, "previous_host_id": former}
        assert (last(scene, "ann")["type"], last(scene, "ann")["data"]) == ("HOST_CHANGED", data)
    assert scene.fresh_view("ann")["host_id"] == "bob"
    assert scene.refused("ann", TransferHost(user_id="ann")).code == "not_host"
    scene.verify()


def test_a_transfer_to_the_host_is_an_event_and_to_a_stranger_nothing() -> None:
    scene = gathered(TicTacToe)
    scene.do("ann", TransferHost(user_id="ann"))
    assert last(scene, "ann")["data"] == {"host_id": "ann", "previous_host_id": "ann"}
    assert scene.refused("ann", TransferHost(user_id="eve")).code == "member_not_found"
