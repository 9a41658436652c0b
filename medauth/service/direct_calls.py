"""Calls to a log's contract that are no checkpoints: a leaf anchored at once, a revocation, the pause at an epoch's end.

They are sent by the writer's account, under the writer's lease, and never while a checkpoint of it waits for a block: two
senders would compete for a nonce. Nothing is remembered beforehand: the contract refuses a double, so what was interrupted
is simply asked for again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from medauth.errors import LedgerRejected, LedgerUnreachable
from medauth.evidence.merkle import inclusion_path
from medauth.ledger.interface import (
    Ledger,
    LedgerCall,
    LedgerHead,
    NewRevocation,
    RevocationReason,
    SignedTransaction,
    TransactionReceipt,
)
from medauth.service.anchoring import LOCAL_POLL_S, AnchorOptions, lease_of
from medauth.store.interface import AnchorStore, CheckpointState, RecordRow

_UNDER_WAY = frozenset({CheckpointState.PENDING, CheckpointState.REORGED})


class DirectCaller:
    """Sends one call at a time for one log."""

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
    ) -> None:
        self._log = log
        self._store = store
        self._ledger = ledger
        self._holder = holder
        self._options = options or AnchorOptions()
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s
        self._sleep = sleep

    def call(self, call: LedgerCall, *, patience_s: float = 180.0) -> TransactionReceipt:
        """Sends a call and waits until it is in a block. Raises `LedgerRejected` with the contract's own reason, and
        `LedgerUnreachable` when patience ends: it may be mined later, and asking again does no harm.
        """
        deadline = self._monotonic_s() + patience_s
        self._take_lease(deadline)
        try:
            self._ledger.check_identity()
            self._refuse_busy()
            objection = self._ledger.objection(call)
            if objection:
                raise LedgerRejected(
                    f"the contract refuses: {objection}",
                    expected="an account with the role for it, and something that was not done before",
                    next_step="run `medauth ledger standing` or `medauth ledger show`; nothing was sent",
                )
            fees = self._ledger.suggest_fees()
            signed = self._ledger.sign(call, nonce=self._ledger.next_nonce(), fees=fees)
            self._ledger.send(signed.raw)
            return self._await(signed, deadline)
        finally:
            self._store.release_lease(lease_of(self._log), self._holder)

    def _take_lease(self, deadline: float) -> None:
        ttl_ms = int(self._options.lease_ttl_s * 1_000)
        while not self._store.take_lease(lease_of(self._log), self._holder, self._now_ms(), ttl_ms):
            if self._monotonic_s() >= deadline:
                raise LedgerRejected(
                    f"the writer of log {self._log} is at work", expected="its lease", next_step="try again later"
                )
            self._sleep(self._poll_s)

    def _refuse_busy(self) -> None:
        row = self._store.open_checkpoint(self._log)
        if row is None or row.state not in _UNDER_WAY:
            return
        if max(attempt.nonce for attempt in self._store.attempts(self._log, row.seq)) >= self._ledger.next_nonce():
            raise LedgerRejected(
                f"checkpoint {row.seq} of log {self._log} waits for a block",
                expected="an account without a transaction under way",
                next_step="run `medauth anchor`, then this again",
            )

    def _await(self, signed: SignedTransaction, deadline: float) -> TransactionReceipt:
        while (receipt := self._ledger.receipt(signed.tx_hash)) is None:
            if self._monotonic_s() >= deadline:
                raise LedgerUnreachable(
                    f"transaction 0x{signed.tx_hash.hex()} is in no block yet",
                    expected="a block that takes it",
                    next_step="run this again later; the contract does nothing twice",
                )
            self._ledger.mine(1)
            self._sleep(self._poll_s)
        if not receipt.succeeded:
            raise LedgerRejected(f"transaction 0x{signed.tx_hash.hex()} was reverted", next_step="run this again")
        return receipt

    @property
    def _poll_s(self) -> float:
        return LOCAL_POLL_S if self._ledger.is_local else self._options.poll_s


def revocation_of(record: RecordRow, store: AnchorStore, head: LedgerHead, reason: RevocationReason) -> NewRevocation:
    """A record's revocation, proved under the head of the contract. Raises `LedgerRejected` while it is not anchored."""
    if record.leaf_index >= head.size:
        raise LedgerRejected(
            f"record {record.record_id} is not anchored yet: the contract holds {head.size} leaves",
            expected=f"more than {record.leaf_index}",
            next_step="run `medauth anchor` first",
        )
    path = inclusion_path(record.leaf_index, head.size, lambda wanted: store.nodes(record.log, list(wanted)))
    return NewRevocation(head.root, record.leaf, record.leaf_index, tuple(path), reason)
