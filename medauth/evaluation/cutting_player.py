"""A player that answers by cutting: it shows a person at rest, jumps to another place of its film, and jumps again.

Seeded, of one clip. It cuts where the person keeps still, and may choose the likest of several places, cross-fade, or cut
while the lids are shut. Formulas are this module's own: the signal that is judged shares none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.injected import Change, Film, Random, Shot, TooShort, at_most
from medauth.evaluation.spoiled_cuts import MISSING, SPOILS, Spoil

JUMPS = 12
"""To each of six gestures and back."""
_STRETCH_MS = (1_200.0, 2_600.0)
_APART = 12
"""Frames between where it leaves and where it lands, at least."""
_EDGE = 8
_SHUT = 0.12
"""Share of frames in which lids count as shut: the lowest openings."""

Thumbs = NDArray[np.float32]


def jumping(*, among: int = 1, faded: int = 0, shut: bool = False, spoil: Spoil | None = None) -> Change:
    """Lands at the likest of `among` places, fades over `faded` frames, cuts where the lids are `shut`, and shows what
    spoils the comparison at each cut.
    """

    def change(film: Film, _: Film, random: Random) -> Film:
        places = _places(film, shut=shut)
        thumbs = _thumbs(film)
        step = (film[-1].t_ms - film[0].t_ms) / max(1, len(film) - 1)
        at, played = int(random.choice(places)), []
        for _jump in range(JUMPS + 1):
            leave = _leaves(places, at, random.uniform(*_STRETCH_MS) / step, len(film))
            played += [film[n] for n in range(at, leave + 1)]
            far = places[(np.abs(places - leave) >= _APART) & (places < len(film) - _EDGE)]
            if not far.size:
                raise TooShort
            tried = random.choice(far, min(among, far.size), replace=False)
            at = int(tried[np.abs(thumbs[tried] - thumbs[leave]).mean(axis=1).argmin()])
            played += _fade(film, leave, at, faded)
            played += [] if spoil is None else spoil(film, leave, at, random)
            at += faded
        return [replace(shot, t_ms=index * step) for index, shot in enumerate(played) if shot is not MISSING]

    return change


def _leaves(places: NDArray[np.intp], at: int, after: float, count: int) -> int:
    """The first place to cut that comes so many frames later; where the film ends before it, the last."""
    later = places[(places >= at + after) & (places < count)]
    if later.size:
        return int(later[0])
    there = places[places > at]
    return int(there[-1]) if there.size else min(at + 1, count - 1)


def _places(film: Film, *, shut: bool) -> NDArray[np.intp]:
    """Where it cuts: the calmer half of all frames, or those with shut lids."""
    inner = np.arange(_EDGE, len(film) - _EDGE)
    if inner.size <= 4 * _APART:
        raise TooShort
    if shut:
        opened = np.array([_opening(film[n]) for n in inner])
        return np.asarray(inner[opened <= np.quantile(opened, _SHUT)], np.intp)
    moved = np.abs(np.diff(_thumbs(film), axis=0)).mean(axis=1)
    calm = np.array([moved[n - 3 : n + 3].max() for n in inner])
    return np.asarray(inner[calm <= np.median(calm)], np.intp)


def _thumbs(film: Film) -> Thumbs:
    small = [cv2.resize(shot.picture, (40, 30), interpolation=cv2.INTER_AREA).ravel() for shot in film]
    return np.asarray(small, np.float32)


def _opening(shot: Shot) -> float:
    """Between the lids of both eyes, in widths of an eye; 1 where there is no face."""
    if shot.face is None:
        return 1.0
    points = shot.face.landmarks[:, :2] * np.array(shot.picture.shape[1::-1])
    eyes = ((159, 145, 33, 133), (386, 374, 263, 362))
    return float(np.mean([_gap(points, *eye[:2]) / max(_gap(points, *eye[2:]), 1e-6) for eye in eyes]))


def _gap(points: NDArray[np.float64], one: int, other: int) -> float:
    return float(np.hypot(*(points[one] - points[other])))


def _fade(film: Film, leave: int, land: int, frames: int) -> Sequence[Shot]:
    """From the picture it leaves to the film it lands in, which already runs."""
    faded = []
    for n in range(1, frames + 1):
        share = n / (frames + 1)
        before, after = film[leave].picture, film[min(land + n - 1, len(film) - 1)].picture
        mixed = cv2.addWeighted(before, 1 - share, after, share, 0.0)
        faded.append(replace(film[min(land + n - 1, len(film) - 1)], picture=np.asarray(mixed, np.uint8)))
    return faded


def at_rate(fps: float, player: Change) -> Change:
    """The same player, with film of so many frames a second."""
    return lambda film, other, random: player(at_most(fps)(film, other, random), other, random)


_PLAYERS: dict[str, Change] = {
    "jumps at rest": jumping(),
    "jumps to the likest of 12": jumping(among=12),
    "jumps to the likest of all": jumping(among=10_000),
    "jumps while the lids are shut": jumping(shut=True),
} | {
    f"jumps{where}, cross-faded over {frames}": jumping(among=among, faded=frames)
    for frames in (3, 4, 5, 8)
    for where, among in (("", 1), (" to the likest of 12", 12))
}
_SPOILED: dict[str, Change] = {f"jumps at rest, {name} at each": jumping(spoil=spoil) for name, spoil in SPOILS.items()}
JUMPING: Mapping[str, Change] = (
    _PLAYERS
    | {f"{name}, {fps} fps": at_rate(fps, player) for name, player in _PLAYERS.items() for fps in (15, 10)}
    | _SPOILED
)
"""Players that cut to what is asked."""
