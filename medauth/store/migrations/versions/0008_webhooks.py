"""What apps are told when a check ended, where they may be told it, and keys for an app's own tests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ID = sa.String(64)


def upgrade() -> None:
    """Applies this revision."""
    op.add_column("accesses", sa.Column("callback_hosts", sa.Text(), nullable=False, server_default=""))
    op.add_column("accesses", sa.Column("sandbox", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("bookings", sa.Column("sandbox", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "webhooks",
        sa.Column("webhook_id", _ID, nullable=False),
        sa.Column("booking_id", _ID, nullable=False),
        sa.Column("access_id", _ID, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(32), nullable=False),
        sa.Column("ended_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_webhooks"),
        sa.UniqueConstraint("booking_id", name="uq_webhooks_booking_id"),
    )
    op.create_index("ix_webhooks_due_ms", "webhooks", ["state", "due_ms"])


def downgrade() -> None:
    """Takes this revision back."""
    op.drop_table("webhooks")
    op.drop_column("bookings", "sandbox")
    op.drop_column("accesses", "sandbox")
    op.drop_column("accesses", "callback_hosts")
