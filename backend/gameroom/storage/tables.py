"""The schema, as it stands after the newest migration; a test compares the two.

Moments are `Millis` (but `rooms.created_at` is text, as clients are told it), ids are text. What SQL never searches
(bodies of records and snapshots) is opaque bytes.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from gameroom.rooms.records import MAX_RECORD_BYTES

metadata = MetaData()

String = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its bytes. PostgreSQL's own order comes from the operating system, whose updates change it: then
indexes are out of order that tell what was done already."""

rooms = Table(
    "rooms",
    metadata,
    Column("room_id", String, primary_key=True),
    # Who runs it: only the owner with this `term` may write, and nobody while `home` is null.
    Column("home", String),
    Column("term", BigInteger, nullable=False),
    Column("released_term", BigInteger),  # the term whose owner handed the room over, clean
    # Which CREATE made it.
    Column("creator_id", String, nullable=False),
    Column("create_command_id", String),
    Column("create_input_hash", LargeBinary, nullable=False),
    # What must be known of it without opening it.
    Column("game", String, nullable=False),
    Column("game_version", String, nullable=False),
    Column("name", String, nullable=False),
    Column("status", String, nullable=False),
    Column("visibility", String, nullable=False),
    Column("invite_code", String, nullable=False),
    Column("player_count", Integer, nullable=False),
    Column("max_players", Integer, nullable=False),
    Column("spectator_count", Integer, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("has_password", Boolean, nullable=False),
    Column("created_at", String, nullable=False),
    Column("next_due_at", BigInteger),
    Column("occupied", Boolean, nullable=False),
)

_is_open = rooms.c.status != "closed"
_has_create_id = rooms.c.create_command_id.is_not(None)

Index(
    "rooms_create_command",
    rooms.c.creator_id,
    rooms.c.create_command_id,
    unique=True,
    sqlite_where=_has_create_id,
    postgresql_where=_has_create_id,
)
Index(
    "rooms_invite_code",
    rooms.c.invite_code,
    unique=True,
    sqlite_where=_is_open,
    postgresql_where=_is_open,
)
Index("rooms_next_due_at", rooms.c.next_due_at, sqlite_where=_is_open, postgresql_where=_is_open)

# Written out, where other values are bound: a database sees that the indexes below hold all that a query wants only
# if both say it in the same words.
is_listed = text("visibility = 'public' AND status != 'closed'")
"""Whether strangers may hear of the room."""

# Closed rooms stay for weeks or for good: a list must not wade through them.
Index(
    "rooms_listed",
    rooms.c.created_at,
    rooms.c.room_id,
    sqlite_where=is_listed,
    postgresql_where=is_listed,
)
Index(
    "rooms_listed_of_game",
    rooms.c.game,
    rooms.c.created_at,
    rooms.c.room_id,
    sqlite_where=is_listed,
    postgresql_where=is_listed,
)

room_members = Table(
    "room_members",
    metadata,
    Column("room_id", String, ForeignKey("rooms.room_id"), nullable=False),
    Column("user_id", String, nullable=False),
    PrimaryKeyConstraint("user_id", "room_id"),
)
"""The members of open rooms."""

Index("room_members_room", room_members.c.room_id)

records = Table(
    "records",
    metadata,
    # In the order of the fields of `rooms.journal.SealedRecord`.
    Column("room_id", String, ForeignKey("rooms.room_id"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("term", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("user_id", String),
    Column("command_id", String),
    Column("input_hash", LargeBinary),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("room_id", "seq"),
    # The second guard behind `rooms.sealing`: a unit with a larger record is refused.
    CheckConstraint(text(f"length(body) <= {MAX_RECORD_BYTES}"), name="records_body_size"),
    CheckConstraint(
        text("command_id IS NULL OR (user_id IS NOT NULL AND input_hash IS NOT NULL)"),
        name="records_command",
    ),
)

# The id comes first: where clients count time into theirs (UUIDv7), neighbours in time share a page of the index,
# and a batch writes a handful of its pages instead of one per record.
Index(
    "records_command_id",
    records.c.command_id,
    records.c.user_id,
    records.c.room_id,
    unique=True,
    sqlite_where=records.c.command_id.is_not(None),
    postgresql_where=records.c.command_id.is_not(None),
)

snapshots = Table(
    "snapshots",
    metadata,
    # In the order of the fields of `rooms.journal.Snapshot`.
    Column("room_id", String, ForeignKey("rooms.room_id"), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("term", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

_replaced = ", ".join(f"{column.name} = excluded.{column.name}" for column in snapshots.columns)

unless_newer = f"ON CONFLICT (room_id) DO UPDATE SET {_replaced} WHERE snapshots.seq <= excluded.seq"
"""How an INSERT ends that replaces the room's former snapshot: one may be late."""

# --- accounts -------------------------------------------------------------------------------------------------

users = Table(
    "users",
    metadata,
    Column("user_id", String, primary_key=True),
    Column("username", String),
    Column("username_folded", String, unique=True),  # what makes names unique ignoring case
    Column("password_hash", String),
    Column("device_hash", LargeBinary, unique=True),
    Column("display_name", String, nullable=False),
    Column("avatar_url", String),
    Column("roles", LargeBinary, nullable=False),  # JSON
    Column("metadata", LargeBinary, nullable=False),  # JSON
    Column("created_at", BigInteger, nullable=False),
    Column("suspended", Boolean, nullable=False),
    Column("suspended_until", BigInteger),  # null while suspended: for good
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key_hash", LargeBinary, primary_key=True),
    Column("content_hash", LargeBinary, nullable=False),
    Column("user_id", String, ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False),
    Column("at", BigInteger, nullable=False),
)

Index("idempotency_keys_at", idempotency_keys.c.at)
Index("idempotency_keys_user", idempotency_keys.c.user_id)

sign_ins = Table(
    "sign_ins",
    metadata,
    # Named like the fields of `identity.family.Family`.
    Column("sign_in_id", String, primary_key=True),
    Column("user_id", String, ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False),
    Column("handle_hash", LargeBinary, nullable=False, unique=True),
    Column("current", LargeBinary, nullable=False),
    Column("spent", LargeBinary),
    Column("spent_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
)

Index("sign_ins_user", sign_ins.c.user_id)
Index("sign_ins_expires_at", sign_ins.c.expires_at)

revocations = Table(
    "revocations",
    metadata,
    # `identity.revocations.Revocation`, but for `until`, which stands with the user; `at` is when it was made.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("sign_in_id", String, nullable=False),
    Column("user_id", String, nullable=False),
    Column("why", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    # AUTOINCREMENT: the number of a row that was deleted must never be given again.
    sqlite_autoincrement=True,
)

Index("revocations_at", revocations.c.at)

tickets = Table(
    "tickets",
    metadata,
    # Named like the fields of `identity.tickets.Ticket`.
    Column("ticket_hash", LargeBinary, primary_key=True),
    Column("sign_in_id", String, nullable=False),
    Column("token_expires_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

Index("tickets_expires_at", tickets.c.expires_at)
