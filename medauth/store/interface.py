"""What the server remembers: two ports over one database; the third, `Keyring`, is beside.

`RecordStore` keeps checks, their records and the leaves of the log, and commits them together. `AnchorStore` keeps what
the chain writer needs. A *log* is named (`main`, `rehearsal`); logs never share leaves, keys or contracts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from medauth.store.epoch_interface import ChainIdentityRow as ChainIdentityRow  # noqa: PLC0414 - all ports are found here
from medauth.store.epoch_interface import EpochRow as EpochRow  # noqa: PLC0414 - likewise
from medauth.store.epoch_interface import EpochStore as EpochStore  # noqa: PLC0414 - likewise
from medauth.store.keyring_interface import Keyring as Keyring  # noqa: PLC0414 - all ports of the store are found here
from medauth.store.keyring_interface import RetiredKeyRow as RetiredKeyRow  # noqa: PLC0414 - likewise
from medauth.store.print_interface import NewPrint as NewPrint  # noqa: PLC0414 - likewise
from medauth.store.print_interface import PrintStore as PrintStore  # noqa: PLC0414 - likewise

MAIN_LOG = "main"
REHEARSAL_LOG = "rehearsal"

ERASED = "erased"
"""The outcome of a record whose keys and statement were destroyed."""

NodeCoordinate = tuple[int, int]
"""(level, position): the complete subtree of 2**level leaves that starts at leaf position * 2**level."""


class LeafKind(StrEnum):
    """What a leaf commits to."""

    START = "start"
    VERDICT = "verdict"
    KEY = "key"
    TOMBSTONE = "tombstone"


class CheckState(StrEnum):
    """A check is used once: open, then closed by exactly one of the others."""

    OPEN = "open"
    FINISHED = "finished"
    EXPIRED = "expired"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A started check. `subject_tag` is a keyed hash, never the subject itself."""

    check_id: str
    log: str
    subject_tag: bytes
    client_tag: bytes
    purpose: str
    policy: str
    commitment: bytes
    started_ms: int
    expires_ms: int
    state: CheckState = CheckState.OPEN
    closed_ms: int | None = None
    """When its verdict says that it ended; without a verdict, when its time was over. None while it is open."""


@dataclass(frozen=True, slots=True)
class BlobRow:
    """A sealed file that belongs to a record: its name, the digest of the stored bytes and its length in bytes."""

    name: str
    sha256: bytes
    length: int


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to be committed with its leaf: everything readable is sealed under the record's own key."""

    record_id: str
    log: str
    kind: LeafKind
    check_id: str | None
    """None for a record about a key."""
    leaf: bytes
    """32 bytes: HMAC-SHA256(record key, canonical statement)."""
    wrapped_key: bytes
    """The record's key, wrapped by the store's master key."""
    sealed_envelope: bytes
    """The DSSE envelope, sealed by the record's key."""
    sealed_envelope_sha256: bytes
    outcome: str
    created_ms: int
    blobs: tuple[BlobRow, ...] = ()
    key_id: str = ""
    """Which key signed the envelope. The store takes nothing signed by a key that was retired."""


@dataclass(frozen=True, slots=True)
class RecordRow(NewRecord):
    """A committed record: a `NewRecord` that has its place in the log."""

    leaf_index: int = -1


@dataclass(frozen=True, slots=True)
class LeafRow:
    """One line of the log, in order."""

    log: str
    index: int
    leaf: bytes
    kind: LeafKind
    record_id: str


class RecordStore(Protocol):
    """Checks, records and leaves. Every method is one transaction; errors are `StoreError`, and `KeyRetired` from those
    that commit a record.
    """

    def open_checks(self, subject_tag: bytes, client_tag: bytes, since_ms: int) -> Sequence[int]:
        """When the open checks of this subject and client expire or expired, from `since_ms` on, ascending."""

    def begin_check(self, check: CheckRow, record: NewRecord, *, most_open: int | None = None) -> int:
        """Commits the check, its start record and the leaf together; returns the leaf index.

        Raises `TooManyFailures` when this subject and client would have more than `most_open` checks running; counted in
        the same transaction, so that many starts at once are no way around it.
        """

    def conclude_check(
        self, check_id: str, record: NewRecord, closed_ms: int, remembered: NewPrint | None = None
    ) -> int:
        """Closes the check, commits the verdict's record, leaf and fingerprint together; returns the leaf index.

        Raises `CeremonyError` when the check is not open: of parallel calls exactly one succeeds.
        """

    def close_check(self, check_id: str, state: CheckState, closed_ms: int) -> bool:
        """Closes an open check without a record, as of the end of its time; False when it was closed already."""

    def check(self, check_id: str) -> CheckRow: ...

    def record_failure(self, subject_tag: bytes, client_tag: bytes, failed_ms: int) -> None:
        """Counts a failure, and forgets everybody's that are more than a day older: they count no longer."""

    def failures_since(self, subject_tag: bytes, client_tag: bytes, since_ms: int) -> Sequence[int]:
        """Times (ms since the epoch, ascending) of failed checks of this subject and client."""

    def clear_failures(self, subject_tag: bytes, client_tag: bytes) -> None: ...

    def record(self, record_id: str) -> RecordRow:
        """Raises `NotFound`."""

    def records(self, log: str, first: int = 0) -> Iterator[RecordRow]:
        """Records in leaf order from leaf `first` on, streamed."""

    def records_of(self, check_id: str) -> Sequence[RecordRow]:
        """All records of a check, in leaf order."""

    def checks_closed_before(self, closed_ms: int) -> Iterator[str]:
        """Ids of checks that ended by then, if by their time alone, and have something to erase; oldest first."""

    def erase_check(self, check_id: str, tombstone: NewRecord) -> int:
        """Blanks everything readable of a check's records and commits the tombstone with its leaf; returns its index."""

    def rotate_key(self, record: NewRecord, retired: RetiredKeyRow) -> int:
        """Commits the announcement of a key's successor and retires the key in one transaction; returns the leaf index.

        From then on nothing signed by it is taken. `retired.until` is set here: this leaf is the last one that counts.
        """

    def retired_keys(self) -> Sequence[RetiredKeyRow]:
        """Every key that was replaced, oldest first."""

    def wipe(self) -> None:
        """Takes what was deleted out of the database's files too, as far as the database lets its client do that."""

    def leaves(self, log: str, first: int = 0) -> Iterator[LeafRow]:
        """Leaves in order, streamed."""

    def leaf_count(self, log: str) -> int: ...

    def nodes(self, log: str, coordinates: Sequence[NodeCoordinate]) -> Sequence[bytes]:
        """Hashes of complete subtrees, in the order asked. Raises `StoreError` when one is missing."""

    def logs(self) -> Sequence[str]: ...


class BlobWriter(Protocol):
    """Takes the sealed files of one record while its check runs. Errors are `StoreError`."""

    def append(self, name: str, sealed: bytes) -> None:
        """Adds bytes to the end of file `name`."""

    def replace(self, name: str, sealed: bytes) -> None:
        """Makes `sealed` the whole contents of file `name`."""

    def publish(self) -> tuple[BlobRow, ...]:
        """Makes the files durable under the record's id; to be called before the record is committed.

        May be called again after a `StoreError`; once it came through it returns the same rows.
        """

    def discard(self) -> None:
        """Removes what was written, published or not. Never raises."""


class BlobStore(Protocol):
    """Sealed files beside the database: frames and traces. Errors are `StoreError`."""

    def writer(self, record_id: str) -> BlobWriter: ...

    def read(self, record_id: str, name: str) -> bytes:
        """The stored bytes. Raises `NotFound`."""

    def any_of(self, record_id: str) -> bool:
        """Whether any file of a record is there."""

    def delete(self, record_id: str) -> None:
        """Removes all files of a record."""


class CheckpointState(StrEnum):
    """Where a checkpoint is on its way to the chain."""

    PENDING = "pending"
    """Intended and signed; not seen in a block yet."""
    ANCHORED = "anchored"
    """In a block, not yet deep enough."""
    FINAL = "final"
    """Deep enough, and the block hash was checked again."""
    REORGED = "reorged"
    """Was in a block that is no longer part of the chain; it is being sent again."""
    FAILED = "failed"
    """The contract refused it; `why` says what for."""


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A head of the log that is, or will be, on chain."""

    log: str
    seq: int
    old_size: int
    new_size: int
    root: bytes
    state: CheckpointState
    why: str = ""
    tx_hash: bytes | None = None
    block: int | None = None
    block_hash: bytes | None = None
    anchored_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A signed transaction for a checkpoint, committed before it was sent. Fees are in wei."""

    log: str
    seq: int
    tx_hash: bytes
    nonce: int
    raw: bytes
    max_fee: int
    tip: int


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A checkpoint that is final on chain, signed as a note for strangers."""

    log: str
    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class StampRow:
    """An RFC 3161 response over a note's text, from one authority."""

    log: str
    seq: int
    authority: str
    """Where it was asked for."""
    token: bytes
    received_ms: int


class AnchorStore(EpochStore, Protocol):
    """What the chain writer remembers. Every method is one transaction; errors are `StoreError`."""

    def leaf_count(self, log: str) -> int: ...

    def nodes(self, log: str, coordinates: Sequence[NodeCoordinate]) -> Sequence[bytes]: ...

    def open_checkpoint(self, log: str) -> CheckpointRow | None:
        """The first checkpoint that is not final, or None: one that failed waits to be tried again."""

    def last_checkpoint(self, log: str) -> CheckpointRow | None:
        """The checkpoint with the highest `seq` that did not fail, or None."""

    def checkpoints(self, log: str) -> Iterator[CheckpointRow]:
        """All checkpoints in order of `seq`."""

    def covering_checkpoint(self, log: str, leaf_index: int) -> CheckpointRow | None:
        """The first checkpoint whose `new_size` is greater than `leaf_index`; a failed one where there is no other."""

    def add_checkpoint(self, checkpoint: CheckpointRow, attempt: AttemptRow) -> None:
        """Commits the intent and its signed transaction together."""

    def add_attempt(self, attempt: AttemptRow) -> None: ...

    def attempts(self, log: str, seq: int) -> Sequence[AttemptRow]:
        """Attempts of one checkpoint, highest `max_fee` first."""

    def update_checkpoint(self, checkpoint: CheckpointRow) -> None:
        """Replaces state, why, tx_hash, block, block_hash and anchored_ms of (log, seq)."""

    def take_lease(self, name: str, holder: str, now_ms: int, ttl_ms: int) -> bool:
        """True when `holder` now holds the lease `name` until now + ttl; False while another one does."""

    def release_lease(self, name: str, holder: str) -> None: ...

    def unsigned_checkpoints(self, log: str) -> Sequence[CheckpointRow]:
        """Final checkpoints without a note, in order."""

    def note(self, log: str, seq: int) -> NoteRow | None: ...

    def add_note(self, note: NoteRow) -> None:
        """Keeps a note; a second one for the same checkpoint changes nothing."""

    def unstamped_notes(self, log: str, authority: str) -> Sequence[NoteRow]:
        """Notes that this authority did not stamp yet, in order."""

    def stamps(self, log: str, seq: int) -> Sequence[StampRow]: ...

    def add_stamp(self, stamp: StampRow) -> None:
        """Keeps a time stamp; a second one of the same authority for the same checkpoint changes nothing."""
