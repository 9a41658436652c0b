"""The writer: puts the head of a log on chain and follows it until it is final.

The order makes it safe to stop anywhere. (1) Leaves are committed with their records, elsewhere. (2) The checkpoint and
its signed transaction are committed. (3) The transaction is sent; sending the same bytes again changes nothing. (4) It is
seen in a block. (5) It is final once the block is deep enough and its hash was read again. One checkpoint is in flight at
a time, one writer holds the lease, and the contract refuses a double (`StaleBase`) even if both of that failed.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from medauth.errors import LedgerError, LedgerIdentityChanged, LedgerRejected, StoreError
from medauth.evidence.merkle import consistency_proof, tree_root
from medauth.ledger.interface import (
    AnchoredCheckpoint,
    Fees,
    Ledger,
    NewCheckpoint,
    TransactionReceipt,
)
from medauth.store.interface import AnchorStore, AttemptRow, CheckpointRow, CheckpointState

_log = logging.getLogger(__name__)

LOCAL_POLL_S = 0.005
_LONGEST_PAUSE_S = 60.0


def lease_of(log: str) -> str:
    """Name of the lease that whoever sends for a log must hold."""
    return f"anchor:{log}"


class Progress(StrEnum):
    """What one step of the writer came to."""

    IDLE = "idle"
    """Every leaf is under a final checkpoint."""
    MOVED = "moved"
    """Something was done; the next step may follow at once."""
    WAITING = "waiting"
    """For the chain to make blocks."""
    STANDBY = "standby"
    """Another writer holds the lease."""


@dataclass(frozen=True, slots=True)
class AnchorOptions:
    """How patient the writer is."""

    confirmations: int = 12
    """Blocks, its own included, until a checkpoint is final."""
    bump_after_s: float = 90.0
    """A transaction that waits longer is sent again with higher fees."""
    poll_s: float = 2.0
    """Between two looks at the chain."""
    lease_ttl_s: float = 120.0
    """After this long without a step, another writer may take over."""


@dataclass(frozen=True, slots=True)
class AnchoringReport:
    """What a run of the writer came to."""

    log: str
    leaves: int
    """Leaves of the log."""
    final_leaves: int
    """Leaves under a final checkpoint."""
    checkpoints: tuple[CheckpointRow, ...]
    """Checkpoints that became final in this run."""
    local_chain: bool
    standby: bool = False

    def __str__(self) -> str:
        words = [f"{self.final_leaves:,} of {self.leaves:,} records final in log {self.log}"]
        words += [
            f"checkpoint {c.seq} in block {c.block}, transaction 0x{(c.tx_hash or b'').hex()}" for c in self.checkpoints
        ]
        if self.standby:
            words.append("another writer is at work")
        if self.local_chain:
            words.append("a local chain proves nothing to outsiders")
        return "; ".join(words)


class AnchorWriter:
    """Writes one log. `at_point` is told each named point it passes; tests make it fail there."""

    def __init__(
        self,
        log: str,
        store: AnchorStore,
        ledger: Ledger,
        *,
        holder: str,
        options: AnchorOptions | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        at_point: Callable[[str], object] = str,
    ) -> None:
        self._log, self._lease = log, lease_of(log)
        self._store = store
        self._ledger = ledger
        self._holder = holder
        self._options = options or AnchorOptions()
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        self._sleep = sleep
        self._at_point = at_point
        self._identity_checked = False
        self._first_sent: dict[bytes, float] = {}
        self._finished: list[CheckpointRow] = []

    def run(self, *, patience_s: float = 600.0) -> AnchoringReport:
        """Anchors what waits and follows it until it is final, or until patience ends: then the rest stays pending."""
        deadline = self._monotonic_s() + patience_s
        poll_s = LOCAL_POLL_S if self._ledger.is_local else self._options.poll_s
        self._finished.clear()
        try:
            while (progress := self.step()) in {Progress.MOVED, Progress.WAITING}:
                if progress is Progress.WAITING:
                    if self._monotonic_s() >= deadline:
                        break
                    self._sleep(poll_s)
        finally:
            self._store.release_lease(self._lease, self._holder)
        return self._report(standby=progress is Progress.STANDBY)

    def serve(self, wait_to_stop: Callable[[float], bool], *, idle_s: float = 5.0) -> None:
        """Runs until `wait_to_stop(seconds)` is true, such as `threading.Event().wait`. Trouble is logged and outlived."""
        pause_s = idle_s
        while True:
            try:
                self.run(patience_s=idle_s)
                pause_s = idle_s
            except (LedgerError, StoreError) as error:
                _log.warning("log %s stays pending: %s", self._log, error)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            if wait_to_stop(pause_s):
                return

    def step(self) -> Progress:
        """One pass. Raises `LedgerError` or `StoreError`; whatever was begun is taken up by the next one."""
        ttl_ms = int(self._options.lease_ttl_s * 1_000)
        if not self._store.take_lease(self._lease, self._holder, self._now_ms(), ttl_ms):
            return Progress.STANDBY
        if not self._identity_checked:
            self._ledger.check_identity()
            self._identity_checked = True
        try:
            row = self._store.open_checkpoint(self._log)
            return self._begin() if row is None else self._follow(row)
        except LedgerError:
            # The node may come back as another one: look before anything is sent again.
            self._identity_checked = False
            raise

    # Beginning a checkpoint

    def _begin(self) -> Progress:
        last = self._store.last_checkpoint(self._log)
        base, seq = (last.new_size, last.seq + 1) if last else (0, 1)
        if self._store.attempts(self._log, seq):
            return self._retry(self._row(seq))
        size = self._store.leaf_count(self._log)
        head = self._ledger.head()
        if head.size < base:
            return self._reopen(head.size)
        if last and (head.size, head.root) != (base, last.root):
            raise LedgerIdentityChanged(
                f"the chain has {head.size} leaves of log {self._log} under 0x{head.root.hex()[:16]}…",
                expected=f"{base} under 0x{last.root.hex()[:16]}…, as the mirror says",
                next_step="restore the mirror that wrote the chain; nothing was sent",
            )
        if size == base:
            return Progress.IDLE
        root = tree_root(size, self._read)
        row = CheckpointRow(self._log, seq, base, size, root, CheckpointState.PENDING)
        self._refuse_hopeless(row)
        attempt = self._sign(row, self._ledger.next_nonce(), self._ledger.suggest_fees())
        self._at_point("before-intent")
        self._store.add_checkpoint(row, attempt)
        self._at_point("after-intent")
        return Progress.MOVED

    def _refuse_hopeless(self, row: CheckpointRow) -> None:
        """Asks the contract first, without gas: a paused contract or a missing role leaves nothing behind."""
        objection = self._ledger.objection(self._checkpoint(row))
        if objection:
            raise LedgerRejected(
                f"the contract would refuse checkpoint {row.seq} of log {row.log}: {objection}",
                expected="a contract that is not paused, an account with its anchor role, a log that only grew",
                next_step="run `medauth doctor`, then `medauth audit --all`; records stay pending",
            )

    # Following it

    def _follow(self, row: CheckpointRow) -> Progress:
        if row.state is CheckpointState.FAILED:
            return self._retry(row)
        attempts = self._store.attempts(self._log, row.seq)
        found = {attempt.nonce: receipt for attempt, receipt in self._receipts(attempts)}
        anchored: TransactionReceipt | AnchoredCheckpoint | None = next(
            (r for r in found.values() if r.succeeded), None
        )
        if anchored is None and self._ledger.checkpoint_size(row.root) == row.new_size:
            # A transaction we hold no receipt of did it, so a reverted one of ours is no failure.
            anchored = self._ledger.find_checkpoint(row.root)
        if anchored:
            self._at_point("receipt-seen")
            return self._confirm(row, anchored)
        if max(attempt.nonce for attempt in attempts) in found:
            return self._fail(row)
        return self._send(row, attempts)

    def _receipts(self, attempts: Iterable[AttemptRow]) -> list[tuple[AttemptRow, TransactionReceipt]]:
        """Any attempt may be the one that was mined."""
        pairs = ((attempt, self._ledger.receipt(attempt.tx_hash)) for attempt in attempts)
        return [(attempt, receipt) for attempt, receipt in pairs if receipt]

    def _confirm(self, row: CheckpointRow, anchored: TransactionReceipt | AnchoredCheckpoint) -> Progress:
        depth = self._ledger.tip() - anchored.block + 1
        if self._ledger.block_hash(anchored.block) != anchored.block_hash:
            return Progress.WAITING  # the chain is being reorganised under our feet
        since_ms = row.anchored_ms or self._now_ms()
        seen = replace(row, state=CheckpointState.ANCHORED, why="", tx_hash=anchored.tx_hash, anchored_ms=since_ms)
        seen = replace(seen, block=anchored.block, block_hash=anchored.block_hash)
        if depth >= self._options.confirmations:
            self._at_point("before-final")
            final = replace(seen, state=CheckpointState.FINAL)
            self._store.update_checkpoint(final)
            self._finished.append(final)
            self._at_point("after-final")
            return Progress.MOVED
        if seen != row:
            self._store.update_checkpoint(seen)
        if not self._ledger.is_local:
            return Progress.WAITING
        self._ledger.mine(self._options.confirmations - depth)
        return Progress.MOVED

    def _send(self, row: CheckpointRow, attempts: Sequence[AttemptRow]) -> Progress:
        """Nothing of it is in a block: first send, lost by the node, stuck, or reorganised away."""
        if row.state is CheckpointState.ANCHORED:
            row = self._lose(row)
        head = self._ledger.head()
        if head.size < row.old_size:
            return self._reopen(head.size)
        if head.size > row.old_size:
            return self._fail(row)
        nonce = self._ledger.next_nonce()
        ready = [attempt for attempt in attempts if attempt.nonce == nonce]
        if not ready:
            # The nonce was taken by something else, or the chain went back behind it; or it was mined this instant.
            newest = max(attempt.nonce for attempt in attempts)
            mined = any(receipt.succeeded or tried.nonce == newest for tried, receipt in self._receipts(attempts))
            if not mined:
                self._store.add_attempt(self._sign(row, nonce, self._ledger.suggest_fees()))
            return Progress.MOVED
        attempt = ready[0]
        first_sent = self._first_sent.setdefault(attempt.tx_hash, self._monotonic_s())
        waited_s = self._monotonic_s() - first_sent
        if waited_s > self._options.bump_after_s:
            attempt = self._raise_fees(row, attempt)
        self._at_point("before-send")
        self._ledger.send(attempt.raw)
        self._at_point("after-send")
        if waited_s and self._ledger.is_local:
            self._ledger.mine(1)  # anvil's automatic mining can stall in a burst (foundry issue 10122)
        return Progress.WAITING

    def _raise_fees(self, row: CheckpointRow, stuck: AttemptRow) -> AttemptRow:
        fees = Fees(stuck.max_fee, stuck.tip).raised().at_least(self._ledger.suggest_fees())
        attempt = self._sign(row, stuck.nonce, fees)
        self._store.add_attempt(attempt)
        self._at_point("after-bump")
        self._first_sent[attempt.tx_hash] = self._monotonic_s()
        return attempt

    # When it went wrong

    def _fail(self, row: CheckpointRow) -> Progress:
        why = self._ledger.objection(self._checkpoint(row)) or "the transaction was reverted"
        _log.warning("checkpoint %d of log %s failed: %s", row.seq, row.log, why)
        self._store.update_checkpoint(replace(row, state=CheckpointState.FAILED, why=why))
        return Progress.MOVED

    def _retry(self, row: CheckpointRow) -> Progress:
        """A failed checkpoint is tried again, in its place, once the contract would take it."""
        attempts = self._store.attempts(self._log, row.seq)
        if not any(receipt.succeeded for _, receipt in self._receipts(attempts)):
            self._refuse_hopeless(row)
            self._store.add_attempt(self._sign(row, self._ledger.next_nonce(), self._ledger.suggest_fees()))
        self._store.update_checkpoint(replace(row, state=CheckpointState.PENDING, why=""))
        return Progress.MOVED

    def _lose(self, row: CheckpointRow) -> CheckpointRow:
        why = f"block {row.block} is no longer part of the chain"
        _log.warning("checkpoint %d of log %s: %s; it is sent again", row.seq, row.log, why)
        lost = replace(
            row, state=CheckpointState.REORGED, why=why, tx_hash=None, block=None, block_hash=None, anchored_ms=None
        )
        self._store.update_checkpoint(lost)
        return lost

    def _reopen(self, size: int) -> Progress:
        """The chain went back behind final checkpoints: they are sent again in order, each with its own root."""
        rows = list(self._store.checkpoints(self._log))
        if size and all(row.new_size != size for row in rows):
            raise LedgerIdentityChanged(
                f"the chain ends log {self._log} at {size} leaves", expected="a size that the mirror knows"
            )
        for row in rows:
            if row.new_size > size and row.state is CheckpointState.FINAL:
                self._lose(row)
        return Progress.MOVED

    # Pieces

    @functools.cached_property
    def _read(self) -> functools.partial[Sequence[bytes]]:
        return functools.partial(self._store.nodes, self._log)

    def _row(self, seq: int) -> CheckpointRow:
        return next(row for row in self._store.checkpoints(self._log) if row.seq == seq)

    def _checkpoint(self, row: CheckpointRow) -> NewCheckpoint:
        proof = consistency_proof(row.old_size, row.new_size, self._read)
        return NewCheckpoint(row.old_size, row.new_size, row.root, tuple(proof))

    def _sign(self, row: CheckpointRow, nonce: int, fees: Fees) -> AttemptRow:
        signed = self._ledger.sign(self._checkpoint(row), nonce=nonce, fees=fees)
        return AttemptRow(self._log, row.seq, signed.tx_hash, nonce, signed.raw, fees.max_fee, fees.tip)

    def _report(self, *, standby: bool) -> AnchoringReport:
        last = self._store.last_checkpoint(self._log)
        row = self._store.open_checkpoint(self._log)
        final = row.old_size if row else last.new_size if last else 0
        leaves = self._store.leaf_count(self._log)
        return AnchoringReport(self._log, leaves, final, tuple(self._finished), self._ledger.is_local, standby)
