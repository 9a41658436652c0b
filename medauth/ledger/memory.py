"""A chain that lives as long as the process, with the behaviour of a real one as far as a writer can tell.

Blocks, a pool of waiting transactions, nonces, replacement by fee, reverted transactions, reorganisations, a node that
does not answer: each can be brought about by a test in a microsecond. The contract's rules are those of
`contracts/LivenessLedger.sol`, consistency proof included; both pass the suite in `tests/ports`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from medauth.errors import LedgerIdentityChanged, LedgerRejected
from medauth.evidence.merkle import leaf_hash, verify_inclusion
from medauth.ledger.interface import (
    LOCAL_CHAIN_ID,
    AnchoredCheckpoint,
    ChainIdentity,
    Fees,
    LedgerCall,
    LedgerHead,
    Revocation,
    SignedTransaction,
    TransactionReceipt,
)
from medauth.ledger.memory_node import MemoryContract, MemoryNode, contract_address, digest, encode_call

_GWEI = 10**9


class MemorySigner:
    """An account by name. It signs nothing: in memory there is nobody to convince."""

    local_only = True

    def __init__(self, name: str = "memory") -> None:
        self.address = "0x" + digest(name)[:20].hex()

    def sign(self, transaction: Mapping[str, Any]) -> tuple[bytes, bytes]:
        raw = json.dumps({**transaction, "from": self.address}, sort_keys=True).encode()
        return digest(raw), raw


class MemoryChain:
    """`Chain` over a `MemoryNode`."""

    def __init__(self, node: MemoryNode | None = None, signer: MemorySigner | None = None) -> None:
        self.node = node or MemoryNode()
        self.signer = signer or MemorySigner()

    def deploy(self, log_id: bytes, after: ChainIdentity | None = None) -> ChainIdentity:
        self.node.reach()
        if after is not None:
            self._refuse_hopeless(log_id, after)
        nonce = self.node.nonce(self.signer.address)
        creation = {"log_id": log_id.hex(), "after": after.address if after else ""}
        _, raw = self.signer.sign({**creation, "nonce": nonce, "max_fee": _GWEI, "tip": _GWEI})
        self.node.send(raw)
        if not self.node.automine:
            self.node.mine(1)
        address = contract_address(self.signer.address, nonce)
        return ChainIdentity(
            chain_id=self.node.chain_id,
            genesis=self.node.genesis,
            address=address,
            code_hash=digest(b"code" + log_id),
            log_id=log_id,
            deployed_block=self.node.tip,
        )

    def _refuse_hopeless(self, log_id: bytes, after: ChainIdentity) -> None:
        """As the constructor of the contract does."""
        old = self.node.contract(after.address)
        if old is None:
            raise LedgerRejected(f"no contract at {after.address}", expected="the contract of the epoch before")
        expected = after.epoch_after(LedgerHead(old.size, old.root, old.count))
        why = f"WrongEpoch(0x{expected.hex()}, 0x{log_id.hex()})" if log_id != expected else ""
        why = why if old.paused else f"StillOpen({after.address})"
        if why:
            raise LedgerRejected(f"the contract refuses to be deployed so: {why}", expected="the old one paused")

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
        return LedgerHead(contract.size, contract.root, contract.count)

    def checkpoint_size(self, root: bytes) -> int:
        return self._contract().sizes.get(root, 0)

    def includes(self, root: bytes, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
        return verify_inclusion(leaf_hash(leaf), index, self.checkpoint_size(root), root, path)

    def leaf_anchored_at_s(self, leaf: bytes) -> int:
        return self._contract().leaves.get(leaf, 0)

    def revocation(self, leaf: bytes) -> Revocation | None:
        return self._contract().revocations.get(leaf)

    def is_paused(self) -> bool:
        return self._contract().paused

    def checkpoints(self, first_block: int | None = None) -> Iterator[AnchoredCheckpoint]:
        first = self.identity.deployed_block if first_block is None else first_block
        return iter([event for event in self._contract().events if event.block >= first])

    def urgent_leaves(self) -> Iterator[bytes]:
        return iter(list(self._contract().leaves))

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

    def sign(self, call: LedgerCall, *, nonce: int, fees: Fees) -> SignedTransaction:
        transaction = {
            "to": self.identity.address,
            "nonce": nonce,
            "max_fee": fees.max_fee,
            "tip": fees.tip,
            "call": encode_call(call),
        }
        tx_hash, raw = self.signer.sign(transaction)
        return SignedTransaction(tx_hash, nonce, raw, fees)

    def send(self, raw: bytes) -> None:
        self.node.reach()
        self.node.send(raw)

    def receipt(self, tx_hash: bytes) -> TransactionReceipt | None:
        self.node.reach()
        return self.node.receipt(tx_hash)

    def objection(self, call: LedgerCall) -> str | None:
        return self.node.refusing or self._contract().objection(call)

    def mine(self, blocks: int) -> None:
        self.node.reach()
        if self.is_local:
            self.node.mine(blocks)

    def _contract(self) -> MemoryContract:
        self.node.reach()
        contract = self.node.contract(self.identity.address)
        if contract is None:
            raise LedgerIdentityChanged(f"no contract at {self.identity.address}", expected="the ledger of this log")
        return contract
