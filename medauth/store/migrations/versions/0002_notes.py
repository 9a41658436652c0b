"""Checkpoints as signed notes, and time stamps on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies this revision."""
    op.create_table(
        "notes",
        sa.Column("log", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("signed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "seq", name=op.f("pk_notes")),
    )
    op.create_table(
        "stamps",
        sa.Column("log", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("authority", sa.String(length=256), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "seq", "authority", name=op.f("pk_stamps")),
    )


def downgrade() -> None:
    """Takes this revision back."""
    op.drop_table("stamps")
    op.drop_table("notes")
