"""What the row of a room must say, told by its records alone: no game is needed for it."""

import msgspec

from gameroom.clock import Millis, rfc3339
from gameroom.rooms.archive import RoomRow
from gameroom.rooms.parts import MEMBER, PLAY, ROOM, Member, PlayPart, RoomPart
from gameroom.rooms.records import Record


def retold(last: Record, term: int, parts: dict[str, bytes]) -> tuple[RoomRow, frozenset[str]]:
    """The row and the ids of the members after this record, which left these parts.

    Raises `msgspec.MsgspecError` or `KeyError`: the parts cannot be read.
    """
    room, play, members = _ROOM.decode(parts[ROOM]), _PLAY.decode(parts[PLAY]), _members(parts)
    is_closed = play.status == "closed"
    roles = [member.role for member in members.values()]
    row = RoomRow(
        room_id=last.room_id,
        term=term,
        game=last.game,
        game_version=last.game_version,
        name=room.name,
        status=play.status,
        visibility=room.visibility,
        invite_code=room.invite_code,
        player_count=roles.count("player"),
        max_players=room.max_players,
        spectator_count=roles.count("spectator"),
        locked=room.locked,
        has_password=room.password_mac is not None,
        created_at=rfc3339(room.created_at),
        next_due_at=_next_due_at(room, play, members),
        occupied=not is_closed and any(member.connected for member in members.values()),
    )
    return row, frozenset() if is_closed else frozenset(members)


def _members(parts: dict[str, bytes]) -> dict[str, Member]:
    return {
        key.removeprefix(MEMBER): _MEMBER.decode(data)
        for key, data in parts.items()
        if key.startswith(MEMBER)
    }


def _next_due_at(room: RoomPart, play: PlayPart, members: dict[str, Member]) -> Millis | None:
    graces = (member.reserved_until for member in members.values())
    timers = (room.closes_at, *graces, *play.timers.values())
    return min((at for at in timers if at is not None), default=None)


_ROOM = msgspec.json.Decoder(RoomPart)
_PLAY = msgspec.json.Decoder(PlayPart)
_MEMBER = msgspec.json.Decoder(Member)
