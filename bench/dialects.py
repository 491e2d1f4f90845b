"""How each contender is spoken to: how one comes into a room, and what one message is."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Protocol
from urllib.parse import urlencode

from bench.people import call
from bench.plan import MARK, Message, Ping, Script, Step, post, upgrade
from bench.workloads import MESSAGE_LENGTH, RELAYING, Work

TEXT = MARK.ljust(MESSAGE_LENGTH, "x")
"""What people say to each other."""

COMMAND_ID = f"0199a8f0-7c1e-7abc-8def-12{MARK}"
"""As long as a UUID, and never twice the same."""


class Dialect(Protocol):
    ping: Ping

    def open_rooms(self, port: int, work: Work, hosts: list[str]) -> list[str]:
        """The rooms to go to, one for each host's token, opened where they do not open by themselves."""

    def script(self, room: str, token: str, work: Work) -> Script:
        """How the bearer of this token comes into the room."""

    def message(self, work: Work) -> Message:
        """What a sender sends."""


class NamedRooms:
    """For those whose rooms are there as soon as somebody enters."""

    ping = Ping()

    def open_rooms(self, port: int, work: Work, hosts: list[str]) -> list[str]:
        return [f"room-{number}" for number in range(len(hosts))]


class Gameroom:
    """Rooms are made over REST by their hosts; the others come by the sockets' own path, token in the header.

    Relayed messages ask for no answer, since no peer gives one; commands bear an id, and are answered.
    """

    ping = Ping()
    _games: Mapping[Work, str] = {
        "relay": "relay",
        "talk": "talk",
        "enter": "relay",
        "command": "volatile-board",
        "journaled": "journaled-board",
    }

    def open_rooms(self, port: int, work: Work, hosts: list[str]) -> list[str]:
        if work == "connect":
            return [""] * len(hosts)
        connection = HTTPConnection("127.0.0.1", port)
        body = {"game": self._games[work]}
        return [call(connection, "/api/v1/game-room-groups", body, host)["room"]["room_id"] for host in hosts]

    def script(self, room: str, token: str, work: Work) -> Script:
        bearer = f"Authorization: Bearer {token}"
        if work == "connect":
            return (upgrade("/ws", bearer), Step("t", b"", b'"WELCOME"'))
        enter = (upgrade(f"/ws/game-room-groups/{room}", bearer), _reply_to("JOIN_GAME_ROOM_GROUP"))
        if work in (*RELAYING, "enter"):
            return enter
        return (*enter, _ask("SET_READY", ready=True), _ask("START_GAME"))

    def message(self, work: Work) -> Message:
        if work in RELAYING:
            return _json(type="GAME_ACTION", ack=False, action={"type": "send", "data": TEXT})
        return _json(type="GAME_ACTION", id=COMMAND_ID, action={"type": "place", "cell": 4})


def _reply_to(command: str) -> Step:
    return Step("t", b"", f'"command":"{command}"'.encode())


def _ask(command: str, **fields: object) -> Step:
    return Step("t", _json(type=command, **fields).payload, f'"command":"{command}"'.encode())


class TutorialFastAPI(NamedRooms):
    """The token in the query, as tutorials do; FastAPI welcomes nobody, so one is in when the handshake is answered."""

    def script(self, room: str, token: str, work: Work) -> Script:
        return (upgrade(f"/ws/{room}?{urlencode({'token': token})}"),)

    def message(self, work: Work) -> Message:
        return _say_or_place(work)


class NodeWs(NamedRooms):
    """The token in the header; one is in when the handshake is answered."""

    def script(self, room: str, token: str, work: Work) -> Script:
        return (upgrade(f"/{room}", f"Authorization: Bearer {token}"),)

    def message(self, work: Work) -> Message:
        return _say_or_place(work)


class SocketIO(NamedRooms):
    """Socket.IO over a WebSocket from the start: Engine.IO's packet 4 is a message; 0 connects, 2 is an event."""

    ping = Ping(b"2", b"3")

    def script(self, room: str, token: str, work: Work) -> Script:
        auth = json.dumps({"token": token, "room": room}).encode()
        return (
            upgrade("/socket.io/?EIO=4&transport=websocket"),
            Step("t", b"", b'0{"sid"'),
            Step("t", b"40" + auth, b'40{"sid"'),
        )

    def message(self, work: Work) -> Message:
        if work in RELAYING:
            return Message(b"42" + _array("say", {"text": TEXT}))
        return Message(b"427" + _array("place", {"id": COMMAND_ID, "cell": 4}))


class Colyseus(NamedRooms):
    """A seat is reserved over HTTP, then taken by the socket; frames are binary, their bodies MessagePack."""

    _join, _data, _request = b"\x0a", b"\x0d", b"\x15"

    def script(self, room: str, token: str, work: Work) -> Script:
        return (
            post(
                "/matchmake/joinOrCreate/game",
                json.dumps({"room": room}).encode(),
                [f"Authorization: Bearer {token}"],
                ['"processId":"', '"roomId":"', '"sessionId":"'],
            ),
            upgrade("/\1/\2?sessionId=\3"),
            Step("b", b"", self._join),
            Step("b", self._join),
        )

    def message(self, work: Work) -> Message:
        if work in RELAYING:
            body = b"\x81" + _packed("text") + _packed(TEXT)
            return Message(self._data + _packed("say") + body, binary=True)
        body = b"\x82" + _packed("id") + _packed(COMMAND_ID) + _packed("cell") + b"\x04"
        return Message(self._request + b"\x07" + _packed("place") + body, binary=True)


def _packed(text: str) -> bytes:
    """A string of at most 255 bytes in MessagePack."""
    encoded = text.encode()
    short = len(encoded) < 32
    return (bytes([0xA0 | len(encoded)]) if short else bytes([0xD9, len(encoded)])) + encoded


def _say_or_place(work: Work) -> Message:
    if work in RELAYING:
        return _json(type="say", text=TEXT)
    return _json(type="place", id=COMMAND_ID, cell=4)


def _json(**fields: object) -> Message:
    return Message(json.dumps(fields, separators=(",", ":")).encode())


def _array(*values: object) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()
