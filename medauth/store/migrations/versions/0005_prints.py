"""What is remembered of earlier checks, to know their film again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies this revision."""
    op.create_table(
        "prints",
        sa.Column("print_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("record_id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("print_id", name=op.f("pk_prints")),
        sa.ForeignKeyConstraint(["record_id"], ["records.record_id"], name=op.f("fk_prints_record_id_records")),
        sa.UniqueConstraint("record_id", name=op.f("uq_prints_record_id")),
    )
    op.create_index("ix_prints_until_ms", "prints", ["until_ms"])
    op.create_table(
        "print_marks",
        sa.Column("mark", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("print_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("mark", "print_id", name=op.f("pk_print_marks")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_print_marks_print_id", "print_marks", ["print_id"])


def downgrade() -> None:
    """Takes this revision back."""
    op.drop_table("print_marks")
    op.drop_table("prints")
