"""Which chain each log lives on, and who writes and reads there.

Split from `bootstrap.py`, which knows every concrete class but these: a process that only checks never loads them.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from medauth.config import Settings
from medauth.errors import ConfigError, LedgerUnreachable
from medauth.evidence.bundle import Contract
from medauth.ledger.anvil import AnvilNode, find_anvil, open_anvil
from medauth.ledger.contract import Web3Chain, code_hash_for, open_reader
from medauth.ledger.interface import (
    AnchoredCheckpoint,
    ChainIdentity,
    Ledger,
    LedgerHead,
    Signer,
    TransactionReceipt,
)
from medauth.ledger.keys import local_chain_signer, open_keystore
from medauth.ledger.networks import load_network
from medauth.ledger.rpc import JsonRpc
from medauth.service.anchoring import AnchoringReport, AnchorOptions, AnchorWriter
from medauth.service.pinning import open_ledger
from medauth.store.interface import REHEARSAL_LOG, AnchorStore, ChainIdentityRow

_PUBLIC_CONFIRMATIONS = 12
_LOG_ID_BYTES = 32


Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A log's contract, and what its deployment cost where it was deployed just now."""

    log: str
    identity: ChainIdentity
    is_local: bool
    receipt: TransactionReceipt | None
    head: LedgerHead


class Chains:
    """Opens each log's chain when it is first asked for.

    The log of rehearsals always lives on the local chain: what decides nothing is not put before the world.
    """

    def __init__(self, settings: Settings, store: AnchorStore, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._store = store
        self._now_ms = now_ms
        self._lock = threading.RLock()
        self._node: AnvilNode | None = None
        self._readers: dict[str, Ledger] = {}

    def size_on_chain(self, log: str, root: bytes) -> int | None:
        """The size that the log's contract holds under a root, or None. Reads only. Raises `LedgerError`."""

        def size() -> int | None:
            reader = self._reader(log)
            return None if reader is None else reader.checkpoint_size(root) or None

        return self._once_more(log, size)

    def head(self, log: str) -> LedgerHead | None:
        """The last checkpoint that the log's contract holds; None where it has no contract. Raises `LedgerError`."""

        def head() -> LedgerHead | None:
            reader = self._reader(log)
            return None if reader is None else reader.head()

        return self._once_more(log, head)

    def anchor(self, log: str) -> AnchoringReport:
        """Runs the log's writer until nothing waits or its patience ends."""
        return self._once_more(log, lambda: self.writer(log).run())

    def deploy(self, log: str) -> Deployment:
        """Deploys and pins the log's contract, or finds the one that is pinned already."""
        with self._lock:
            chain, _ = self._chain(log)
            before = self._store.chain_identity(log)
            ledger = self._open(log, chain)
            receipt = chain.deployed if before is None else None
            return Deployment(log, ledger.identity, ledger.is_local, receipt, ledger.head())

    def events(self, log: str) -> Iterator[AnchoredCheckpoint]:
        """Every checkpoint that the log's contract announced, in order; none where it has none. Raises `LedgerError`."""
        reader = self._reader(log)
        return iter(()) if reader is None else reader.checkpoints()

    def _reader(self, log: str) -> Ledger | None:
        with self._lock:
            if log not in self._readers:
                pinned = self._store.chain_identity(log)
                if pinned is None:
                    return None
                reader = open_reader(self._rpc(log), _identity_of(pinned))
                reader.check_identity()
                self._readers[log] = reader
            return self._readers[log]

    def writer(self, log: str) -> AnchorWriter:
        """The writer of one log's checkpoints. Deploys and pins the log's contract when it has none."""
        with self._lock:
            chain, options = self._chain(log)
            ledger = self._open(log, chain)
            holder = f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"
            return AnchorWriter(log, self._store, ledger, holder=holder, options=options, now_ms=self._now_ms)

    def close(self) -> None:
        """Lets go of the local chain; it stops when no other process uses it."""
        with self._lock:
            self._readers.clear()
            if self._node is not None:
                self._node.close()
                self._node = None

    def _chain(self, log: str) -> tuple[Web3Chain, AnchorOptions]:
        default = 1 if self._is_local(log) else _PUBLIC_CONFIRMATIONS
        options = AnchorOptions(confirmations=self._settings.confirmations or default)
        return Web3Chain(self._rpc(log), self._signer(log), confirmations=options.confirmations), options

    def _open(self, log: str, chain: Web3Chain) -> Ledger:
        named = self._named(log)
        if named is not None:
            chain.open(named)  # chain, genesis and code are seen to be those of the file before it is pinned
            self._store.pin_chain_identity(ChainIdentityRow(log=log, **asdict(named)))
        return open_ledger(log, self._store, chain, secrets.token_bytes(_LOG_ID_BYTES))

    def _named(self, log: str) -> ChainIdentity | None:
        """The contract that the settings name for the log. Without them none is looked up, whatever chain answers."""
        name = self._settings.ledger_network
        if not name or log == REHEARSAL_LOG:
            return None
        network = load_network(name)
        if self._is_local(log) or log not in network.contracts:
            raise ConfigError(
                f"network {network.name} for log {log}",
                expected=f"MEDAUTH_RPC_URL, and a log among {', '.join(network.contracts) or 'none'}",
                next_step="see medauth/ledger/networks/README.md",
            )
        return network.contracts[log]

    def _once_more(self, log: str, do: Callable[[], Answer]) -> Answer:
        """A local chain that died is started again, once: it is ours, and nobody else will."""
        try:
            return do()
        except LedgerUnreachable:
            if not self._is_local(log):
                raise
            self.close()
            return do()

    def _is_local(self, log: str) -> bool:
        return log == REHEARSAL_LOG or not self._settings.rpc_url

    def _rpc(self, log: str) -> JsonRpc:
        if not self._is_local(log):
            return JsonRpc(self._settings.rpc_url)
        if self._node is None:
            program = find_anvil(Path(self._settings.anvil) if self._settings.anvil else None)
            self._node = open_anvil(self._settings.data_dir / "chain", program)
        return JsonRpc(self._node.url)

    def _signer(self, log: str) -> Signer:
        """Each log has its own key, so that no two writers compete for a nonce."""
        if self._is_local(log):
            return local_chain_signer(self._settings.data_dir / "keys" / f"chain-{log}.key")
        if not self._settings.chain_keystore:
            raise ConfigError(
                "no account pays for checkpoints",
                expected="an encrypted keystore for the chain at MEDAUTH_RPC_URL",
                next_step="set MEDAUTH_CHAIN_KEYSTORE and MEDAUTH_CHAIN_PASSPHRASE",
            )
        return open_keystore(Path(self._settings.chain_keystore), self._settings.chain_passphrase)


def chain_reader(rpc_url: str, contract: Contract) -> Callable[[bytes], int | None]:
    """Asks the contract that a bundle names, once its code, log and genesis are seen to be what they should be.

    The code must be this version's own contract: a bundle may name an address at which anything says yes.
    """
    identity = ChainIdentity(
        chain_id=contract.chain_id,
        genesis=contract.genesis,
        address=contract.address,
        code_hash=code_hash_for(contract.log_id),
        log_id=contract.log_id,
        deployed_block=0,
    )
    ledger = open_reader(JsonRpc(rpc_url), identity)

    def size(root: bytes) -> int | None:
        ledger.check_identity()
        return ledger.checkpoint_size(root) or None

    return size


def _identity_of(pinned: ChainIdentityRow) -> ChainIdentity:
    values = asdict(pinned)
    del values["log"]
    return ChainIdentity(**values)
