from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.errors import EvidenceError, InputError
from medauth.evidence.merkle import (
    EMPTY_ROOT,
    Coordinate,
    MemoryTree,
    RunningRoot,
    append_coordinates,
    consistency_proof,
    inclusion_path,
    leaf_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tests.vectors import make_merkle as naive

VECTORS = json.loads((Path(naive.__file__).with_name("merkle.json")).read_text())
LEAVES = naive.sample_leaves(64)


def unhex(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x"))


@cache
def whole_tree() -> MemoryTree:
    return MemoryTree(LEAVES)


class CountingReader:
    def __init__(self, tree: MemoryTree) -> None:
        self.tree = tree
        self.reads: list[int] = []

    def __call__(self, coordinates: Sequence[Coordinate], /) -> Sequence[bytes]:
        self.reads.append(len(coordinates))
        return self.tree.read(coordinates)


def test_reference_roots_of_certificate_transparency():
    tree = MemoryTree()
    for leaf, root in zip(naive.REFERENCE_LEAVES, naive.REFERENCE_ROOTS, strict=True):
        tree.append(leaf)
        assert tree.root() == root


def test_vectors_are_what_their_script_makes(monkeypatch):
    monkeypatch.setattr("sys.argv", ["make_merkle.py", "--check"])
    assert naive.main() == 0


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda case: case["name"])
def test_shared_inclusion_vectors(case: dict[str, Any]):
    path = [unhex(p) for p in case["path"]]
    holds = verify_inclusion(unhex(case["leaf_hash"]), case["index"], case["size"], unhex(case["root"]), path)
    assert holds is case["valid"]


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda case: case["name"])
def test_shared_consistency_vectors(case: dict[str, Any]):
    holds = verify_consistency(
        case["old_size"],
        unhex(case["old_root"]),
        case["new_size"],
        unhex(case["new_root"]),
        [unhex(p) for p in case["proof"]],
    )
    assert holds is case["valid"]


@pytest.mark.parametrize("size", range(65))
def test_every_tree_up_to_64_leaves_equals_the_definition(size: int):
    tree, leaves = whole_tree(), LEAVES[:size]
    assert tree.root(size) == naive.naive_root(leaves)
    for index in range(size):
        path = inclusion_path(index, size, tree.read)
        assert path == naive.naive_inclusion(index, leaves)
        assert verify_inclusion(leaf_hash(leaves[index]), index, size, tree.root(size), path)
    for old in range(1, size + 1):
        proof = consistency_proof(old, size, tree.read)
        assert proof == naive.naive_consistency(old, leaves)
        assert verify_consistency(old, tree.root(old), size, tree.root(size), proof)


def test_running_root_equals_the_tree_at_every_size():
    running = RunningRoot()
    assert running.root() == EMPTY_ROOT
    for size, leaf in enumerate(LEAVES, start=1):
        running.append(leaf)
        assert (running.size, running.root()) == (size, whole_tree().root(size))


@given(size=st.integers(1, 64), data=st.data())
def test_a_changed_path_never_verifies(size: int, data: st.DataObject):
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(index, size, whole_tree().read)
    digest, root = leaf_hash(LEAVES[index]), whole_tree().root(size)
    claimed = data.draw(st.integers(-1, 70).filter(lambda i: i != index))
    assert not verify_inclusion(digest, claimed, size, root, path)
    assert not verify_inclusion(digest, index, size, root, [*path, digest])
    if path:
        spot, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
        flipped = (int.from_bytes(path[spot]) ^ (1 << bit)).to_bytes(32)
        assert not verify_inclusion(digest, index, size, root, [*path[:spot], flipped, *path[spot + 1 :]])


@given(new=st.integers(2, 64), data=st.data())
def test_rewritten_history_never_verifies(new: int, data: st.DataObject):
    old = data.draw(st.integers(1, new - 1))
    changed = data.draw(st.integers(0, old - 1))
    forged = MemoryTree([*LEAVES[:changed], b"another", *LEAVES[changed + 1 : new]])
    proof = consistency_proof(old, new, forged.read)
    assert not verify_consistency(old, whole_tree().root(old), new, forged.root(), proof)


@given(size=st.integers(1, 10**12), data=st.data())
def test_work_grows_with_the_logarithm(size: int, data: st.DataObject):
    class Blank:
        asked = 0
        batches = 0

        def __call__(self, coordinates: Sequence[Coordinate], /) -> Sequence[bytes]:
            self.asked += len(coordinates)
            self.batches += 1
            assert all((position + 1) << level <= size for level, position in coordinates)
            return [EMPTY_ROOT] * len(coordinates)

    depth = size.bit_length()
    for build in (
        lambda read: inclusion_path(data.draw(st.integers(0, size - 1)), size, read),
        lambda read: consistency_proof(data.draw(st.integers(1, size)), size, read),
        lambda read: tree_root(size, read),
    ):
        blank = Blank()
        assert len(build(blank)) <= max(depth + 1, 32)
        assert blank.batches <= 1
        assert blank.asked <= 2 * depth
    assert len(append_coordinates(size)) <= depth


def test_a_proof_is_one_read():
    reader = CountingReader(whole_tree())
    inclusion_path(37, 63, reader)
    assert len(reader.reads) == 1


@pytest.mark.parametrize(("index", "size"), [(-1, 4), (4, 4), (0, 0)])
def test_no_path_for_a_leaf_outside(index: int, size: int):
    with pytest.raises(InputError, match="an index from 0"):
        inclusion_path(index, size, whole_tree().read)


@pytest.mark.parametrize(("old", "new"), [(5, 4), (-1, 4)])
def test_no_proof_that_a_log_shrank(old: int, new: int):
    with pytest.raises(InputError, match="no larger"):
        consistency_proof(old, new, whole_tree().read)


def test_a_missing_node_is_named():
    with pytest.raises(EvidenceError, match=r"\(5, 2\)"):
        tree_root(100, whole_tree().read)
