"""What commands do to a room, and what they are refused for."""

from typing import Any

import pytest

from gameroom.errors import GameroomError
from gameroom.games.game import Game
from gameroom.games.relay import Relay
from gameroom.games.tic_tac_toe import TicTacToe
from gameroom.protocol.commands import (
    CloseRoom,
    Command,
    GameAction,
    GetRoom,
    JoinRoom,
    LeaveRoom,
    SendChat,
    SetReady,
    StartGame,
)
from gameroom.rooms.handlers import membership
from gameroom.rooms.records import unseal
from tests.unit.rooms.games import Bomb, Gathering, Lounge, Secrets
from tests.unit.rooms.scene import POLICY, Scene


def gathered(game: type[Game[Any, Any]], *users: str) -> Scene:
    scene = Scene(game)
    for user in users:
        scene.do(user, JoinRoom())
    return scene


def started(game: type[Game[Any, Any]], *users: str) -> Scene:
    scene = gathered(game, *users)
    for user in ("ann", *users):
        scene.do(user, SetReady(ready=True))
    scene.do("ann", StartGame())
    return scene


def kinds(scene: Scene, after: int) -> list[str]:
    return [record.kind for record in scene.records[after:]]


# --- access ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("create", "join", "code"),
    [
        ({"visibility": "private"}, JoinRoom(), "room_not_found"),
        ({"visibility": "private"}, JoinRoom(invite_code="WRONGXYZ"), "room_not_found"),
        ({"visibility": "private"}, JoinRoom(invite_code="ABCDEFGH"), None),
        ({"visibility": "unlisted"}, JoinRoom(), None),
        ({"password": "mac"}, JoinRoom(), "wrong_room_password"),
        ({"password": "mac"}, JoinRoom(password="other"), "wrong_room_password"),
        ({"password": "mac"}, JoinRoom(password="mac"), None),
        ({"password": "mac"}, JoinRoom(invite_code="ABCDEFGH"), None),
    ],
)
def test_who_may_come_in(create: dict[str, Any], join: JoinRoom, code: str | None) -> None:
    scene = Scene(TicTacToe, **create)
    outcome = scene.ask("bob", join)
    assert (outcome.code if isinstance(outcome, GameroomError) else None) == code


def test_a_locked_room_stops_newcomers_but_no_member() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.room.state.change_room(locked=True)
    scene.room.state.commit(scene.room.state.changes())
    assert scene.refused("cid", JoinRoom()).code == "room_locked"
    scene.do("bob", JoinRoom())


def test_a_banned_user_stays_out() -> None:
    scene = gathered(TicTacToe)
    scene.room.state.change_room(bans=("bob",))
    scene.room.state.commit(scene.room.state.changes())
    assert scene.refused("bob", JoinRoom()).code == "banned_from_room"


def test_players_take_the_lowest_free_seat_and_full_is_full() -> None:
    scene = gathered(Secrets, "bob", "cid", "dot")
    scene.do("bob", LeaveRoom())
    assert scene.do("eve", JoinRoom())["room"]["members"]["eve"]["seat"] == 1
    assert scene.refused("bob", JoinRoom()).code == "room_full"
    assert scene.do("bob", JoinRoom(role="spectator"))["room"]["members"]["bob"]["seat"] is None


def test_a_game_that_lets_late_players_in_is_told_of_each() -> None:
    scene = started(Gathering, "bob")
    before = scene.copies["ann"].seq
    scene.do("cid", JoinRoom())
    assert scene.copies["cid"].view["state"] == {"here": [0, 1, 2], "came": [2], "away": []}
    joined, updated = scene.copies["ann"].frames[-2:]
    assert (joined["type"], joined["seq"]) == ("MEMBER_JOINED", before + 1)
    assert (updated["type"], updated["data"]) == ("GAME_UPDATED", {"cause": "member"})
    scene.do("dan", JoinRoom(role="spectator"))
    assert scene.copies["ann"].frames[-1]["type"] == "MEMBER_JOINED"


def test_a_game_without_rounds_is_told_of_everybody_its_creator_first() -> None:
    scene = gathered(Lounge, "bob")
    created = [unseal(record) for record in scene.records[:2]]
    assert [record.kind for record in created] == ["MEMBER_JOINED", "GAME_UPDATED"]
    assert [bytes(said.data) for said in created[1].announcements] == [b'{"welcome":0,"here":[0]}']
    assert scene.copies["ann"].frames[-1]["announcements"] == [{"welcome": 1, "here": [0, 1]}]
    assert scene.copies["bob"].frames == []


def test_a_game_is_told_who_is_away_and_who_is_back() -> None:
    scene = started(Gathering, "bob")
    scene.hang_up("bob")
    assert [frame["type"] for frame in scene.copies["ann"].frames[-2:]] == [
        "MEMBER_DISCONNECTED",
        "GAME_UPDATED",
    ]
    assert scene.copies["ann"].view["state"]["away"] == [1]
    scene.do("bob", JoinRoom(), connection="2")
    assert [frame["type"] for frame in scene.copies["ann"].frames[-2:]] == [
        "MEMBER_RECONNECTED",
        "GAME_UPDATED",
    ]
    assert scene.copies["ann"].view["state"]["away"] == []


def test_a_game_is_told_who_is_away_when_its_round_begins() -> None:
    scene = gathered(Gathering, "bob")
    for user in ("ann", "bob"):
        scene.do(user, SetReady(ready=True))
    scene.hang_up("bob")
    scene.do("ann", StartGame())
    assert scene.copies["ann"].view["state"]["away"] == [1]
    assert [frame["type"] for frame in scene.copies["ann"].frames[-2:]] == ["GAME_STARTED", "GAME_UPDATED"]


def test_who_takes_a_seat_after_a_round_sees_of_it_what_spectators_see() -> None:
    scene = started(Secrets, "bob")
    scene.do("ann", GameAction(action={"type": "finish"}))
    scene.do("bob", LeaveRoom())
    scene.do("cid", JoinRoom())
    view = scene.copies["cid"].view
    assert view["members"]["cid"]["seat"] == 1
    assert "hand" in scene.copies["ann"].view["state"]
    assert "hand" not in view["state"]


def test_no_late_player_unless_the_game_allows_it() -> None:
    scene = started(Secrets, "bob")
    refusal = scene.refused("cid", JoinRoom())
    assert refusal.code == "wrong_status"
    assert refusal.params == {"status": "playing", "expected": "waiting"}
    scene.do("cid", JoinRoom(role="spectator"))
    relay = gathered(Relay, "bob")
    assert relay.do("cid", JoinRoom())["room"]["members"]["cid"]["seat"] == 2


@pytest.mark.parametrize(
    ("user", "command", "code"),
    [
        ("eve", GetRoom(), "not_member"),
        ("eve", SendChat(text="hi"), "not_member"),
        ("bob", StartGame(), "not_host"),
        ("bob", CloseRoom(), "not_host"),
        ("cid", SetReady(ready=True), "not_player"),
        ("cid", GameAction(action={"type": "place", "cell": 0}), "not_player"),
        ("ann", GameAction(action={"type": "place", "cell": 0}), "wrong_status"),
        ("ann", StartGame(), "players_not_ready"),
        ("ann", SendChat(text="hi", to="nobody"), "member_not_found"),
    ],
)
def test_who_may_ask_for_what(user: str, command: Command, code: str) -> None:
    scene = gathered(TicTacToe, "bob")
    scene.do("cid", JoinRoom(role="spectator"))
    assert scene.refused(user, command).code == code


def test_a_room_is_asked_only_over_the_connection_that_joined_it() -> None:
    scene = gathered(TicTacToe, "bob")
    assert scene.refused("bob", SendChat(text="hi"), connection="other").code == "not_member"


def test_an_outsider_does_not_learn_of_a_private_room() -> None:
    scene = Scene(TicTacToe, visibility="private")
    assert scene.refused("bob", GetRoom()).code == "room_not_found"
    scene.do("ann", CloseRoom())
    assert scene.refused("bob", GetRoom()).code == "room_not_found"
    assert scene.refused("ann", GetRoom()).code == "room_closed"


# --- rounds ---------------------------------------------------------------------------------------------------


def test_a_start_needs_enough_players() -> None:
    scene = gathered(TicTacToe)
    scene.do("ann", SetReady(ready=True))
    refusal = scene.refused("ann", StartGame())
    assert (refusal.code, refusal.params) == ("not_enough_players", {"need": 2, "have": 1})


def test_a_start_closes_gaps_between_seats() -> None:
    scene = gathered(Secrets, "bob", "cid")
    scene.do("bob", LeaveRoom())
    for user in ("ann", "cid"):
        scene.do(user, SetReady(ready=True))
    scene.do("ann", StartGame())
    assert scene.room.state.play.players == {0: "ann", 1: "cid"}
    scene.verify()


def test_the_same_seed_deals_the_same_in_development_and_is_forbidden_elsewhere() -> None:
    def first_hands() -> object:
        scene = gathered(Secrets, "bob")
        for user in ("ann", "bob"):
            scene.do(user, SetReady(ready=True))
        scene.do("ann", StartGame(seed=7))
        return scene.room.state.encoded["game"]

    assert first_hands() == first_hands()
    scene = Scene(TicTacToe, policy=POLICY.__class__(development=False))
    scene.do("bob", JoinRoom())
    for user in ("ann", "bob"):
        scene.do(user, SetReady(ready=True))
    assert scene.refused("ann", StartGame(seed=7)).code == "forbidden"


def test_a_round_is_played_to_its_end_and_another_begins() -> None:
    scene = started(TicTacToe, "bob")
    for user, cell in [("ann", 0), ("bob", 3), ("ann", 1), ("bob", 4), ("ann", 2)]:
        scene.do(user, GameAction(action={"type": "place", "cell": cell}))
    view = scene.fresh_view("bob")
    assert (view["status"], view["result"]) == ("waiting", {"winner": 0, "draw": False})
    assert view["state"]["cells"][:3] == [0, 0, 0]
    assert not any(member["ready"] for member in view["members"].values())
    for user in ("ann", "bob"):
        scene.do(user, SetReady(ready=True))
    assert scene.do("ann", StartGame()) == {"round": 2}
    assert scene.fresh_view("ann")["state"]["turn"] == 1
    scene.verify()


def test_a_leaver_ends_a_round_of_a_game_that_says_nothing_else() -> None:
    scene = started(TicTacToe, "bob")
    before = len(scene.records)
    scene.do("ann", LeaveRoom())
    assert kinds(scene, before) == ["MEMBER_LEFT", "HOST_CHANGED", "GAME_ENDED"]
    assert scene.copies["bob"].frames[-1]["data"]["reason"] == "abandoned"
    scene.verify()


def test_a_game_may_go_on_without_a_leaver() -> None:
    scene = started(Secrets, "bob", "cid")
    before = len(scene.records)
    scene.do("cid", LeaveRoom())
    assert kinds(scene, before) == ["MEMBER_LEFT", "GAME_UPDATED"]
    assert scene.room.state.play.status == "playing"


def test_closing_in_play_aborts_the_round_and_ends_everything() -> None:
    scene = started(TicTacToe, "bob")
    before = len(scene.records)
    scene.do("ann", CloseRoom(reason="late"))
    assert kinds(scene, before) == ["GAME_ENDED", "GAME_ROOM_GROUP_CLOSED"]
    assert scene.copies == {}
    assert scene.refused("bob", GetRoom()).code == "room_closed"


# --- secrets --------------------------------------------------------------------------------------------------


def test_nobody_sees_what_is_hidden_from_them() -> None:
    scene = started(Secrets, "bob")
    scene.do("cid", JoinRoom(role="spectator"))
    for user, seat in (("ann", 0), ("bob", 1)):
        hands = scene.room.state.game.hands  # type: ignore[union-attr]
        state = scene.fresh_view(user)["state"]
        assert (state["hand"], "hands" in state) == (hands[seat], False)
    assert "hand" not in scene.fresh_view("cid")["state"]
    scene.do("bob", GameAction(action={"type": "draw"}))
    for user in ("ann", "cid"):
        assert scene.copies[user].frames[-1].get("patch", []) == []


def test_announcements_reach_only_their_seats() -> None:
    scene = started(Secrets, "bob", "cid")
    scene.do("dot", JoinRoom(role="spectator"))
    scene.do("ann", GameAction(action={"type": "show", "to": [1]}))
    heard = {user: len(copy.frames[-1]["announcements"]) for user, copy in scene.copies.items()}
    assert heard == {"ann": 1, "bob": 2, "cid": 1, "dot": 1}


def test_a_whisper_is_hidden_from_others() -> None:
    scene = gathered(Secrets, "bob", "cid")
    scene.do("ann", SendChat(text="psst", to="bob"))
    last = {user: copy.frames[-1]["type"] for user, copy in scene.copies.items()}
    assert last == {"ann": "CHAT_MESSAGE", "bob": "CHAT_MESSAGE", "cid": "HIDDEN"}


# --- games that fail ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("legal", "code"), [(True, "game_error"), (False, "illegal_action")])
def test_what_a_refusing_action_changed_is_undone(legal: bool, code: str) -> None:
    scene = started(Secrets, "bob")
    refusal = scene.refused("ann", GameAction(action={"type": "spoil", "legal": legal}))
    assert refusal.code == code
    assert scene.room.state.game.pot == []  # type: ignore[union-attr]
    scene.verify()


def test_an_action_after_which_the_view_raises_is_refused() -> None:
    scene = Scene(Bomb)
    scene.do("ann", SetReady(ready=True))
    scene.do("ann", StartGame())
    assert scene.refused("ann", GameAction(action={"type": "move"})).code == "game_error"
    scene.verify()


def test_a_game_that_would_end_the_process_ends_nothing() -> None:
    scene = started(Secrets, "bob")
    assert scene.refused("ann", GameAction(action={"type": "leave_the_process"})).code == "game_error"


def test_the_author_finds_the_traceback_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    scene = started(Secrets, "bob")
    scene.refused("ann", GameAction(action={"type": "spoil", "legal": True}))
    assert "the game secrets failed" in caplog.text
    assert 'raise RuntimeError("the author\'s bug")' in caplog.text
    caplog.clear()
    bomb = Scene(Bomb)
    bomb.do("ann", SetReady(ready=True))
    bomb.do("ann", StartGame())
    bomb.pass_time(5_000)
    assert 'raise ValueError("the clock is broken")' in caplog.text


def test_a_timer_that_raises_aborts_the_round() -> None:
    scene = Scene(Bomb)
    scene.do("ann", SetReady(ready=True))
    scene.do("ann", StartGame())
    scene.pass_time(5_000)
    assert scene.copies["ann"].frames[-1]["data"]["reason"] == "aborted"
    view = scene.fresh_view("ann")
    assert (view["status"], view["state"]) == ("waiting", {"moves": 0})
    scene.verify()


# --- presence -------------------------------------------------------------------------------------------------


def test_a_lost_connection_keeps_the_seat_for_the_grace_period() -> None:
    scene = started(TicTacToe, "bob")
    scene.hang_up("bob")
    assert "reserved_until" in scene.fresh_view("ann")["members"]["bob"]
    scene.pass_time(POLICY.grace_ms - 1)
    assert scene.do("bob", JoinRoom())["room"]["members"]["bob"]["seat"] == 1
    scene.pass_time(POLICY.grace_ms)
    assert scene.room.state.play.status == "playing"
    scene.verify()


def test_after_the_grace_period_the_member_has_left() -> None:
    scene = started(TicTacToe, "bob")
    scene.hang_up("bob")
    before = len(scene.records)
    scene.pass_time(POLICY.grace_ms)
    assert kinds(scene, before) == ["MEMBER_LEFT", "GAME_ENDED"]
    assert scene.copies["ann"].frames[-2]["data"] == {"user_id": "bob", "reason": "timeout"}


def test_a_stale_detach_is_ignored() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.do("bob", JoinRoom(), connection="2")
    before = len(scene.records)
    scene.hang_up("bob", "1")
    assert len(scene.records) == before
    scene.hang_up("bob", "2")
    assert kinds(scene, before) == ["MEMBER_DISCONNECTED"]


def test_a_host_that_disconnects_while_waiting_passes_on_the_room() -> None:
    scene = gathered(Secrets, "bob", "cid")
    scene.hang_up("bob")
    scene.hang_up("ann")
    assert scene.room.state.room.host_id == "cid"


def test_a_room_that_everybody_has_left_takes_its_next_visitor_as_host() -> None:
    scene = gathered(TicTacToe)
    scene.do("ann", LeaveRoom())
    scene.do("bob", JoinRoom())
    assert scene.fresh_view("bob")["host_id"] == "bob"
    scene.verify()


def test_a_room_that_nobody_is_connected_to_closes() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.hang_up("ann")
    scene.hang_up("bob")
    scene.pass_time(POLICY.empty_ms)
    assert scene.room.is_closed
    assert scene.records[-1].kind == "GAME_ROOM_GROUP_CLOSED"


def test_a_room_that_somebody_came_back_to_does_not_close() -> None:
    scene = gathered(TicTacToe)
    scene.hang_up("ann")
    scene.do("ann", JoinRoom())
    scene.pass_time(POLICY.empty_ms)
    assert not scene.room.is_closed


# --- timers ---------------------------------------------------------------------------------------------------


def test_a_timer_fires_once_with_its_due_time_in_the_record_even_after_a_crash() -> None:
    scene = started(Secrets, "bob")
    scene.crash()
    due_at = scene.room.state.play.timers["run_late"]
    scene.now += 35_000
    before = len(scene.records)
    fired = [scene.room.fire(due, scene.now) for due in scene.room.due(scene.now)]
    for decision in fired:
        scene.keep(decision)
    assert kinds(scene, before) == ["GAME_UPDATED"]
    assert f'"due_at":{due_at}'.encode() in scene.records[-1].body
    assert scene.room.due(scene.now) == []
    assert scene.room.state.play.timers["run_late"] == scene.now + 30_000


def test_timers_end_with_their_round() -> None:
    scene = started(Secrets, "bob")
    (due,) = [due for due in scene.room.state.timers() if due.name == "run_late"]
    scene.do("ann", GameAction(action={"type": "finish"}))
    assert scene.fresh_view("ann")["deadlines"] == {}
    assert scene.room.fire(due, due.at).records == ()


# --- the rest of what a stranger's faults went through ----------------------------------------------------------


def test_the_longest_joined_connected_player_hosts_next_then_spectators_then_anybody() -> None:
    scene = Scene(Secrets)
    scene.do("eve", JoinRoom(role="spectator"))
    for user in ("bob", "cid"):
        scene.do(user, JoinRoom())
    scene.hang_up("bob")
    scene.do("ann", LeaveRoom())
    assert scene.room.state.room.host_id == "cid"
    scene.do("cid", LeaveRoom())
    assert scene.room.state.room.host_id == "eve"
    scene.do("eve", LeaveRoom())
    assert scene.room.state.room.host_id == "bob"


def test_there_is_an_end_of_spectators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "MAX_SPECTATORS", 1)
    scene = Scene(TicTacToe)
    scene.do("bob", JoinRoom(role="spectator"))
    assert scene.refused("cid", JoinRoom(role="spectator")).code == "room_full"


def test_a_closed_room_waits_for_nobody() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.hang_up("bob")
    scene.do("ann", CloseRoom())
    assert list(scene.room.state.timers()) == []
    assert scene.room.is_quiet


def test_the_listing_says_when_a_games_timer_is_due() -> None:
    scene = started(Secrets, "bob")
    assert scene.listing is not None
    assert scene.listing.next_due_at == scene.room.state.play.timers["run_late"]


def test_a_delivery_tells_whose_command_made_it_and_under_which_term() -> None:
    scene = gathered(TicTacToe, "bob")
    decision = scene.room.decide(scene.request("bob", SendChat(text="hi")), scene.now)
    (delivery,) = decision.deliveries
    assert (delivery.cause, delivery.term) == ("bob-1", scene.room.term)


def test_a_game_whose_view_has_broken_stands_in_nobodys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by a reader: the abort compared with a view that raises again, and the room was opened for ever."""
    scene = started(Secrets, "bob")
    monkeypatch.setattr(Secrets, "reveal", broken)
    scene.room = scene.recovered()
    scene.pass_time(30_000)
    assert scene.copies["bob"].frames[-1]["data"]["reason"] == "aborted"
    assert scene.copies["bob"].view["state"] is None
    assert scene.room.due(scene.now) == []


def broken(*_: object) -> dict[str, object]:
    raise ValueError("no view of this")


def test_who_leaves_hears_of_it_without_a_view_however_it_wants_to_hear() -> None:
    scene = Scene(TicTacToe)
    scene.do("bob", JoinRoom(updates="view"))
    copy = scene.copies["bob"]
    scene.do("bob", LeaveRoom())
    assert (copy.frames[-1]["type"], "view" in copy.frames[-1]) == ("MEMBER_LEFT", False)


def test_who_is_refused_leaves_no_card_behind() -> None:
    scene = gathered(TicTacToe, "bob")
    scene.refused("cid", JoinRoom())
    assert "cid" not in scene.room.viewpoint.cards


def test_an_invite_code_of_other_letters_is_only_wrong() -> None:
    scene = Scene(TicTacToe, visibility="private")
    assert scene.refused("bob", JoinRoom(invite_code="ÄÖÜ")).code == "room_not_found"


def test_a_thousand_leavers_cost_each_only_its_own_part() -> None:
    scene = Scene(Relay)
    for number in range(50):
        scene.do(f"u{number}", JoinRoom())
    sizes = []
    for number in range(50):
        scene.do(f"u{number}", LeaveRoom())
        sizes.append(len(scene.records[-1].body))
    assert max(sizes) - min(sizes) < 100
