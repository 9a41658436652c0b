"""T15: whoever reads the whole chain learns how many leaves there are and when a batch was anchored; nothing of anybody.

Everything is looked at: code, storage, call data and events. It is not only searched for names and scores, it is also
accounted for, word by word, so that there is no place left where something of a person could stand.
"""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from eth_utils.crypto import keccak

from medauth.evidence.merkle import MemoryTree, consistency_proof
from medauth.evidence.statement import CheckIdentity, statement_digest
from medauth.ledger.anvil import find_anvil, open_anvil
from medauth.ledger.artifacts import load_artifact
from medauth.ledger.codec import ContractCodec
from medauth.ledger.deployment import Web3Chain
from medauth.ledger.keys import local_chain_signer
from medauth.ledger.rpc import JsonRpc
from medauth.protocol.challenge import Challenge
from medauth.protocol.policy import STANDARD
from medauth.service.anchoring import AnchorOptions, AnchorWriter
from medauth.service.disclosure import opened
from medauth.service.pinning import open_ledger
from medauth.store.interface import MAIN_LOG
from tests.recorded import OTHER_READINGS, STEPS, World, open_world

pytestmark = pytest.mark.chain
LOG_ID = bytes([7]) * 32
NOBODY = "0x" + "00" * 20
BLOCK_HASHES = "0x0000f90827f1c53a10cb7a02335b175320002935"
"""The chain's own contract (EIP-2935): hashes of past blocks."""
ALICE = "alice@example.org"
BATCHES = (3, 1, 6)
"""Checks before each checkpoint."""


@dataclass
class Dump:
    """Everything that the chain holds of our account and contract."""

    owner: bytes
    address: str
    creation: bytes
    calls: list[bytes]
    events: list[tuple[list[bytes], bytes]]
    storage: dict[bytes, bytes]
    times: list[int]
    """Seconds, of every block with a transaction."""
    raw: bytes = field(repr=False)

    def everything(self) -> bytes:
        parts = [self.creation, *self.calls, *self.storage, *self.storage.values()]
        parts += [piece for topics, data in self.events for piece in (*topics, data)]
        return b"".join(parts)


@pytest.fixture(scope="module")
def anchored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Dump]]:
    """Several anchored batches, in which one person comes back again and again."""
    folder = tmp_path_factory.mktemp("privacy")
    world = open_world(folder)
    with open_anvil(folder / "chain", find_anvil(), keep_history=True) as node:
        rpc = JsonRpc(node.url)
        signer = local_chain_signer(folder / "chain.key")
        chain = Web3Chain(rpc, signer)
        numbers = itertools.count()
        for size in BATCHES:
            for _ in range(size):
                number = next(numbers)
                world.record_check(number)
                begin_for_alice(world, f"chk_alice_{number}")
            ledger = open_ledger(MAIN_LOG, world.store, chain, LOG_ID)
            AnchorWriter(MAIN_LOG, world.store, ledger, holder="t", options=AnchorOptions(confirmations=1)).run()
        yield world, dumped(rpc, signer.address)
    world.store.close()


def begin_for_alice(world: World, check_id: str) -> None:
    challenge = Challenge(check_id, STEPS, bytes(32))
    identity = CheckIdentity(check_id, ALICE, "login", "https://example.org")
    check = world.verification().begin(identity, STANDARD, challenge, "203.0.113.9")
    world.verification().abandon(check)
    world.store.clear_failures(world.keyring.tag("subject", ALICE), world.keyring.tag("client", "203.0.113.9"))


def dumped(rpc: JsonRpc, owner: str) -> Dump:
    transactions: list[dict[str, Any]] = []
    times = []
    for number in range(rpc.quantity("eth_blockNumber") + 1):
        block = rpc.call("eth_getBlockByNumber", hex(number), True)
        transactions += block["transactions"]
        times += [int(block["timestamp"], 16)] * bool(block["transactions"])
    assert {transaction["from"].lower() for transaction in transactions} == {owner.lower()}
    creation, *calls = transactions
    address = rpc.call("eth_getTransactionReceipt", creation["hash"])["contractAddress"]
    assert {call["to"] for call in calls} == {address}
    logs = rpc.call("eth_getLogs", {"fromBlock": "0x0"})
    assert {entry["address"] for entry in logs} == {address}
    raw = gzip.decompress(unhex(rpc.call("anvil_dumpState")))
    accounts = json.loads(raw)["accounts"]
    stored = {account: state["storage"] for account, state in accounts.items() if state["storage"]}
    stored.pop(BLOCK_HASHES, None)
    assert list(stored) == [address.lower()]
    return Dump(
        owner=unhex(owner),
        address=address,
        creation=unhex(creation["input"]),
        calls=[unhex(call["input"]) for call in calls],
        events=[([unhex(topic) for topic in entry["topics"]], unhex(entry["data"])) for entry in logs],
        storage={unhex(slot).rjust(32, b"\0"): word(unhex(value)) for slot, value in stored[address.lower()].items()},
        times=times,
        raw=raw,
    )


def unhex(text: str) -> bytes:
    digits = text.removeprefix("0x")
    return bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0"))


def word(value: bytes | int) -> bytes:
    return (value.to_bytes(32, "big") if isinstance(value, int) else value).rjust(32, b"\0")


def slot_of(key: bytes, position: int) -> bytes:
    """Where Solidity keeps a mapping's entry."""
    return keccak(word(key) + word(position))


def tree_of(world: World) -> MemoryTree:
    return MemoryTree(leaf.leaf for leaf in world.store.leaves(MAIN_LOG))


def test_no_name_id_digest_key_or_score_is_on_chain(anchored: tuple[World, Dump]) -> None:
    world, dump = anchored
    chain = dump.everything() + dump.raw.lower()
    sought = [
        b"alice",
        b"user-",
        b"example.org",
        b"203.0.113",
        b"login",
        b"chk_",
        b"evd_",
        b"sta_",
        b"live",
        b"standard",
    ]
    for row in world.store.records(MAIN_LOG):
        keys, envelope = opened(row, world.keyring)
        check = world.store.check(row.check_id or "")
        sought += [row.leaf, keys.leaf, keys.seal, envelope.signature, statement_digest(envelope.payload)]
        sought += [check.subject_tag, check.client_tag, check.commitment, row.sealed_envelope_sha256]
    assert not [secret for secret in sought if secret in chain or secret.hex().encode() in chain]


def test_no_score_and_no_time_of_a_check_is_on_chain(anchored: tuple[World, Dump]) -> None:
    """Numbers are sought in every word and at every place within it, as seconds and as milliseconds."""
    world, dump = anchored
    times = [row.created_ms for row in world.store.records(MAIN_LOG)]
    scores = [reading.score_ppm for reading in OTHER_READINGS if reading.score_ppm]
    sought = {number.to_bytes(8, "big") for number in (*times, *(time // 1_000 for time in times), *scores)}
    assert not [number for number in sought if number in dump.everything()]


def test_call_data_holds_sizes_roots_and_tree_nodes_and_nothing_else(anchored: tuple[World, Dump]) -> None:
    world, dump = anchored
    codec, owner = ContractCodec(load_artifact()), f"0x{dump.owner.hex()}"
    assert dump.creation == codec.creation(owner, owner, owner, LOG_ID, NOBODY)
    tree, rows = tree_of(world), list(world.store.checkpoints(MAIN_LOG))
    assert len(rows) == len(BATCHES)
    for call, row in zip(dump.calls, rows, strict=True):
        proof = consistency_proof(row.old_size, row.new_size, tree.read)
        assert call == codec.call("checkpoint", row.old_size, row.new_size, tree.root(row.new_size), list(proof))


def test_events_hold_sizes_roots_and_the_operator_s_account(anchored: tuple[World, Dump]) -> None:
    world, dump = anchored
    codec, rows = ContractCodec(load_artifact()), list(world.store.checkpoints(MAIN_LOG))
    topic = codec.topic("CheckpointAnchored")
    events = [(topics, data) for topics, data in dump.events if topics[0] == topic]
    assert events == [
        ([topic, word(row.seq), row.root, word(dump.owner)], word(row.old_size) + word(row.new_size)) for row in rows
    ]
    roles = [topics for topics, _ in dump.events if topics[0] != topic]
    assert {topics[0] for topics in roles} == {codec.topic("RoleGranted")}
    assert {piece for topics in roles for piece in topics[2:]} == {word(dump.owner)}


def test_every_word_of_storage_is_accounted_for(anchored: tuple[World, Dump]) -> None:
    """The head, one entry a checkpoint with the time of its block, and who has a role: nothing grows with the checks."""
    world, dump = anchored
    rows = list(world.store.checkpoints(MAIN_LOG))
    block_times = dump.times[1:]
    entries = {position: {slot_of(row.root, position): row for row in rows} for position in range(8)}
    position = next(p for p in entries if set(entries[p]) <= set(dump.storage))
    for (slot, row), time_s in zip(entries[position].items(), block_times, strict=True):
        assert dump.storage[slot] == word((time_s << 128) | (row.seq << 64) | row.new_size)
    rest = {slot: value for slot, value in dump.storage.items() if slot not in entries[position]}
    paused_bits = 8  # a flag of its own beside size and count; it is off
    head = [word(((rows[-1].seq << 64) | rows[-1].new_size) << paused_bits), rows[-1].root]
    roles = [value for value in rest.values() if value == word(1)]
    assert sorted(rest.values()) == sorted([*head, *roles])
    assert len(roles) == 3


def test_sessions_of_one_person_cannot_be_linked(anchored: tuple[World, Dump]) -> None:
    """A leaf is keyed by a secret of its record: not even the same statement gives the same leaf twice."""
    world, _ = anchored
    leaves = [leaf.leaf for leaf in world.store.leaves(MAIN_LOG)]
    pieces = [leaf[at : at + 4] for leaf in leaves for at in range(0, 32, 4)]
    assert len(set(leaves)) == len(leaves) == 3 * sum(BATCHES)
    assert len(set(pieces)) >= len(pieces) - 1
    from medauth.evidence.commitment import RecordKeys, leaf_commitment

    payload = opened(next(iter(world.store.records(MAIN_LOG))), world.keyring)[1].payload
    assert len({leaf_commitment(RecordKeys.generate().leaf, payload) for _ in range(100)}) == 100
