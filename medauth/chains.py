"""Which chain each log lives on, and who writes and reads there.

Split from `bootstrap.py`, which knows every concrete class but these: a process that only checks never loads them.
"""

from __future__ import annotations

import itertools
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from medauth.config import Settings
from medauth.errors import ConfigError, LedgerUnreachable
from medauth.evidence.bundle import Contract
from medauth.ledger.anvil import AnvilNode, find_anvil, open_anvil
from medauth.ledger.contract import code_hash_for, open_reader
from medauth.ledger.deployment import Web3Chain
from medauth.ledger.interface import (
    AnchoredCheckpoint,
    ChainIdentity,
    Ledger,
    LedgerHead,
    Revocation,
    RevocationReason,
    Signer,
    TransactionReceipt,
    UrgentLeaf,
)
from medauth.ledger.keys import local_chain_signer, open_keystore, service_signer
from medauth.ledger.networks import load_network
from medauth.ledger.own_contracts import largest_of_account
from medauth.ledger.rpc import JsonRpc
from medauth.service.anchoring import AnchoringReport, AnchorOptions, AnchorWriter
from medauth.service.direct_calls import DirectCaller, revocation_of
from medauth.service.epochs import move_on, require_connected
from medauth.service.pinning import identity_of, open_ledger
from medauth.store.interface import MAIN_LOG, REHEARSAL_LOG, AnchorStore, ChainIdentityRow, RecordRow

_PUBLIC_CONFIRMATIONS = 12
_LOG_ID_BYTES = 32
_LOGS = (MAIN_LOG, REHEARSAL_LOG)


Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A log's contract, and what its deployment cost where it was deployed just now."""

    log: str
    identity: ChainIdentity
    is_local: bool
    receipt: TransactionReceipt | None
    head: LedgerHead


@dataclass(frozen=True, slots=True)
class LeafOnChain:
    """What the chain says of one leaf by itself."""

    anchored_alone_s: int
    """Block time of its urgent anchor, seconds since the epoch; 0 where there is none."""
    revocation: Revocation | None


@dataclass(frozen=True, slots=True)
class _Epoch:
    """One contract of a log; `end` is the size at which the log left it, None for the present one."""

    reader: Ledger
    end: int | None = None


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
        self._readers: dict[str, Sequence[_Epoch]] = {}

    def size_on_chain(self, log: str, root: bytes) -> int | None:
        """The size that the log's contract holds under a root, or None. Reads only. Raises `LedgerError`."""

        def size() -> int | None:
            # Last one first; what an old contract took after its end does not count.
            for epoch in reversed(self._epochs(log)):
                found = epoch.reader.checkpoint_size(root)
                if found and (epoch.end is None or found <= epoch.end):
                    return found
            return None

        return self._once_more(log, size)

    def head(self, log: str) -> LedgerHead | None:
        """The last checkpoint that the log's contract holds; None where it has no contract. Raises `LedgerError`."""

        def head() -> LedgerHead | None:
            reader = self._reader(log)
            return None if reader is None else reader.head()

        return self._once_more(log, head)

    def own_head(self, log: str) -> int | None:
        """Leaves in the ledger that the settings name, else in the largest that the log's own account deployed, whatever
        the mirror remembers; None where there is none, or no account yet. Raises `LedgerError`.
        """
        if self._is_local(log) and not self._local_key(log).exists():
            return None
        if not self._is_local(log) and not (self._settings.chain_keystore or self._settings.chain_signer):
            return None
        signer, named = self._signer(log), self._named(log)
        if named is not None:
            return open_reader(self._rpc(log), named).head().size
        return self._once_more(log, lambda: largest_of_account(self._rpc(log), signer.address))

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

    def deploy_after(self, log: str, address: str) -> Deployment:
        """Moves the log from its contract at `address` to a new one that goes on there. Raises `ConfigError` for another
        address: no log moves by accident.
        """
        with self._lock:
            chain, options = self._chain(log)
            pinned = self._store.chain_identity(log)
            if pinned is None or pinned.address.lower() != address.lower():
                raise ConfigError(
                    f"log {log} is not at {address[:42]}",
                    expected=pinned.address if pinned else "a log that has a contract",
                    next_step="run `medauth ledger show`; nothing was sent",
                )
            old = chain.open(identity_of(pinned))
            caller = DirectCaller(log, self._store, old, holder=_holder(), options=options, now_ms=self._now_ms)
            new = move_on(log, self._store, chain, old, caller, self._named(log))
            return Deployment(log, new.identity, new.is_local, chain.deployed, new.head())

    def events(self, log: str) -> Iterator[AnchoredCheckpoint]:
        """Every checkpoint that the log's contract announced, in order; none where it has none. Raises `LedgerError`."""
        return itertools.chain.from_iterable(epoch.reader.checkpoints() for epoch in self._epochs(log))

    def urgent_leaves(self, log: str) -> Iterator[bytes]:
        """Every leaf that the log's contracts anchored on its own. Raises `LedgerError`."""
        return itertools.chain.from_iterable(epoch.reader.urgent_leaves() for epoch in self._epochs(log))

    def anchor_urgently(self, record: RecordRow) -> TransactionReceipt:
        """Anchors one leaf ahead of its checkpoint. Refused (`ConfigError`) unless the settings allow it."""
        if not self._settings.urgent_anchor:
            raise ConfigError(
                "urgent anchors are off: each one shows when its record was made",
                expected="MEDAUTH_URGENT_ANCHOR=1",
                next_step="set it if that may be known, or run `medauth anchor`, which shows no more than a batch",
            )
        return self._once_more(record.log, lambda: self._caller(record.log).call(UrgentLeaf(record.leaf)))

    def revoke(self, record: RecordRow, reason: RevocationReason) -> TransactionReceipt:
        """Revokes an anchored record for good, with the proof that it is in the log."""
        head = self.head(record.log) or LedgerHead(0, b"", 0)
        call = revocation_of(record, self._store, head, reason)
        return self._once_more(record.log, lambda: self._caller(record.log).call(call))

    def leaf_on_chain(self, record: RecordRow) -> LeafOnChain:
        """What the contracts of all epochs say of one leaf by itself. Reads only."""
        readers = [epoch.reader for epoch in self._epochs(record.log)]
        times = (reader.leaf_anchored_at_s(record.leaf) for reader in readers)
        revocations = (reader.revocation(record.leaf) for reader in readers)
        return LeafOnChain(next(filter(None, times), 0), next(filter(None, revocations), None))

    def _caller(self, log: str) -> DirectCaller:
        with self._lock:
            chain, options = self._chain(log)
            ledger = self._open(log, chain)
            return DirectCaller(log, self._store, ledger, holder=_holder(), options=options, now_ms=self._now_ms)

    def _reader(self, log: str) -> Ledger | None:
        epochs = self._epochs(log)
        return epochs[-1].reader if epochs else None

    def _epochs(self, log: str) -> Sequence[_Epoch]:
        """The contracts of a log, oldest first, each seen to be the pinned one and to go on where the last one ended."""
        with self._lock:
            pinned = self._store.chain_identity(log)
            if pinned is None:
                return ()
            if log not in self._readers or self._readers[log][-1].reader.identity.address != pinned.address:
                self._readers[log] = self._opened_epochs(log, pinned)
            return self._readers[log]

    def _opened_epochs(self, log: str, pinned: ChainIdentityRow) -> Sequence[_Epoch]:
        left, rpc = self._store.epochs(log), self._rpc(log)
        require_connected(log, left, pinned)
        found = [_Epoch(open_reader(rpc, identity_of(row.identity)), row.size) for row in left]
        found.append(_Epoch(open_reader(rpc, identity_of(pinned))))
        for epoch in found:
            epoch.reader.check_identity()
        return found

    def writer(self, log: str) -> AnchorWriter:
        """The writer of one log's checkpoints. Deploys and pins the log's contract when it has none."""
        with self._lock:
            chain, options = self._chain(log)
            ledger = self._open(log, chain)
            return AnchorWriter(log, self._store, ledger, holder=_holder(), options=options, now_ms=self._now_ms)

    def close(self) -> None:
        """Lets go of the local chain; it stops when no other process uses it."""
        with self._lock:
            self._readers.clear()
            if self._node is not None:
                self._node.close()
                self._node = None

    def _chain(self, log: str) -> tuple[Web3Chain, AnchorOptions]:
        if log not in _LOGS:  # or a slip of the pen, or a row in the mirror, would deploy a contract
            raise ConfigError(f"a log called {log[:40]!r}", expected=" or ".join(_LOGS), next_step="nothing was sent")
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

    def _local_key(self, log: str) -> Path:
        return self._settings.data_dir / "keys" / f"chain-{log}.key"

    def _signer(self, log: str) -> Signer:
        """Each log has its own key, so that no two writers compete for a nonce."""
        if self._is_local(log):
            return local_chain_signer(self._local_key(log))
        if self._settings.chain_signer:
            return service_signer(self._settings.chain_signer, log)
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
    ledger = _stated(rpc_url, contract)

    def size(root: bytes) -> int | None:
        ledger.check_identity()
        return ledger.checkpoint_size(root) or None

    return size


def revocation_reader(rpc_url: str, contracts: Iterable[Contract]) -> Callable[[bytes], str | None]:
    """Asks contracts of a log when and why one of them revoked a leaf; each must be this version's own contract."""
    ledgers = [_stated(rpc_url, contract) for contract in contracts]

    def revoked(leaf: bytes) -> str | None:
        for ledger in ledgers:
            ledger.check_identity()
            found = ledger.revocation(leaf)
            if found is not None:
                return str(found)
        return None

    return revoked


def _stated(rpc_url: str, contract: Contract) -> Ledger:
    return open_reader(
        JsonRpc(rpc_url),
        ChainIdentity(
            chain_id=contract.chain_id,
            genesis=contract.genesis,
            address=contract.address,
            code_hash=code_hash_for(contract.log_id),
            log_id=contract.log_id,
            deployed_block=0,
        ),
    )


def _holder() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"
