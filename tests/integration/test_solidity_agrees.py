"""Python and Solidity on proofs that are drawn, true and damaged: the deployed contract is asked, over RPC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medauth.evidence.merkle import (
    MemoryTree,
    consistency_proof,
    inclusion_path,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from medauth.ledger.anvil import find_anvil, open_anvil
from medauth.ledger.deployment import Web3Chain
from medauth.ledger.interface import Ledger, NewCheckpoint
from medauth.ledger.keys import LocalSigner
from medauth.ledger.rpc import JsonRpc
from tests.ports.ledger_world import checkpoint_over, leaves_of, put

pytestmark = pytest.mark.chain
ANCHORED, LARGEST = 37, 64
LEAVES = leaves_of(LARGEST)
TREE = MemoryTree(LEAVES)
digests = st.binary(min_size=32, max_size=32)
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    folder: Path = tmp_path_factory.mktemp("anvil")
    with open_anvil(folder, find_anvil()) as node:
        chain = Web3Chain(JsonRpc(node.url), LocalSigner(bytes([1]) * 32, local_only=True))
        found = chain.open(chain.deploy(bytes([7]) * 32))
        put(found, checkpoint_over(TREE, 0, ANCHORED))
        yield found


def damaged(path: list[bytes], data: st.DataObject) -> tuple[bytes, ...]:
    """As it is in half of the cases; else shortened, lengthened, swapped or with one hash replaced."""
    how = data.draw(st.integers(0, 7))
    spot = data.draw(st.integers(0, len(path) - 1)) if path else 0
    if how == 4:
        return tuple(path[:spot])
    if how == 5:
        return (*path, data.draw(digests))
    if how == 6:
        return tuple(reversed(path))
    if how == 7 and path:
        return (*path[:spot], data.draw(digests), *path[spot + 1 :])
    return tuple(path)


@many
@given(index=st.integers(0, ANCHORED - 1), data=st.data())
def test_on_inclusion(ledger: Ledger, index: int, data: st.DataObject) -> None:
    path = damaged(inclusion_path(index, ANCHORED, TREE.read), data)
    claimed = data.draw(st.one_of(st.just(index), st.integers(0, LARGEST)))
    leaf, root = data.draw(st.sampled_from([LEAVES[index], LEAVES[0]])), TREE.root(ANCHORED)
    expected = verify_inclusion(leaf_hash(leaf), claimed, ANCHORED, root, path)
    assert ledger.includes(root, leaf, claimed, path) is expected


@many
@given(size=st.integers(ANCHORED + 1, LARGEST), data=st.data())
def test_on_consistency(ledger: Ledger, size: int, data: st.DataObject) -> None:
    proof = damaged(consistency_proof(ANCHORED, size, TREE.read), data)
    claimed = data.draw(st.one_of(st.just(size), st.integers(ANCHORED + 1, 2**64 - 1)))
    root = data.draw(st.sampled_from([TREE.root(size), TREE.root(ANCHORED)]))
    holds = verify_consistency(ANCHORED, TREE.root(ANCHORED), claimed, root, proof)
    objection = ledger.objection(NewCheckpoint(ANCHORED, claimed, root, proof))
    assert objection == (None if holds else f"Inconsistent({ANCHORED}, {claimed})")
