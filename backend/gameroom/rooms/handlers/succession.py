"""Who the host is, and who is it next."""

from gameroom.protocol.events import HostChanged
from gameroom.rooms.parts import Member
from gameroom.rooms.turn import Turn


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
