"""How far a log has come on its way to the chain: what waits, for how long, and its last checkpoints."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from medauth.store.interface import AnchorStore, ChainIdentityRow, CheckpointRow, CheckpointState, RecordStore

_ON_CHAIN = frozenset({CheckpointState.ANCHORED, CheckpointState.FINAL})


@dataclass(frozen=True, slots=True)
class LogState:
    """One log as the mirror has it; whether that is true is the audit's to say."""

    log: str
    leaves: int
    covered: int
    """How many of them lie under a checkpoint that is in a block."""
    waiting_since_ms: int | None
    """When the oldest record that waits was made; None where none waits."""
    due_ms: int | None
    """By when that one must be on chain, as the receipt of a start promises."""
    contract: ChainIdentityRow | None
    checkpoints: Sequence[CheckpointRow]
    """The last ones, newest first."""

    @property
    def pending(self) -> int:
        """Records that wait."""
        return self.leaves - self.covered


def state_of_log(
    log: str, records: RecordStore, anchors: AnchorStore, *, max_merge_delay_s: int, most: int = 50
) -> LogState:
    """Looks; asks no chain. `most` checkpoints are kept."""
    last, covered = deque[CheckpointRow](maxlen=most), 0
    for row in anchors.checkpoints(log):
        last.append(row)
        if row.state in _ON_CHAIN:
            covered = max(covered, row.new_size)
    leaves = records.leaf_count(log)
    oldest = next(iter(records.records(log, covered)), None) if covered < leaves else None
    since = None if oldest is None else oldest.created_ms
    due = None if since is None else since + 1_000 * max_merge_delay_s
    return LogState(log, leaves, covered, since, due, anchors.chain_identity(log), tuple(reversed(last)))
