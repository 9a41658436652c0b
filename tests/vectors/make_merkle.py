"""Writes merkle.json: proofs that hold and proofs with one named defect, for Python, Solidity and JavaScript alike.

Everything here follows the recursive definitions of RFC 9162 section 2.1 word by word and shares no line with the
product. `python tests/vectors/make_merkle.py --check` fails where the committed file differs.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("merkle.json")

# Inputs and roots of the Certificate Transparency reference implementation (merkletree/merkle_tree_test.cc).
REFERENCE_LEAVES = [
    bytes.fromhex(text)
    for text in [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
]
REFERENCE_ROOTS = [
    bytes.fromhex(text)
    for text in [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
]


def naive_leaf(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def naive_node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(count: int) -> int:
    """The largest power of two smaller than count."""
    width = 1
    while width * 2 < count:
        width *= 2
    return width


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH(D[n])."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return naive_leaf(leaves[0])
    k = split(len(leaves))
    return naive_node(naive_root(leaves[:k]), naive_root(leaves[k:]))


def naive_inclusion(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*naive_inclusion(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_inclusion(index - k, leaves[k:]), naive_root(leaves[:k])]


def naive_consistency(old_size: int, leaves: list[bytes], *, known: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    if old_size == len(leaves):
        return [] if known else [naive_root(leaves)]
    k = split(len(leaves))
    if old_size <= k:
        return [*naive_consistency(old_size, leaves[:k], known=known), naive_root(leaves[k:])]
    return [*naive_consistency(old_size - k, leaves[k:], known=False), naive_root(leaves[:k])]


def sample_leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(b"leaf %d" % i).digest() for i in range(count)]


Case = dict[str, Any]


def inclusion_case(leaves: list[bytes], index: int, size: int, name: str) -> Case:
    part = leaves[:size]
    return {
        "name": name,
        "leaf_hash": naive_leaf(part[index]),
        "index": index,
        "size": size,
        "root": naive_root(part),
        "path": naive_inclusion(index, part),
        "valid": True,
    }


def consistency_case(leaves: list[bytes], old_size: int, new_size: int, name: str) -> Case:
    part = leaves[:new_size]
    return {
        "name": name,
        "old_size": old_size,
        "old_root": naive_root(part[:old_size]),
        "new_size": new_size,
        "new_root": naive_root(part),
        "proof": naive_consistency(old_size, part) if old_size else [],
        "valid": True,
    }


def spoiled(case: Case, name: str, **changes: Any) -> Case:
    return {**case, **changes, "name": name, "valid": False}


STRANGER = hashlib.sha256(b"a stranger").digest()


def spoiled_inclusions(leaves: list[bytes]) -> list[Case]:
    good = inclusion_case(leaves, 5, 11, "")
    path = good["path"]
    return [
        spoiled(good, "another-leaf", leaf_hash=STRANGER),
        spoiled(good, "another-root", root=STRANGER),
        spoiled(good, "index-of-the-neighbour", index=4),
        spoiled(good, "index-in-the-other-half", index=9),
        spoiled(good, "index-equals-size", index=11),
        spoiled(good, "size-zero", index=0, size=0),
        spoiled(good, "size-too-large", size=17),
        spoiled(good, "path-empty", path=[]),
        spoiled(good, "path-cut-at-the-top", path=path[:-1]),
        spoiled(good, "path-cut-at-the-bottom", path=path[1:]),
        spoiled(good, "path-with-one-more", path=[*path, STRANGER]),
        spoiled(good, "path-reversed", path=path[::-1]),
        spoiled(good, "path-with-one-bit-flipped", path=[bytes([path[0][0] ^ 1]) + path[0][1:], *path[1:]]),
        spoiled(
            inclusion_case(leaves, 0, 4, ""),
            "inner-node-passed-off-as-a-leaf",
            leaf_hash=naive_root(leaves[:2]),
            size=2,
            path=[naive_root(leaves[2:4])],
            root=naive_node(naive_leaf(naive_root(leaves[:2])), naive_root(leaves[2:4])),
        ),
        spoiled(inclusion_case(leaves, 0, 1, ""), "single-leaf-with-a-path", path=[STRANGER]),
    ]


def spoiled_consistencies(leaves: list[bytes]) -> list[Case]:
    good = consistency_case(leaves, 6, 11, "")
    proof = good["proof"]
    rewritten = [*leaves[:3], STRANGER, *leaves[4:11]]
    power = consistency_case(leaves, 8, 11, "")
    same = consistency_case(leaves, 7, 7, "")
    empty = consistency_case(leaves, 0, 7, "")
    return [
        spoiled(good, "history-rewritten", new_root=naive_root(rewritten), proof=naive_consistency(6, rewritten)),
        spoiled(good, "another-old-root", old_root=STRANGER),
        spoiled(good, "another-new-root", new_root=STRANGER),
        spoiled(good, "old-size-one-less", old_size=5),
        spoiled(good, "old-size-one-more", old_size=7),
        spoiled(good, "new-size-doubled", new_size=22),
        spoiled(good, "log-shrinks", old_size=11, new_size=6, old_root=good["new_root"], new_root=good["old_root"]),
        spoiled(good, "proof-empty", proof=[]),
        spoiled(good, "proof-cut-at-the-top", proof=proof[:-1]),
        spoiled(good, "proof-cut-at-the-bottom", proof=proof[1:]),
        spoiled(good, "proof-with-one-more", proof=[*proof, STRANGER]),
        spoiled(good, "proof-reversed", proof=proof[::-1]),
        spoiled(power, "power-of-two-proof-empty", proof=[]),
        spoiled(power, "power-of-two-with-its-own-root-first", proof=[power["old_root"], *power["proof"]]),
        spoiled(power, "power-of-two-another-old-root", old_root=STRANGER),
        spoiled(same, "same-size-another-root", new_root=STRANGER),
        spoiled(same, "same-size-with-a-proof", proof=[STRANGER]),
        spoiled(empty, "empty-old-tree-with-a-proof", proof=[STRANGER]),
    ]


def build() -> dict[str, Any]:
    many = sample_leaves(70)
    inclusions = [
        inclusion_case(REFERENCE_LEAVES, index, size, f"reference-{index}-of-{size}")
        for size in range(1, 9)
        for index in range(size)
    ]
    inclusions += [inclusion_case(many, index, 70, f"leaf-{index}-of-70") for index in (0, 31, 63, 64, 67, 68, 69)]
    consistencies = [
        consistency_case(REFERENCE_LEAVES, old, new, f"reference-{old}-to-{new}")
        for new in range(1, 9)
        for old in range(new + 1)
    ]
    consistencies += [consistency_case(many, old, 70, f"from-{old}-to-70") for old in (1, 31, 32, 33, 63, 64, 65, 69)]
    inclusions += spoiled_inclusions(many)
    consistencies += spoiled_consistencies(many)
    return {
        "about": "RFC 9162 proofs over SHA-256; made by make_merkle.py; invalid ones are named after their defect",
        "leaves": REFERENCE_LEAVES,
        "roots": [naive_root(REFERENCE_LEAVES[:size]) for size in range(1, 9)],
        "inclusion_count": len(inclusions),
        "inclusion": inclusions,
        "consistency_count": len(consistencies),
        "consistency": consistencies,
    }


def main() -> int:
    text = json.dumps(build(), indent=1, default=lambda value: "0x" + value.hex()) + "\n"
    if "--check" not in sys.argv:
        TARGET.write_text(text)
        return 0
    if TARGET.read_text() == text:
        return 0
    print(f"{TARGET.name} differs from what its script makes; next step: run the script and commit the file")  # noqa: T201
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
