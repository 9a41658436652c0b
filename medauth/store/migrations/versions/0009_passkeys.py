"""What came of asking for a passkey after a live verdict."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "passkey_tag": sa.LargeBinary(32),
    "passkey_sign_count": sa.BigInteger(),
    "passkey_user_verified": sa.Boolean(),
    "passkey_ms": sa.BigInteger(),
}


def upgrade() -> None:
    """Applies this revision."""
    op.add_column("bookings", sa.Column("passkey_state", sa.String(16), nullable=False, server_default=""))
    for name, kind in _COLUMNS.items():
        op.add_column("bookings", sa.Column(name, kind))


def downgrade() -> None:
    """Takes this revision back."""
    for name in ("passkey_state", *_COLUMNS):
        op.drop_column("bookings", name)
