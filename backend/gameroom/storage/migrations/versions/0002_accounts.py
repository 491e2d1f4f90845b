"""Users, their idempotency keys, sign-ins, revocations and tickets."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STRING = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _create_users()
    _create_idempotency_keys()
    _create_sign_ins()
    _create_revocations()
    _create_tickets()


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", STRING, primary_key=True),
        sa.Column("username", STRING),
        sa.Column("username_folded", STRING, unique=True),
        sa.Column("password_hash", STRING),
        sa.Column("device_hash", sa.LargeBinary, unique=True),
        sa.Column("display_name", STRING, nullable=False),
        sa.Column("avatar_url", STRING),
        sa.Column("roles", sa.LargeBinary, nullable=False),
        sa.Column("metadata", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("suspended", sa.Boolean, nullable=False),
        sa.Column("suspended_until", sa.BigInteger),
    )


def _create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("key_hash", sa.LargeBinary, primary_key=True),
        sa.Column("content_hash", sa.LargeBinary, nullable=False),
        _user_id(),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("idempotency_keys_at", "idempotency_keys", ["at"])
    op.create_index("idempotency_keys_user", "idempotency_keys", ["user_id"])


def _create_sign_ins() -> None:
    op.create_table(
        "sign_ins",
        sa.Column("sign_in_id", STRING, primary_key=True),
        _user_id(),
        sa.Column("handle_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("current", sa.LargeBinary, nullable=False),
        sa.Column("spent", sa.LargeBinary),
        sa.Column("spent_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index("sign_ins_user", "sign_ins", ["user_id"])
    op.create_index("sign_ins_expires_at", "sign_ins", ["expires_at"])


def _create_revocations() -> None:
    op.create_table(
        "revocations",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("sign_in_id", STRING, nullable=False),
        sa.Column("user_id", STRING, nullable=False),
        sa.Column("why", STRING, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("revocations_at", "revocations", ["at"])


def _create_tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("ticket_hash", sa.LargeBinary, primary_key=True),
        sa.Column("sign_in_id", STRING, nullable=False),
        sa.Column("token_expires_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("tickets_expires_at", "tickets", ["expires_at"])


def _user_id() -> sa.Column[str]:
    return sa.Column("user_id", STRING, sa.ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False)
