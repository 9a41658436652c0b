"""Blocks, waiting transactions and contracts of a chain in memory, each kind of trouble to be had for the asking."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from medauth.errors import LedgerRejected, LedgerUnreachable
from medauth.evidence.merkle import leaf_hash, verify_consistency, verify_inclusion
from medauth.ledger.interface import (
    LOCAL_CHAIN_ID,
    AnchoredCheckpoint,
    LedgerCall,
    NewCheckpoint,
    NewRevocation,
    Pause,
    Revocation,
    RevocationReason,
    TransactionReceipt,
    UrgentLeaf,
)

_NO_ROOT = bytes(32)


@dataclass(slots=True)
class MemoryContract:
    """State and rules of one deployed ledger."""

    log_id: bytes
    size: int = 0
    root: bytes = _NO_ROOT
    count: int = 0
    paused: bool = False
    sizes: dict[bytes, int] = field(default_factory=dict)
    events: list[AnchoredCheckpoint] = field(default_factory=list)
    leaves: dict[bytes, int] = field(default_factory=dict)
    revocations: dict[bytes, Revocation] = field(default_factory=dict)

    def objection(self, call: LedgerCall) -> str | None:
        """Why the contract would refuse a call, in the words of its errors."""
        if self.paused and not isinstance(call, NewRevocation):
            return "EnforcedPause()"
        match call:
            case NewCheckpoint():
                return self._checkpoint_objection(call)
            case NewRevocation():
                return self._revocation_objection(call)
            case UrgentLeaf(leaf) if leaf in self.leaves:
                return f"AlreadyAnchored(0x{leaf.hex()}, {self.leaves[leaf]})"
        return None

    def accept(self, call: LedgerCall, sender: str, receipt: TransactionReceipt) -> None:
        """Does what was not objected to. Time is the block's number, from 1 on."""
        match call:
            case NewCheckpoint(old_size, new_size, root):
                self.size, self.root, self.count = new_size, root, self.count + 1
                self.sizes[root] = new_size
                tx_hash, block, block_hash = receipt.tx_hash, receipt.block, receipt.block_hash
                event = AnchoredCheckpoint(self.count, old_size, new_size, root, sender, tx_hash, block, block_hash)
                self.events.append(event)
            case NewRevocation():
                self.revocations[call.leaf] = Revocation(receipt.block, call.reason)
            case UrgentLeaf(leaf):
                self.leaves[leaf] = receipt.block
            case Pause():
                self.paused = True

    def go_on_after(self, old: MemoryContract) -> None:
        """Takes over the last head of the epoch before."""
        self.size, self.root, self.count = old.size, old.root, old.count
        if old.size:
            self.sizes[old.root] = old.size

    def _checkpoint_objection(self, new: NewCheckpoint) -> str | None:
        if new.old_size != self.size:
            return f"StaleBase({self.size}, {new.old_size})"
        if new.new_size <= new.old_size:
            return f"NotNewer({new.old_size}, {new.new_size})"
        if not verify_consistency(self.size, self.root, new.new_size, new.root, new.proof):
            return f"Inconsistent({new.old_size}, {new.new_size})"
        return None

    def _revocation_objection(self, new: NewRevocation) -> str | None:
        size, digest = self.sizes.get(new.root, 0), leaf_hash(new.leaf)
        if not size:
            return f"UnknownRoot(0x{new.root.hex()})"
        if not verify_inclusion(digest, new.index, size, new.root, new.path):
            return f"NotIncluded(0x{digest.hex()}, {new.index})"
        if new.leaf in self.revocations:
            return f"AlreadyRevoked(0x{digest.hex()}, {self.revocations[new.leaf].revoked_at_s})"
        return None


@dataclass(frozen=True, slots=True)
class _Block:
    hash: bytes
    transactions: tuple[bytes, ...] = ()


class MemoryNode:
    """Blocks and waiting transactions. `down` and `automine` are for tests to set."""

    def __init__(self, chain_id: int = LOCAL_CHAIN_ID, *, automine: bool = True) -> None:
        self.chain_id = chain_id
        self.automine = automine
        self.down = False
        self.refusing = ""
        """When set, the contract refuses every call with these words, as while it is paused."""
        self._salt = 0
        self._blocks = [_Block(digest(f"genesis {chain_id}"))]
        self._waiting: dict[tuple[str, int], bytes] = {}
        self._forget()

    @property
    def genesis(self) -> bytes:
        return self._blocks[0].hash

    @property
    def tip(self) -> int:
        return len(self._blocks) - 1

    def reach(self) -> None:
        """Raises where the test took the node down."""
        if self.down:
            raise LedgerUnreachable("the node in memory is down", next_step="start it again")

    def send(self, raw: bytes) -> None:
        transaction = json.loads(raw)
        key = (transaction["from"], transaction["nonce"])
        if transaction["nonce"] < self.nonce(transaction["from"]) or self._waiting.get(key) == raw:
            return
        if key in self._waiting and transaction["max_fee"] * 10 < json.loads(self._waiting[key])["max_fee"] * 11:
            raise LedgerRejected("replacement transaction underpriced", expected="at least 10 % more than before")
        self._waiting[key] = raw
        if self.automine:
            self.mine(1)

    def mine(self, blocks: int) -> None:
        for _ in range(blocks):
            chosen = self._executable()
            self._append(chosen)

    def reorganise(self, depth: int, *, keep_transactions: bool = False) -> None:
        """Replaces the last `depth` blocks by other, empty ones."""
        depth = min(depth, self.tip)
        gone, self._blocks = self._blocks[len(self._blocks) - depth :], self._blocks[: len(self._blocks) - depth]
        if keep_transactions:
            for raw in (raw for block in gone for raw in block.transactions):
                transaction = json.loads(raw)
                self._waiting.setdefault((transaction["from"], transaction["nonce"]), raw)
        self._salt += 1
        kept, self._blocks = self._blocks[1:], self._blocks[:1]
        self._forget()
        for block in kept:
            self._blocks.append(block)
            self._execute(block)
        for _ in range(depth):
            self._append(())

    def drop_waiting(self) -> None:
        """Forgets what waits, as a node that was restarted does."""
        self._waiting.clear()

    def nonce(self, sender: str) -> int:
        return self._nonces.get(sender, 0)

    def receipt(self, tx_hash: bytes) -> TransactionReceipt | None:
        return self._receipts.get(tx_hash)

    def block_hash(self, block: int) -> bytes | None:
        return self._blocks[block].hash if 0 <= block <= self.tip else None

    def contract(self, address: str) -> MemoryContract | None:
        return self._contracts.get(address)

    def _executable(self) -> tuple[bytes, ...]:
        nonces, chosen = dict(self._nonces), []
        for key in sorted(self._waiting):
            sender, nonce = key
            if nonce == nonces.get(sender, 0):
                chosen.append(self._waiting[key])
                nonces[sender] = nonce + 1
        return tuple(chosen)

    def _append(self, transactions: tuple[bytes, ...]) -> None:
        words = (self._blocks[-1].hash, b"%d" % self._salt, *transactions)
        block = _Block(digest(b"".join(words)), transactions)
        self._blocks.append(block)
        self._execute(block)

    def _forget(self) -> None:
        self._nonces: dict[str, int] = {}
        self._contracts: dict[str, MemoryContract] = {}
        self._receipts: dict[bytes, TransactionReceipt] = {}

    def _execute(self, block: _Block) -> None:
        for raw in block.transactions:
            transaction = json.loads(raw)
            sender, nonce = transaction["from"], transaction["nonce"]
            self._nonces[sender] = nonce + 1
            self._waiting.pop((sender, nonce), None)
            receipt = TransactionReceipt(digest(raw), self.tip, block.hash, succeeded=True, gas_used=0)
            if not self._run(transaction, receipt):
                receipt = TransactionReceipt(receipt.tx_hash, self.tip, block.hash, succeeded=False, gas_used=0)
            self._receipts[receipt.tx_hash] = receipt

    def _run(self, transaction: dict[str, Any], receipt: TransactionReceipt) -> bool:
        """Whether it succeeded; a reverted transaction changes nothing."""
        if "log_id" in transaction:
            return self._create(transaction)
        contract, call = self._contracts.get(transaction["to"]), decode_call(transaction["call"])
        if contract is None or self.refusing or contract.objection(call):
            return False
        contract.accept(call, transaction["from"], receipt)
        return True

    def _create(self, transaction: dict[str, Any]) -> bool:
        new, old = MemoryContract(bytes.fromhex(transaction["log_id"])), self._contracts.get(transaction["after"])
        if old is not None:
            new.go_on_after(old)
        self._contracts[contract_address(transaction["from"], transaction["nonce"])] = new
        return True


def contract_address(sender: str, nonce: int) -> str:
    """Where a contract goes; like on a real chain, it follows from who deploys it and when."""
    return "0x" + digest(f"{sender} {nonce}")[:20].hex()


def digest(data: bytes | str) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).digest()


_CALLS: Mapping[str, Callable[..., LedgerCall]] = {
    "checkpoint": NewCheckpoint,
    "revoke": NewRevocation,
    "anchor": UrgentLeaf,
    "pause": Pause,
}


def encode_call(call: LedgerCall) -> dict[str, Any]:
    """A call as part of a transaction."""
    name = next(name for name, kind in _CALLS.items() if kind is type(call))
    return {"name": name, "values": {key: _plain(value) for key, value in asdict(call).items()}}


def decode_call(data: Mapping[str, Any]) -> LedgerCall:
    """The reverse."""
    values = {key: _typed(key, value) for key, value in data["values"].items()}
    return _CALLS[data["name"]](**values)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return [entry.hex() for entry in value] if isinstance(value, tuple) else value


def _typed(name: str, value: Any) -> Any:
    if name == "reason":
        return RevocationReason(value)
    if isinstance(value, list):
        return tuple(bytes.fromhex(entry) for entry in value)
    return bytes.fromhex(value) if isinstance(value, str) else value
