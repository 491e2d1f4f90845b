"""Indexes of the rooms that are listed, newest first."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_index("rooms_listed", ["created_at", "room_id"])
    _create_index("rooms_listed_of_game", ["game", "created_at", "room_id"])


def _create_index(name: str, columns: list[str]) -> None:
    is_listed = sa.text("visibility = 'public' AND status != 'closed'")
    op.create_index(name, "rooms", columns, sqlite_where=is_listed, postgresql_where=is_listed)
