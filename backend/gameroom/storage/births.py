"""How a room comes into the database, once per CREATE."""

from msgspec.structs import asdict
from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select

from gameroom.rooms.journal import Birth, Born
from gameroom.storage.listings import listed, members_of
from gameroom.storage.tables import records, room_members, rooms


def bear(connection: Connection, birth: Birth, *, in_doubt: bool) -> Born:
    """Store the room and its first records, or find the one that the same CREATE made.

    `in_doubt`: this very birth may have been stored a moment ago; then it is no repeat.
    """
    same = _same_create(birth, in_doubt=in_doubt)
    former = connection.execute(select(rooms.c.room_id, rooms.c.create_input_hash).where(same)).one_or_none()
    if former is None:
        _store(connection, birth)
        return Born(birth.unit.room_id, birth.input_hash, repeated=False)
    just_now = in_doubt and former.room_id == birth.unit.room_id
    return Born(former.room_id, former.create_input_hash, repeated=not just_now)


def find_born(connection: Connection, creator_id: str, command_id: str) -> Born | None:
    """The room that this CREATE made before."""
    made = select(rooms.c.room_id, rooms.c.create_input_hash).where(_by_command(creator_id, command_id))
    row = connection.execute(made).one_or_none()
    return None if row is None else Born(row.room_id, row.create_input_hash, repeated=True)


def _by_command(creator_id: str, command_id: str | None) -> ColumnElement[bool]:
    return and_(
        rooms.c.creator_id == creator_id,
        rooms.c.create_command_id.is_not(None),
        rooms.c.create_command_id == command_id,
    )


def _same_create(birth: Birth, *, in_doubt: bool) -> ColumnElement[bool]:
    """Where a room is the one that this CREATE made. One without an id is known by the room only."""
    by_command = _by_command(birth.creator_id, birth.command_id)
    by_room = and_(rooms.c.creator_id == birth.creator_id, rooms.c.room_id == birth.unit.room_id)
    return or_(by_command, by_room) if in_doubt else by_command


def _store(connection: Connection, birth: Birth) -> None:
    unit, listing = birth.unit, birth.unit.listing
    if listing is None:
        raise ValueError("the first unit of a room has no listing")
    connection.execute(
        insert(rooms).values(
            room_id=unit.room_id,
            home=birth.home,
            term=unit.term,
            creator_id=birth.creator_id,
            create_command_id=birth.command_id,
            create_input_hash=birth.input_hash,
            created_at=listing.summary.created_at,
            **listed(listing),
        )
    )
    members = [{"room_id": unit.room_id, "user_id": user_id} for user_id in members_of(listing)]
    if members:
        connection.execute(insert(room_members), members)
    connection.execute(insert(records), [asdict(record) for record in unit.records])
