"""A chain that lives as long as the process, with the behaviour of a real one as far as a writer can tell.

Blocks, a pool of waiting transactions, nonces, replacement by fee, reverted transactions, reorganisations, a node that
does not answer: each can be brought about by a test in a microsecond. The contract's rules are those of
`contracts/LivenessLedger.sol`, consistency proof included; both pass the suite in `tests/ports`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medauth.errors import LedgerIdentityChanged, LedgerRejected, LedgerUnreachable
from medauth.evidence.merkle import leaf_hash, verify_consistency, verify_inclusion
from medauth.ledger.interface import (
    LOCAL_CHAIN_ID,
    AnchoredCheckpoint,
    ChainIdentity,
    Fees,
    LedgerHead,
    NewCheckpoint,
    SignedTransaction,
    TransactionReceipt,
)

_GWEI = 10**9
_NO_ROOT = bytes(32)


class MemorySigner:
    """An account by name. It signs nothing: in memory there is nobody to convince."""

    local_only = True

    def __init__(self, name: str = "memory") -> None:
        self.address = "0x" + _digest(name)[:20].hex()

    def sign(self, transaction: Mapping[str, Any]) -> tuple[bytes, bytes]:
        raw = json.dumps({**transaction, "from": self.address}, sort_keys=True).encode()
        return _digest(raw), raw


@dataclass(slots=True)
class _Contract:
    """State of one deployed ledger."""

    log_id: bytes
    size: int = 0
    root: bytes = _NO_ROOT
    sizes: dict[bytes, int] = field(default_factory=dict)
    events: list[AnchoredCheckpoint] = field(default_factory=list)

    def objection(self, checkpoint: NewCheckpoint) -> str | None:
        if checkpoint.old_size != self.size:
            return f"StaleBase({self.size}, {checkpoint.old_size})"
        if checkpoint.new_size <= checkpoint.old_size:
            return f"NotNewer({checkpoint.old_size}, {checkpoint.new_size})"
        if not verify_consistency(self.size, self.root, checkpoint.new_size, checkpoint.root, checkpoint.proof):
            return f"Inconsistent({checkpoint.old_size}, {checkpoint.new_size})"
        return None

    def accept(self, checkpoint: NewCheckpoint) -> None:
        self.size, self.root = checkpoint.new_size, checkpoint.root
        self.sizes[checkpoint.root] = checkpoint.new_size


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
        """When set, the contract refuses every checkpoint with these words, as while it is paused."""
        self._salt = 0
        self._blocks = [_Block(_digest(f"genesis {chain_id}"))]
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

    def contract(self, address: str) -> _Contract | None:
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
        block = _Block(_digest(b"".join(words)), transactions)
        self._blocks.append(block)
        self._execute(block)

    def _forget(self) -> None:
        self._nonces: dict[str, int] = {}
        self._contracts: dict[str, _Contract] = {}
        self._receipts: dict[bytes, TransactionReceipt] = {}

    def _execute(self, block: _Block) -> None:
        for raw in block.transactions:
            transaction = json.loads(raw)
            sender, nonce = transaction["from"], transaction["nonce"]
            self._nonces[sender] = nonce + 1
            self._waiting.pop((sender, nonce), None)
            receipt = TransactionReceipt(_digest(raw), self.tip, block.hash, succeeded=True, gas_used=0)
            if "log_id" in transaction:
                self._contracts[contract_address(sender, nonce)] = _Contract(bytes.fromhex(transaction["log_id"]))
            elif not self._checkpoint(transaction, receipt):
                receipt = TransactionReceipt(receipt.tx_hash, self.tip, block.hash, succeeded=False, gas_used=0)
            self._receipts[receipt.tx_hash] = receipt

    def _checkpoint(self, transaction: dict[str, Any], receipt: TransactionReceipt) -> bool:
        contract, checkpoint = self._contracts.get(transaction["to"]), _decode(transaction["checkpoint"])
        if contract is None or self.refusing or contract.objection(checkpoint):
            return False
        contract.accept(checkpoint)
        contract.events.append(
            AnchoredCheckpoint(
                seq=len(contract.events) + 1,
                old_size=checkpoint.old_size,
                new_size=checkpoint.new_size,
                root=checkpoint.root,
                issuer=transaction["from"],
                tx_hash=receipt.tx_hash,
                block=receipt.block,
                block_hash=receipt.block_hash,
            )
        )
        return True


class MemoryChain:
    """`Chain` over a `MemoryNode`."""

    def __init__(self, node: MemoryNode | None = None, signer: MemorySigner | None = None) -> None:
        self.node = node or MemoryNode()
        self.signer = signer or MemorySigner()

    def deploy(self, log_id: bytes) -> ChainIdentity:
        self.node.reach()
        nonce = self.node.nonce(self.signer.address)
        _, raw = self.signer.sign({"nonce": nonce, "log_id": log_id.hex(), "max_fee": _GWEI, "tip": _GWEI})
        self.node.send(raw)
        if not self.node.automine:
            self.node.mine(1)
        address = contract_address(self.signer.address, nonce)
        return ChainIdentity(
            chain_id=self.node.chain_id,
            genesis=self.node.genesis,
            address=address,
            code_hash=_digest(b"code" + log_id),
            log_id=log_id,
            deployed_block=self.node.tip,
        )

    def open(self, identity: ChainIdentity) -> MemoryLedger:
        ledger = MemoryLedger(self.node, self.signer, identity)
        ledger.check_identity()
        return ledger


class MemoryLedger:
    """`Ledger` over a `MemoryNode`."""

    def __init__(self, node: MemoryNode, signer: MemorySigner, identity: ChainIdentity) -> None:
        self.node, self.signer, self.identity = node, signer, identity

    @property
    def is_local(self) -> bool:
        return self.identity.chain_id == LOCAL_CHAIN_ID

    def check_identity(self) -> None:
        self.node.reach()
        same_chain = (self.node.chain_id, self.node.genesis) == (self.identity.chain_id, self.identity.genesis)
        contract = self.node.contract(self.identity.address)
        if not same_chain or contract is None or contract.log_id != self.identity.log_id:
            raise LedgerIdentityChanged(
                f"no ledger of this log at {self.identity.address} of chain {self.node.chain_id}",
                expected=f"the one pinned on chain {self.identity.chain_id}",
                next_step="point medauth at the chain it was using, or begin a new log",
            )

    def head(self) -> LedgerHead:
        contract = self._contract()
        return LedgerHead(contract.size, contract.root, len(contract.events))

    def checkpoint_size(self, root: bytes) -> int:
        return self._contract().sizes.get(root, 0)

    def includes(self, root: bytes, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
        return verify_inclusion(leaf_hash(leaf), index, self.checkpoint_size(root), root, path)

    def checkpoints(self, first_block: int | None = None) -> Iterator[AnchoredCheckpoint]:
        first = self.identity.deployed_block if first_block is None else first_block
        return iter([event for event in self._contract().events if event.block >= first])

    def find_checkpoint(self, root: bytes) -> AnchoredCheckpoint | None:
        return next((event for event in self._contract().events if event.root == root), None)

    def tip(self) -> int:
        self.node.reach()
        return self.node.tip

    def block_hash(self, block: int) -> bytes | None:
        self.node.reach()
        return self.node.block_hash(block)

    def next_nonce(self) -> int:
        self.node.reach()
        return self.node.nonce(self.signer.address)

    def suggest_fees(self) -> Fees:
        self.node.reach()
        return Fees(3 * _GWEI, _GWEI)

    def sign_checkpoint(self, checkpoint: NewCheckpoint, *, nonce: int, fees: Fees) -> SignedTransaction:
        transaction = {
            "to": self.identity.address,
            "nonce": nonce,
            "max_fee": fees.max_fee,
            "tip": fees.tip,
            "checkpoint": _encode(checkpoint),
        }
        tx_hash, raw = self.signer.sign(transaction)
        return SignedTransaction(tx_hash, nonce, raw, fees)

    def send(self, raw: bytes) -> None:
        self.node.reach()
        self.node.send(raw)

    def receipt(self, tx_hash: bytes) -> TransactionReceipt | None:
        self.node.reach()
        return self.node.receipt(tx_hash)

    def objection(self, checkpoint: NewCheckpoint) -> str | None:
        return self.node.refusing or self._contract().objection(checkpoint)

    def mine(self, blocks: int) -> None:
        self.node.reach()
        if self.is_local:
            self.node.mine(blocks)

    def _contract(self) -> _Contract:
        self.node.reach()
        contract = self.node.contract(self.identity.address)
        if contract is None:
            raise LedgerIdentityChanged(f"no contract at {self.identity.address}", expected="the ledger of this log")
        return contract


def contract_address(sender: str, nonce: int) -> str:
    """Where a contract goes; like on a real chain, it follows from who deploys it and when."""
    return "0x" + _digest(f"{sender} {nonce}")[:20].hex()


def _digest(data: bytes | str) -> bytes:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).digest()


def _encode(checkpoint: NewCheckpoint) -> dict[str, Any]:
    return {
        "old_size": checkpoint.old_size,
        "new_size": checkpoint.new_size,
        "root": checkpoint.root.hex(),
        "proof": [digest.hex() for digest in checkpoint.proof],
    }


def _decode(data: Mapping[str, Any]) -> NewCheckpoint:
    proof = tuple(bytes.fromhex(digest) for digest in data["proof"])
    return NewCheckpoint(data["old_size"], data["new_size"], bytes.fromhex(data["root"]), proof)
