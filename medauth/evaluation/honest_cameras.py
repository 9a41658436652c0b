"""Honest film that could be taken for a player's: faces lost for moments, cameras and programs that mix frames.

Seeded. Formulas and ranges are this module's own: the signal that is judged shares none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from medauth.evaluation.injected import Change, Film, Random, Shot

_BURST_MS = (70.0, 480.0)
_EVERY_MS = 2_000.0
_DARK_SHARE = 0.02
_KEPT = 0.5
_FASTER = 1.25


def missed(share: float) -> Change:
    """The face is not found in that share of the frames, each by itself."""
    return lambda film, _, random: [replace(shot, face=None) if random.random() < share else shot for shot in film]


def covered(film: Film, _: Film, random: Random) -> Film:
    """About every two seconds the face is not found for a moment of up to half a second: hands, hair, a turned head."""
    ends_ms = film[-1].t_ms
    begins = random.uniform(0, ends_ms, max(1, int(ends_ms / _EVERY_MS)))
    spans = [(begin, begin + random.uniform(*_BURST_MS)) for begin in begins]
    gone = [any(begin <= shot.t_ms < end for begin, end in spans) for shot in film]
    return [replace(shot, face=None) if lost else shot for shot, lost in zip(film, gone, strict=True)]


def dark(film: Film, _: Film, random: Random) -> Film:
    """Exposure fails for a frame now and then: nearly black, no face."""
    failed = random.random(len(film)) < _DARK_SHARE
    return [
        replace(shot, picture=np.asarray(shot.picture // 16, np.uint8), face=None) if lost else shot
        for shot, lost in zip(film, failed, strict=True)
    ]


def noise_reduced(film: Film, _: Film, __: Random) -> Film:
    """A camera that averages over time against noise: half of each picture is of those before it."""
    shown, before = [], film[0].picture.astype(np.float32)
    for shot in film:
        before = (1 - _KEPT) * shot.picture + _KEPT * before
        shown.append(replace(shot, picture=before.astype(np.uint8)))
    return shown


def rate_converted(film: Film, _: Film, __: Random) -> Film:
    """A program that makes more frames a second of it, and mixes neighbours where none lies in place."""
    last = len(film) - 1
    return [_mixed(film, min(n / _FASTER, last), n / _FASTER) for n in range(int(last * _FASTER) + 1)]


def long_exposed(film: Film, _: Film, __: Random) -> Film:
    """Half as many frames, each exposed all the while: fast heads smear."""
    pairs = zip(film[::2], film[1::2], strict=False)
    return [replace(one, picture=_mean(one, other, 0.5)) for one, other in pairs]


def _mixed(film: Film, place: float, due: float) -> Shot:
    first = int(place)
    other = film[min(first + 1, len(film) - 1)]
    step = (film[-1].t_ms - film[0].t_ms) / max(1, len(film) - 1)
    return replace(film[first], picture=_mean(film[first], other, place - first), t_ms=film[0].t_ms + due * step)


def _mean(one: Shot, other: Shot, share: float) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(cv2.addWeighted(one.picture, 1 - share, other.picture, share, 0.0), np.uint8)


HONEST_CAMERAS: Mapping[str, Change] = {
    "face missed in one frame of thirty": missed(1 / 30),
    "face missed in one frame of ten": missed(0.1),
    "face covered for moments": covered,
    "dark frames now and then": dark,
    "noise averaged over time": noise_reduced,
    "frames mixed by a change of rate": rate_converted,
    "long exposure": long_exposed,
}
"""What honest people send as well; all of it arrives as a network delivers it."""
