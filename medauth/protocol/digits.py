"""Digits to be said: how many, how they are drawn, and which could have been.

No digit comes twice in a row: two alike run into one when they are said quickly, and nobody can tell how many they were.
"""

from __future__ import annotations

from itertools import pairwise

DIGITS = "0123456789"
COUNT = 4
_OTHERS = len(DIGITS) - 1
"""So many in one step: people hold about four things in mind at once (Cowan, Behavioral and Brain Sciences 24, 2001)."""


def sequence_count() -> int:
    """How many sequences there are: any first digit, then any but the one before."""
    return len(DIGITS) * _below(COUNT - 1)


def sequence(number: int) -> str:
    """The sequence of that number, from 0 on; each has one."""
    first, rest = divmod(number, _below(COUNT - 1))
    drawn = [first]
    for place in range(COUNT - 2, -1, -1):
        which, rest = divmod(rest, _below(place))
        drawn.append(which + (which >= drawn[-1]))
    return "".join(DIGITS[digit] for digit in drawn)


def _below(places: int) -> int:
    """Ways to go on for so many places more."""
    return int(_OTHERS**places)


def could_draw(digits: object) -> bool:
    """Whether this is one of the sequences."""
    fits = isinstance(digits, str) and len(digits) == COUNT and set(digits) <= set(DIGITS)
    return fits and all(one != other for one, other in pairwise(str(digits)))
