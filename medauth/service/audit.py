"""Does everything that was recorded still hold? One record in numbered steps, or a whole log against the chain.

A record's audit opens what the mirror stores, runs the same examination a stranger would run on its bundle, and
compares the mirror's own columns with what the signed statement says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from medauth.errors import EvidenceError, MedauthError, StoreError
from medauth.evidence.archive import FILE, frames_in
from medauth.evidence.bundle import Bundle
from medauth.evidence.commitment import RecordKeys, leaf_commitment
from medauth.evidence.merkle import RunningRoot
from medauth.evidence.sealing import unseal
from medauth.evidence.verifier import CheckedStep, Examination, StepState, Trust
from medauth.service.disclosure import bundle_of, opened
from medauth.store.interface import (
    AnchorStore,
    BlobStore,
    CheckpointRow,
    CheckpointState,
    Keyring,
    LeafKind,
    RecordRow,
    RecordStore,
)

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
    """Audits over ports. Without `size_on_chain` the chain step is skipped and says so."""

    def __init__(
        self,
        records: RecordStore,
        anchors: AnchorStore,
        blobs: BlobStore,
        keyring: Keyring,
        size_on_chain: SizeOnChain | None = None,
    ) -> None:
        self._records = records
        self._anchors = anchors
        self._blobs = blobs
        self._keyring = keyring
        self._size_on_chain = size_on_chain
        self._roots: dict[tuple[str, bytes], int | None] = {}

    def record(self, record_id: str) -> Audit:
        """Audits one record. Raises `NotFound` for an unknown id."""
        return self._audit(self._records.record(record_id))

    def records(self, log: str) -> Iterator[Audit]:
        """Audits every record of a log, in order, streamed."""
        try:
            for row in self._records.records(log):
                yield self._audit(row)
        except StoreError as error:  # a row that this program did not write ends the stream
            yield Audit(f"log {log}", (CheckedStep("mirror", StepState.FAILS, str(error)),))

    def bundle(self, record_id: str) -> Bundle:
        """The record's bundle, for a stranger."""
        return bundle_of(self._records.record(record_id), self._keyring, self._anchors)

    def log(self, log: str) -> Audit:
        """Audits a log as a whole: leaves without gaps, every checkpoint's root rebuilt from them, all on chain."""
        steps: list[CheckedStep] = []
        try:
            roots = {checkpoint.new_size: checkpoint for checkpoint in self._live_checkpoints(log)}
            count, covered = self._rebuild(log, roots)
            steps.append(_holds("log", f"{count} leaves rebuilt, {len(roots)} checkpoints over {covered} of them"))
            steps.append(self._log_on_chain(log, roots))
        except MedauthError as error:
            name = "chain" if steps else "log"
            steps.append(CheckedStep(name, StepState.FAILS, str(error)))
        return Audit(f"log {log}", tuple(steps))

    def _audit(self, row: RecordRow) -> Audit:
        steps: list[CheckedStep] = []
        for step in self._steps(row):
            steps.append(step)
            if step.state is StepState.FAILS:
                break
        return Audit(row.record_id, tuple(steps))

    def _steps(self, row: RecordRow) -> Iterator[CheckedStep]:
        """In the order in which one needs the other: bytes, key, examination, columns, files."""
        yield _step("stored bytes", lambda: _stored_bytes(row))
        keys: list[RecordKeys] = []
        yield _step("key", lambda: _opened(row, self._keyring, keys))
        try:
            bundle = bundle_of(row, self._keyring, self._anchors)
        except MedauthError as error:
            yield CheckedStep("inclusion", StepState.FAILS, str(error))
            return
        examination = Examination(bundle, self._trust(row.log))
        yield from examination.steps()
        statement = examination.statement
        yield _step("mirror", lambda: self._mirror(row, keys[0], statement, bundle))
        yield _step("files", lambda: self._files(row, keys[0], statement))

    def _trust(self, log: str) -> Trust:
        checkpoints = {row.root: row.new_size for row in self._live_checkpoints(log)}
        ask = None if self._size_on_chain is None else lambda root: self._on_chain(log, root)
        return Trust(self._keyring.trusted(), checkpoints or None, ask)

    def _live_checkpoints(self, log: str) -> list[CheckpointRow]:
        return [row for row in self._anchors.checkpoints(log) if row.state is not CheckpointState.FAILED]

    def _on_chain(self, log: str, root: bytes) -> int | None:
        """Asks the contract once for each root."""
        assert self._size_on_chain is not None
        if (log, root) not in self._roots:
            self._roots[log, root] = self._size_on_chain(log, root)
        return self._roots[log, root]

    def _mirror(self, row: RecordRow, keys: RecordKeys, statement: Mapping[str, Any], bundle: Bundle) -> str:
        """The mirror's columns say nothing that the signed statement does not."""
        ends = row.kind is LeafKind.VERDICT
        check = self._records.check(row.check_id)
        leaf = next(self._records.leaves(row.log, row.leaf_index), None)
        stated: dict[str, tuple[object, object]] = {
            "leaf": (row.leaf, leaf_commitment(keys.leaf, bundle.envelope.payload)),
            "line of the log": (
                leaf and (leaf.index, leaf.leaf, leaf.record_id),
                (row.leaf_index, row.leaf, row.record_id),
            ),
            "outcome": (row.outcome, statement["verdict"]["decision"] if ends else "started"),
            "time": (row.created_ms, statement["finished_ms" if ends else "started_ms"]),
            "check": (row.check_id, statement["check"]["id"]),
            "log": (check.log, row.log),
            "purpose": (check.purpose, statement["check"]["purpose"]),
            "policy": (check.policy, statement["policy"]["name"]),
            "commitment": (check.commitment.hex(), _commitment(statement, ends=ends)),
            "subject": (check.subject_tag, self._keyring.tag("subject", statement["check"]["subject"])),
        }
        for name, (mirrored, signed) in stated.items():
            if mirrored != signed:
                raise EvidenceError(f"the mirror's {name} differs from the signed one", expected="the signed one")
        return f"{len(stated)} columns agree with the statement"

    def _files(self, row: RecordRow, keys: RecordKeys, statement: Mapping[str, Any]) -> str:
        """The sealed files are whole, open, and hold what the statement digested."""
        if row.kind is not LeafKind.VERDICT:
            return "none belong to a start"
        total = 0
        kept = [(index, digest) for index, _, digest in statement["frames"]["kept"]]
        stored = {blob.name: blob for blob in row.blobs}
        expected = set(statement["blobs"]) | ({FILE} if kept else set())
        if set(stored) != expected:
            raise EvidenceError(f"files {sorted(stored)}", expected=str(sorted(expected)))
        for name, blob in stored.items():
            data = self._blobs.read(row.record_id, name)
            if (hashlib.sha256(data).digest(), len(data)) != (blob.sha256, blob.length):
                raise EvidenceError(f"file {name} was altered", expected=blob.sha256.hex())
            total += len(data)
            if name == FILE:
                _compare_frames(data, keys, row.record_id, kept)
            else:
                _compare_file(data, keys, row.record_id, name, statement["blobs"][name])
        return f"{len(stored)} sealed files, {len(kept)} kept frames, {total} bytes"

    def _rebuild(self, log: str, checkpoints: Mapping[int, CheckpointRow]) -> tuple[int, int]:
        """Hashes all leaves again, in order, and compares each checkpoint's root as it is passed."""
        running = RunningRoot()
        records = self._records.records(log)
        for leaf in self._records.leaves(log):
            if leaf.index != running.size:
                raise EvidenceError(f"leaf {running.size} of log {log} is missing", expected="a log without gaps")
            record = next(records, None)
            if record is None or (record.leaf_index, record.record_id) != (leaf.index, leaf.record_id):
                raise EvidenceError(f"leaf {leaf.index} of log {log} has no record", expected=leaf.record_id)
            running.append(leaf.leaf)
            checkpoint = checkpoints.get(running.size)
            if checkpoint is not None and checkpoint.root != running.root():
                raise EvidenceError(
                    f"the leaves of log {log} do not give checkpoint {checkpoint.seq}", expected=checkpoint.root.hex()
                )
        self._require_all(log, running.size, next(records, None), checkpoints)
        return running.size, max(checkpoints, default=0)

    def _require_all(
        self, log: str, size: int, extra: RecordRow | None, checkpoints: Mapping[int, CheckpointRow]
    ) -> None:
        if extra is not None:
            raise EvidenceError(f"record {extra.record_id} has no leaf", expected="a leaf for every record")
        beyond = [row for row in checkpoints.values() if row.new_size > size]
        if beyond:
            raise EvidenceError(
                f"log {log} ends after {size} leaves",
                expected=f"{beyond[0].new_size}, as checkpoint {beyond[0].seq} says",
            )

    def _log_on_chain(self, log: str, checkpoints: Mapping[int, CheckpointRow]) -> CheckedStep:
        if self._size_on_chain is None:
            return CheckedStep("chain", StepState.SKIPPED, "no chain was asked")
        done = [row for row in checkpoints.values() if row.state in {CheckpointState.ANCHORED, CheckpointState.FINAL}]
        for row in done:
            if self._on_chain(log, row.root) != row.new_size:
                raise EvidenceError(
                    f"checkpoint {row.seq} of log {log} is not on chain", expected=f"root {row.root.hex()}"
                )
        return _holds("chain", f"{len(done)} checkpoints are on chain")


def _stored_bytes(row: RecordRow) -> str:
    found = hashlib.sha256(row.sealed_envelope).digest()
    if found != row.sealed_envelope_sha256:
        raise EvidenceError("the sealed envelope was altered", expected=row.sealed_envelope_sha256.hex())
    return f"{len(row.sealed_envelope)} sealed bytes, SHA-256 {found.hex()[:16]}…"


def _opened(row: RecordRow, keyring: Keyring, keys: list[RecordKeys]) -> str:
    keys.append(opened(row, keyring)[0])
    return "the record's key opens its envelope"


def _commitment(statement: Mapping[str, Any], *, ends: bool) -> object:
    return statement["challenge"]["commitment"] if ends else statement["commitment"]


def _compare_frames(data: bytes, keys: RecordKeys, record_id: str, kept: list[tuple[int, str]]) -> None:
    digests = dict(kept)
    for index, jpeg in frames_in(keys.seal, data, record_id=record_id, indices=list(digests)):
        if hashlib.sha256(jpeg).hexdigest() != digests[index]:
            raise EvidenceError(f"kept frame {index} is another picture", expected=digests[index])


def _compare_file(data: bytes, keys: RecordKeys, record_id: str, name: str, digest: str) -> None:
    contents = unseal(keys.seal, data, record_id=record_id, name=name)
    if hashlib.sha256(contents).hexdigest() != digest:
        raise EvidenceError(f"file {name} holds something else", expected=digest)


def _holds(name: str, text: str) -> CheckedStep:
    return CheckedStep(name, StepState.HOLDS, text)


def _step(name: str, do: Callable[[], str]) -> CheckedStep:
    try:
        return _holds(name, do())
    except MedauthError as error:
        return CheckedStep(name, StepState.FAILS, str(error))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return CheckedStep(name, StepState.FAILS, f"malformed: {type(error).__name__} {error}")
