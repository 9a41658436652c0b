"""What people know that a check truly was, and checks in the order in which they began."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.String(64)


def upgrade() -> None:
    """Applies this revision."""
    op.create_table(
        "labels",
        sa.Column("check_id", _ID, sa.ForeignKey("checks.check_id", name="fk_labels_check_id_checks"), nullable=False),
        sa.Column("label", sa.String(32), nullable=False),
        sa.Column("given_by", _ID, nullable=False),
        sa.Column("given_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("check_id", name="pk_labels"),
    )
    op.create_index("ix_checks_started_ms", "checks", ["started_ms", "check_id"])


def downgrade() -> None:
    """Takes this revision back."""
    op.drop_index("ix_checks_started_ms", "checks")
    op.drop_table("labels")
