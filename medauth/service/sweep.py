"""A stretch of a log audited in bulk: all that a record's own audit looks at, from a handful of queries a thousand records.

A leaf's inclusion needs no path of its own here. The tree over all leaves is hashed anew, every stored node is compared
with it, and `log_audit.py` compares its roots with checkpoints and chain: what lies under such a root is included.
Stretches know nothing of one another, so that several processes can share a log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import Any

from medauth.errors import EvidenceError, MedauthError
from medauth.evidence.bundle import Bundle
from medauth.evidence.commitment import leaf_commitment
from medauth.evidence.merkle import Stretch
from medauth.evidence.signing import Envelope
from medauth.evidence.verifier import PURPOSES, CheckedStep, Examination, StepState, Trust
from medauth.service.audit import Audit
from medauth.service.disclosure import opened
from medauth.service.erasure import is_erased, require_nothing_left
from medauth.service.glance import TYPES, Glance
from medauth.service.mirrored import Beside, compare_columns, compare_files, line_of
from medauth.service.start_audit import StartAudit
from medauth.store.interface import BlobStore, CheckRow, Keyring, LeafKind, LeafRow, RecordRow
from medauth.store.reading import LogPage, LogReader, Sibling

LEVEL = 10
LEAVES = 1 << LEVEL
"""In one stretch: a complete subtree, small enough that its records fit into memory at some kilobytes each."""

NAMED_FAULTS = 20
"""Reported in full for each stretch; the rest are counted, so that a ruined mirror does not fill the memory."""

_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError)


class Depth(StrEnum):
    """How far an audit of many records goes."""

    QUICK = "quick"
    """Stored bytes, key, signature, leaf and place in the log."""
    FULL = "full"
    """The verdict decided again, columns and files compared as well."""


@dataclass(frozen=True, slots=True)
class Task:
    """Leaves [first, end) of a log to be swept, and the checkpoint sizes in (first, end]."""

    log: str
    first: int
    end: int
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Swept:
    """What a stretch came to. Small, whatever it held: it travels between processes."""

    task: Task
    peaks: tuple[tuple[int, bytes], ...]
    """Level and hash of its complete subtrees, largest first; empty where a leaf is missing."""
    heads: Mapping[int, tuple[bytes, ...]]
    """By checkpoint size, the complete subtrees of the stretch below it."""
    kinds: Mapping[LeafKind, int]
    erased: int
    faults: tuple[Audit, ...]
    """In leaf order, the first `NAMED_FAULTS` of them."""
    fault_count: int


class Sweep:
    """Sweeps stretches over ports. Keys are read once: an audit begun under one set of keys ends under it."""

    def __init__(self, reader: LogReader, blobs: BlobStore, keyring: Keyring, depth: Depth = Depth.FULL) -> None:
        self._reader = reader
        self._blobs = blobs
        self._keyring = keyring
        self._depth = depth
        self._keys = keyring.trusted()
        self._retired = keyring.retired()
        self._stones: dict[str, Sequence[Any]] = {}
        """By tombstone, what it says was erased; of the stretch at hand, where a start and its verdict share one."""
        self._starts = StartAudit(keyring, self._keys)
        self._glance = Glance(reader, keyring) if depth is Depth.QUICK else None

    def over(self, task: Task) -> Swept:
        """Audits one stretch. Raises `StoreError` only when the mirror does not answer at all."""
        self._stones.clear()
        self._starts.clear()
        whole = self._glance and self._glance.over(task.log, task.first, task.end)
        if whole and self._all_buried(task, whole.set_aside):
            return _swept(task, whole.stretch, whole.kinds, len(whole.set_aside))
        return self._looked_over(task)

    def _all_buried(self, task: Task, indices: frozenset[int]) -> bool:
        """Whether the careful look finds each of these records erased, and nothing wrong with it."""
        if not indices:
            return True
        page, unreadable = self._page(task)
        leaves = {leaf.record_id: leaf for leaf in page.leaves}
        rows = [row for row in page.records if row.leaf_index in indices]
        return (
            not unreadable
            and len(rows) == len(indices)
            and all(is_erased(row) for row in rows)
            and not any(self._looked_at(row, leaves.get(row.record_id), page, self._quick) for row in rows)
        )

    def _looked_over(self, task: Task) -> Swept:
        """Record by record, each fault by its name."""
        page, unreadable = self._page(task)
        faults = [*unreadable, *([] if unreadable else _leaf_faults(task, page)), *self._record_faults(page)]
        whole = [leaf.index for leaf in page.leaves] == list(range(task.first, task.end))
        stretch = _hashed(page) if whole else None
        if stretch is not None:
            faults.extend(_node_faults(task, page, stretch))
        kinds = [leaf.kind for leaf in page.leaves]
        erased = sum(is_erased(row) for row in page.records)
        return _swept(task, stretch, {kind: kinds.count(kind) for kind in LeafKind}, erased, faults)

    def _page(self, task: Task) -> tuple[LogPage, list[Audit]]:
        """The stretch, and what of it nobody can read: then leaf by leaf, to name the one."""
        checks = self._depth is Depth.FULL
        try:
            return self._reader.page(task.log, task.first, task.end, checks=checks), []
        except (MedauthError, *_MALFORMED):
            self._reader.known_logs()  # raises where the mirror itself does not answer: that is no fault of a record
        read, faults = [], []
        for index in range(task.first, task.end):
            try:
                read.append(self._reader.page(task.log, index, index + 1, checks=checks))
            except (MedauthError, *_MALFORMED) as error:
                faults.append(_fault(f"leaf {index} of log {task.log}", "mirror", str(error)))
        return _joined(read), faults

    def _record_faults(self, page: LogPage) -> Iterator[Audit]:
        leaves = {leaf.record_id: leaf for leaf in page.leaves}
        look = self._quick if self._depth is Depth.QUICK else self._full
        for row in page.records:
            found = self._looked_at(row, leaves.get(row.record_id), page, look)
            if found is not None:
                yield found

    def _looked_at(self, row: RecordRow, leaf: LeafRow | None, page: LogPage, look: Any) -> Audit | None:
        at = ["stored bytes"]
        """The step that is under way, for the fault to be named after."""
        try:
            if is_erased(row):
                at[0] = "tombstone"
                self._buried(row, page)
                require_nothing_left(row, page.checks.get(row.check_id or "", (None, ()))[0], self._blobs)
                at[0] = "inclusion"
                _require_line(row, leaf)
                return None
            if hashlib.sha256(row.sealed_envelope).digest() != row.sealed_envelope_sha256:
                raise EvidenceError("the sealed envelope was altered", expected=row.sealed_envelope_sha256.hex())
            failed: CheckedStep | None = look(row, leaf, page, at)
        except MedauthError as error:
            return _fault(row.record_id, at[0], str(error))
        except _MALFORMED as error:
            return _fault(row.record_id, at[0], f"malformed: {type(error).__name__} {error}")
        return Audit(row.record_id, (failed,)) if failed else None

    def _quick(self, row: RecordRow, leaf: LeafRow | None, _: LogPage, at: list[str]) -> None:
        at[0] = "key"
        keys, envelope = opened(row, self._keyring)
        at[0] = "signature"
        payload = envelope.verified(self._keys, TYPES[row.kind], PURPOSES[row.log])
        at[0] = "leaf"
        if leaf is None or leaf.leaf != leaf_commitment(keys.leaf, payload):
            raise EvidenceError("the log holds another leaf than the record's", expected=f"leaf {row.leaf_index}")
        at[0] = "mirror"
        _require_line(row, leaf)
        if row.key_id != envelope.key_id:
            raise EvidenceError("the mirror's signing key differs from the signed one", expected="the signed one")
        at[0] = "inclusion"
        self._require_in_use(row, envelope)

    def _full(self, row: RecordRow, leaf: LeafRow | None, page: LogPage, at: list[str]) -> CheckedStep | None:
        at[0] = "key"
        keys, envelope = opened(row, self._keyring)
        examination = Examination(
            Bundle(row.log, row.record_id, envelope, keys.leaf, proof=None, anchor=None), Trust(self._keys)
        )
        for done in takewhile(lambda step: step.name != "leaf", examination.steps()):
            if done.state is StepState.FAILS:
                return done
        at[0] = "leaf"
        if leaf is None or leaf.leaf != leaf_commitment(keys.leaf, envelope.payload):
            raise EvidenceError("the log holds another leaf than the record's", expected=f"leaf {row.leaf_index}")
        at[0] = "inclusion"
        self._require_in_use(row, envelope)
        at[0] = "start"
        self._starts.examined(row, envelope)
        self._starts.require(row, envelope, examination.statement, page)
        at[0] = "mirror"
        check, siblings = page.checks.get(row.check_id or "", (None, ()))
        around = Beside(leaf, check, siblings)
        compare_columns(row, around, self._keyring, keys, envelope, examination.statement)
        at[0] = "files"
        compare_files(row, self._blobs, keys, examination.statement)
        return None

    def _require_in_use(self, row: RecordRow, envelope: Envelope) -> None:
        until = self._retired.get(envelope.key_id)
        if until is not None and row.leaf_index >= until:
            raise EvidenceError(f"leaf {row.leaf_index}, signed by a retired key", expected=f"one of the first {until}")

    def _buried(self, row: RecordRow, page: LogPage) -> None:
        """A signed tombstone names the erased record. Its own place in the log is looked at where it stands."""
        entry = [row.record_id, row.leaf_index, row.leaf.hex()]
        for stone in page.tombstones.get(row.check_id or "", ()):
            if stone.record_id not in self._stones:
                self._stones[stone.record_id] = self._said_by(stone)
            if stone.log == row.log and entry in self._stones[stone.record_id]:
                return
        raise EvidenceError("the record is gone, and no signed tombstone says so", expected="a tombstone that names it")

    def _said_by(self, stone: RecordRow) -> Sequence[Any]:
        """What a tombstone that holds says was erased; nothing by one that does not hold."""
        keys, envelope = opened(stone, self._keyring)
        bundle = Bundle(stone.log, stone.record_id, envelope, keys.leaf, proof=None, anchor=None)
        examination = Examination(bundle, Trust(self._keys))
        steps = list(takewhile(lambda step: step.name != "leaf", examination.steps()))
        if any(done.state is StepState.FAILS for done in steps):
            return ()
        erased: Sequence[Any] = examination.statement["erased"]
        return erased


def _swept(
    task: Task,
    stretch: Stretch | None,
    kinds: Mapping[LeafKind, int],
    erased: int = 0,
    faults: Sequence[Audit] = (),
) -> Swept:
    peaks = tuple(stretch.peaks(task.end - task.first)) if stretch else ()
    heads = (
        {size: tuple(digest for _, digest in stretch.peaks(size - task.first)) for size in task.sizes}
        if stretch
        else {}
    )
    return Swept(task, peaks, heads, kinds, erased, tuple(faults[:NAMED_FAULTS]), len(faults))


def _joined(pages: Sequence[LogPage]) -> LogPage:
    checks: dict[str, tuple[CheckRow, Sequence[Sibling]]] = {}
    tombstones: dict[str, Sequence[RecordRow]] = {}
    starts: dict[str, RecordRow] = {}
    for page in pages:
        checks.update(page.checks)
        tombstones.update(page.tombstones)
        starts.update(page.starts)
    leaves, records = [leaf for page in pages for leaf in page.leaves], [row for page in pages for row in page.records]
    return LogPage(leaves, records, (), checks, tombstones, starts)


def _leaf_faults(task: Task, page: LogPage) -> Iterator[Audit]:
    """Every leaf is there once, with its record; every record has its leaf."""
    leaves = {leaf.index: leaf for leaf in page.leaves}
    records = {row.leaf_index: row for row in page.records}
    if leaves.keys() == records.keys() == set(range(task.first, task.end)):
        wrong = [i for i, leaf in leaves.items() if records[i].record_id != leaf.record_id]
    else:
        wrong = list(range(task.first, task.end))
    for index in wrong:
        leaf, record = leaves.get(index), records.get(index)
        if leaf is None:
            yield _fault(_named(index, record, task.log), "log", f"leaf {index} of log {task.log} is missing")
        elif record is None or record.record_id != leaf.record_id:
            yield _fault(leaf.record_id, "log", f"leaf {index} of log {task.log} has no record")


def _named(index: int, record: RecordRow | None, log: str) -> str:
    return record.record_id if record else f"leaf {index} of log {log}"


def _hashed(page: LogPage) -> Stretch | None:
    try:
        return Stretch([leaf.leaf for leaf in page.leaves])
    except TypeError:
        return None  # a leaf that is no bytes; its record's own fault says so


def _node_faults(task: Task, page: LogPage, stretch: Stretch) -> Iterator[Audit]:
    """The stored nodes are those that the leaves give. A wrong one breaks the proof of every leaf below it."""
    for level, (hashes, stored) in enumerate(zip(stretch.levels, page.nodes, strict=True)):
        first = task.first >> level
        if [row[1] for row in stored] == hashes and (not stored or stored[0][0] == first):
            continue
        by_position = dict(stored)
        for position, digest in enumerate(hashes, start=first):
            if by_position.get(position) != digest:
                leaf = page.leaves[(position << level) - task.first]
                yield _fault(
                    leaf.record_id,
                    "inclusion",
                    f"tree node {position} of level {level} of log {task.log} is not what its leaves give",
                )


def _require_line(row: RecordRow, leaf: LeafRow | None) -> None:
    if line_of(leaf) != (row.leaf_index, row.leaf, row.record_id) or leaf is None or leaf.kind is not row.kind:
        raise EvidenceError("the line of the log differs from the record", expected=f"leaf {row.leaf.hex()}")


def _fault(subject: str, name: str, text: str) -> Audit:
    return Audit(subject, (CheckedStep(name, StepState.FAILS, text),))
