"""Deploys the ledger contract, pins what was deployed, and gives a local chain back what it lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from eth_utils.crypto import keccak

from medauth.errors import ConfigError, LedgerIdentityChanged, LedgerRejected, LedgerUnreachable
from medauth.ledger.artifacts import load_artifact
from medauth.ledger.codec import ContractCodec
from medauth.ledger.contract import Web3Ledger
from medauth.ledger.interface import LOCAL_CHAIN_ID, ChainIdentity, Signer, TransactionReceipt
from medauth.ledger.rpc import JsonRpc, RpcFault
from medauth.ledger.transactions import (
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
# Measured on anvil: 1.41 million to deploy, 1.51 million where it goes on after another contract.
_DEPLOY_GAS = 2_500_000
# An address follows from sender and nonce; a restored contract is sought among the sender's first ones.
_NONCES_SEARCHED = 10_000
_NOBODY = "0x" + "00" * 20


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

    def deploy(self, log_id: bytes, after: ChainIdentity | None = None) -> ChainIdentity:
        chain_id = self._prepare_signer()
        nonce = self._rpc.quantity("eth_getTransactionCount", self._signer.address, "latest")
        owner = self._signer.address
        creation = self._codec.creation(owner, owner, owner, log_id, after.address if after else _NOBODY)
        self._refuse_hopeless(creation)
        transaction = {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "value": 0,
            "gas": _DEPLOY_GAS,
            "data": creation,
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

    def _refuse_hopeless(self, creation: bytes) -> None:
        """Asks without gas whether the contract would let itself be deployed so."""
        try:
            self._rpc.call("eth_call", {"from": self._signer.address, "data": hex_of(creation)}, "latest")
        except RpcFault as fault:
            if fault.data:
                raise LedgerRejected(
                    f"the contract refuses to be deployed so: {self._codec.reason(fault.data)}",
                    expected="for a log that goes on: its old contract paused, and its head as it stands there",
                    next_step="run `medauth ledger show`; nothing was sent",
                ) from fault

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
