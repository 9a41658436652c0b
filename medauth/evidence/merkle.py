"""The log's Merkle tree: RFC 9162 section 2.1 over SHA-256.

The tree is kept as the hashes of its complete subtrees. A coordinate (level, position) names the subtree of 2**level
leaves that begins at leaf position * 2**level; such a hash never changes once it is there. Appending a leaf therefore
reads and writes O(log n) of them, and a proof reads O(log n) in a single batch, from memory or from a database alike.

`contracts/RFC9162.sol` checks the same proofs on chain; `tests/vectors/merkle.json` holds both to the same answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Protocol

from medauth.errors import EvidenceError, InputError

Coordinate = tuple[int, int]
"""(level, position) of a complete subtree."""

_Range = tuple[int, int]
"""Leaves [first, end) below one node of the tree."""

EMPTY_ROOT = hashlib.sha256(b"").digest()


class NodeReader(Protocol):
    """Gives the hashes of complete subtrees, in the order asked; raises when one is missing."""

    def __call__(self, coordinates: Sequence[Coordinate], /) -> Sequence[bytes]: ...


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf). The prefix keeps an inner node from being passed off as a leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


# Appending


def append_coordinates(index: int) -> list[Coordinate]:
    """What must be read to append the leaf `index`: the left siblings of the subtrees that it completes."""
    coordinates = []
    level, position = 0, index
    while position & 1:
        coordinates.append((level, position - 1))
        level, position = level + 1, position >> 1
    return coordinates


def appended_nodes(index: int, leaf: bytes, siblings: Sequence[bytes]) -> list[tuple[Coordinate, bytes]]:
    """All subtrees that the leaf `index` completes, itself first; `siblings` as `append_coordinates` asked for."""
    digest = leaf_hash(leaf)
    nodes = [((0, index), digest)]
    for level, sibling in enumerate(siblings, start=1):
        digest = node_hash(sibling, digest)
        nodes.append(((level, index >> level), digest))
    return nodes


# Roots and proofs


def tree_root(size: int, read: NodeReader) -> bytes:
    """Root of the first `size` leaves."""
    if size == 0:
        return EMPTY_ROOT
    return _hashes([(0, size)], read)[0]


def inclusion_path(index: int, size: int, read: NodeReader) -> list[bytes]:
    """Inclusion proof of leaf `index` in the tree of `size` leaves, lowest sibling first (section 2.1.3.1)."""
    if not 0 <= index < size:
        raise InputError(f"leaf {index} of a tree of {size}", expected=f"an index from 0 to {size - 1}")
    wanted: list[Coordinate] = []
    edge, end_of_edge = -1, 0
    for level in range((size - 1).bit_length()):
        sibling = (index >> level) ^ 1
        if (sibling + 1) << level <= size:
            wanted.append((level, sibling))
        elif sibling << level < size:
            # The one sibling that is no complete subtree: the right end of the tree, joined from several.
            edge = len(wanted)
            wanted.extend(_subtrees(sibling << level, size))
            end_of_edge = len(wanted)
    found = list(read(wanted)) if wanted else []
    return found if edge < 0 else [*found[:edge], _fold(found[edge:end_of_edge]), *found[end_of_edge:]]


def consistency_proof(old_size: int, new_size: int, read: NodeReader) -> list[bytes]:
    """Proof that the tree of `new_size` leaves begins with that of `old_size` (section 2.1.4.1).

    Empty where the old tree is empty, as the contract expects it; RFC 9162 leaves that case open.
    """
    if not 0 <= old_size <= new_size:
        raise InputError(
            f"trees of {old_size} and {new_size} leaves", expected="the old one no larger than the new one"
        )
    if old_size == 0:
        return []
    ranges: list[_Range] = []
    first, end = 0, new_size
    while end != old_size:
        middle = first + _left_width(end - first)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
    if first:
        # An old tree that is itself one complete subtree is known to the verifier, and left out.
        ranges.append((first, end))
    return _hashes(ranges[::-1], read)


def _left_width(count: int) -> int:
    """The largest power of two smaller than `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _subtrees(first: int, end: int) -> list[Coordinate]:
    """The complete subtrees below one node of the tree, left to right: widths fall, powers of two."""
    coordinates = []
    while first < end:
        level = (end - first).bit_length() - 1
        coordinates.append((level, first >> level))
        first += 1 << level
    return coordinates


def _hashes(ranges: Sequence[_Range], read: NodeReader) -> list[bytes]:
    """One hash for each range, all of them from a single read."""
    groups = [_subtrees(first, end) for first, end in ranges]
    wanted = [coordinate for group in groups for coordinate in group]
    found = iter(read(wanted) if wanted else ())
    return [_fold([next(found) for _ in group]) for group in groups]


def _fold(subtrees: Sequence[bytes]) -> bytes:
    """Root over complete subtrees: the smallest ones, on the right, are joined first."""
    digest = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        digest = node_hash(left, digest)
    return digest


# Checking, without a tree


def verify_inclusion(digest: bytes, index: int, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the leaf with hash `digest` stands at `index` below `root` (section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last = index, size - 1
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            digest = node_hash(sibling, digest)
            position, last = _skip_lonely(position, last)
        else:
            digest = node_hash(digest, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and digest == root


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree under `new_root` begins with that under `old_root` (section 2.1.4.2)."""
    if not 0 <= old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    if old_size == 0 or not proof:
        return old_size == 0 and not proof
    # An old tree that is complete is itself the first node, and the proof leaves it out.
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else proof
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            position, last = _skip_lonely(position, last)
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _skip_lonely(position: int, last: int) -> tuple[int, int]:
    """Climbs levels on which the last node has no sibling and is carried up unhashed."""
    while position and not position & 1:
        position, last = position >> 1, last >> 1
    return position, last


# Trees in memory


class MemoryTree:
    """A tree with all its complete subtrees in memory. `read` is its `NodeReader`."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    def append(self, leaf: bytes) -> int:
        """Appends a leaf; returns its index."""
        digest, levels = sha256(b"\x00" + leaf).digest(), self._levels
        for level in levels:
            level.append(digest)
            if len(level) & 1:
                break
            digest = sha256(b"\x01" + level[-2] + digest).digest()
        else:
            levels.append([digest])
        return len(levels[0]) - 1

    def read(self, coordinates: Sequence[Coordinate], /) -> list[bytes]:
        """See `NodeReader`."""
        levels = self._levels
        try:
            return [levels[level][position] for level, position in coordinates]
        except IndexError:
            missing = next(c for c in coordinates if c[0] >= len(levels) or c[1] >= len(levels[c[0]]))
            raise EvidenceError(f"tree node {missing} of {self.size} leaves", expected="a complete subtree") from None

    def nodes(self) -> dict[Coordinate, bytes]:
        """Every complete subtree by its coordinate."""
        return {(level, at): digest for level, row in enumerate(self._levels) for at, digest in enumerate(row)}

    def root(self, size: int | None = None) -> bytes:
        """Root of the first `size` leaves, or of all."""
        return tree_root(self.size if size is None else size, self.read)


class RunningRoot:
    """The root of a log that streams by, in memory that grows with its logarithm: for audits of any length."""

    def __init__(self) -> None:
        self._peaks: list[bytes] = []
        self.size = 0

    def append(self, leaf: bytes) -> None:
        """Takes the next leaf."""
        self.append_subtree(0, leaf_hash(leaf))

    def append_subtree(self, level: int, digest: bytes) -> list[tuple[Coordinate, bytes]]:
        """Takes the next 2**level leaves by the root over them; returns the larger subtrees that this completes."""
        if self.size & ((1 << level) - 1):
            raise InputError(f"a subtree of {1 << level} leaves after {self.size}", expected="one that begins there")
        completed: list[tuple[Coordinate, bytes]] = []
        position = self.size >> level
        while position & 1:
            digest = node_hash(self._peaks.pop(), digest)
            level, position = level + 1, position >> 1
            completed.append(((level, position), digest))
        self._peaks.append(digest)
        self.size = (position + 1) << level
        return completed

    def root(self, beyond: Sequence[bytes] = ()) -> bytes:
        """Root of the leaves taken so far, and of those `beyond` them, given as their complete subtrees."""
        peaks = [*self._peaks, *beyond]
        return _fold(peaks) if peaks else EMPTY_ROOT


class Stretch:
    """All complete subtrees over a stretch of leaves that begins at a multiple of a power of two not below its length."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.levels: list[list[bytes]] = []
        level = [sha256(b"\x00" + leaf).digest() for leaf in leaves]
        while level:
            self.levels.append(level)
            pairs = iter(level)
            level = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]

    def peaks(self, count: int) -> list[tuple[int, bytes]]:
        """Level and hash of the complete subtrees over the first `count` leaves, largest first."""
        return [(level, self.levels[level][position]) for level, position in _subtrees(0, count)]
