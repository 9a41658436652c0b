"""The mirror's tables. Digests, keys and hashes are bytes; times are milliseconds since the epoch."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
)
from sqlalchemy import UniqueConstraint as Unique

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

LOG_NAME = String(32)
ID = String(64)

checks = Table(
    "checks",
    metadata,
    Column("check_id", ID, primary_key=True),
    Column("log", LOG_NAME, nullable=False),
    Column("subject_tag", LargeBinary(32), nullable=False),
    Column("client_tag", LargeBinary(32), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("policy", String(64), nullable=False),
    Column("commitment", LargeBinary(32), nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("closed_ms", BigInteger),
)
Index("ix_checks_started_ms", checks.c.started_ms, checks.c.check_id)

logs = Table(
    "logs",
    metadata,
    Column("log", LOG_NAME, primary_key=True),
    Column("size", BigInteger, nullable=False),
)
"""One row a log. Appending updates it first, so that writers queue up and no index is given twice."""

records = Table(
    "records",
    metadata,
    Column("record_id", ID, primary_key=True),
    Column("log", LOG_NAME, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("check_id", ID, ForeignKey("checks.check_id")),
    Column("leaf_index", BigInteger, nullable=False),
    Column("leaf", LargeBinary(32), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("sealed_envelope", LargeBinary, nullable=False),
    Column("sealed_envelope_sha256", LargeBinary(32), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("key_id", ID, nullable=False),
    Unique("log", "leaf_index"),
)
Index("ix_records_check_id", records.c.check_id)

retired_keys = Table(
    "retired_keys",
    metadata,
    Column("key_id", ID, primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("raw", LargeBinary(32), nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("successor", ID, nullable=False),
    Column("record_id", ID, ForeignKey("records.record_id"), nullable=False),
)
"""Keys that were replaced. Written with the leaf that announced it, read with every record that is appended."""

blobs = Table(
    "blobs",
    metadata,
    Column("record_id", ID, ForeignKey("records.record_id"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("length", BigInteger, nullable=False),
)

leaves = Table(
    "leaves",
    metadata,
    Column("log", LOG_NAME, primary_key=True),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("leaf", LargeBinary(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("record_id", ID, nullable=False),
    sqlite_with_rowid=False,
)
"""The outbox too: what lies beyond the last checkpoint still has to be anchored. A row commits with its record."""

nodes = Table(
    "nodes",
    metadata,
    Column("log", LOG_NAME, primary_key=True),
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    sqlite_with_rowid=False,
)
"""Hashes of complete subtrees: (level, position) covers 2**level leaves from position * 2**level on."""

failures = Table(
    "failures",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("subject_tag", LargeBinary(32), nullable=False),
    Column("client_tag", LargeBinary(32), nullable=False),
    Column("failed_ms", BigInteger, nullable=False),
)
Index("ix_failures_subject_tag", failures.c.subject_tag, failures.c.client_tag, failures.c.failed_ms)

prints = Table(
    "prints",
    metadata,
    Column("print_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("record_id", ID, ForeignKey("records.record_id"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Unique("record_id"),
)
"""Fingerprints of film, each sealed under the key of its record."""
Index("ix_prints_until_ms", prints.c.until_ms)

print_marks = Table(
    "print_marks",
    metadata,
    Column("mark", BigInteger, primary_key=True, autoincrement=False),
    Column("print_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""By which keyed codes fingerprints are found. No foreign key: it would look each mark's owner up."""
Index("ix_print_marks_print_id", print_marks.c.print_id)

chain_identities = Table(
    "chain_identities",
    metadata,
    Column("log", LOG_NAME, primary_key=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("genesis", LargeBinary(32), nullable=False),
    Column("address", String(42), nullable=False),
    Column("code_hash", LargeBinary(32), nullable=False),
    Column("log_id", LargeBinary(32), nullable=False),
    Column("deployed_block", BigInteger, nullable=False),
)

epochs = Table(
    "epochs",
    metadata,
    Column("log", LOG_NAME, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("genesis", LargeBinary(32), nullable=False),
    Column("address", String(42), nullable=False),
    Column("code_hash", LargeBinary(32), nullable=False),
    Column("log_id", LargeBinary(32), nullable=False),
    Column("deployed_block", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
)
"""Contracts that a log has left, each with the head at which it was closed."""

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("log", LOG_NAME, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("old_size", BigInteger, nullable=False),
    Column("new_size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("why", Text, nullable=False),
    Column("tx_hash", LargeBinary(32)),
    Column("block", BigInteger),
    Column("block_hash", LargeBinary(32)),
    Column("anchored_ms", BigInteger),
)
Index("ix_checkpoints_new_size", checkpoints.c.log, checkpoints.c.new_size)

notes = Table(
    "notes",
    metadata,
    Column("log", LOG_NAME, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
)
"""Checkpoints that are final on chain, as signed notes."""

stamps = Table(
    "stamps",
    metadata,
    Column("log", LOG_NAME, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("authority", String(256), primary_key=True),
    Column("token", LargeBinary, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
)
"""RFC 3161 responses over the notes."""

attempts = Table(
    "attempts",
    metadata,
    Column("tx_hash", LargeBinary(32), primary_key=True),
    Column("log", LOG_NAME, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("max_fee", String(40), nullable=False),
    Column("tip", String(40), nullable=False),
)
"""Fees are decimal strings: wei can pass 64 bits."""
Index("ix_attempts_seq", attempts.c.log, attempts.c.seq)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(128), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)

accesses = Table(
    "accesses",
    metadata,
    Column("access_id", ID, primary_key=True),
    Column("name", String(128), nullable=False),
    Column("key_tag", LargeBinary(32), nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("policies", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("callback_hosts", Text, nullable=False, server_default=""),
    Column("sandbox", Boolean, nullable=False, server_default=false()),
)
"""Apps that may ask over the network."""

bookings = Table(
    "bookings",
    metadata,
    Column("booking_id", ID, primary_key=True),
    Column("access_id", ID, nullable=False),
    Column("idempotency_tag", LargeBinary(32)),
    Column("request_digest", LargeBinary(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("policy", String(64), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("check_id", ID, index=True),
    Column("record_id", ID),
    Column("outcome", String(16), nullable=False),
    Column("code", String(32), nullable=False),
    Column("ended_ms", BigInteger),
    Column("sandbox", Boolean, nullable=False, server_default=false()),
    Column("passkey_state", String(16), nullable=False, server_default=""),
    Column("passkey_tag", LargeBinary(32)),
    Column("passkey_sign_count", BigInteger),
    Column("passkey_user_verified", Boolean),
    Column("passkey_ms", BigInteger),
    Unique("access_id", "idempotency_tag"),
)
"""Checks that apps asked for. Whom they are about is sealed."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("webhook_id", ID, primary_key=True),
    Column("booking_id", ID, nullable=False, unique=True),
    Column("access_id", ID, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("why", String(32), nullable=False),
    Column("ended_ms", BigInteger),
)
"""What apps are to be told. A row commits with the end that it tells of; address and body are sealed."""
Index("ix_webhooks_due_ms", webhooks.c.state, webhooks.c.due_ms)

consumed_tokens = Table(
    "consumed_tokens",
    metadata,
    Column("jti", ID, primary_key=True),
    Column("expires_ms", BigInteger, nullable=False),
)
"""Ids of verdict tokens that were used, until they expire."""

labels = Table(
    "labels",
    metadata,
    Column("check_id", ID, ForeignKey("checks.check_id"), primary_key=True),
    Column("label", String(32), nullable=False),
    Column("given_by", ID, nullable=False),
    Column("given_ms", BigInteger, nullable=False),
)
"""What people know that a check truly was. Goes with the check."""
