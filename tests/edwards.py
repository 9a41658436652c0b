"""Just enough of edwards25519 (RFC 8032, section 5.1) to make keys and signatures that no signer would."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int]
ZERO: Point = (0, 1)


class Case(NamedTuple):
    """A key, a signature and a message, and what is odd about them."""

    name: str
    key: bytes
    signature: bytes
    message: bytes


def add(a: Point, b: Point) -> Point:
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + t, P - 2, P) % P
    return x, (y1 * y2 + x1 * x2) * pow(1 - t, P - 2, P) % P


def times(n: int, point: Point) -> Point:
    total = ZERO
    while n:
        if n & 1:
            total = add(total, point)
        point, n = add(point, point), n >> 1
    return total


def encoded(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def encodings(point: Point) -> list[bytes]:
    """Every one that some decoder takes: y may be written unreduced, and a zero x may carry a sign."""
    values = [point[1]] + ([point[1] + P] if point[1] < 19 else [])
    signs = [0, 1] if point[0] == 0 else [point[0] & 1]
    return [(y | sign << 255).to_bytes(32, "little") for y, sign in product(values, signs)]


def decoded(data: bytes) -> Point:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x if x & 1 == sign else P - x), y


BASE = decoded((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
EIGHTH = decoded(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
TORSION = [times(n, EIGHTH) for n in range(8)]


def challenge(nonce: bytes, key: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(nonce + key + message).digest(), "little") % L


def odd_cases(secret: int = 0xC0FFEE, nonce: int = 0xBEEF) -> Iterator[Case]:
    """Keys and points of every order, small and mixed; each written in every way; s reduced, not reduced, and zero.

    The cases of Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (2020), table 5, and those between them.
    For each pair of points one message solves the equation without the cofactor, if any does, and one does not.
    """
    points = {n: times(n, BASE) for n in (0, secret, nonce)}
    orders = (0, 1, 2, 4)  # multiples of a point of order 8: neutral, and orders 8, 4 and 2
    for a, r, ta, tr in product((0, secret), (0, nonce), orders, orders):
        key_point, nonce_point = add(points[a], TORSION[ta]), add(points[r], TORSION[tr])
        for key, r_text in product(encodings(key_point), encodings(nonce_point)):
            seen: set[bool] = set()
            for number in range(24):
                message = number.to_bytes(8, "big")
                h = challenge(r_text, key, message)
                solves = (h * ta + tr) % 8 == 0
                if solves in seen:
                    continue
                seen.add(solves)
                s = (r + h * a) % L
                for name, value in (("", s), (" s+L", s + L), (" s+8L", s + 8 * L)):
                    text = f"key {a:#x}+{ta} R {r:#x}+{tr} solves {solves}{name}"
                    yield Case(text, key, r_text + value.to_bytes(32, "little"), message)
