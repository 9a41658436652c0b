"""Chain against mirror, in both directions: every checkpoint that the mirror calls anchored has its event, and every event
its checkpoint. The two are walked side by side, so that neither has to fit into memory. And a leaf that was anchored by
itself, ahead of any checkpoint, stands in the log: or a record was left out after the world had seen it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Protocol

from medauth.errors import EvidenceError
from medauth.ledger.interface import AnchoredCheckpoint
from medauth.store.interface import CheckpointRow, CheckpointState
from medauth.store.reading import LogReader

_ON_CHAIN = frozenset({CheckpointState.ANCHORED, CheckpointState.FINAL})
_BATCH = 100


class ChainView(Protocol):
    """What an audit asks a chain. Errors are `LedgerError`."""

    def size_on_chain(self, log: str, root: bytes) -> int | None:
        """The size that the log's contract holds under a root, or None."""

    def events(self, log: str) -> Iterator[AnchoredCheckpoint]:
        """Every checkpoint that the log's contract announced, in order, streamed; none where it has no contract."""

    def urgent_leaves(self, log: str) -> Iterator[bytes]:
        """Every leaf that the log's contracts anchored on its own, streamed."""


def compare_chain(log: str, reader: LogReader, chain: ChainView) -> str:
    """Raises `EvidenceError` at the first checkpoint that one side has and the other has not, or has otherwise."""
    events, count = chain.events(log), 0
    event = next(events, None)
    unsettled: CheckpointRow | None = None
    for row in reader.live_checkpoints(log):
        if unsettled is not None:
            raise EvidenceError(
                f"checkpoint {unsettled.seq} of log {log} is {unsettled.state}, and another one follows it",
                expected="a final one: one checkpoint is under way at a time",
            )
        unsettled = None if row.state is CheckpointState.FINAL else row
        matches = event is not None and event.root == row.root
        if row.state in _ON_CHAIN:
            _require_on_chain(row, event if matches else None, chain)
            count += 1
        if matches:
            event = next(events, None)
    while event is not None:
        _require_known(event, log, reader)
        event = next(events, None)
    alone = _require_leaves(log, reader, chain)
    urgent = f"; {alone} leaves anchored by themselves stand in the log" if alone else ""
    return f"{count} checkpoints are on chain, each with its event, and no others{urgent}"


def _require_leaves(log: str, reader: LogReader, chain: ChainView) -> int:
    """How many leaves were anchored by themselves; each of them has its place in the log."""
    leaves, count = chain.urgent_leaves(log), 0
    while batch := tuple(islice(leaves, _BATCH)):
        unknown = reader.unknown_leaves(log, batch)
        if unknown:
            raise EvidenceError(
                f"leaf {unknown[0].hex()} was anchored by itself, and log {log} does not hold it",
                expected="every anchored leaf in the mirror",
            )
        count += len(batch)
    return count


def _require_on_chain(row: CheckpointRow, event: AnchoredCheckpoint | None, chain: ChainView) -> None:
    if chain.size_on_chain(row.log, row.root) != row.new_size:
        raise EvidenceError(f"checkpoint {row.seq} of log {row.log} is not on chain", expected=f"root {row.root.hex()}")
    if event is None:
        raise EvidenceError(
            f"checkpoint {row.seq} of log {row.log} has no event in its place on chain",
            expected=f"root {row.root.hex()}",
        )
    said, found = [row.old_size, row.new_size], [event.old_size, event.new_size]
    where, there = [row.tx_hash, row.block, row.block_hash], [event.tx_hash, event.block, event.block_hash]
    # Until it is final a checkpoint may move to another block, and the writer follows it there.
    if said != found or (row.state is CheckpointState.FINAL and where != there):
        raise EvidenceError(
            f"the mirror's checkpoint {row.seq} of log {row.log} is not as the chain tells it",
            expected=f"leaves {event.old_size} to {event.new_size} in block {event.block}, "
            f"transaction 0x{event.tx_hash.hex()}",
        )


def _require_known(event: AnchoredCheckpoint, log: str, reader: LogReader) -> None:
    """Looks again: it may have been anchored while the audit ran."""
    if not any(row.root == event.root for row in reader.live_checkpoints(log)):
        raise EvidenceError(
            f"the chain holds a checkpoint of {event.new_size} leaves that log {log} does not know",
            expected=f"root {event.root.hex()}, of block {event.block}, in the mirror",
        )
