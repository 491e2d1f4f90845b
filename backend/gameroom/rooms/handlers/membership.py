"""Coming, staying and going: JOIN, LEAVE, SET_ROLE, connections lost and grace run out."""

import hmac

from gameroom.clock import rfc3339
from gameroom.errors import (
    BannedFromRoom,
    RoomFull,
    RoomLocked,
    RoomNotFound,
    TooManyRooms,
    WrongRoomPassword,
    WrongStatus,
)
from gameroom.protocol.answers import DetachReason, Empty, Seated
from gameroom.protocol.commands import GetRoom, JoinRoom, LeaveRoom, Role, SetRole
from gameroom.protocol.events import (
    MemberDisconnected,
    MemberField,
    MemberJoined,
    MemberKicked,
    MemberLeft,
    MemberReconnected,
    MemberUpdated,
)
from gameroom.rooms.card_book import mark_of
from gameroom.rooms.handlers import play, succession
from gameroom.rooms.parts import Member
from gameroom.rooms.rest_commands import InspectRoom
from gameroom.rooms.rooms import Sender
from gameroom.rooms.state import RoomState
from gameroom.rooms.turn import Turn
from gameroom.rooms.views import member_view
from gameroom.rooms.window import AFTERLIFE_MS

MAX_SPECTATORS = 1_000


def join(turn: Turn, sender: Sender, command: JoinRoom) -> None:
    """A member comes back, or a newcomer is let in."""
    if sender.user_id in turn.state.members:
        attach(turn, sender.user_id)
    else:
        check_access(turn.state, sender, command)
        admit(turn, sender, command.role or "player")


def get(_turn: Turn, _sender: Sender, _command: GetRoom) -> None:
    """Nothing happens; the view is the answer."""


def inspect(turn: Turn, sender: Sender, _command: InspectRoom) -> None:
    """Nothing happens. To strangers of a private room, and to those who are banned, there is no such room."""
    room = turn.state.room
    if sender.user_id in turn.state.members or sender.admin:
        return
    if room.visibility == "private" or sender.user_id in room.bans:
        raise RoomNotFound()


def leave(turn: Turn, sender: Sender, _command: LeaveRoom) -> Empty:
    remove(turn, sender.user_id, MemberLeft(user_id=sender.user_id, reason="left"), "left")
    return Empty()


def set_role(turn: Turn, sender: Sender, command: SetRole) -> Seated:
    """A seat is taken or given up: the base of resuming moves, and nobody is ready in a new role."""
    member = turn.state.members[sender.user_id]
    changed: list[MemberField] = []
    if command.role != member.role:
        changed = ["role", "seat", "ready"] if member.ready else ["role", "seat"]
        seat = _find_place(turn, command.role)
        turn.state.change_member(
            sender.user_id, role=command.role, seat=seat, ready=False, since=turn.next_seq
        )
    turn.emit(MemberUpdated(user_id=sender.user_id, changed=changed))
    return Seated(turn.state.members[sender.user_id].seat)


def check_access(state: RoomState, sender: Sender, command: JoinRoom) -> None:
    """Raises why this newcomer may not come in. An invite code stands in for the password."""
    room = state.room
    if sender.user_id in room.bans:
        raise BannedFromRoom("You are banned from this room")
    invited = command.invite_code is not None and _same(command.invite_code, room.invite_code)
    if not invited and (room.visibility == "private" or command.invite_code is not None):
        raise RoomNotFound()
    if room.locked:
        raise RoomLocked("The room is locked: nobody new can come in")
    if room.password_mac is not None and not invited:
        _check_password(room.password_mac, command.password)


def admit(turn: Turn, sender: Sender, role: Role) -> None:
    """Give the newcomer a place: the lowest free seat, or one among the spectators."""
    limit = turn.policy.rooms_per_user
    if sender.elsewhere is not None and sender.elsewhere >= limit:
        raise TooManyRooms(limit)
    seat = _find_place(turn, role)
    connected = sender.connection_id is not None
    member = Member(
        role=role,
        seat=seat,
        joined=turn.next_seq,
        since=turn.next_seq,
        connected=connected,
        reserved_until=None if connected else turn.now + turn.state.room.grace_ms,
        shown=mark_of(sender.user_id, sender.card, turn.policy.card_key),
    )
    turn.state.set_member(sender.user_id, member)
    if seat is not None and turn.state.play.status == "playing" and not turn.game_type.always_playing:
        turn.state.change_play(players={**turn.state.play.players, seat: sender.user_id})
    turn.emit(MemberJoined(user_id=sender.user_id, member=member_view(member, sender.card)))
    _somebody_is_here(turn)
    if turn.state.room.host_id not in turn.state.members:
        succession.make_host(turn, sender.user_id)
    play.notify(turn, turn.game_type.member_joined, turn.state.round_seat(sender.user_id))


def attach(turn: Turn, user_id: str) -> None:
    """A member has a connection (again). No event if it was not thought to be gone."""
    if turn.state.members[user_id].connected:
        return
    turn.state.change_member(user_id, connected=True, reserved_until=None)
    turn.emit(MemberReconnected(user_id=user_id))
    _somebody_is_here(turn)
    play.notify(turn, turn.game_type.member_returned, turn.state.round_seat(user_id))


def disconnect(turn: Turn, user_id: str) -> None:
    """A member's connection is gone; its place is kept for the grace period."""
    until = turn.now + turn.state.room.grace_ms
    turn.state.change_member(user_id, connected=False, reserved_until=until)
    turn.emit(MemberDisconnected(user_id=user_id, reserved_until=rfc3339(until)))
    if turn.state.room.host_id == user_id and turn.state.play.status == "waiting":
        succession.pass_on_host(turn, connected_only=True)
    _perhaps_nobody_is_here(turn)
    play.notify(turn, turn.game_type.member_disconnected, turn.state.round_seat(user_id))


def grace_over(turn: Turn, user_id: str) -> None:
    remove(turn, user_id, MemberLeft(user_id=user_id, reason="timeout"), "left")


def remove(turn: Turn, user_id: str, event: MemberLeft | MemberKicked, detached: DetachReason) -> None:
    """The member is gone for good, and its seat with it; `event` is the last that it hears."""
    seat = turn.state.round_seat(user_id)
    turn.state.set_member(user_id, None)
    _remember_leaver(turn, user_id)
    turn.farewell(event, user_id, detached)
    if turn.state.room.host_id == user_id:
        succession.pass_on_host(turn)
    _perhaps_nobody_is_here(turn)
    if turn.state.play.status == "playing":
        play.notify(turn, turn.game_type.member_left, seat)


def _find_place(turn: Turn, role: Role) -> int | None:
    """The seat of a new player; None for a new spectator. Raises why there is none."""
    if role == "player":
        return _free_seat(turn)
    _check_stand(turn)
    return None


def _free_seat(turn: Turn) -> int:
    if turn.state.play.status == "playing" and not turn.game_type.late_joining:
        raise WrongStatus(
            "The game is on and takes no late players; join as a spectator or wait",
            status="playing",
            expected="waiting",
        )
    taken = turn.state.players()
    free = next(seat for seat in range(len(taken) + 1) if seat not in taken)
    if free >= turn.state.room.max_players:
        raise RoomFull(f"All {turn.state.room.max_players} seats are taken")
    return free


def _check_stand(turn: Turn) -> None:
    if sum(m.role == "spectator" for m in turn.state.members.values()) >= MAX_SPECTATORS:
        raise RoomFull(f"There are {MAX_SPECTATORS} spectators already")


def _check_password(expected: str, given: str | None) -> None:
    if given is None or not _same(expected, given):
        raise WrongRoomPassword("The room has a password, and this is not it")


def _same(secret: str, given: str) -> bool:
    """In a time that tells nothing of how much was right."""
    return hmac.compare_digest(secret.encode(), given.encode())


def _remember_leaver(turn: Turn, user_id: str) -> None:
    for other, at in turn.state.oldest_left():
        if turn.now - at < AFTERLIFE_MS:
            break
        turn.state.set_left(other, None)
    turn.state.set_left(user_id, turn.now)


def _somebody_is_here(turn: Turn) -> None:
    if turn.state.room.closes_at is not None and turn.state.anyone_connected():
        turn.state.change_room(closes_at=None)


def _perhaps_nobody_is_here(turn: Turn) -> None:
    if turn.state.room.closes_at is None and not turn.state.anyone_connected():
        turn.state.change_room(closes_at=turn.now + turn.policy.empty_ms)
