"""Does a record still hold? In numbered steps.

It opens what the mirror stores, runs the same examination a stranger would run on its bundle, and compares the mirror's
own columns with what the signed statement says. `log_audit.py` does the same for all records of a log at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from medauth.errors import EvidenceError, MedauthError
from medauth.evidence.bundle import Bundle
from medauth.evidence.commitment import RecordKeys
from medauth.evidence.verifier import CheckedStep, Examination, StepState, Trust
from medauth.service.disclosure import bundle_of, contract_of, opened
from medauth.service.erasure import is_erased, require_nothing_left
from medauth.service.mirrored import beside, compare_columns, compare_files, leaf_in_place
from medauth.store.heads_interface import HeadMemory
from medauth.store.interface import (
    AnchorStore,
    BlobStore,
    Keyring,
    LeafKind,
    RecordRow,
    RecordStore,
)
from medauth.store.reading import LogReader

SizeOnChain = Callable[[str, bytes], int | None]
"""(log, root) to the size the contract holds under it, or None. Raises `LedgerError` when no node answers."""

EXIT_CODES: Mapping[str, int] = {
    "stored bytes": 10,
    "key": 11,
    "signature": 12,
    "statement": 13,
    "challenge": 14,
    "verdict": 15,
    "leaf": 16,
    "inclusion": 17,
    "checkpoint": 18,
    "chain": 19,
    "mirror": 20,
    "files": 21,
    "log": 22,
    "tombstone": 23,
    "time stamp": 24,
    "replay": 25,
    "receipt": 26,
    "start": 27,
    "head": 28,
}
"""What `medauth audit` exits with: the step at which the first fault was found."""


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit of one record or one log: its steps, in order."""

    subject: str
    steps: tuple[CheckedStep, ...]

    @property
    def fault(self) -> CheckedStep | None:
        """The first step that fails, or None."""
        return next((step for step in self.steps if step.state is StepState.FAILS), None)

    @property
    def exit_code(self) -> int:
        """0 when everything holds, else the code of the first fault."""
        return EXIT_CODES[self.fault.name] if self.fault else 0


class Auditor:
    """Audits over ports. Without `size_on_chain` the chain step is skipped, without `stamped_ms` the time stamp's."""

    def __init__(
        self,
        records: RecordStore,
        anchors: AnchorStore,
        reader: LogReader,
        blobs: BlobStore,
        keyring: Keyring,
        size_on_chain: SizeOnChain | None = None,
        stamped_ms: Callable[[bytes, bytes], int] | None = None,
        heads: HeadMemory | None = None,
    ) -> None:
        self._records = records
        self._anchors = anchors
        self._reader = reader
        self._blobs = blobs
        self._keyring = keyring
        self._size_on_chain = size_on_chain
        self._stamped_ms = stamped_ms
        self._heads = heads
        self._roots: dict[tuple[str, bytes], int | None] = {}

    def record(self, record_id: str) -> Audit:
        """Audits one record. Raises `NotFound` for an unknown id."""
        return self._audit(self._records.record(record_id))

    def bundle(self, record_id: str) -> Bundle:
        """The record's bundle, for a stranger."""
        return bundle_of(self._records.record(record_id), self._records, self._keyring, self._anchors)

    def _audit(self, row: RecordRow) -> Audit:
        steps: list[CheckedStep] = []
        for done in self._steps(row):
            steps.append(done)
            if done.state is StepState.FAILS:
                break
        return Audit(row.record_id, tuple(steps))

    def _steps(self, row: RecordRow) -> Iterator[CheckedStep]:
        """In the order in which one needs the other: bytes, key, examination, columns, files."""
        yield from self._erased_steps(row) if is_erased(row) else self._record_steps(row)
        head = self._heads.heads().get(row.log) if self._heads else None
        if head is not None and row.leaf_index < head.note.size:
            yield step("head", lambda: self._still_covered(row, head.note.size))

    def _still_covered(self, row: RecordRow, size: int) -> str:
        """A checkpoint that was signed once does not vanish: what it covered cannot wait for one again."""
        if self._anchors.covering_checkpoint(row.log, row.leaf_index) is None:
            raise EvidenceError(f"the mirror lost the checkpoint over leaf {row.leaf_index}", expected=f"{size} leaves")
        return f"below the {size} leaves of the last signed checkpoint"

    def _record_steps(self, row: RecordRow) -> Iterator[CheckedStep]:
        yield step("stored bytes", lambda: stored_bytes(row))
        keys: list[RecordKeys] = []
        yield step("key", lambda: _opened(row, self._keyring, keys))
        try:
            bundle = bundle_of(row, self._records, self._keyring, self._anchors)
        except MedauthError as error:
            yield CheckedStep("inclusion", StepState.FAILS, str(error))
            return
        examination = Examination(bundle, self._trust(row))
        yield from examination.steps()
        statement = examination.statement
        yield step("mirror", lambda: self._columns(row, keys[0], bundle, statement))
        yield step("files", lambda: compare_files(row, self._blobs, keys[0], statement))

    def _columns(self, row: RecordRow, keys: RecordKeys, bundle: Bundle, statement: Mapping[str, Any]) -> str:
        around = beside(row, self._records, self._reader)
        return compare_columns(row, around, self._keyring, keys, bundle.envelope, statement)

    def _erased_steps(self, row: RecordRow) -> Iterator[CheckedStep]:
        """Nothing can be opened any more; the leaf still has its place, and a signed tombstone says why."""
        yield step("tombstone", lambda: self._tombstone(row))
        yield step("inclusion", lambda: leaf_in_place(row, self._reader.leaf(row.log, row.leaf_index), self._anchors))

    def _tombstone(self, row: RecordRow) -> str:
        for stone in self._records.records_of(row.check_id or ""):
            # The key of rehearsals signs tombstones too, of rehearsals alone.
            if stone.kind is not LeafKind.TOMBSTONE or stone.log != row.log:
                continue
            bundle = bundle_of(stone, self._records, self._keyring, self._anchors)
            examination = Examination(bundle, self._trust(stone))
            if any(done.state is StepState.FAILS for done in examination.steps()):
                continue
            erased = [[row.record_id, row.leaf_index, row.leaf.hex()]]
            if all(entry in examination.statement["erased"] for entry in erased):
                require_nothing_left(row, self._records.check(row.check_id or ""), self._blobs)
                return f"erased by {stone.record_id}, leaf {stone.leaf_index}: {examination.statement['reason']}"
        raise EvidenceError("the record is gone, and no signed tombstone says so", expected="a tombstone that names it")

    def _trust(self, record: RecordRow) -> Trust:
        log = record.log
        checkpoint = self._anchors.covering_checkpoint(log, record.leaf_index)
        checkpoints = {checkpoint.root: checkpoint.new_size} if checkpoint else None
        ask = None if self._size_on_chain is None else lambda root: self._on_chain(log, root)
        # The record's place is known here before any checkpoint covers it.
        retired = {key: until for key, until in self._keyring.retired().items() if not _counts(record, key, until)}
        pinned = self._anchors.contract_over(log, checkpoint.new_size) if checkpoint else None
        contracts = {log: (contract_of(pinned),)} if pinned else None
        return Trust(self._keyring.trusted(), checkpoints, ask, contracts, self._stamped_ms, retired)

    def _on_chain(self, log: str, root: bytes) -> int | None:
        """Asks the contract once for each root."""
        assert self._size_on_chain is not None
        if (log, root) not in self._roots:
            self._roots[log, root] = self._size_on_chain(log, root)
        return self._roots[log, root]


def _counts(record: RecordRow, key_id: str, until: int) -> bool:
    """Whether a retired key was in use when it signed the record."""
    return record.key_id == key_id and record.leaf_index < until


def stored_bytes(row: RecordRow) -> str:
    """The sealed envelope is the one that was stored. Raises `EvidenceError`."""
    found = hashlib.sha256(row.sealed_envelope).digest()
    if found != row.sealed_envelope_sha256:
        raise EvidenceError("the sealed envelope was altered", expected=row.sealed_envelope_sha256.hex())
    return f"{len(row.sealed_envelope)} sealed bytes, SHA-256 {found.hex()[:16]}…"


def _opened(row: RecordRow, keyring: Keyring, keys: list[RecordKeys]) -> str:
    keys.append(opened(row, keyring)[0])
    return "the record's key opens its envelope"


def _holds(name: str, text: str) -> CheckedStep:
    return CheckedStep(name, StepState.HOLDS, text)


def step(name: str, do: Callable[[], str]) -> CheckedStep:
    """One step of an audit: what it says, or the fault it found."""
    try:
        return _holds(name, do())
    except MedauthError as error:
        return CheckedStep(name, StepState.FAILS, str(error))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return CheckedStep(name, StepState.FAILS, f"malformed: {type(error).__name__} {error}")
