"""Nothing in the mirror that no signature speaks for: a note's time of signing goes, a dropped check ends with its time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies this revision."""
    op.drop_column("notes", "signed_ms")
    op.execute("UPDATE checks SET closed_ms = expires_ms WHERE state IN ('abandoned', 'expired')")


def downgrade() -> None:
    """Takes this revision back."""
    op.add_column("notes", sa.Column("signed_ms", sa.BigInteger(), nullable=False, server_default="0"))
