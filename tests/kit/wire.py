"""What single frames and answers must look like, as the wire contract says it.

Every check is called with the place (for the message) and the value, and raises `RuleBroken`. Unknown fields,
events and features pass, because version 1 only grows; unknown words of an enumeration do not, because this is the
client of the version under test.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Json = dict[str, Any]
"""An object as it came off the wire."""

Check = Callable[[str, Any], None]


class RuleBroken(AssertionError):
    """The server did something that the wire contract rules out."""


class Refused(Exception):
    """The server said no: an ERROR frame, or a problem+json document (then `status` is its HTTP status)."""

    def __init__(
        self, body: Json, *, status: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{body.get('code')}: {body.get('message') or body.get('detail')}")
        self.body = body
        self.status = status
        self.headers = dict(headers or {})

    @property
    def code(self) -> str:
        return str(self.body["code"])

    @property
    def params(self) -> Json:
        params: Json = self.body.get("params", {})
        return params

    @property
    def pointers(self) -> list[str]:
        return [str(error["pointer"]) for error in self.body.get("errors", [])]


class Position(NamedTuple):
    """A moment in a room's history; compares by epoch, then seq."""

    epoch: int
    seq: int


def require(holds: bool, rule: str) -> None:
    if not holds:
        raise RuleBroken(rule)


# --- checks of single values ----------------------------------------------------------------------------------

RFC3339_MS = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")


def text(where: str, value: Any) -> None:
    require(isinstance(value, str), f"{where} is not a string: {value!r}")


def integer(where: str, value: Any) -> None:
    require(isinstance(value, int) and not isinstance(value, bool), f"{where} is not an integer: {value!r}")


def count(where: str, value: Any) -> None:
    integer(where, value)
    require(value >= 0, f"{where} is negative: {value!r}")


def boolean(where: str, value: Any) -> None:
    require(isinstance(value, bool), f"{where} is not a boolean: {value!r}")


def moment(where: str, value: Any) -> None:
    text(where, value)
    require(
        RFC3339_MS.fullmatch(value) is not None, f"{where} is not RFC 3339 UTC with milliseconds: {value!r}"
    )


def anything(where: str, value: Any) -> None:
    del where, value


def one_of(*words: Any) -> Check:
    def check(where: str, value: Any) -> None:
        require(value in words, f"{where} is {value!r}, not one of {words}")

    return check


def nullable(inner: Check) -> Check:
    def check(where: str, value: Any) -> None:
        if value is not None:
            inner(where, value)

    return check


def list_of(inner: Check) -> Check:
    def check(where: str, value: Any) -> None:
        require(isinstance(value, list), f"{where} is not an array: {value!r}")
        for index, item in enumerate(value):
            inner(f"{where}/{index}", item)

    return check


def map_of(inner: Check) -> Check:
    def check(where: str, value: Any) -> None:
        require(isinstance(value, dict), f"{where} is not an object: {value!r}")
        for key, item in value.items():
            inner(f"{where}/{key}", item)

    return check


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these fields; others pass."""
    known = {**required, **(optional or {})}

    def check(where: str, value: Any) -> None:
        require(isinstance(value, dict), f"{where} is not an object: {value!r}")
        missing = [name for name in required if name not in value]
        require(not missing, f"{where} lacks {missing}: {value!r}")
        for name in known.keys() & value.keys():
            known[name](f"{where}/{name}", value[name])

    return check


# --- people and rooms -----------------------------------------------------------------------------------------

user = fields(
    {
        "user_id": text,
        "username": nullable(text),
        "display_name": text,
        "guest": boolean,
        "roles": list_of(text),
        "avatar_url": nullable(text),
        "metadata": map_of(anything),
        "created_at": moment,
    }
)

tokens = fields(
    {
        "access_token": text,
        "token_type": one_of("bearer"),
        "expires_in": count,
        "refresh_token": text,
        "refresh_expires_in": count,
    }
)

field_errors = list_of(fields({"pointer": text, "detail": text}))

problem = fields(
    {"type": text, "title": text, "status": integer, "detail": text, "code": text},
    {"params": map_of(anything), "errors": field_errors},
)

member = fields(
    {
        "display_name": text,
        "avatar_url": nullable(text),
        "role": one_of("player", "spectator"),
        "seat": nullable(count),
        "ready": boolean,
        "connected": boolean,
    },
    {"reserved_until": moment},
)

room_view = fields(
    {
        "room_id": text,
        "game": text,
        "game_version": text,
        "name": text,
        "status": one_of("waiting", "playing", "closed"),
        "visibility": one_of("public", "unlisted", "private"),
        "locked": boolean,
        "has_password": boolean,
        "host_id": text,
        "min_players": count,
        "max_players": count,
        "round": count,
        "grace_ms": count,
        "settings": map_of(anything),
        "metadata": map_of(anything),
        "members": map_of(member),
        "state": anything,
        "deadlines": map_of(moment),
        "result": anything,
        "created_at": moment,
    },
    {"invite_code": text},
)

room_summary = fields(
    {
        "room_id": text,
        "name": text,
        "game": text,
        "status": one_of("waiting", "playing"),
        "player_count": count,
        "max_players": count,
        "spectator_count": count,
        "locked": boolean,
        "has_password": boolean,
        "created_at": moment,
    }
)

room_at = fields({"room": room_view, "epoch": count, "seq": count})

room_page = fields({"items": list_of(room_summary), "next_cursor": nullable(text)})

# --- frames ---------------------------------------------------------------------------------------------------

ROOM_FIELDS = (
    *("name", "visibility", "password", "settings", "locked", "max_players", "metadata"),
    "invite_code",
)
"""The fields of UPDATE, as its event names them; `invite_code` for `rotate_invite_code`."""

EVENT_DATA: dict[str, Check] = {
    "MEMBER_JOINED": fields({"user_id": text, "member": member}),
    "MEMBER_LEFT": fields({"user_id": text, "reason": one_of("left", "timeout", "account_deleted")}),
    "MEMBER_DISCONNECTED": fields({"user_id": text, "reserved_until": moment}),
    "MEMBER_RECONNECTED": fields({"user_id": text}),
    "MEMBER_UPDATED": fields(
        {"user_id": text, "changed": list_of(one_of("ready", "role", "seat", "profile"))},
    ),
    "MEMBER_KICKED": fields({"user_id": text, "by": text, "ban": boolean, "reason": nullable(text)}),
    "HOST_CHANGED": fields({"host_id": text, "previous_host_id": text}),
    "GAME_ROOM_GROUP_UPDATED": fields({"by": text, "changed": list_of(one_of(*ROOM_FIELDS))}),
    "GAME_STARTED": fields({"round": count, "players": map_of(text)}),
    "GAME_UPDATED": fields(
        {"cause": one_of("action", "timer", "tick", "member", "version")}, {"user_id": text, "seat": count}
    ),
    "GAME_ENDED": fields(
        {
            "round": count,
            "reason": one_of("finished", "abandoned", "aborted"),
            "result": anything,
            "players": map_of(text),
        }
    ),
    "CHAT_MESSAGE": fields({"message_id": text, "user_id": text, "text": text}, {"to": text}),
    "EPOCH_STARTED": fields({"reason": one_of("play_lost", "restored")}),
    "GAME_ROOM_GROUP_CLOSED": fields({"by": nullable(text), "reason": nullable(text)}),
}

event = fields(
    {"type": text, "room_id": text, "epoch": count, "seq": count, "at": moment, "data": map_of(anything)},
    {"announcements": list_of(anything), "patch": list_of(map_of(anything)), "view": room_view},
)

OTHER_FRAMES: dict[str, Check] = {
    "HIDDEN": fields({"room_id": text, "epoch": count, "seq": count}, {"count": count}),
    "WELCOME": fields(
        {
            "protocol": one_of("gameroom.v1"),
            "server_version": text,
            "features": list_of(text),
            "connection_id": text,
            "user": user,
            "server_time": moment,
            "token_expires_in": count,
            "ping_interval_ms": count,
            "max_message_bytes": count,
            "max_server_message_bytes": count,
        }
    ),
    "TOKEN_EXPIRING": fields({"expires_in": count}),
    "SERVER_DRAINING": fields({"reconnect_after_ms": count}),
    "LOBBY_CHANGED": fields({"upserted": list_of(room_summary), "removed": list_of(text)}),
    "DETACHED": fields(
        {"room_id": text, "reason": one_of("left", "kicked", "closed", "replaced", "damaged")},
    ),
    "REPLY": fields(
        {"id": nullable(text), "command": text, "data": anything},
        {"room_id": text, "epoch": count, "seq": count, "repeated": one_of(True)},
    ),
    "ERROR": fields(
        {"id": nullable(text), "code": text, "message": text, "retryable": boolean},
        {
            "command": text,
            "room_id": text,
            "params": map_of(anything),
            "errors": field_errors,
            "retry_after_ms": count,
        },
    ),
}

REPLY_DATA: dict[str, Check] = {
    "AUTHENTICATE": fields({"token_expires_in": count}),
    "PING": fields({"server_time": moment}),
    "CREATE_GAME_ROOM_GROUP": fields({"room": room_view}),
    "JOIN_GAME_ROOM_GROUP": fields({"resumed": boolean}, {"room": room_view, "missed": count}),
    "LEAVE_GAME_ROOM_GROUP": fields({}),
    "GET_GAME_ROOM_GROUP": fields({"room": room_view}),
    "UPDATE_GAME_ROOM_GROUP": fields({}),
    "SET_ROLE": fields({"seat": nullable(count)}),
    "KICK_MEMBER": fields({}),
    "TRANSFER_HOST": fields({}),
    "SET_READY": fields({}),
    "START_GAME": fields({"round": count}),
    "SEND_CHAT": fields({"message_id": text}),
    "CLOSE_GAME_ROOM_GROUP": fields({}),
    "SUBSCRIBE_LOBBY": fields({"rooms": list_of(room_summary)}),
    "UNSUBSCRIBE_LOBBY": fields({}),
}

CODES: dict[str, int | None] = {
    "malformed_frame": None,
    "unknown_command": None,
    "validation_failed": 422,
    "unauthenticated": 401,
    "token_expired": 401,
    "token_reused": 401,
    "invalid_credentials": 401,
    "forbidden": 403,
    "account_suspended": 403,
    "username_taken": 409,
    "conflict": 409,
    "not_found": 404,
    "id_reused": 422,
    "unsupported_protocol": 400,
    "too_many_rooms": 409,
    "room_not_found": 404,
    "room_full": 409,
    "room_locked": 409,
    "room_closed": 410,
    "wrong_room_password": 403,
    "banned_from_room": 403,
    "not_member": 403,
    "not_host": 403,
    "not_player": 403,
    "member_not_found": 404,
    "wrong_status": 409,
    "players_not_ready": 409,
    "not_enough_players": 409,
    "unknown_game": 422,
    "not_your_turn": 409,
    "illegal_action": 409,
    "unknown_action": 422,
    "message_too_big": 413,
    "rate_limited": 429,
    "unavailable": 503,
    "internal": 500,
    "game_error": 500,
}
"""Every code word of version 1, and its HTTP status where REST or a handshake can tell it."""

RETRYABLE = {"rate_limited", "unavailable"}
"""The codes that say: the same command may be sent again with its id."""

CLOSE_WORDS = {
    "too_slow",
    "no_heartbeat",
    "draining",
    "signed_out",
    "protocol_abuse",
    "kicked",
    "replaced",
}
"""Words that stand only in the ERROR before a close, and as its reason."""


def check_frame(frame: Json) -> None:
    """Everything that the frame alone shows. Raises `RuleBroken`."""
    kind = frame.get("type")
    require(isinstance(kind, str), f"a frame without a type: {frame!r}")
    if kind in OTHER_FRAMES:
        OTHER_FRAMES[kind](kind, frame)
        _check_answer(frame)
    else:
        event(str(kind), frame)
        EVENT_DATA.get(str(kind), anything)(f"{kind}/data", frame["data"])


def _check_answer(frame: Json) -> None:
    if frame["type"] == "REPLY":
        REPLY_DATA.get(frame["command"], anything)(f"REPLY to {frame['command']}", frame["data"])
    if frame["type"] == "ERROR":
        _check_error(frame)


def _check_error(frame: Json) -> None:
    code = frame["code"]
    require(code in CODES or code in CLOSE_WORDS, f"no code of version 1: {frame!r}")
    if code in CODES:
        require(frame["retryable"] == (code in RETRYABLE), f"retryable is wrong for {code}: {frame!r}")
    if code == "validation_failed":
        require(bool(frame.get("errors")), f"validation_failed must say where, in errors: {frame!r}")
    if code == "rate_limited":
        require("retry_after_ms" in frame, f"rate_limited must say retry_after_ms: {frame!r}")
