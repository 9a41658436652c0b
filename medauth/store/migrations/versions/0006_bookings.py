"""What apps ask for over the network: who may ask, checks asked for, tokens used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.String(64)


def upgrade() -> None:
    """Applies this revision."""
    op.create_table(
        "accesses",
        sa.Column("access_id", _ID, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("key_tag", sa.LargeBinary(32), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("policies", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("access_id", name="pk_accesses"),
        sa.UniqueConstraint("key_tag", name="uq_accesses_key_tag"),
    )
    op.create_table(
        "bookings",
        sa.Column("booking_id", _ID, nullable=False),
        sa.Column("access_id", _ID, nullable=False),
        sa.Column("idempotency_tag", sa.LargeBinary(32)),
        sa.Column("request_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("policy", sa.String(64), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("check_id", _ID),
        sa.Column("record_id", _ID),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("ended_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("booking_id", name="pk_bookings"),
        sa.UniqueConstraint("access_id", "idempotency_tag", name="uq_bookings_access_id"),
    )
    op.create_index("ix_bookings_check_id", "bookings", ["check_id"])
    op.create_table(
        "consumed_tokens",
        sa.Column("jti", _ID, nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("jti", name="pk_consumed_tokens"),
    )


def downgrade() -> None:
    """Takes this revision back."""
    for table in ("consumed_tokens", "bookings", "accesses"):
        op.drop_table(table)
