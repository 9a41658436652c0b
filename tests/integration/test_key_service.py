"""A key service signs: another process holds the key and knows nothing of transactions, as a KMS or an HSM does.

It signs digests alone, gives DER, and takes whichever of the two valid `s` it likes; the signer beside the port makes a
transaction of that. `KeyServiceSigner` is what an adapter for a real service comes to.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from eth_account import Account
from eth_keys.datatypes import PublicKey, Signature
from eth_utils.crypto import keccak

from medauth.ledger.anvil import AnvilNode, find_anvil, open_anvil
from medauth.ledger.deployment import Web3Chain
from medauth.ledger.interface import NewRevocation, RevocationReason, Signer, UrgentLeaf
from medauth.ledger.rpc import JsonRpc
from medauth.service.anchoring import AnchorOptions, AnchorWriter
from medauth.service.direct_calls import DirectCaller, revocation_of
from medauth.service.pinning import open_ledger
from tests.ports.ledger_world import add_leaves, assert_nothing_lost, fresh_store, leaves_of

pytestmark = pytest.mark.chain
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1. Ethereum takes the lower of two valid `s` only (EIP-2)."""
DYNAMIC_FEE = b"\x02"
"""EIP-1559 in the envelope of EIP-2718."""
SERVICE = """
import sys
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives import hashes, serialization
key = ec.generate_private_key(ec.SECP256K1())
point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
print(point.hex(), flush=True)
for line in sys.stdin:
    how = ec.ECDSA(utils.Prehashed(hashes.SHA256()))  # any digest of 32 bytes
    print(key.sign(bytes.fromhex(line), how).hex(), flush=True)
"""


class KeyServiceSigner:
    """`Signer` over a service that holds the key."""

    local_only = False

    def __init__(self, service: subprocess.Popen[str]) -> None:
        self._service = service
        assert service.stdout is not None
        self._public = PublicKey(bytes.fromhex(service.stdout.readline())[1:])

    @property
    def address(self) -> str:
        return str(self._public.to_checksum_address())

    def sign(self, transaction: Mapping[str, Any]) -> tuple[bytes, bytes]:
        target = bytes.fromhex(transaction["to"].removeprefix("0x")) if "to" in transaction else b""
        names = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas")
        fields = [*(transaction[name] for name in names), target, transaction["value"], transaction["data"], []]
        parity, r, s = self._signature(keccak(DYNAMIC_FEE + rlp.encode(fields)))
        raw = DYNAMIC_FEE + rlp.encode([*fields, parity, r, s])
        return keccak(raw), raw

    def _signature(self, digest: bytes) -> tuple[int, int, int]:
        assert self._service.stdin is not None
        assert self._service.stdout is not None
        self._service.stdin.write(digest.hex() + "\n")
        self._service.stdin.flush()
        r, s = decode_dss_signature(bytes.fromhex(self._service.stdout.readline()))
        s = min(s, ORDER - s)
        ours = (v for v in (0, 1) if Signature(vrs=(v, r, s)).recover_public_key_from_msg_hash(digest) == self._public)
        return next(ours), r, s


@pytest.fixture(scope="module")
def signer() -> Iterator[KeyServiceSigner]:
    command = [sys.executable, "-c", SERVICE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as service:
        yield KeyServiceSigner(service)
        service.kill()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnvilNode]:
    folder: Path = tmp_path_factory.mktemp("anvil")
    with open_anvil(folder, find_anvil()) as node:
        yield node


def test_what_a_key_service_signs_recovers_to_its_address(signer: KeyServiceSigner) -> None:
    port: Signer = signer
    fields = {
        "type": 2,
        "chainId": 1,
        "nonce": 3,
        "to": "0x" + "12" * 20,
        "value": 0,
        "gas": 21_000,
        "data": b"\x00\x01",
    }
    for nonce in range(20):  # about half of the signatures come with the higher s
        tx_hash, raw = port.sign({**fields, "nonce": nonce, "maxFeePerGas": 10, "maxPriorityFeePerGas": 1})
        assert Account.recover_transaction(raw) == port.address
        assert tx_hash == keccak(raw)


def test_a_log_is_deployed_anchored_and_revoked_by_a_key_service(signer: KeyServiceSigner, node: AnvilNode) -> None:
    store, chain, leaves = fresh_store(), Web3Chain(JsonRpc(node.url), signer), leaves_of(5)
    add_leaves(store, "main", leaves)
    ledger = open_ledger("main", store, chain, bytes([7]) * 32)
    AnchorWriter("main", store, ledger, holder="test", options=AnchorOptions(confirmations=1)).run()
    assert_nothing_lost(store, chain, "main", leaves)
    assert {event.issuer for event in ledger.checkpoints()} == {signer.address}
    caller = DirectCaller("main", store, ledger, holder="test")
    record = next(iter(store.records("main")))
    call: NewRevocation = revocation_of(record, store, ledger.head(), RevocationReason.KEY_COMPROMISED)
    assert caller.call(call).succeeded
    assert caller.call(UrgentLeaf(bytes(32))).succeeded
