"""Codes by which alike stretches are found among millions: locality-sensitive hashing by random hyperplanes.

M. Charikar, Similarity estimation techniques from rounding algorithms (STOC 2002): a bit says on which side of a plane a
stretch lies, and two stretches at an angle a differ in it with probability a / pi. Twenty bits make a code, eight codes
stand for a stretch. Who asks also tries the codes that differ in the bit nearest to its plane, or the next (Q. Lv et al.,
Multi-probe LSH, VLDB 2007).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medauth.signals.check_print import AREAS, WINDOW, Windows

BITS = 20
TABLES = 8
PROBES = 2
"""Codes asked for beside a stretch's own, in each table."""

FACE_TABLE = TABLES
"""The first table of the face's stretches: they never meet those of the whole picture."""

Codes = NDArray[np.int64]
"""(m, k) int64: per stretch its codes; the table stands above a code's bits, so that codes of two tables never meet."""


def own_codes(windows: Windows, table: int = 0) -> Codes:
    """(m, 8): what a stretch is filed under, in `table` and the seven after it."""
    return _codes(_heights(windows) > 0, table)


def asked_codes(windows: Windows, table: int = 0) -> Codes:
    """(m, 24): what a stretch is looked for under; the first eight are its own."""
    heights = _heights(windows)
    sides = heights > 0
    nearest = np.argsort(np.abs(heights), axis=2)[:, :, :PROBES]
    found = [_codes(sides, table)]
    for probe in range(PROBES):
        other = sides.copy()
        at = nearest[:, :, probe, None]
        np.put_along_axis(other, at, ~np.take_along_axis(sides, at, axis=2), axis=2)
        found.append(_codes(other, table))
    return np.concatenate(found, axis=1)


def _heights(windows: Windows) -> NDArray[np.float32]:
    return np.asarray((windows @ _planes()).reshape(len(windows), TABLES, BITS), np.float32)


def _codes(sides: NDArray[np.bool_], table: int) -> Codes:
    codes = sides @ (1 << np.arange(BITS, dtype=np.int64))
    return np.asarray(codes + ((table + np.arange(TABLES, dtype=np.int64)) << BITS), np.int64)


@lru_cache(maxsize=1)
def _planes() -> NDArray[np.float32]:
    """(720, 160) of -1 and 1, the same for ever: what is stored was coded by them."""
    size = WINDOW * AREAS * TABLES * BITS
    bits = np.unpackbits(np.frombuffer(hashlib.shake_256(b"medauth planes v1").digest(size // 8), np.uint8))
    return np.asarray(bits.reshape(WINDOW * AREAS, TABLES * BITS) * 2.0 - 1.0, np.float32)
