"""An example of any schema of the documents. The schema says what is in it, this page what that looks like."""

from collections.abc import Mapping

from gameroom.protocol.commands import FreeJson
from gameroom.protocol.schemas import NULL, Schema

ROOM = "019ab2f4-6c1e-7d5a-9c3b-5e8f0a1b2c3d"
ADA = "019ab2f3-91d0-7b64-8a2e-1c0d9e8f7a6b"
BEN = "019ab2f3-a7c4-7e18-b5d9-3f2a1b0c9d8e"
MOMENT = "2026-11-24T05:15:14.268Z"

VALUES: dict[str, FreeJson] = {
    "access_token": "eyJhbGciOiJFUzI1NiIsImtpZCI6IkE3In0.eyJzdWIiOiIwMTkifQ.c2lnbmF0dXJl",
    "action": {"type": "place", "cell": 4},
    "at": MOMENT,
    "avatar_url": None,
    "by": ADA,
    "code": "not_your_turn",
    "command": "GAME_ACTION",
    "connection_id": "019ab2f5-03be-7c21-9e77-8d6c5b4a3f2e",
    "created_at": MOMENT,
    "deadlines": {},
    "device_id": "3f2504e0-4f89-41d3-9a0c",
    "display_name": "Ada",
    "error": "invalid_grant",
    "features": [],
    "game": "tic-tac-toe",
    "game_version": "1",
    "grace_ms": 60_000,
    "host_id": ADA,
    "id": "7f9c24e8-3b1a-4d52-8e6f-0a9b8c7d6e5f",
    "invite_code": "S64584GQ",
    "max_message_bytes": 65_536,
    "max_players": 2,
    "max_server_message_bytes": 1_048_576,
    "message": "It is the turn of seat 0",
    "message_id": "9",
    "min_players": 2,
    "missed": 3,
    "name": "Friday night",
    "params": {"turn": 0},
    "password": "correct horse",
    "path": "/state/cells/4",
    "ping_interval_ms": 20_000,
    "players": {"0": ADA, "1": BEN},
    "previous_host_id": BEN,
    "reconnect_after_ms": 1_000,
    "refresh_expires_in": 2_592_000,
    "refresh_token": "dGhpcyBpcyBubyBzZWNyZXQgYXQgYWxs",
    "reserved_until": MOMENT,
    "result": {"winner": 0, "draw": False},
    "retryable": False,
    "role": "player",
    "room_id": ROOM,
    "server_time": MOMENT,
    "server_version": "0.1.0",
    "state": None,
    "status": "waiting",
    "text": "Good luck!",
    "ticket": "bm8gdGlja2V0IGF0IGFsbA",
    "token_expires_in": 899,
    "user_id": BEN,
    "username": "ada",
    "visibility": "public",
}
"""What a field of this name holds in examples, where it may."""

TOLD = frozenset({"id", "command", "invite_code", "missed", "name", "params", "username", "display_name"})
"""Fields that examples show although they may be left out."""


class Examples:
    """Makes examples from the schemas of one document, always the same ones."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def of(self, schema: Schema) -> FreeJson:
        """What a client might send or get: all that must be there, and what `TOLD` names."""
        return self._value("", schema)

    def _value(self, name: str, schema: Schema) -> FreeJson:
        if "$ref" in schema:
            return self._value(name, self._schemas[schema["$ref"].rpartition("/")[2]])
        if "anyOf" in schema:
            return self._one_of(name, schema["anyOf"])
        if "enum" in schema:
            return VALUES[name] if VALUES.get(name) in schema["enum"] else schema["enum"][0]
        if name in VALUES:
            return VALUES[name]
        return self._typed(name, schema)

    def _one_of(self, name: str, options: list[Schema]) -> FreeJson:
        if NULL in options and name in VALUES and VALUES[name] is None:
            return None
        return self._value(name, next(option for option in options if option != NULL))

    def _typed(self, name: str, schema: Schema) -> FreeJson:
        match schema.get("type"):
            case "object":
                return self._object(schema)
            case "array":
                return [self._value("", schema["items"])]
            case "string":
                return name or "text"
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "boolean":
                return True
        return {}

    def _object(self, schema: Schema) -> FreeJson:
        fields: dict[str, Schema] = schema.get("properties", {})
        shown = [name for name in fields if name in schema.get("required", []) or name in TOLD]
        return {name: self._value(name, fields[name]) for name in shown}
