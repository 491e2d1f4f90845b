"""What the host does with the room and its members."""

from gameroom.errors import Conflict, Forbidden, MemberNotFound
from gameroom.protocol.answers import Empty
from gameroom.protocol.commands import CloseRoom, KickMember, TransferHost
from gameroom.protocol.events import MemberKicked, RoomClosedEvent
from gameroom.rooms.handlers import membership, play, succession
from gameroom.rooms.rest_commands import EndRoom
from gameroom.rooms.rooms import Sender
from gameroom.rooms.turn import Turn

MAX_BANS = 1_000
"""Users banned from one room: they stand in the part of the room, which is stored with each of its changes."""


def kick(turn: Turn, sender: Sender, command: KickMember) -> Empty:
    """Put a member out for good; `ban`: it stays out, whatever it brings, for the life of the room."""
    if command.user_id == sender.user_id:
        raise Forbidden("Nobody kicks themselves; leave the room instead", reason="self")
    _check_member(turn, command.user_id)
    if command.ban:
        _ban(turn, command.user_id)
    kicked = MemberKicked(user_id=command.user_id, by=sender.user_id, ban=command.ban, reason=command.reason)
    membership.remove(turn, command.user_id, kicked, "kicked")
    return Empty()


def transfer_host(turn: Turn, _sender: Sender, command: TransferHost) -> Empty:
    """Any member will do, a spectator or one that is away too; the present host stays it, which is an event as well."""
    _check_member(turn, command.user_id)
    succession.make_host(turn, command.user_id)
    return Empty()


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
    play.abort_round(turn)
    turn.state.change_play(status="closed", timers={}, closed_at=turn.now)
    turn.state.change_room(closes_at=None)
    for user_id, member in tuple(turn.state.members.items()):
        if member.reserved_until is not None:
            turn.state.change_member(user_id, reserved_until=None)
    turn.end(RoomClosedEvent(by=by, reason=reason))


def _check_member(turn: Turn, user_id: str) -> None:
    if user_id not in turn.state.members:
        raise MemberNotFound(f"No member {user_id!r} in this room")


def _ban(turn: Turn, user_id: str) -> None:
    bans = turn.state.room.bans
    if len(bans) >= MAX_BANS:
        raise Conflict(f"{MAX_BANS} users are banned from this room already; kick without a ban, or lock it")
    turn.state.change_room(bans=(*bans, user_id))
