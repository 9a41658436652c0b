"""Which ledger a log belongs to: decided once, on first use, and never silently again."""

from __future__ import annotations

from dataclasses import asdict

from medauth.errors import StoreError
from medauth.ledger.interface import Chain, ChainIdentity, Ledger
from medauth.store.interface import AnchorStore, ChainIdentityRow


def open_ledger(log: str, store: AnchorStore, chain: Chain, new_log_id: bytes) -> Ledger:
    """The ledger that `log` is pinned to; on first use, a new one is deployed under `new_log_id` and pinned.

    Raises `LedgerIdentityChanged` where the chain is not the pinned one, `LedgerUnreachable` where no node answers.
    """
    pinned = store.chain_identity(log)
    if pinned is None:
        try:
            store.pin_chain_identity(ChainIdentityRow(log=log, **asdict(chain.deploy(new_log_id))))
        except StoreError:
            # Another process deployed at the same time and pinned its own: ours stays empty.
            if store.chain_identity(log) is None:
                raise
        pinned = store.chain_identity(log)
        assert pinned is not None
    return chain.open(identity_of(pinned))


def identity_of(pinned: ChainIdentityRow) -> ChainIdentity:
    """The contract that a row names."""
    fields = asdict(pinned)
    del fields["log"]
    return ChainIdentity(**fields)
