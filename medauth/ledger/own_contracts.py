"""Ledgers that an account deployed, found by the account alone: for a mirror that forgot which contract was its own."""

from __future__ import annotations

from collections.abc import Iterator

from eth_utils.crypto import keccak

from medauth.ledger.artifacts import load_artifact
from medauth.ledger.contract import open_reader
from medauth.ledger.interface import ChainIdentity
from medauth.ledger.rpc import JsonRpc
from medauth.ledger.transactions import created_address, read_block_hash

NONCES_SEARCHED = 256
"""An account deploys before it anchors: what it made later than this is not looked for."""


def ledgers_of(rpc: JsonRpc, account: str) -> Iterator[ChainIdentity]:
    """This version's contracts among the first that the account created. Raises `LedgerError`."""
    artifact, chain_id, genesis = load_artifact(), rpc.quantity("eth_chainId"), read_block_hash(rpc, 0)
    nonces = min(rpc.quantity("eth_getTransactionCount", account, "latest"), NONCES_SEARCHED)
    for nonce in range(nonces):
        address = created_address(account, nonce)
        code = rpc.bytes_of("eth_getCode", address, "latest")
        offset = artifact.immutable_offsets[0]
        log_id = code[offset : offset + 32]
        if genesis is not None and len(log_id) == 32 and code == artifact.code_for(log_id):  # noqa: PLR2004 - a digest
            yield ChainIdentity(chain_id, genesis, address, keccak(code), log_id, 0)


def largest_of_account(rpc: JsonRpc, account: str) -> int | None:
    """Leaves under the largest head of the account's ledgers; None where it has none. Raises `LedgerError`."""
    return max((open_reader(rpc, identity).head().size for identity in ledgers_of(rpc, account)), default=None)
