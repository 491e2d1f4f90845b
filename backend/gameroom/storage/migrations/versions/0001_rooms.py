"""Rooms, their journals, snapshots and members."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STRING = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _create_rooms()
    _create_room_members()
    _create_records()
    _create_snapshots()


def _create_rooms() -> None:
    op.create_table(
        "rooms",
        sa.Column("room_id", STRING, primary_key=True),
        sa.Column("home", STRING),
        sa.Column("term", sa.BigInteger, nullable=False),
        sa.Column("released_term", sa.BigInteger),
        sa.Column("creator_id", STRING, nullable=False),
        sa.Column("create_command_id", STRING),
        sa.Column("create_input_hash", sa.LargeBinary, nullable=False),
        sa.Column("game", STRING, nullable=False),
        sa.Column("game_version", STRING, nullable=False),
        sa.Column("name", STRING, nullable=False),
        sa.Column("status", STRING, nullable=False),
        sa.Column("visibility", STRING, nullable=False),
        sa.Column("invite_code", STRING, nullable=False),
        sa.Column("player_count", sa.Integer, nullable=False),
        sa.Column("max_players", sa.Integer, nullable=False),
        sa.Column("spectator_count", sa.Integer, nullable=False),
        sa.Column("locked", sa.Boolean, nullable=False),
        sa.Column("has_password", sa.Boolean, nullable=False),
        sa.Column("created_at", STRING, nullable=False),
        sa.Column("next_due_at", sa.BigInteger),
        sa.Column("occupied", sa.Boolean, nullable=False),
    )
    has_id = sa.text("create_command_id IS NOT NULL")
    is_open = sa.text("status != 'closed'")
    _create_partial_index(
        "rooms_create_command", "rooms", ["creator_id", "create_command_id"], has_id, unique=True
    )
    _create_partial_index("rooms_invite_code", "rooms", ["invite_code"], is_open, unique=True)
    _create_partial_index("rooms_next_due_at", "rooms", ["next_due_at"], is_open, unique=False)


def _create_room_members() -> None:
    op.create_table(
        "room_members",
        sa.Column("room_id", STRING, sa.ForeignKey("rooms.room_id"), nullable=False),
        sa.Column("user_id", STRING, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "room_id"),
    )
    op.create_index("room_members_room", "room_members", ["room_id"])


def _create_records() -> None:
    op.create_table(
        "records",
        sa.Column("room_id", STRING, sa.ForeignKey("rooms.room_id"), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("term", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", STRING, nullable=False),
        sa.Column("user_id", STRING),
        sa.Column("command_id", STRING),
        sa.Column("input_hash", sa.LargeBinary),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "seq"),
        sa.CheckConstraint("length(body) <= 1048576", name="records_body_size"),
        sa.CheckConstraint(
            "command_id IS NULL OR (user_id IS NOT NULL AND input_hash IS NOT NULL)", name="records_command"
        ),
    )
    has_id = sa.text("command_id IS NOT NULL")
    columns = ["command_id", "user_id", "room_id"]
    _create_partial_index("records_command_id", "records", columns, has_id, unique=True)


def _create_snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("room_id", STRING, sa.ForeignKey("rooms.room_id"), primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("term", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )


def _create_partial_index(
    name: str, table: str, columns: list[str], where: sa.TextClause, *, unique: bool
) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)
