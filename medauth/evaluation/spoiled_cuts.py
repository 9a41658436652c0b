"""What a player shows for a moment at each cut, so that nobody can compare the frames before and after it.

Seeded, made of the film that is played. Formulas are this module's own: the signal that is judged shares none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np

from medauth.evaluation.injected import Film, Random, Shot, grainy

Spoil = Callable[[Film, int, int, Random], Sequence[Shot]]
"""(film, where it leaves, where it lands, random) to what is shown between."""
MISSING = Shot(np.zeros((0, 0, 3), np.uint8), 0.0)
"""In place of a frame that is not shown at all: its time passes."""
_ASIDE = 0.03
"""How far a decoy is moved, in widths of the picture."""


def blank(value: int, count: int) -> Spoil:
    """One grey without a face."""

    def spoil(film: Film, leave: int, _: int, __: Random) -> Sequence[Shot]:
        return [replace(film[leave], picture=np.full_like(film[leave].picture, value), face=None)] * count

    return spoil


def blurred(film: Film, leave: int, _: int, __: Random) -> Sequence[Shot]:
    """Out of focus until nothing can be compared, the face still where it was."""
    shot = film[leave]
    sigma = 0.03 * shot.picture.shape[1]
    return [replace(shot, picture=np.asarray(cv2.GaussianBlur(shot.picture, (0, 0), sigma), np.uint8))]


def standing(count: int, *, grain: bool) -> Spoil:
    """The last picture again and again, to the bit or with grain of its own."""

    def spoil(film: Film, leave: int, _: int, random: Random) -> Sequence[Shot]:
        shot = film[leave]
        return [replace(shot, picture=grainy(shot.picture, random)) if grain else shot for _ in range(count)]

    return spoil


def elsewhere(film: Film, _: int, __: int, random: Random) -> Sequence[Shot]:
    """A single frame of a third place."""
    return [film[int(random.integers(0, len(film)))]]


def moved(count: int) -> Spoil:
    """The whole picture somewhat aside, and the face with it."""

    def spoil(film: Film, leave: int, _: int, __: Random) -> Sequence[Shot]:
        shot = film[leave]
        shift = round(_ASIDE * shot.picture.shape[1])
        return [replace(shot, picture=np.roll(shot.picture, shift, axis=1))] * count

    return spoil


def smaller(film: Film, leave: int, _: int, __: Random) -> Sequence[Shot]:
    """Half the size, for one frame."""
    shot = film[leave]
    return [replace(shot, picture=np.asarray(cv2.resize(shot.picture, None, fx=0.5, fy=0.5), np.uint8))]


def gap(count: int) -> Spoil:
    """Nothing at all while so many frames would have come."""
    return lambda *_: [MISSING] * count


SPOILS: Mapping[str, Spoil] = {
    "a black frame": blank(0, 1),
    "three black frames": blank(0, 3),
    "eight black frames": blank(0, 8),
    "a white frame": blank(255, 1),
    "a blurred frame": blurred,
    "a frame of elsewhere": elsewhere,
    "a frame moved aside": moved(1),
    "three frames moved aside": moved(3),
    "a smaller frame": smaller,
    "a still to the bit": standing(3, grain=False),
    "a still with grain": standing(3, grain=True),
    "a gap": gap(6),
}
