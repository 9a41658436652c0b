"""A log moves to a new contract: the old one is paused, the new one commits to its last head, the mirror follows.

The order makes it safe to stop anywhere and to begin again: until the mirror is pinned to the new contract, all there is
elsewhere is a paused contract, and perhaps one that nobody refers to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from medauth.errors import LedgerIdentityChanged, LedgerRejected
from medauth.ledger.interface import Chain, ChainIdentity, Ledger, LedgerHead, Pause
from medauth.service.direct_calls import DirectCaller
from medauth.service.pinning import identity_of
from medauth.store.interface import AnchorStore, ChainIdentityRow, EpochRow


def move_on(
    log: str, store: AnchorStore, chain: Chain, old: Ledger, caller: DirectCaller, named: ChainIdentity | None = None
) -> Ledger:
    """Closes the log's contract and goes on in a new one, or in the one that was deployed already and is `named`."""
    _require_settled(log, store)
    if not old.is_paused():
        caller.call(Pause())
    head = old.head()
    _require_same_head(log, store, head)
    expected = old.identity.epoch_after(head)
    if named is not None and named.log_id != expected:
        raise LedgerIdentityChanged(
            f"contract {named.address} does not go on where {old.identity.address} ends",
            expected=f"log id 0x{expected.hex()}",
            next_step="deploy it with LEDGER_AFTER, and after the pause",
        )
    new = chain.open(named or chain.deploy(expected, old.identity))
    closed = EpochRow(_row(log, old.identity), len(store.epochs(log)) + 1, head.size, head.root)
    store.begin_epoch(closed, _row(log, new.identity))
    return new


def require_connected(log: str, epochs: Sequence[EpochRow], present: ChainIdentityRow) -> None:
    """Each contract's name commits to the end of the one before. Raises `LedgerIdentityChanged` where one does not."""
    followers = [*(epoch.identity for epoch in epochs[1:]), present]
    for epoch, follower in zip(epochs, followers, strict=False):
        expected = identity_of(epoch.identity).epoch_after(LedgerHead(epoch.size, epoch.root, 0))
        if follower.log_id != expected:
            raise LedgerIdentityChanged(
                f"contract {follower.address} of log {log} does not go on where {epoch.identity.address} ended",
                expected=f"log id 0x{expected.hex()}, for {epoch.size} leaves under 0x{epoch.root.hex()}",
                next_step="the mirror was altered: restore it from a backup",
            )


def _require_settled(log: str, store: AnchorStore) -> None:
    row = store.open_checkpoint(log)
    if row is not None:
        raise LedgerRejected(
            f"checkpoint {row.seq} of log {log} is {row.state}",
            expected="every checkpoint final before a log leaves its contract",
            next_step="run `medauth anchor`; nothing was sent",
        )


def _require_same_head(log: str, store: AnchorStore, head: LedgerHead) -> None:
    last = store.last_checkpoint(log)
    size, root = (last.new_size, last.root) if last else (0, bytes(32))
    if (head.size, head.root) != (size, root):
        raise LedgerIdentityChanged(
            f"the chain has {head.size} leaves of log {log} under 0x{head.root.hex()[:16]}…",
            expected=f"{size} under 0x{root.hex()[:16]}…, as the mirror says",
            next_step="restore the mirror that wrote the chain; no contract was deployed",
        )


def _row(log: str, identity: ChainIdentity) -> ChainIdentityRow:
    return ChainIdentityRow(log=log, **asdict(identity))
