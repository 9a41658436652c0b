"""The ledger contract on an Ethereum chain, seen by its writer and by auditors; its every error in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from medauth.errors import LedgerIdentityChanged, LedgerRejected
from medauth.ledger.artifacts import load_artifact
from medauth.ledger.codec import ContractCodec
from medauth.ledger.interface import (
    LOCAL_CHAIN_ID,
    AnchoredCheckpoint,
    ChainIdentity,
    Fees,
    LedgerCall,
    LedgerHead,
    NewCheckpoint,
    NewRevocation,
    Revocation,
    RevocationReason,
    SignedTransaction,
    Signer,
    TransactionReceipt,
    UrgentLeaf,
)
from medauth.ledger.rpc import JsonRpc, RpcFault
from medauth.ledger.transactions import (
    HASH_BYTES,
    fee_fields,
    hex_of,
    read_block_hash,
    read_receipt,
    send,
    suggest_fees,
)

# Measured on anvil: 95,000 for the first checkpoint, 71,000 to 82,000 for the next ones up to 30,000 leaves; 89,000 for a
# revocation in a log of 10,000. A proof cannot hold more than 65 hashes, at about 1,000 each.
_CALL_GAS = 300_000
# Public nodes limit how many blocks one eth_getLogs may span; refused spans are halved.
_LOG_SPAN = 50_000


class Web3Ledger:
    """`Ledger` over JSON-RPC."""

    def __init__(self, rpc: JsonRpc, signer: Signer, identity: ChainIdentity, codec: ContractCodec) -> None:
        self.identity = identity
        self._rpc = rpc
        self._signer = signer
        self._codec = codec

    @property
    def is_local(self) -> bool:
        return self.identity.chain_id == LOCAL_CHAIN_ID

    def check_identity(self) -> None:
        pinned = self.identity
        code = self._rpc.bytes_of("eth_getCode", pinned.address, "latest")
        checks = {
            "chain id": (self._rpc.quantity("eth_chainId"), pinned.chain_id),
            "genesis block": (read_block_hash(self._rpc, 0), pinned.genesis),
            "contract code": (keccak(code), pinned.code_hash),
        }
        changed = [what for what, (found, expected) in checks.items() if found != expected]
        if not changed:
            (log_id,) = self._call("logId")
            changed = [] if log_id == pinned.log_id else ["log id"]
        if changed:
            raise LedgerIdentityChanged(
                f"{' and '.join(changed)} at {self._rpc.place} differ from what this log is pinned to",
                expected=f"contract {pinned.address} on chain {pinned.chain_id}",
                next_step="point medauth at the chain it was using or restore its state; nothing was sent",
            )

    def head(self) -> LedgerHead:
        return LedgerHead(*self._call("head"))

    def checkpoint_size(self, root: bytes) -> int:
        ((size, _seq, _anchored_at),) = self._call("checkpointOf", root)
        return int(size)

    def includes(self, root: bytes, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
        return bool(self._call("verify", root, leaf, index, list(path))[0])

    def leaf_anchored_at_s(self, leaf: bytes) -> int:
        return int(self._call("leafAnchoredAt", leaf)[0])

    def revocation(self, leaf: bytes) -> Revocation | None:
        ((revoked_at_s, reason),) = self._call("revocationOf", leaf)
        return Revocation(revoked_at_s, RevocationReason(reason)) if revoked_at_s else None

    def is_paused(self) -> bool:
        return bool(self._call("paused")[0])

    def checkpoints(self, first_block: int | None = None) -> Iterator[AnchoredCheckpoint]:
        first = self.identity.deployed_block if first_block is None else first_block
        return map(self._event, self._entries(first, "CheckpointAnchored"))

    def urgent_leaves(self) -> Iterator[bytes]:
        for entry in self._entries(self.identity.deployed_block, "LeafAnchored"):
            try:
                yield self._rpc.parse_bytes("eth_getLogs", entry["topics"][1], HASH_BYTES)
            except (KeyError, TypeError, IndexError) as error:
                raise self._rpc.malformed("eth_getLogs") from error

    def find_checkpoint(self, root: bytes) -> AnchoredCheckpoint | None:
        entries = self._entries(self.identity.deployed_block, "CheckpointAnchored", None, hex_of(root))
        return next(map(self._event, entries), None)

    def tip(self) -> int:
        return self._rpc.quantity("eth_blockNumber")

    def block_hash(self, block: int) -> bytes | None:
        return read_block_hash(self._rpc, block)

    def next_nonce(self) -> int:
        return self._rpc.quantity("eth_getTransactionCount", self._signer.address, "latest")

    def suggest_fees(self) -> Fees:
        return suggest_fees(self._rpc)

    def sign(self, call: LedgerCall, *, nonce: int, fees: Fees) -> SignedTransaction:
        transaction = {
            "type": 2,
            "chainId": self.identity.chain_id,
            "nonce": nonce,
            "to": self.identity.address,
            "value": 0,
            "gas": _CALL_GAS,
            "data": self._data(call),
            **fee_fields(fees),
        }
        tx_hash, raw = self._signer.sign(transaction)
        return SignedTransaction(tx_hash, nonce, raw, fees)

    def send(self, raw: bytes) -> None:
        send(self._rpc, raw)

    def receipt(self, tx_hash: bytes) -> TransactionReceipt | None:
        return read_receipt(self._rpc, tx_hash)

    def objection(self, call: LedgerCall) -> str | None:
        question = {"from": self._signer.address, "to": self.identity.address, "data": hex_of(self._data(call))}
        try:
            self._rpc.call("eth_call", question, "latest")
        except RpcFault as fault:
            return self._codec.reason(fault.data) if fault.data else fault.message
        return None

    def mine(self, blocks: int) -> None:
        if self.is_local and blocks > 0:
            # Hardhat's name for it; anvil answers to it too.
            self._rpc.call("hardhat_mine", hex(blocks))

    def _data(self, call: LedgerCall) -> bytes:
        match call:
            case NewCheckpoint(old_size, new_size, root, proof):
                return self._codec.call("checkpoint", old_size, new_size, root, list(proof))
            case NewRevocation(root, leaf, index, path, reason):
                return self._codec.call("revoke", root, leaf, index, list(path), int(reason))
            case UrgentLeaf(leaf):
                return self._codec.call("anchor", leaf)
            case _:
                return self._codec.call("pause")

    def _call(self, name: str, *arguments: Any) -> tuple[Any, ...]:
        call = {"to": self.identity.address, "data": hex_of(self._codec.call(name, *arguments))}
        return self._codec.answer(name, self._rpc.bytes_of("eth_call", call, "latest"))

    def _entries(self, first: int, event: str, *indexed: str | None) -> Iterator[dict[str, Any]]:
        """One event's entries in the node's log, in order, asked for in spans that the node is willing to answer."""
        span, last = _LOG_SPAN, self.tip()
        topics = [hex_of(self._codec.topic(event)), *indexed]
        while first <= last:
            end = min(first + span - 1, last)
            question = {
                "address": self.identity.address,
                "topics": topics,
                "fromBlock": hex(first),
                "toBlock": hex(end),
            }
            try:
                found = self._rpc.call("eth_getLogs", question)
            except RpcFault:
                if span == 1:
                    raise
                span = max(1, span // 2)
                continue
            yield from found
            first = end + 1

    def _event(self, entry: dict[str, Any]) -> AnchoredCheckpoint:
        method, rpc = "eth_getLogs", self._rpc
        try:
            _, seq, root, issuer = entry["topics"]
            old_size, new_size = self._codec.event_values("CheckpointAnchored", rpc.parse_bytes(method, entry["data"]))
            return AnchoredCheckpoint(
                seq=rpc.parse_quantity(method, seq),
                old_size=old_size,
                new_size=new_size,
                root=rpc.parse_bytes(method, root, HASH_BYTES),
                issuer=to_checksum_address(rpc.parse_bytes(method, issuer, HASH_BYTES)[12:]),
                tx_hash=rpc.parse_bytes(method, entry["transactionHash"], HASH_BYTES),
                block=rpc.parse_quantity(method, entry["blockNumber"]),
                block_hash=rpc.parse_bytes(method, entry["blockHash"], HASH_BYTES),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise rpc.malformed(method) from error


def open_reader(rpc: JsonRpc, identity: ChainIdentity) -> Web3Ledger:
    """A ledger to read from and never to write to, for auditors."""
    return Web3Ledger(rpc, _Nobody(), identity, ContractCodec(load_artifact()))


def code_hash_for(log_id: bytes) -> bytes:
    """Keccak-256 of the code that this version's contract has on chain for a log."""
    return keccak(load_artifact().code_for(log_id))


class _Nobody:
    """The signer of those who only read."""

    address = "0x" + "00" * 20
    local_only = False

    def sign(self, transaction: Mapping[str, Any]) -> tuple[bytes, bytes]:
        raise LedgerRejected(
            f"a ledger opened for reading cannot send a transaction of {len(transaction)} fields",
            next_step="open it with the writer's key",
        )
