"""The mirror built again from what others hold and the chain: bundles give the leaves, leaves the tree, events its heads.

A verdict's bundle holds two leaves, its own and its start's; a tombstone names the leaves of what it erased. What comes out
must be what the mirror says, row by row, up to the last checkpoint. Sealed bytes and their keys are in no bundle: a mirror
that is lost can be answered for again, its pictures cannot be opened again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from medauth.errors import EvidenceError
from medauth.evidence.bundle import Bundle
from medauth.evidence.commitment import leaf_commitment
from medauth.evidence.merkle import MemoryTree
from medauth.evidence.signing import PayloadType
from medauth.evidence.verifier import CheckedStep, Examination, StepState, Trust
from medauth.ledger.interface import AnchoredCheckpoint
from medauth.protocol.canonical import parse_object
from medauth.service.audit import Audit, step
from medauth.store.interface import AnchorStore, Keyring, LeafKind, RecordStore
from medauth.store.reading import LogReader

_STATED = {
    PayloadType.START.value: (LeafKind.START, "started_ms"),
    PayloadType.VERDICT.value: (LeafKind.VERDICT, "finished_ms"),
    PayloadType.TOMBSTONE.value: (LeafKind.TOMBSTONE, "erased_ms"),
    PayloadType.KEY.value: (LeafKind.KEY, "rotated_ms"),
}
_OUTCOMES = {LeafKind.START: "started", LeafKind.TOMBSTONE: "tombstone", LeafKind.KEY: "rotated"}


@dataclass(frozen=True, slots=True)
class RebuiltLeaf:
    """One line of the log with its record, by what was signed. Of an erased record only place and leaf are known."""

    record_id: str
    leaf: bytes
    record: tuple[object, ...] | None = None
    """Kind, check id, outcome, time, signing key."""


class Rebuilding:
    """Rebuilds one log from its bundles, over ports, and compares."""

    def __init__(
        self, log: str, records: RecordStore, anchors: AnchorStore, reader: LogReader, keyring: Keyring
    ) -> None:
        self._log = log
        self._records = records
        self._anchors = anchors
        self._reader = reader
        self._trust = Trust(keyring.trusted(), retired=keyring.retired())
        self._leaves: dict[int, RebuiltLeaf] = {}

    def over(self, bundles: Iterable[Bundle], events: Iterable[AnchoredCheckpoint]) -> Audit:
        """Takes the log's bundles and the chain's events; ends with the first step that fails."""
        found: list[CheckedStep] = []
        for done in self._steps(bundles, list(events)):
            found.append(done)
            if done.state is StepState.FAILS:
                break
        return Audit(f"log {self._log}", tuple(found))

    def _steps(self, bundles: Iterable[Bundle], events: list[AnchoredCheckpoint]) -> Iterator[CheckedStep]:
        trees: list[MemoryTree] = []
        yield step("statement", lambda: self._taken(bundles))
        yield step("log", lambda: self._grown(trees, events))
        yield step("chain", lambda: _headed(trees[0], events))
        yield step("mirror", lambda: self._mirrored(trees[0], events))

    def _taken(self, bundles: Iterable[Bundle]) -> str:
        count = waiting = 0
        for bundle in bundles:
            if bundle.log != self._log:
                continue
            if bundle.proof is None:
                waiting += 1
                continue
            examination = Examination(bundle, self._trust)
            fault = next((one for one in examination.steps() if one.state is StepState.FAILS), None)
            if fault is not None:
                raise EvidenceError(
                    f"bundle of {bundle.record_id}: {fault.name}: {fault.text}", expected="whole bundles"
                )
            self._place(bundle, examination.statement)
            count += 1
        return f"{count} bundles hold {len(self._leaves)} leaves" + (f"; {waiting} wait" if waiting else "")

    def _place(self, bundle: Bundle, statement: Mapping[str, Any]) -> None:
        assert bundle.proof is not None
        envelope, start = bundle.envelope, bundle.start
        leaf = leaf_commitment(bundle.leaf_key, envelope.payload)
        self._put(bundle.proof.leaf_index, _rebuilt(statement, envelope.payload_type, envelope.key_id, leaf))
        if start is not None and start.leaf_index is not None:
            leaf, stated = leaf_commitment(start.leaf_key, start.envelope.payload), parse_object(start.envelope.payload)
            self._put(start.leaf_index, _rebuilt(stated, PayloadType.START.value, start.envelope.key_id, leaf))
        for record_id, index, erased in statement.get("erased", ()):
            self._put(index, RebuiltLeaf(record_id, bytes.fromhex(erased)))

    def _put(self, index: int, leaf: RebuiltLeaf) -> None:
        there = self._leaves.get(index)
        if there is not None and (there.record_id, there.leaf) != (leaf.record_id, leaf.leaf):
            raise EvidenceError(
                f"two records claim leaf {index}: {there.record_id} and {leaf.record_id}", expected="one"
            )
        if there is None or there.record is None:
            self._leaves[index] = leaf

    def _grown(self, trees: list[MemoryTree], events: list[AnchoredCheckpoint]) -> str:
        size = max((event.new_size for event in events), default=0)
        missing = next((index for index in range(size) if index not in self._leaves), None)
        if missing is not None:
            raise EvidenceError(f"leaf {missing} stands in no bundle", expected=f"bundles for all {size} leaves")
        trees.append(MemoryTree(self._leaves[index].leaf for index in range(size)))
        return f"{size} leaves make the tree"

    def _mirrored(self, tree: MemoryTree, events: list[AnchoredCheckpoint]) -> str:
        rows = iter(self._records.records(self._log))
        for index in range(tree.size):
            wanted, line, row = self._leaves[index], self._reader.leaf(self._log, index), next(rows, None)
            if line is None or row is None or (line.record_id, line.leaf) != (wanted.record_id, wanted.leaf):
                raise EvidenceError(f"the mirror has another leaf {index}", expected=wanted.record_id)
            if (row.leaf_index, row.record_id, row.leaf) != (index, wanted.record_id, wanted.leaf):
                raise EvidenceError(f"the mirror has another record at leaf {index}", expected=wanted.record_id)
            found = (row.kind, row.check_id, row.outcome, row.created_ms, row.key_id)
            erased = not row.sealed_envelope
            if wanted.record is not None and not erased and (found != wanted.record or line.kind is not row.kind):
                raise EvidenceError(
                    f"the mirror says something else of {wanted.record_id}", expected=str(wanted.record)
                )
        nodes = tree.nodes()
        if list(self._anchors.nodes(self._log, list(nodes))) != list(nodes.values()):
            raise EvidenceError("the mirror's tree is another one", expected="the one that the leaves give")
        for row_, event in zip_longest(self._reader.live_checkpoints(self._log), events):
            if row_ is None or event is None or _head(row_) != _head(event):
                raise EvidenceError(
                    "the mirror has other checkpoints than the chain", expected=f"{len(events)} of them"
                )
        return f"identical: {tree.size} leaves and records, {len(nodes)} nodes, {len(events)} checkpoints"


def _rebuilt(statement: Mapping[str, Any], payload_type: str, key_id: str, leaf: bytes) -> RebuiltLeaf:
    kind, time = _STATED[payload_type]
    outcome = _OUTCOMES.get(kind) or statement["verdict"]["decision"]
    check_id = None if kind is LeafKind.KEY else statement["check"]["id"]
    return RebuiltLeaf(statement["record_id"], leaf, (kind, check_id, outcome, statement[time], key_id))


def _headed(tree: MemoryTree, events: Iterable[AnchoredCheckpoint]) -> str:
    count = 0
    for event in events:
        if tree.root(event.new_size) != event.root:
            raise EvidenceError(f"the bundles do not give checkpoint {event.seq}", expected=event.root.hex())
        count += 1
    return f"all {count} checkpoints on chain follow from the bundles"


def _head(row: Any) -> tuple[object, ...]:
    return row.seq, row.old_size, row.new_size, row.root, row.tx_hash, row.block, row.block_hash
