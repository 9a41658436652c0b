"""The ledger contract on an Ethereum chain: deployed on first use, its identity pinned, its every error in words."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from medauth.errors import ConfigError, LedgerIdentityChanged, LedgerRejected, LedgerUnreachable
from medauth.ledger.artifacts import load_artifact
from medauth.ledger.codec import ContractCodec
from medauth.ledger.interface import (
    LOCAL_CHAIN_ID,
    AnchoredCheckpoint,
    ChainIdentity,
    Fees,
    LedgerHead,
    NewCheckpoint,
    SignedTransaction,
    Signer,
    TransactionReceipt,
)
from medauth.ledger.rpc import JsonRpc, RpcFault
from medauth.ledger.transactions import (
    HASH_BYTES,
    created_address,
    fee_fields,
    hex_of,
    read_block_hash,
    read_receipt,
    send,
    suggest_fees,
)

_log = logging.getLogger(__name__)

_ETHER = 10**18
# Measured on anvil: 1.22 million to deploy; 95,000 for the first checkpoint, 71,000 to 82,000 for the next ones up to
# 30,000 leaves. A proof cannot hold more than 65 hashes, at about 1,000 each.
_DEPLOY_GAS = 2_500_000
_CHECKPOINT_GAS = 300_000
# Public nodes limit how many blocks one eth_getLogs may span; refused spans are halved.
_LOG_SPAN = 50_000
# An address follows from sender and nonce; a restored contract is sought among the sender's first ones.
_NONCES_SEARCHED = 10_000


class Web3Chain:
    """`Chain` over JSON-RPC."""

    def __init__(
        self,
        rpc: JsonRpc,
        signer: Signer,
        *,
        confirmations: int = 1,
        deploy_timeout_s: float = 300.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rpc = rpc
        self._signer = signer
        self._confirmations = confirmations
        self._deploy_timeout_s = deploy_timeout_s
        self._sleep = sleep
        self._artifact = load_artifact()
        self._codec = ContractCodec(self._artifact)
        self.deployed: TransactionReceipt | None = None

    def deploy(self, log_id: bytes) -> ChainIdentity:
        chain_id = self._prepare_signer()
        nonce = self._rpc.quantity("eth_getTransactionCount", self._signer.address, "latest")
        owner = self._signer.address
        transaction = {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "value": 0,
            "gas": _DEPLOY_GAS,
            "data": self._codec.creation(owner, owner, owner, log_id),
            **fee_fields(suggest_fees(self._rpc)),
        }
        tx_hash, raw = self._signer.sign(transaction)
        send(self._rpc, raw)
        receipt = self._await_receipt(tx_hash, local=chain_id == LOCAL_CHAIN_ID)
        if not receipt.succeeded:
            raise LedgerRejected(
                "the deployment was reverted", next_step="check the node's log and the account's funds"
            )
        self.deployed = receipt
        address = created_address(owner, nonce)
        code = self._rpc.bytes_of("eth_getCode", address, "latest")
        if code != self._artifact.code_for(log_id):
            raise LedgerIdentityChanged(f"other code than ours at {address}", expected="the contract just deployed")
        return ChainIdentity(
            chain_id=chain_id,
            genesis=read_block_hash(self._rpc, 0) or b"",
            address=address,
            code_hash=keccak(code),
            log_id=log_id,
            deployed_block=receipt.block,
        )

    def open(self, identity: ChainIdentity) -> Web3Ledger:
        ledger = Web3Ledger(self._rpc, self._signer, identity, self._codec)
        if self._lost_its_state(identity):
            self._restore(identity)
        ledger.check_identity()
        self._prepare_signer()
        return ledger

    def _prepare_signer(self) -> int:
        """Refuses a key that must not be used here and funds one on a local chain; returns the chain id."""
        chain_id = self._rpc.quantity("eth_chainId")
        if chain_id == LOCAL_CHAIN_ID:
            if self._rpc.quantity("eth_getBalance", self._signer.address, "latest") < _ETHER:
                # Hardhat's name for it; anvil answers to it too.
                self._rpc.call("hardhat_setBalance", self._signer.address, hex(1_000 * _ETHER))
        elif self._signer.local_only:
            raise ConfigError(
                f"an unencrypted key for chain {chain_id}",
                expected="a keystore, or a key service, on every chain but a local one",
                next_step="set MEDAUTH_CHAIN_KEYSTORE",
            )
        return chain_id

    def _await_receipt(self, tx_hash: bytes, *, local: bool) -> TransactionReceipt:
        pause_s, waited_s = 0.02, 0.0
        while waited_s < self._deploy_timeout_s:
            receipt = read_receipt(self._rpc, tx_hash)
            if receipt and local:
                return receipt
            if receipt and self._rpc.quantity("eth_blockNumber") - receipt.block + 1 >= self._confirmations:
                return receipt
            if local:
                self._rpc.call("evm_mine")
            self._sleep(pause_s)
            waited_s += pause_s
            pause_s = min(2 * pause_s, 4.0)
        raise LedgerUnreachable(
            f"no receipt of the deployment after {self._deploy_timeout_s:.0f} s",
            expected=f"{self._confirmations} confirmations",
            next_step="try again later; a contract that nobody refers to may stay behind",
        )

    def _lost_its_state(self, identity: ChainIdentity) -> bool:
        """A local chain with our genesis that has no contract any more: it was killed before it saved."""
        if not identity.chain_id == LOCAL_CHAIN_ID == self._rpc.quantity("eth_chainId"):
            return False
        if read_block_hash(self._rpc, 0) != identity.genesis:
            return False
        return not self._rpc.bytes_of("eth_getCode", identity.address, "latest")

    def _restore(self, identity: ChainIdentity) -> None:
        owner = self._signer.address
        first = self._rpc.quantity("eth_getTransactionCount", owner, "latest")
        nonces = (n for n in range(first, _NONCES_SEARCHED) if created_address(owner, n) == identity.address)
        nonce = next(nonces, None)
        if nonce is None:
            return  # deployed by another key; check_identity says the rest
        _log.warning("the local chain lost the contract %s: it is deployed there again", identity.address)
        self._prepare_signer()
        self._rpc.call("hardhat_setNonce", owner, hex(nonce))
        self.deploy(identity.log_id)


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

    def checkpoints(self, first_block: int | None = None) -> Iterator[AnchoredCheckpoint]:
        first = self.identity.deployed_block if first_block is None else first_block
        return self._events(first, root=None)

    def find_checkpoint(self, root: bytes) -> AnchoredCheckpoint | None:
        return next(self._events(self.identity.deployed_block, root), None)

    def tip(self) -> int:
        return self._rpc.quantity("eth_blockNumber")

    def block_hash(self, block: int) -> bytes | None:
        return read_block_hash(self._rpc, block)

    def next_nonce(self) -> int:
        return self._rpc.quantity("eth_getTransactionCount", self._signer.address, "latest")

    def suggest_fees(self) -> Fees:
        return suggest_fees(self._rpc)

    def sign_checkpoint(self, checkpoint: NewCheckpoint, *, nonce: int, fees: Fees) -> SignedTransaction:
        transaction = {
            "type": 2,
            "chainId": self.identity.chain_id,
            "nonce": nonce,
            "to": self.identity.address,
            "value": 0,
            "gas": _CHECKPOINT_GAS,
            "data": self._checkpoint_call(checkpoint),
            **fee_fields(fees),
        }
        tx_hash, raw = self._signer.sign(transaction)
        return SignedTransaction(tx_hash, nonce, raw, fees)

    def send(self, raw: bytes) -> None:
        send(self._rpc, raw)

    def receipt(self, tx_hash: bytes) -> TransactionReceipt | None:
        return read_receipt(self._rpc, tx_hash)

    def objection(self, checkpoint: NewCheckpoint) -> str | None:
        call = {
            "from": self._signer.address,
            "to": self.identity.address,
            "data": hex_of(self._checkpoint_call(checkpoint)),
        }
        try:
            self._rpc.call("eth_call", call, "latest")
        except RpcFault as fault:
            return self._codec.reason(fault.data) if fault.data else fault.message
        return None

    def mine(self, blocks: int) -> None:
        if self.is_local and blocks > 0:
            # Hardhat's name for it; anvil answers to it too.
            self._rpc.call("hardhat_mine", hex(blocks))

    def _checkpoint_call(self, checkpoint: NewCheckpoint) -> bytes:
        return self._codec.call(
            "checkpoint", checkpoint.old_size, checkpoint.new_size, checkpoint.root, list(checkpoint.proof)
        )

    def _call(self, name: str, *arguments: Any) -> tuple[Any, ...]:
        call = {"to": self.identity.address, "data": hex_of(self._codec.call(name, *arguments))}
        return self._codec.answer(name, self._rpc.bytes_of("eth_call", call, "latest"))

    def _events(self, first: int, root: bytes | None) -> Iterator[AnchoredCheckpoint]:
        span, last = _LOG_SPAN, self.tip()
        topics: list[str | None] = [
            hex_of(self._codec.topic("CheckpointAnchored")),
            None,
            hex_of(root) if root else None,
        ]
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
            yield from (self._event(entry) for entry in found)
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
