"""One connection's frames in both directions, held against the rules of the wire. Pure: it does no I/O."""

from dataclasses import dataclass, field

from tests.kit.documents import check_accepted, check_received
from tests.kit.encoding import Encoding, Message
from tests.kit.lobby_copy import LobbyCopy
from tests.kit.room_copy import RoomCopy
from tests.kit.wire import Json, Position, RuleBroken, check_frame, require

CONNECTION_COMMANDS = {"AUTHENTICATE", "PING", "SUBSCRIBE_LOBBY", "UNSUBSCRIBE_LOBBY"}
"""Commands that are about no room: their REPLY has no position."""

ENTERING = {"JOIN_GAME_ROOM_GROUP", "CREATE_GAME_ROOM_GROUP"}
HOSTING = {
    "UPDATE_GAME_ROOM_GROUP",
    "KICK_MEMBER",
    "TRANSFER_HOST",
    "START_GAME",
    "CLOSE_GAME_ROOM_GROUP",
}
"""Commands for which an admin need not join the room."""

VIEWING = {*ENTERING, "GET_GAME_ROOM_GROUP"}


@dataclass
class Sent:
    """A command that waits for its answer, the positions that were known when it left, and where it resumes from."""

    frame: Json
    command: str | None
    positions: dict[str, Position]
    resume: Position | None


@dataclass
class Conversation:
    """`sent` and `received` are called in the order of the wire; `received` raises `RuleBroken`."""

    encoding: Encoding = Encoding.JSON
    rooms: dict[str, RoomCopy] = field(default_factory=dict)
    welcome: Json | None = None
    last_frame: Json | None = None
    lobby: LobbyCopy | None = None
    """The list of public rooms, as long as it is subscribed to."""
    _waiting: dict[str, list[Sent]] = field(default_factory=dict)

    def resume(self, copy: RoomCopy) -> None:
        """A JOIN with this copy's position is about to be sent."""
        self.rooms[copy.room_id] = copy

    def sent(self, command: Json) -> None:
        """A command with an `id` was sent."""
        positions = {room_id: copy.position for room_id, copy in self.rooms.items()}
        sent = Sent(command, command.get("type"), positions, _resumed_from(command))
        self._waiting.setdefault(command["id"], []).append(sent)

    def sent_message(self, message: Message) -> None:
        """Anything was sent; where it looks like a command with an `id`, an answer may bear that id."""
        command = self.encoding.glance(message)
        if isinstance(command, dict) and isinstance(command.get("id"), str):
            self.sent(command)

    def received(self, message: Message) -> Json | None:
        """The frame, checked and applied; None for a bare `pong`, which is text in both encodings."""
        if message == "pong":
            return None
        frame = self.encoding.read(message)
        check_frame(frame)
        check_received(frame)
        self._check_first(frame)
        self._apply(frame)
        self.last_frame = frame
        return frame

    def _check_first(self, frame: Json) -> None:
        """WELCOME is the first frame and comes once; only an ERROR that ends the connection may come before."""
        if frame["type"] == "WELCOME":
            require(self.welcome is None, "WELCOME twice")
            self.welcome = frame
        elif frame["type"] != "ERROR":
            require(self.welcome is not None, f"a frame before WELCOME: {frame!r}")

    def _apply(self, frame: Json) -> None:
        match frame["type"]:
            case "WELCOME" | "TOKEN_EXPIRING" | "SERVER_DRAINING":
                pass
            case "LOBBY_CHANGED":
                if self.lobby is None:
                    raise RuleBroken(f"news of a lobby that was not subscribed to: {frame!r}")
                self.lobby.change(frame)
            case "ERROR":
                self._answered(frame)
            case "REPLY":
                self._check_reply(frame, self._answered(frame))
            case "DETACHED":
                self._room_of(frame).detach(frame["reason"])
            case _:
                self._room_of(frame).hear(frame)

    def _room_of(self, frame: Json) -> RoomCopy:
        copy = self.rooms.get(frame["room_id"])
        if copy is None:
            raise RuleBroken(f"a room that was not joined here: {frame!r}")
        return copy

    def _answered(self, frame: Json) -> Sent | None:
        """The command that this answers. Every command gets one answer: another one has nothing to answer."""
        if frame["id"] is None:
            return None
        waiting = self._waiting.get(frame["id"], [])
        fitting = [sent for sent in waiting if frame.get("command", sent.command) == sent.command]
        if not fitting:
            raise RuleBroken(f"an answer to nothing that waits for one: {frame!r}")
        waiting.remove(fitting[0])
        return fitting[0]

    def _check_reply(self, frame: Json, sent: Sent | None) -> None:
        if sent is not None:
            check_accepted(sent.frame)
        if frame["command"] == "SUBSCRIBE_LOBBY":
            self.lobby = LobbyCopy(frame["data"]["rooms"])
        elif frame["command"] == "UNSUBSCRIBE_LOBBY":
            self.lobby = None
        if frame["command"] in CONNECTION_COMMANDS:
            return
        has_position = {"room_id", "epoch", "seq"} <= frame.keys()
        require(has_position, f"a room's command was answered without its position: {frame!r}")
        if frame["command"] in VIEWING:
            self._take_view(frame, sent)
        elif not frame.get("repeated"):
            self._check_position(frame, sent)

    def _take_view(self, frame: Json, sent: Sent | None) -> None:
        room_id = frame["room_id"]
        if frame["command"] in ENTERING:
            self.rooms.setdefault(room_id, RoomCopy(room_id)).enter(frame, sent.resume if sent else None)
        else:
            self._room_of(frame).adopt(frame)

    def _check_position(self, frame: Json, sent: Sent | None) -> None:
        """The command's events came before its REPLY, whose position is that of the last of them.

        Who leaves hears only MEMBER_LEFT, although a change of host may belong to the same command, so there the
        REPLY may stand ahead of what was heard.
        """
        if frame["command"] in HOSTING and frame["room_id"] not in self.rooms:
            return
        at, copy = Position(frame["epoch"], frame["seq"]), self._room_of(frame)
        if frame["command"] != "LEAVE_GAME_ROOM_GROUP":
            require(at <= copy.position, f"a REPLY at {at} before its events, heard {copy.position}")
        before = sent.positions.get(frame["room_id"]) if sent else None
        if before is not None:
            require(at > before, f"an accepted command caused no event: {frame!r}, sent at {before}")

    def ended(self, code: int, reason: str) -> None:
        """The server closed. Before a 4xxx close comes an ERROR with id null, whose code is the close reason.

        Not for 4002: to a client that does not read, nothing can be sent.
        """
        if not 4000 <= code <= 4999 or code == 4002:
            return
        last = self.last_frame or {}
        require(last.get("type") == "ERROR", f"closed {code} {reason!r} without an ERROR before: {last!r}")
        require(last["id"] is None, f"the ERROR before a close has an id: {last!r}")
        require(last["code"] == reason, f"close reason {reason!r} is not the code {last['code']!r}")


def _resumed_from(command: Json) -> Position | None:
    resume = command.get("resume")
    if not isinstance(resume, dict) or not {"epoch", "seq"} <= resume.keys():
        return None
    return Position(resume["epoch"], resume["seq"])
