"""Sending transactions and reading what became of them, whatever contract they are for."""

from __future__ import annotations

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from medauth.ledger.interface import Fees, TransactionReceipt
from medauth.ledger.rpc import JsonRpc, RpcFault

HASH_BYTES = 32
_GWEI = 10**9
_HARMLESS = ("already known", "already imported", "known transaction", "nonce too low", "already exists")
# Recursive Length Prefix: where strings and lists begin.
_RLP_SHORT = 0x80
_RLP_LIST = 0xC0


def created_address(sender: str, nonce: int) -> str:
    """Where a contract that `sender` deploys with `nonce` goes: the tail of Keccak-256(RLP([sender, nonce]))."""
    digits = nonce.to_bytes((nonce.bit_length() + 7) // 8)
    number = digits if 0 < nonce < _RLP_SHORT else bytes([_RLP_SHORT + len(digits)]) + digits
    payload = bytes([_RLP_SHORT + 20]) + bytes.fromhex(sender.removeprefix("0x")) + number
    return str(to_checksum_address(keccak(bytes([_RLP_LIST + len(payload)]) + payload)[12:]))


def send(rpc: JsonRpc, raw: bytes) -> None:
    """Hands signed bytes to the node; what it knows already, or has mined, is no error."""
    try:
        rpc.call("eth_sendRawTransaction", hex_of(raw))
    except RpcFault as fault:
        words = fault.message.lower()
        if any(phrase in words for phrase in _HARMLESS):
            return
        # Hardhat mines a transaction that is reverted, and answers with the revert.
        if read_receipt(rpc, keccak(raw)) is None:
            raise


def read_receipt(rpc: JsonRpc, tx_hash: bytes) -> TransactionReceipt | None:
    """The receipt of a mined transaction."""
    method = "eth_getTransactionReceipt"
    found = rpc.call(method, hex_of(tx_hash))
    if found is None:
        return None
    try:
        return TransactionReceipt(
            tx_hash=tx_hash,
            block=rpc.parse_quantity(method, found["blockNumber"]),
            block_hash=rpc.parse_bytes(method, found["blockHash"], HASH_BYTES),
            succeeded=rpc.parse_quantity(method, found["status"]) == 1,
            gas_used=rpc.parse_quantity(method, found["gasUsed"]),
        )
    except (KeyError, TypeError) as error:
        raise rpc.malformed(method) from error


def suggest_fees(rpc: JsonRpc) -> Fees:
    """Twice the base fee of the latest block, so that the transaction outlives several full blocks, and the usual tip."""
    method = "eth_getBlockByNumber"
    latest = rpc.call(method, "latest", False)
    try:
        base = rpc.parse_quantity(method, latest["baseFeePerGas"])
    except (KeyError, TypeError) as error:
        raise rpc.malformed(method) from error
    try:
        tip = rpc.quantity("eth_maxPriorityFeePerGas")
    except RpcFault:
        tip = _GWEI
    return Fees(2 * base + tip, tip)


def read_block_hash(rpc: JsonRpc, block: int) -> bytes | None:
    """Hash of a block, or None where the chain is not that long."""
    method = "eth_getBlockByNumber"
    found = rpc.call(method, hex(block), False)
    if found is None:
        return None
    if not isinstance(found, dict):
        raise rpc.malformed(method)
    return rpc.parse_bytes(method, found.get("hash"), HASH_BYTES)


def fee_fields(fees: Fees) -> dict[str, int]:
    """Fees as a transaction's fields."""
    return {"maxFeePerGas": fees.max_fee, "maxPriorityFeePerGas": fees.tip}


def hex_of(data: bytes) -> str:
    """Bytes as JSON-RPC wants them."""
    return "0x" + data.hex()
