"""One suite for every ledger: in memory, on anvil, on Hardhat's node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medauth.errors import LedgerIdentityChanged, LedgerRejected
from medauth.evidence.merkle import MemoryTree, inclusion_path
from medauth.ledger.interface import (
    LOCAL_CHAIN_ID,
    Chain,
    Fees,
    Ledger,
    LedgerCall,
    NewRevocation,
    Pause,
    RevocationReason,
    UrgentLeaf,
)
from medauth.ledger.memory import MemoryChain
from tests.ports.chains import hardhat_url
from tests.ports.ledger_world import checkpoint_over, leaves_of, put

LOG_ID = bytes(range(32))
LEAVES = leaves_of(21)
TREE = MemoryTree(LEAVES)

MakeChain = Callable[[], Chain]


@pytest.fixture(
    scope="module",
    params=["memory", pytest.param("anvil", marks=pytest.mark.chain), pytest.param("hardhat", marks=pytest.mark.chain)],
)
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    if request.param == "memory":
        yield MemoryChain()
        return
    from medauth.ledger.anvil import find_anvil, open_anvil
    from medauth.ledger.deployment import Web3Chain
    from medauth.ledger.keys import local_chain_signer
    from medauth.ledger.rpc import JsonRpc

    folder: Path = tmp_path_factory.mktemp("chain")
    signer = local_chain_signer(folder / "chain.key")
    if request.param == "anvil":
        with open_anvil(folder, find_anvil()) as node:
            yield Web3Chain(JsonRpc(node.url), signer)
    else:
        with hardhat_url() as url:
            yield Web3Chain(JsonRpc(url), signer)


@pytest.fixture
def ledger(chain: Chain) -> Ledger:
    return chain.open(chain.deploy(LOG_ID))


def test_a_new_ledger_is_empty_and_knows_itself(ledger: Ledger):
    assert (ledger.head().size, ledger.head().count, ledger.is_local) == (0, 0, True)
    assert (ledger.identity.chain_id, ledger.identity.log_id) == (LOCAL_CHAIN_ID, LOG_ID)
    ledger.check_identity()


def test_checkpoints_follow_one_another(ledger: Ledger):
    for old, new in ((0, 3), (3, 8), (8, 21)):
        tx_hash = put(ledger, checkpoint_over(TREE, old, new))
        receipt = ledger.receipt(tx_hash)
        assert receipt is not None
        assert receipt.succeeded
        assert ledger.block_hash(receipt.block) == receipt.block_hash
        assert ledger.head().size == new
        assert ledger.head().root == TREE.root(new)
        assert ledger.checkpoint_size(TREE.root(new)) == new
    assert [event.new_size for event in ledger.checkpoints()] == [3, 8, 21]
    event = ledger.find_checkpoint(TREE.root(8))
    assert event is not None
    assert (event.seq, event.old_size, event.new_size) == (2, 3, 8)
    assert [e.seq for e in ledger.checkpoints(event.block)] == [2, 3]


def test_inclusion_is_answered_by_the_contract(ledger: Ledger):
    put(ledger, checkpoint_over(TREE, 0, 21))
    path, root = inclusion_path(17, 21, TREE.read), TREE.root()
    assert ledger.includes(root, LEAVES[17], 17, path)
    assert not ledger.includes(root, LEAVES[16], 17, path)
    assert not ledger.includes(root, LEAVES[17], 16, path)
    assert not ledger.includes(bytes(32), LEAVES[17], 17, path)


@pytest.mark.parametrize(
    ("checkpoint", "reason"),
    [
        (checkpoint_over(TREE, 0, 3), "StaleBase(8, 0)"),
        (replace(checkpoint_over(TREE, 8, 21), new_size=8), "NotNewer(8, 8)"),
        (replace(checkpoint_over(TREE, 8, 21), new_size=7), "NotNewer(8, 7)"),
        (replace(checkpoint_over(TREE, 8, 21), proof=()), "Inconsistent(8, 21)"),
        (checkpoint_over(MemoryTree(leaves_of(21, "other")), 8, 21), "Inconsistent(8, 21)"),
    ],
    ids=["stale", "same-size", "shrinks", "no-proof", "history-rewritten"],
)
def test_a_checkpoint_that_does_not_extend_the_log_is_refused(ledger: Ledger, checkpoint, reason: str):
    put(ledger, checkpoint_over(TREE, 0, 8))
    assert ledger.objection(checkpoint) == reason
    receipt = ledger.receipt(put(ledger, checkpoint))
    assert receipt is not None
    assert not receipt.succeeded
    assert (ledger.head().size, ledger.head().root) == (8, TREE.root(8))
    assert ledger.objection(checkpoint_over(TREE, 8, 21)) is None


def test_sending_again_changes_nothing(ledger: Ledger):
    signed = ledger.sign(checkpoint_over(TREE, 0, 5), nonce=ledger.next_nonce(), fees=ledger.suggest_fees())
    for _ in range(3):
        ledger.send(signed.raw)
        ledger.mine(1)
    assert ledger.head().count == 1
    assert ledger.next_nonce() == signed.nonce + 1


def test_the_same_bytes_are_the_same_transaction(ledger: Ledger):
    signed = [ledger.sign(checkpoint_over(TREE, 0, 5), nonce=9, fees=Fees(2 * 10**9, 10**9)) for _ in range(2)]
    assert signed[0] == signed[1]


def test_blocks_that_are_not_there(ledger: Ledger):
    assert ledger.block_hash(ledger.tip() + 1_000) is None
    assert ledger.receipt(bytes(32)) is None
    assert ledger.find_checkpoint(bytes(32)) is None
    assert ledger.checkpoint_size(bytes(32)) == 0


def test_mining(ledger: Ledger):
    before = ledger.tip()
    ledger.mine(3)
    assert ledger.tip() >= before + 3


@pytest.mark.parametrize("changed", ["chain_id", "genesis", "address", "code_hash", "log_id"])
def test_another_chain_or_contract_is_refused(chain: Chain, ledger: Ledger, changed: str):
    if isinstance(chain, MemoryChain) and changed == "code_hash":
        pytest.skip("there is no code in memory")
    other: dict[str, Any] = {
        "chain_id": 1,
        "genesis": bytes(32),
        "address": "0x" + "12" * 20,
        "code_hash": bytes(32),
        "log_id": bytes(32),
    }
    with pytest.raises(LedgerIdentityChanged) as caught:
        chain.open(replace(ledger.identity, **{changed: other[changed]}))
    assert caught.value.next_step


def test_a_replacement_must_pay_more(ledger: Ledger, chain: Chain):
    if not isinstance(chain, MemoryChain):
        pytest.skip("the nodes' own rules; see the writer's tests")
    chain.node.automine = False
    fees = Fees(10**9, 10**9)
    nonce = ledger.next_nonce()
    ledger.send(ledger.sign(checkpoint_over(TREE, 0, 5), nonce=nonce, fees=fees).raw)
    with pytest.raises(LedgerRejected, match="underpriced"):
        ledger.send(ledger.sign(checkpoint_over(TREE, 0, 6), nonce=nonce, fees=fees).raw)
    ledger.send(ledger.sign(checkpoint_over(TREE, 0, 6), nonce=nonce, fees=fees.raised()).raw)
    chain.node.automine = True
    ledger.mine(1)
    assert ledger.head().size == 6


def succeeded(ledger: Ledger, call: LedgerCall) -> bool:
    receipt = ledger.receipt(put(ledger, call))
    assert receipt is not None
    return receipt.succeeded


def revocation_of(index: int, reason: RevocationReason, size: int = 21) -> NewRevocation:
    return NewRevocation(TREE.root(size), LEAVES[index], index, tuple(inclusion_path(index, size, TREE.read)), reason)


@pytest.mark.parametrize("reason", RevocationReason)
def test_a_leaf_is_revoked_once_and_for_one_reason(ledger: Ledger, reason: RevocationReason):
    put(ledger, checkpoint_over(TREE, 0, 21))
    assert ledger.revocation(LEAVES[6]) is None
    assert succeeded(ledger, revocation_of(6, reason))
    found = ledger.revocation(LEAVES[6])
    assert found is not None
    assert found.reason is reason
    assert found.revoked_at_s > 0
    again = revocation_of(6, RevocationReason.ERASED)
    assert (ledger.objection(again) or "").startswith("AlreadyRevoked(0x")
    assert not succeeded(ledger, again)
    assert ledger.revocation(LEAVES[6]) == found
    assert ledger.revocation(LEAVES[7]) is None
    assert ledger.includes(TREE.root(), LEAVES[6], 6, inclusion_path(6, 21, TREE.read))  # it stays in the log


def test_nothing_is_revoked_without_a_proof_that_holds(ledger: Ledger):
    put(ledger, checkpoint_over(TREE, 0, 21))
    true = revocation_of(6, RevocationReason.ATTACK_FOUND)
    wrong = {
        "UnknownRoot": replace(true, root=bytes(32)),
        "NotIncluded": replace(true, index=7),
        "NotIncluded(": replace(true, path=true.path[:-1]),
        "NotIncluded(0x": replace(true, leaf=LEAVES[7]),
    }
    for objection, call in wrong.items():
        assert (ledger.objection(call) or "").startswith(objection)
        assert not succeeded(ledger, call)
    assert ledger.revocation(LEAVES[6]) is None


def test_an_urgent_leaf_is_anchored_once(ledger: Ledger):
    assert ledger.leaf_anchored_at_s(LEAVES[3]) == 0
    assert succeeded(ledger, UrgentLeaf(LEAVES[3]))
    since_s = ledger.leaf_anchored_at_s(LEAVES[3])
    assert since_s > 0
    assert ledger.objection(UrgentLeaf(LEAVES[3])) == f"AlreadyAnchored(0x{LEAVES[3].hex()}, {since_s})"
    assert not succeeded(ledger, UrgentLeaf(LEAVES[3]))
    assert ledger.leaf_anchored_at_s(LEAVES[3]) == since_s
    assert ledger.head().size == 0  # no checkpoint came of it


def test_a_pause_stops_anchors_and_lets_revocations_through(ledger: Ledger):
    put(ledger, checkpoint_over(TREE, 0, 21))
    assert not ledger.is_paused()
    assert succeeded(ledger, Pause())
    assert ledger.is_paused()
    for call in (UrgentLeaf(LEAVES[3]), Pause()):
        assert ledger.objection(call) == "EnforcedPause()"
        assert not succeeded(ledger, call)
    assert succeeded(ledger, revocation_of(6, RevocationReason.KEY_COMPROMISED))


def test_a_log_goes_on_in_a_new_contract(chain: Chain, ledger: Ledger):
    put(ledger, checkpoint_over(TREE, 0, 3))
    put(ledger, checkpoint_over(TREE, 3, 8))
    next_id = ledger.identity.epoch_after(ledger.head())
    with pytest.raises(LedgerRejected, match="StillOpen"):
        chain.deploy(next_id, ledger.identity)
    put(ledger, Pause())
    with pytest.raises(LedgerRejected, match="WrongEpoch"):
        chain.deploy(LOG_ID, ledger.identity)
    new = chain.open(chain.deploy(next_id, ledger.identity))
    assert new.identity.address != ledger.identity.address
    assert new.head() == ledger.head()
    assert (new.head().count, list(new.checkpoints())) == (2, [])
    assert (new.checkpoint_size(TREE.root(8)), new.checkpoint_size(TREE.root(3))) == (8, 0)
    assert new.objection(checkpoint_over(MemoryTree(leaves_of(21, "other")), 8, 21)) == "Inconsistent(8, 21)"
    assert new.objection(checkpoint_over(TREE, 0, 21)) == "StaleBase(8, 0)"
    assert succeeded(new, checkpoint_over(TREE, 8, 21))
    assert [event.seq for event in new.checkpoints()] == [3]
    assert new.includes(TREE.root(), LEAVES[2], 2, inclusion_path(2, 21, TREE.read))
    assert ledger.head().size == 8
