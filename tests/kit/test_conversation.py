"""The kit notices when a server breaks the rules: each of these frames would pass a client that does not look."""

import json
from typing import Any

import pytest

from tests.kit.conversation import Conversation
from tests.kit.documents import document
from tests.kit.wire import Json, Position, RuleBroken

AT = "2026-01-01T00:00:00.000Z"
VIEW: Json = {
    "room_id": "r",
    "game": "relay",
    "game_version": "1",
    "name": "r",
    "status": "waiting",
    "visibility": "public",
    "locked": False,
    "has_password": False,
    "host_id": "u",
    "min_players": 1,
    "max_players": 2,
    "round": 0,
    "grace_ms": 1,
    "settings": {},
    "metadata": {},
    "members": {},
    "state": None,
    "deadlines": {},
    "result": None,
    "created_at": AT,
}
USER: Json = {
    "user_id": "u",
    "username": None,
    "display_name": "U",
    "guest": True,
    "roles": [],
    "avatar_url": None,
    "metadata": {},
    "created_at": AT,
}


def welcome() -> Json:
    return {
        "type": "WELCOME",
        "protocol": "gameroom.v1",
        "server_version": "1",
        "features": [],
        "connection_id": "c",
        "user": USER,
        "server_time": AT,
        "token_expires_in": 900,
        "ping_interval_ms": 20_000,
        "max_message_bytes": 65_536,
        "max_server_message_bytes": 1_048_576,
    }


def event(seq: int, kind: str = "CHAT_MESSAGE", *, epoch: int = 1, **more: Any) -> Json:
    data = {"message_id": "m", "user_id": "u", "text": "t"} if kind == "CHAT_MESSAGE" else more.pop("data")
    return {"type": kind, "room_id": "r", "epoch": epoch, "seq": seq, "at": AT, "data": data, **more}


def kicked(seq: int, **more: Any) -> Json:
    data = {"user_id": "u", "by": "h", "ban": False, "reason": None}
    return event(seq, "MEMBER_KICKED", data=data, **more)


def hidden(seq: int, count: int) -> Json:
    return {"type": "HIDDEN", "room_id": "r", "epoch": 1, "seq": seq, "count": count}


def reply(command: str, seq: int, data: Json, **more: Any) -> Json:
    head = {"type": "REPLY", "id": "1", "command": command, "room_id": "r", "epoch": 1, "seq": seq}
    return {**head, "data": data, **more}


def error(code: str, **more: Any) -> Json:
    return {"type": "ERROR", "id": None, "code": code, "message": "m", "retryable": False, **more}


def hear(conversation: Conversation, *frames: Json) -> None:
    for frame in frames:
        conversation.received(json.dumps(frame))


def ask(conversation: Conversation, command: str) -> None:
    """The command as the server's document shows it."""
    [example] = document("asyncapi")["components"]["messages"][command]["examples"]
    conversation.sent({**example["payload"], "id": "1"})


@pytest.fixture
def joined() -> Conversation:
    """In room `r` at position (1, 5)."""
    conversation = Conversation()
    ask(conversation, "JOIN_GAME_ROOM_GROUP")
    data = {"resumed": False, "room": VIEW}
    hear(conversation, welcome(), reply("JOIN_GAME_ROOM_GROUP", 5, data))
    return conversation


def test_what_the_contract_allows_passes(joined: Conversation) -> None:
    ask(joined, "SEND_CHAT")
    patched = event(8, patch=[{"op": "replace", "path": "/name", "value": "new"}])
    hear(joined, hidden(7, 2), patched, event(9, "GAME_UPDATED", data={"cause": "tick"}))
    hear(joined, reply("SEND_CHAT", 8, {"message_id": "m"}))
    assert joined.rooms["r"].view == {**VIEW, "name": "new"}
    assert joined.rooms["r"].position == Position(1, 9)


@pytest.mark.parametrize(
    "frame",
    [
        event(6, unheard_of=1),
        event(6, "EVENT_OF_TOMORROW", data={}),
        event(6, "MEMBER_RECONNECTED", data={"user_id": "u", "unheard_of": 1}),
        event(6, patch=[{"op": "replace", "path": "/name", "value": "new", "from": "/game"}]),
        {**hidden(6, 1), "seat": 0},
    ],
)
def test_what_the_document_of_the_server_does_not_have_is_noticed(joined: Conversation, frame: Json) -> None:
    with pytest.raises(RuleBroken, match="AsyncAPI document"):
        hear(joined, frame)


def test_a_command_that_the_document_does_not_allow_must_not_be_accepted(joined: Conversation) -> None:
    joined.sent({"type": "SEND_CHAT", "id": "1", "text": ""})
    with pytest.raises(RuleBroken, match="accepted what is no SEND_CHAT"):
        hear(joined, event(6), reply("SEND_CHAT", 6, {"message_id": "m"}))


@pytest.mark.parametrize(
    "frames",
    [
        [event(7)],
        [event(5)],
        [event(6), event(6)],
        [hidden(8, 2)],
        [hidden(5, 0)],
        [event(1, epoch=2)],
        [event(1, "EPOCH_STARTED", epoch=2, data={"reason": "restored"})],
        [event(6, patch=[{"op": "remove", "path": "/nothing"}])],
        [event(6, patch=[{"op": "remove", "path": "/host_id"}])],
        [{**event(6), "room_id": "another"}],
        [{**event(6), "at": "2026-01-01T00:00:00Z"}],
        [event(6, "MEMBER_LEFT", data={"user_id": "u", "reason": "bored"})],
        [{"type": "DETACHED", "room_id": "r", "reason": "left"}, event(6)],
        [{"type": "DETACHED", "room_id": "r", "reason": "whatever"}],
        [event(6), {"type": "DETACHED", "room_id": "r", "reason": "closed"}],
        [event(6), {"type": "DETACHED", "room_id": "r", "reason": "kicked"}],
        [kicked(6, patch=[]), {"type": "DETACHED", "room_id": "r", "reason": "kicked"}],
        [kicked(6), {"type": "DETACHED", "room_id": "r", "reason": "left"}],
        [event(6, "MEMBER_KICKED", data={"user_id": "u", "by": "h", "ban": False})],
        [event(6, "GAME_ROOM_GROUP_UPDATED", data={"by": "u", "changed": ["colour"]})],
        [event(6, "HOST_CHANGED", data={"host_id": "v", "previous_host_id": "u"})],
        [welcome()],
        [error("malformed_frame", id="1")],
        [error("no_such_code")],
        [error("malformed_frame", retryable=True)],
        [error("validation_failed")],
        [error("rate_limited", retryable=True)],
        [{"type": "PONG"}],
    ],
    ids=json.dumps,
)
def test_a_broken_rule_is_noticed(joined: Conversation, frames: list[Json]) -> None:
    with pytest.raises((RuleBroken, AssertionError)):
        hear(joined, *frames)


@pytest.mark.parametrize(
    ("frames", "sent"),
    [
        ([reply("SEND_CHAT", 6, {"message_id": "m"})], "SEND_CHAT"),
        ([event(6), reply("SEND_CHAT", 5, {"message_id": "m"})], "SEND_CHAT"),
        ([event(6), reply("SEND_CHAT", 6, {})], "SEND_CHAT"),
        ([event(6), reply("SET_READY", 6, {})], "SEND_CHAT"),
        ([event(6), reply("SET_ROLE", 6, {})], "SET_ROLE"),
        ([reply("KICK_MEMBER", 6, {})], "KICK_MEMBER"),
        ([reply("SEND_CHAT", 6, {"message_id": "m"}, room_id="s")], "SEND_CHAT"),
        ([event(6), *2 * [reply("SEND_CHAT", 6, {"message_id": "m"})]], "SEND_CHAT"),
        ([reply("GET_GAME_ROOM_GROUP", 4, {"room": VIEW})], "GET_GAME_ROOM_GROUP"),
        ([reply("GET_GAME_ROOM_GROUP", 5, {"room": {**VIEW, "room_id": "s"}})], "GET_GAME_ROOM_GROUP"),
        ([reply("JOIN_GAME_ROOM_GROUP", 7, {"resumed": True, "missed": 1})], "JOIN_GAME_ROOM_GROUP"),
    ],
)
def test_a_wrong_answer_is_noticed(joined: Conversation, frames: list[Json], sent: str) -> None:
    ask(joined, sent)
    with pytest.raises(RuleBroken):
        hear(joined, *frames)


def test_who_is_kicked_hears_it_last(joined: Conversation) -> None:
    hear(joined, kicked(6), {"type": "DETACHED", "room_id": "r", "reason": "kicked"})
    assert joined.rooms["r"].ended == "kicked"


def test_an_admin_hosts_without_having_joined(joined: Conversation) -> None:
    ask(joined, "KICK_MEMBER")
    hear(joined, reply("KICK_MEMBER", 6, {}, room_id="s"))


def summary(room_id: str, at: int = 0, **more: Any) -> Json:
    names = ("game", "name", "status", "max_players", "locked", "has_password")
    shown = {name: VIEW[name] for name in names} | {"player_count": 1, "spectator_count": 0}
    return {**shown, "room_id": room_id, "created_at": f"2026-01-01T00:00:00.{at:03}Z", **more}


def changed(upserted: list[Json], removed: list[str]) -> Json:
    return {"type": "LOBBY_CHANGED", "upserted": upserted, "removed": removed}


def listed(rooms: list[Json]) -> Json:
    return {"type": "REPLY", "id": "1", "command": "SUBSCRIBE_LOBBY", "data": {"rooms": rooms}}


@pytest.fixture
def in_lobby() -> Conversation:
    """Subscribed to a lobby of two rooms."""
    conversation = Conversation()
    ask(conversation, "SUBSCRIBE_LOBBY")
    hear(conversation, welcome(), listed([summary("b", 2), summary("a", 1)]))
    return conversation


def test_the_copy_of_the_lobby_follows_its_changes(in_lobby: Conversation) -> None:
    hear(in_lobby, changed([summary("c", 3), summary("b", 2, player_count=2)], ["a"]), changed([], ["b"]))
    assert in_lobby.lobby is not None
    assert in_lobby.lobby.rooms == [summary("c", 3)]


@pytest.mark.parametrize(
    "frame",
    [
        changed([], []),
        changed([], ["z"]),
        changed([summary("a", 1)], []),
        changed([summary("c", status="closed")], []),
        changed([summary(f"n{n}") for n in range(199)], []),
    ],
    ids=["empty", "unknown", "twice", "closed", "too long"],
)
def test_a_wrong_change_of_the_lobby_is_noticed(in_lobby: Conversation, frame: Json) -> None:
    with pytest.raises(RuleBroken):
        hear(in_lobby, frame)


@pytest.mark.parametrize("rooms", [[summary("a", 1), summary("b", 2)], [summary("a"), summary("a")]])
def test_a_wrong_list_of_the_lobby_is_noticed(in_lobby: Conversation, rooms: list[Json]) -> None:
    ask(in_lobby, "SUBSCRIBE_LOBBY")
    with pytest.raises(RuleBroken):
        hear(in_lobby, listed(rooms))


def test_news_of_a_lobby_without_a_subscription_are_noticed(in_lobby: Conversation) -> None:
    ask(in_lobby, "UNSUBSCRIBE_LOBBY")
    hear(in_lobby, {"type": "REPLY", "id": "1", "command": "UNSUBSCRIBE_LOBBY", "data": {}})
    with pytest.raises(RuleBroken):
        hear(in_lobby, changed([], ["a"]))


def resuming(joined: Conversation, missed: int) -> Conversation:
    ask(joined, "JOIN_GAME_ROOM_GROUP")
    hear(joined, reply("JOIN_GAME_ROOM_GROUP", 5 + missed, {"resumed": True, "missed": missed}))
    return joined


def test_a_resume_keeps_its_own_position_until_the_missed_events_come(joined: Conversation) -> None:
    resuming(joined, 2)
    assert joined.rooms["r"].position == Position(1, 5)
    hear(joined, event(6), event(7, patch=[{"op": "replace", "path": "", "value": {**VIEW, "round": 3}}]))
    assert joined.rooms["r"].view["round"] == 3
    hear(joined, event(8, patch=[{"op": "replace", "path": "/round", "value": 4}]))


@pytest.mark.parametrize(
    "frames",
    [
        [event(6, patch=[]), event(7)],
        [event(6), event(7)],
        [event(6), event(7, patch=[{"op": "replace", "path": "/round", "value": 4}])],
    ],
)
def test_a_wrong_resume_is_noticed(joined: Conversation, frames: list[Json]) -> None:
    resuming(joined, 2)
    with pytest.raises(RuleBroken):
        hear(joined, *frames)


def test_only_the_end_of_a_connection_may_come_before_welcome() -> None:
    hear(Conversation(), error("unauthenticated"))
    with pytest.raises(RuleBroken):
        hear(Conversation(), event(1))


def test_before_a_4xxx_close_comes_its_error(joined: Conversation) -> None:
    joined.ended(1000, "")
    joined.ended(4002, "too_slow")
    with pytest.raises(RuleBroken):
        joined.ended(4001, "token_expired")
    hear(joined, error("token_expired"))
    joined.ended(4001, "token_expired")
    with pytest.raises(RuleBroken):
        joined.ended(4001, "signed_out")
