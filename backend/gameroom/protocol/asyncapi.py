"""The AsyncAPI document of both WebSocket endpoints, made from the very types that encode and decode.

The server receives commands and sends answers, events and frames of the connection. A command, an event or a frame
that is declared is in the document; nothing is listed here.
"""

from collections.abc import Iterable
from typing import get_args

from msgspec import Struct

from gameroom.protocol import answers, events
from gameroom.protocol.codes import COME_BACK, CloseCode
from gameroom.protocol.commands import (
    COMMANDS,
    Command,
    CreateRoom,
    FreeJson,
    JoinRoom,
    ResumeFrom,
    RoomCommand,
)
from gameroom.protocol.examples import Examples
from gameroom.protocol.operation import Operation
from gameroom.protocol.schemas import ERROR_CODE, Schema, ref, schemas_of, with_fields
from gameroom.protocol.views import RoomView

JSON = "application/json"
MSGPACK = "application/msgpack"

DESCRIPTION = """\
Rooms over a WebSocket: sign in over REST (`/openapi.json`), open a socket, send commands, hear events.

Every command is answered once, by REPLY or by ERROR, which means that nothing has changed. An `id` makes a command
happen once: sent again, it gets the recorded answer. No REPLY and no event leaves the server before the journal
holds what it tells. Clients ignore fields, events and frames that they do not know. No string may
hold U+0000; free JSON has integers of 64 bits and at most 64 levels.

**Encodings.** `gameroom.v1.json` as subprotocol, or none: each message is a text frame of JSON. `gameroom.v1.msgpack`:
each is a binary frame with the same fields in MessagePack. See `x-encodings`.

**Who you are.** The first found decides: the header `Authorization: Bearer …`, the subprotocol `bearer.…`, `?ticket=`,
or AUTHENTICATE as the first message. Close codes stand in `x-close-codes`, error codes in the schema ErrorCode.
"""

ENCODINGS: Schema = {
    "gameroom.v1.json": {"contentType": JSON, "frames": "text"},
    "gameroom.v1.msgpack": {"contentType": MSGPACK, "frames": "binary"},
}

SECURITY_SCHEMES: Schema = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "subprotocol": {
        "type": "httpApiKey",
        "in": "header",
        "name": "Sec-WebSocket-Protocol",
        "description": "`gameroom.v1.json, bearer.<access token>`, for browsers.",
    },
    "ticket": {
        "type": "httpApiKey",
        "in": "query",
        "name": "ticket",
        "description": "From `POST /api/v1/auth/ws-ticket`; opens one socket.",
    },
    "firstFrame": {
        "type": "userPassword",
        "description": "None of the others: AUTHENTICATE is the first message, within 15 seconds.",
    },
}

CHANNELS = {"ws": "/ws", "room": "/ws/game-room-groups/{room_id}"}
"""One socket for any number of rooms, and one for one room, which joins by itself."""

ELSEWHERE: dict[str, frozenset[type[Command]]] = {"ws": frozenset(), "room": frozenset({CreateRoom})}
"""The commands that are forbidden on a channel."""

FRAMES: tuple[type[Struct], ...] = get_args(answers.ConnectionFrame)


def asyncapi_document(version: str) -> Schema:
    """The whole document of this version of the server, made anew; always in the same order."""
    schemas = schemas_of(_shapes())
    messages = Messages(schemas).all()
    return {
        "asyncapi": "3.0.0",
        "id": "urn:gameroom:v1",
        "info": _info(version),
        "defaultContentType": JSON,
        "servers": _servers(),
        "channels": {name: _channel(name, messages, schemas) for name in CHANNELS},
        "operations": {key: operation for name in CHANNELS for key, operation in _operations(name)},
        "components": {"schemas": schemas, "messages": messages, "securitySchemes": SECURITY_SCHEMES},
        "x-encodings": ENCODINGS,
        "x-close-codes": {str(int(code)): _close_code(code) for code in CloseCode},
    }


def _shapes() -> Iterable[type[Struct]]:
    """Everything that has a schema of its own."""
    data = [answers.reply_data_of(command) for command in COMMANDS.values()]
    return (
        *COMMANDS.values(),
        answers.Reply,
        *(shape for shape in data if shape is not FreeJson),
        answers.Error,
        *FRAMES,
        events.EventFrame,
        *events.EVENTS.values(),
        events.HiddenRun,
        Operation,
        RoomView,
    )


# --- the messages ---------------------------------------------------------------------------------------------


class Messages:
    """Every message that a socket carries, by the key that operations use, each with an example."""

    def __init__(self, schemas: dict[str, Schema]) -> None:
        self._schemas = schemas
        self._examples = Examples(schemas)

    def all(self) -> dict[str, Schema]:
        return {
            **{name: self._command(name, command) for name, command in COMMANDS.items()},
            **{reply_key(name): self._reply(name, command) for name, command in COMMANDS.items()},
            "ERROR": self._error(),
            **{tag_of(frame): self._message(tag_of(frame), frame, ref(frame)) for frame in FRAMES},
            **{name: self._event(name, event) for name, event in events.EVENTS.items()},
            "HIDDEN": self._message("HIDDEN", events.HiddenRun, ref(events.HiddenRun)),
            "text.ping": _text("ping", "Is anybody there? May be sent at any time, on every socket."),
            "text.pong": _text("pong", "The answer to the text `ping`."),
        }

    def _command(self, name: str, command: type[Command]) -> Schema:
        return {**self._message(name, command, ref(command)), "correlationId": CORRELATION}

    def _reply(self, name: str, command: type[Command]) -> Schema:
        data = answers.reply_data_of(command)
        fields = {"command": {"enum": [name]}, "data": {} if data is FreeJson else ref(data)}
        if command in (CreateRoom, JoinRoom) or issubclass(command, RoomCommand):
            return self._answer(name, with_fields(self._schema(answers.Reply), fields, POSITION))
        return self._answer(name, with_fields(self._schema(answers.Reply), fields))

    def _answer(self, name: str, payload: Schema) -> Schema:
        made = self._message("REPLY", answers.Reply, payload)
        return {**made, "title": f"REPLY to {name}", "correlationId": CORRELATION}

    def _error(self) -> Schema:
        payload = with_fields(self._schema(answers.Error), {"code": ERROR_CODE})
        return {**self._message("ERROR", answers.Error, payload), "correlationId": CORRELATION}

    def _event(self, name: str, event: type[events.Event]) -> Schema:
        fields = {
            "type": {"enum": [name]},
            "data": ref(event),
            "patch": {"type": "array", "items": ref(Operation)},
            "view": ref(RoomView),
        }
        return self._message(name, event, with_fields(self._schema(events.EventFrame), fields))

    def _schema(self, shape: type[Struct]) -> Schema:
        return self._schemas[shape.__name__]

    def _message(self, name: str, shape: type[Struct], payload: Schema) -> Schema:
        told = self._schemas[shape.__name__].get("description")
        return {
            "name": name,
            "title": name,
            **({"summary": told} if told else {}),
            "contentType": JSON,
            "payload": payload,
            "examples": [{"name": name, "payload": self._examples.of(payload)}],
        }


CORRELATION: Schema = {"location": "$message.payload#/id"}
POSITION = ("room_id", "epoch", "seq")


def reply_key(command: str) -> str:
    """The key of the message that answers a command."""
    return f"REPLY.{command}"


def tag_of(frame: type[Struct]) -> str:
    """The frame's `type` on the wire."""
    return str(frame.__struct_config__.tag)


def _text(word: str, summary: str) -> Schema:
    return {
        "name": word,
        "title": f"the text {word}",
        "summary": summary,
        "contentType": "text/plain",
        "payload": {"type": "string", "enum": [word]},
        "examples": [{"name": word, "payload": word}],
    }


# --- who may say what where -----------------------------------------------------------------------------------


def _info(version: str) -> Schema:
    return {
        "title": "gameroom: WebSocket",
        "version": version,
        "description": DESCRIPTION,
        "license": {"name": "MIT"},
    }


def _servers() -> Schema:
    host = {"host": {"default": "127.0.0.1:8000", "description": "Where the server is."}}
    security = [{"$ref": f"#/components/securitySchemes/{name}"} for name in SECURITY_SCHEMES]
    return {
        protocol: {"host": "{host}", "protocol": protocol, "variables": host, "security": security}
        for protocol in ("ws", "wss")
    }


def _channel(name: str, messages: Schema, schemas: dict[str, Schema]) -> Schema:
    described: Schema = {
        "address": CHANNELS[name],
        "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in messages},
        "bindings": {"ws": _binding(_query(name, schemas))},
    }
    if name == "ws":
        return {**described, "description": "One socket, any number of rooms."}
    return {
        **described,
        "description": "One socket for one room. It joins for you: after WELCOME comes the REPLY to that JOIN.",
        "parameters": {"room_id": {"description": "The room's id."}},
    }


def _binding(query: dict[str, Schema]) -> Schema:
    offered = {
        "type": "string",
        "description": "What the client offers of `x-encodings`, and `bearer.<token>`.",
    }
    return {
        "method": "GET",
        "query": {"type": "object", "properties": query, "additionalProperties": False},
        "headers": {
            "type": "object",
            "properties": {"Authorization": {"type": "string"}, "Sec-WebSocket-Protocol": offered},
        },
        "bindingVersion": "0.1.0",
    }


def _query(name: str, schemas: dict[str, Schema]) -> dict[str, Schema]:
    """What a handshake may ask for; on the room's channel also JOIN's own fields."""
    query: dict[str, Schema] = {
        "ticket": {"type": "string", "description": "Who you are; see the security scheme `ticket`."},
        "errors": {
            "enum": ["frame"],
            "description": "Open the socket and send an ERROR where the handshake would be refused.",
        },
    }
    if name == "room":
        join, position = schemas[JoinRoom.__name__], schemas[ResumeFrom.__name__]
        query |= {field: join["properties"][field] for field in ("role", "updates")}
        query |= position["properties"]
    return query


def _operations(channel: str) -> Iterable[tuple[str, Schema]]:
    for name, command in COMMANDS.items():
        if command not in ELSEWHERE[channel]:
            yield f"{channel}.{name}", _request(channel, name, reply_key(name), "ERROR")
    yield f"{channel}.heartbeat", _request(channel, "text.ping", "text.pong")
    joined = [reply_key(tag_of(JoinRoom))] if channel == "room" else []
    yield f"{channel}.frames", _sending(channel, [*map(tag_of, FRAMES), "ERROR", *joined])
    yield f"{channel}.events", _sending(channel, [*events.EVENTS, "HIDDEN"])


def _request(channel: str, message: str, *answered: str) -> Schema:
    """The server receives a message and answers it."""
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": _refs(channel, [message]),
        "reply": {"channel": {"$ref": f"#/channels/{channel}"}, "messages": _refs(channel, answered)},
    }


def _sending(channel: str, messages: Iterable[str]) -> Schema:
    """The server sends messages that nobody asked for."""
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": _refs(channel, messages),
    }


def _refs(channel: str, messages: Iterable[str]) -> list[Schema]:
    return [{"$ref": f"#/channels/{channel}/messages/{key}"} for key in messages]


def _close_code(code: CloseCode) -> Schema:
    """RFC 6455's own say nothing of reconnecting."""
    return {"name": code.name.lower()} | ({"reconnect": code in COME_BACK} if code >= COME_BACK.start else {})
