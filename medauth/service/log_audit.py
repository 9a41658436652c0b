"""A whole log: swept in stretches, its tree hashed anew, every checkpoint's root compared, chain and mirror held together.

In memory that does not grow with the log: stretches stream by, and what is kept are the tree's O(log n) peaks, totals,
and the first faults in full.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from medauth.errors import EvidenceError, MedauthError
from medauth.evidence.merkle import RunningRoot
from medauth.evidence.verifier import CheckedStep, StepState
from medauth.service.audit import Audit
from medauth.service.chain_audit import ChainView, compare_chain
from medauth.service.note_audit import NoteAudit
from medauth.service.retired_audit import RetiredKeyAudit
from medauth.service.sweep import LEAVES, Swept, Task
from medauth.service.sweeping import SweepAll
from medauth.store.interface import AnchorStore, CheckpointRow, LeafKind
from medauth.store.reading import CheckTally, LogReader

NAMED_FAULTS = 100
"""Kept in full for each log; the rest are counted."""

OnProgress = Callable[[int], None]
"""Called with the number of leaves that were just swept."""


@dataclass(frozen=True, slots=True)
class LogReport:
    """What the audit of one log came to."""

    log: str
    size: int
    kinds: Mapping[LeafKind, int]
    erased: int
    checkpoints: int
    covered: int
    """Leaves under the last checkpoint whose root was rebuilt."""
    root: bytes | None
    """Over all leaves, rebuilt from them; None where one is missing."""
    steps: tuple[CheckedStep, ...]
    """The log as a whole: `log`, `head`, `checkpoint`, `time stamp` and `key` where there are any, `chain`."""
    faults: tuple[Audit, ...]
    """The log's own fault first, then the records', in leaf order; the first `NAMED_FAULTS` of them."""
    fault_count: int
    tally: CheckTally

    @property
    def dropped(self) -> int:
        """Started checks without a verdict, those still running included."""
        return self.kinds[LeafKind.START] - self.kinds[LeafKind.VERDICT]


@dataclass(slots=True)
class _Progress:
    """What has been seen of a log so far."""

    running: RunningRoot = field(default_factory=RunningRoot)
    expected: deque[CheckpointRow] = field(default_factory=deque)
    """Checkpoints whose stretch was handed out and has not come back."""
    kinds: dict[LeafKind, int] = field(default_factory=lambda: dict.fromkeys(LeafKind, 0))
    erased: int = 0
    checkpoints: int = 0
    covered: int = 0
    trouble: str = ""
    """Why the log as a whole does not hold: the first thing that was found."""
    faults: list[Audit] = field(default_factory=list)
    fault_count: int = 0

    def note(self, trouble: str) -> None:
        self.trouble = self.trouble or trouble


class LogAudit:
    """Audits logs over ports. Without a view of the chain its step is skipped and says so."""

    def __init__(
        self,
        anchors: AnchorStore,
        reader: LogReader,
        sweep_all: SweepAll,
        notes: NoteAudit,
        chain: ChainView | None,
        now_ms: Callable[[], int],
        retired: RetiredKeyAudit,
    ) -> None:
        self._anchors = anchors
        self._reader = reader
        self._sweep_all = sweep_all
        self._notes = notes
        self._chain = chain
        self._now_ms = now_ms
        self._retired = retired

    def over(self, log: str, on_progress: OnProgress = lambda _: None) -> LogReport:
        """Audits one log. Raises `StoreError` when the mirror does not answer."""
        size, seen = self._anchors.leaf_count(log), _Progress()
        for words in self._reader.unknown_states(log):
            seen.note(f"{words} · expected: a state that this program writes")
        for swept in self._sweep_all(self._tasks(log, size, seen)):
            self._take(swept, seen)
            on_progress(swept.task.end - swept.task.first)
        beyond = self._reader.leaf(log, size)
        # A leaf and its count commit together, so one that was added meanwhile is counted by now.
        if beyond is not None and self._anchors.leaf_count(log) == size:
            seen.note(f"leaf {size} of log {log} lies beyond its {size} leaves · expected: a size that counts it")
        strays = self._reader.strays(log)
        if strays:
            seen.note(f"{', '.join(strays)}: outside the log · expected: a leaf for every record and check")
        steps = [_log_step(log, size, seen), *self._notes.steps(log), *self._retired.steps(log), self._chain_step(log)]
        own = [Audit(f"log {log}", (step,)) for step in steps if step.state is StepState.FAILS]
        return LogReport(
            log,
            size,
            seen.kinds,
            seen.erased,
            seen.checkpoints,
            seen.covered,
            seen.running.root() if seen.running.size == size else None,
            tuple(steps),
            (*own, *seen.faults)[:NAMED_FAULTS],
            seen.fault_count + len(own),
            self._reader.tally(log, self._now_ms()),
        )

    def _tasks(self, log: str, size: int, seen: _Progress) -> Iterator[Task]:
        """Stretches in order, each with the checkpoints that end in it. Checkpoints continue one another."""
        checkpoints, reached = self._reader.live_checkpoints(log), 0
        row = next(checkpoints, None)
        for first in self._stretches(log, size, seen):
            while row is not None and reached < row.new_size <= first:  # in a gap, whose trouble is noted
                reached, row = row.new_size, next(checkpoints, None)
            end, sizes = min(first + LEAVES, size), []
            while row is not None and row.new_size <= end:
                if row.old_size != reached or row.new_size <= reached:
                    seen.note(
                        f"checkpoint {row.seq} goes from {row.old_size} to {row.new_size} leaves · "
                        f"expected: one that continues from {reached}"
                    )
                if row.new_size > reached:
                    sizes.append(row.new_size)
                    seen.expected.append(row)
                    reached = row.new_size
                row = next(checkpoints, None)
            yield Task(log, first, end, tuple(sizes))
        if row is not None:
            seen.note(f"log {log} ends after {size} leaves · expected: {row.new_size}, as checkpoint {row.seq} says")

    def _stretches(self, log: str, size: int, seen: _Progress) -> Iterator[int]:
        """Where each begins. Those without a leaf are passed over: a size of billions that somebody wrote is no work."""
        first = 0
        while first < size:
            yield first
            first += LEAVES
            there = self._reader.next_leaf(log, first) if first < size else first
            if there is None or there >= first + LEAVES:
                there = size if there is None else min(there, size)
                seen.note(f"leaves {first} to {there - 1} of log {log} are not there · expected: a log without gaps")
                first = size if there == size else there - there % LEAVES

    def _take(self, swept: Swept, seen: _Progress) -> None:
        """The next stretch in order. Behind a missing leaf no root can be rebuilt; records are audited all the same."""
        seen.erased += swept.erased
        for kind, number in swept.kinds.items():
            seen.kinds[kind] += number
        self._extend(swept, seen)
        seen.faults.extend(swept.faults[: max(0, NAMED_FAULTS - len(seen.faults))])
        seen.fault_count += swept.fault_count

    def _extend(self, swept: Swept, seen: _Progress) -> None:
        if seen.running.size != swept.task.first or not swept.peaks:
            seen.note(
                f"leaves {swept.task.first} to {swept.task.end - 1} of log {swept.task.log} are not all there · "
                "expected: a log without gaps"
            )
            return
        for size in swept.task.sizes:
            self._compare_root(seen.expected.popleft(), seen.running.root(swept.heads[size]), seen)
        completed = [node for level, digest in swept.peaks for node in seen.running.append_subtree(level, digest)]
        try:
            stored = self._anchors.nodes(swept.task.log, [coordinate for coordinate, _ in completed])
            if list(stored) != [digest for _, digest in completed]:
                raise EvidenceError("a stored tree node is not what its leaves give", expected="the rebuilt one")
        except MedauthError as error:
            subject = f"leaves up to {swept.task.end - 1} of log {swept.task.log}"
            seen.faults.append(Audit(subject, (CheckedStep("inclusion", StepState.FAILS, str(error)),)))
            seen.fault_count += 1

    def _compare_root(self, row: CheckpointRow, root: bytes, seen: _Progress) -> None:
        if row.root != root:
            seen.note(
                f"the leaves of log {row.log} do not give checkpoint {row.seq}: of leaves {row.old_size} to "
                f"{row.new_size - 1} one is not what was anchored, or stands elsewhere · expected: {row.root.hex()}"
            )
        elif not seen.trouble:
            seen.covered = row.new_size
        seen.checkpoints += 1

    def _chain_step(self, log: str) -> CheckedStep:
        if self._chain is None:
            return CheckedStep("chain", StepState.SKIPPED, "no chain was asked")
        try:
            text = compare_chain(log, self._reader, self._chain)
        except MedauthError as error:
            return CheckedStep("chain", StepState.FAILS, str(error))
        return CheckedStep("chain", StepState.HOLDS, text)


def _log_step(log: str, size: int, seen: _Progress) -> CheckedStep:
    if seen.trouble:
        return CheckedStep("log", StepState.FAILS, seen.trouble)
    text = f"{size} leaves of log {log} rebuilt, {seen.checkpoints} checkpoints over {seen.covered} of them"
    return CheckedStep("log", StepState.HOLDS, text)
