"""What the host does, and who the host is."""

from gameroom.protocol.answers import Empty
from gameroom.protocol.commands import CloseRoom
from gameroom.protocol.events import HostChanged, RoomClosedEvent
from gameroom.rooms.handlers import play
from gameroom.rooms.rest_commands import EndRoom
from gameroom.rooms.rooms import Sender
from gameroom.rooms.state import Member
from gameroom.rooms.turn import Turn


def close_room(turn: Turn, sender: Sender, command: CloseRoom) -> Empty:
    close(turn, by=sender.user_id, reason=command.reason)
    return Empty()


def end_room(turn: Turn, sender: Sender, _command: EndRoom) -> Empty:
    """Nothing happens where the room is closed already."""
    if turn.state.play.status != "closed":
        close(turn, by=sender.user_id, reason=None)
    return Empty()


def close(turn: Turn, *, by: str | None, reason: str | None) -> None:
    """End the room for good; a round in play ends `aborted` first."""
    if turn.state.play.status == "playing" and not turn.game_type.always_playing:
        play.end_round(turn, "aborted", None)
    turn.state.change_play(status="closed", timers={}, closed_at=turn.now)
    turn.state.change_room(closes_at=None)
    for user_id, member in tuple(turn.state.members.items()):
        if member.reserved_until is not None:
            turn.state.change_member(user_id, reserved_until=None)
    turn.end(RoomClosedEvent(by=by, reason=reason))


def pass_on_host(turn: Turn, *, connected_only: bool = False) -> None:
    """Make somebody else the host: the longest-joined connected player, else spectator, else member."""
    previous = turn.state.room.host_id
    others = [(u, m) for u, m in turn.state.members.items() if u != previous]
    if connected_only:
        others = [(u, m) for u, m in others if m.connected]
    if others:
        host_id = min(others, key=lambda entry: _claim(entry[1]))[0]
        make_host(turn, host_id)


def make_host(turn: Turn, user_id: str) -> None:
    previous = turn.state.room.host_id
    turn.state.change_room(host_id=user_id)
    turn.emit(HostChanged(host_id=user_id, previous_host_id=previous))


def _claim(member: Member) -> tuple[int, int]:
    """Who sorts first hosts next."""
    if not member.connected:
        return (2, member.joined)
    return (0 if member.role == "player" else 1, member.joined)
