"""Film of an earlier check as somebody hands it in again: species `session_replay`, seeded, no data.

Re-encoded, cropped, mirrored, another gamma, shifted by a part of a frame, at another rate, a stretch of it among other
film, and some of these at once. Formulas and ranges are this module's own: the signal that is judged shares none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.jpeg import decoded, encoded

Random = np.random.Generator
Picture = NDArray[np.uint8]
CROP = 0.02
GAMMA = 0.05
QUALITIES = (60, 95)
_FRAME_MS = 34.0
_LEAST_MS, _MOST_MS = 6_000.0, 9_000.0
"""A step with the pause before it and the rest after it."""
_RATES = (12.0, 15.0, 20.0)


@dataclass(frozen=True, slots=True)
class Taken:
    """One frame as the server got it: its JPEG bytes, and when."""

    jpeg: bytes
    t_ms: float


Film = Sequence[Taken]
Variant = Callable[[Film, Film, Random], Film]
"""(film of the earlier check, film of somebody else, random) to what is handed in."""


def _redrawn(film: Film, draw: Callable[[Picture], Picture], quality: int) -> Film:
    return [replace(taken, jpeg=encoded(draw(decoded(taken.jpeg)), quality)) for taken in film]


def _cropped(picture: Picture, left: float, top: float) -> Picture:
    """Less 2 % of width and height, split between the sides as given, brought to its size again."""
    height, width = picture.shape[:2]
    lost_x, lost_y = round(CROP * width), round(CROP * height)
    x, y = round(left * lost_x), round(top * lost_y)
    part = picture[y : y + height - lost_y, x : x + width - lost_x]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _bent(picture: Picture, gamma: float) -> Picture:
    curve = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, curve), np.uint8)


def _flipped(picture: Picture) -> Picture:
    return np.ascontiguousarray(picture[:, ::-1])


def _quality(random: Random) -> int:
    return int(random.integers(QUALITIES[0], QUALITIES[1] + 1))


def _changes(random: Random, names: Sequence[str]) -> Callable[[Picture], Picture]:
    made: dict[str, Callable[[Picture], Picture]] = {
        "crop": partial(_cropped, left=random.uniform(), top=random.uniform()),
        "gamma": partial(_bent, gamma=1.0 + random.choice((-GAMMA, GAMMA))),
        "mirror": _flipped,
    }

    def draw(picture: Picture) -> Picture:
        for name in names:
            picture = made[name](picture)
        return picture

    return draw


def changed(*names: str) -> Variant:
    """Every picture changed in the same way, and encoded anew."""

    def variant(film: Film, _: Film, random: Random) -> Film:
        return _redrawn(film, _changes(random, names), _quality(random))

    return variant


def shifted(film: Film, _: Film, random: Random) -> Film:
    """From a frame further on, and between the times of then."""
    first = int(random.integers(1, 4))
    late = random.uniform(0.0, _FRAME_MS)
    return [replace(taken, t_ms=taken.t_ms - film[first].t_ms + late) for taken in film[first:]]


def slower(film: Film, _: Film, random: Random) -> Film:
    """By a camera that gives fewer frames."""
    rate = float(random.choice(_RATES))
    kept: list[Taken] = []
    for taken in film:
        if not kept or taken.t_ms - kept[-1].t_ms >= 1_000.0 / rate - 1.0:
            kept.append(taken)
    return kept


def partly(film: Film, other: Film, random: Random) -> Film:
    """One stretch of it, after and before film of somebody else."""
    length = random.uniform(_LEAST_MS, _MOST_MS)
    begin = random.uniform(0.0, max(1.0, film[-1].t_ms - length))
    part = [taken for taken in film if begin <= taken.t_ms < begin + length]
    lead = [taken for taken in other if taken.t_ms < random.uniform(2_000.0, 5_000.0)]
    at = lead[-1].t_ms + _FRAME_MS
    middle = [replace(taken, t_ms=taken.t_ms - part[0].t_ms + at) for taken in part]
    rest = [replace(taken, t_ms=taken.t_ms + middle[-1].t_ms + _FRAME_MS) for taken in other]
    return [*lead, *middle, *rest]


def after(*variants: Variant) -> Variant:
    """One after the other."""

    def variant(film: Film, other: Film, random: Random) -> Film:
        for one in variants:
            film = one(film, other, random)
        return film

    return variant


VARIANTS: Mapping[str, Variant] = {
    "to the bit": lambda film, _, __: film,
    "re-encoded": changed(),
    "cropped": changed("crop"),
    "gamma": changed("gamma"),
    "mirrored": changed("mirror"),
    "shifted by a frame": shifted,
    "other frame rate": slower,
    "all at once": after(changed("crop", "gamma", "mirror"), shifted, slower),
    "one stretch": partly,
    "one stretch, changed": after(changed("crop", "gamma", "mirror"), partly),
}


def set_anew(degrees: float = 0.0, scale: float = 1.0, aside: float = 0.0) -> Variant:
    """Every picture turned about its middle, scaled, and moved aside by a share of its width."""

    def draw(picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        way = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
        way[0, 2] += aside * width
        return np.asarray(cv2.warpAffine(picture, way, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)

    return lambda film, _, random: _redrawn(film, draw, _quality(random))


def played_at(pace: float) -> Variant:
    """Faster, or slower."""
    return lambda film, _, __: [replace(taken, t_ms=taken.t_ms / pace) for taken in film]


def grainy(strength: float) -> Variant:
    """Under fresh grain of so many grey levels."""

    def variant(film: Film, _: Film, random: Random) -> Film:
        def draw(picture: Picture) -> Picture:
            return np.asarray(np.clip(picture + random.normal(0.0, strength, picture.shape), 0, 255), np.uint8)

        return _redrawn(film, draw, _quality(random))

    return variant


def tinted(blue: float, red: float) -> Variant:
    """Under another white."""

    def draw(picture: Picture) -> Picture:
        return np.asarray(np.clip(picture * np.array([blue, 1.0, red]), 0, 255), np.uint8)

    return lambda film, _, random: _redrawn(film, draw, _quality(random))


HARDER: Mapping[str, Variant] = {
    "turned by 3 degrees": set_anew(degrees=3.0),
    "turned back, scaled by 1.06": set_anew(degrees=-3.0, scale=1.06),
    "scaled by 1.1": set_anew(scale=1.1),
    "scaled by 1.2": set_anew(scale=1.2),
    "scaled by 0.85": set_anew(scale=0.85),
    "moved aside by 6 %": set_anew(aside=0.06),
    "moved aside by 12 %": set_anew(aside=0.12),
    "5 % faster": played_at(1.05),
    "5 % slower": played_at(0.95),
    "10 % faster": played_at(1.1),
    "10 % slower": played_at(0.9),
    "grain of 8": grainy(8.0),
    "grain of 20": grainy(20.0),
    "another white": tinted(0.8, 1.2),
}
"""More than a replay needs: what the cheapest change is that is not known again."""

BY_ITSELF = tuple(name for name in VARIANTS if not name.startswith("one stretch"))
"""Those that need no film of somebody else."""


class Player:
    """Plays a film by the time of the new check."""

    def __init__(self, film: Film) -> None:
        self._film = film
        self._at = 0

    def at(self, t_ms: float) -> Picture:
        """The frame that is due; the last one goes on when the film is over."""
        while self._at + 1 < len(self._film) and self._film[self._at + 1].t_ms <= t_ms:
            self._at += 1
        return decoded(self._film[self._at].jpeg)


def jittered(film: Film, random: Random) -> Film:
    """As a network delivers it."""
    now, sent = -1.0, []
    for taken in film:
        now = max(now + 2.0, taken.t_ms + abs(random.normal(0.0, 4.0)))
        sent.append(replace(taken, t_ms=now))
    return sent
