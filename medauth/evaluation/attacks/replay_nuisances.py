"""What else is cheap to do to film of an earlier check so that it is not known again: species `session_replay`, seeded.

Bands, light and shade over the whole picture, a slow zoom, lost frames, the face before another background. As in
`session_replay`, formulas and ranges are this module's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.attacks.session_replay import Film, Picture, Random, Taken, Variant, after, changed, set_anew
from medauth.evaluation.jpeg import decoded, encoded

Draw = Callable[[Picture, float, float], NDArray[np.floating[Any]]]
"""(picture, share of the film that is over, ms since its beginning) to what is shown."""
Outline = NDArray[np.float32]
"""(n, 2) float32: a face's outline in pixels of its frame."""
_QUALITY = 85


def drawn_over(draw: Draw, quality: int = _QUALITY) -> Variant:
    """Every frame changed as its moment asks."""

    def variant(film: Film, _: Film, __: Random) -> Film:
        last = max(1, len(film) - 1)
        return [_encoded(t, draw(decoded(t.jpeg), n / last, t.t_ms), quality) for n, t in enumerate(film)]

    return variant


def _encoded(taken: Taken, picture: NDArray[np.floating[Any]], quality: int = _QUALITY) -> Taken:
    return replace(taken, jpeg=encoded(np.clip(picture, 0, 255).astype(np.uint8), quality))


def banded(strength: float, down: float = 9.4, across: float = 0.0, pace: float = 0.0107) -> Variant:
    """Bands that roll: `down` and `across` radians over the picture, `pace` radians a millisecond."""

    def draw(picture: Picture, _: float, t_ms: float) -> NDArray[np.floating[Any]]:
        y, x = _shares(picture)
        return np.asarray(picture * (1 + strength * np.sin(down * y + across * x + pace * t_ms))[..., None])

    return drawn_over(draw)


def _shares(picture: Picture) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    height, width = picture.shape[:2]
    return (np.arange(height) / height)[:, None], (np.arange(width) / width)[None, :]


def _drifting(picture: Picture, _: float, t_ms: float) -> NDArray[np.floating[Any]]:
    return np.asarray(picture * (1 + 0.2 * np.sin(2 * np.pi * t_ms / 9_000)))


def _vignetted(picture: Picture, _: float, __: float) -> NDArray[np.floating[Any]]:
    y, x = _shares(picture)
    return np.asarray(picture * (1 - (x - 0.5) ** 2 - (y - 0.5) ** 2)[..., None])


def _zoomed(picture: Picture, over: float, _: float) -> NDArray[np.floating[Any]]:
    height, width = picture.shape[:2]
    way = cv2.getRotationMatrix2D((width / 2, height / 2), 0.0, 1 + 0.2 * over)
    return np.asarray(cv2.warpAffine(picture, way, (width, height)), np.float64)


def with_gaps(share: float) -> Variant:
    """That share of the frames is lost."""

    def variant(film: Film, _: Film, random: Random) -> Film:
        lost = random.uniform(size=len(film)) < share
        return [taken for number, taken in enumerate(film) if number == 0 or not lost[number]]

    return variant


def before(outlines: Sequence[Outline | None], *, moving: bool) -> Variant:
    """The face, cut out along soft edges, before blurred blots that stand still or sway; where there is no face, the last
    outline stands."""

    def variant(film: Film, _: Film, random: Random) -> Film:
        height, width = decoded(film[0].jpeg).shape[:2]
        blots = cv2.GaussianBlur(random.uniform(0, 255, (height + 80, width + 80, 3)).astype(np.float32), (0, 0), 14)
        room = np.asarray(20 + 200 * (blots - blots.min()) / np.ptp(blots))
        shown, cut = [], np.zeros((height, width, 1), np.float32)
        for number, (taken, outline) in enumerate(zip(film, outlines, strict=False)):
            cut = cut if outline is None else _cut(outline, (height, width))
            x, y = (round(40 + 30 * moving * np.sin(number / pace)) for pace in (14.0, 9.0))
            picture = decoded(taken.jpeg) * cut + room[y : y + height, x : x + width] * (1 - cut)
            shown.append(_encoded(taken, picture))
        return shown

    return variant


def _cut(outline: Outline, shape: tuple[int, int]) -> NDArray[np.float32]:
    inside = np.zeros(shape, np.float32)
    cv2.fillConvexPoly(inside, cv2.convexHull(outline.astype(np.int32)), (1.0,))
    soft = cv2.GaussianBlur(cv2.dilate(inside, np.ones((15, 15))), (0, 0), 5)
    return np.asarray(soft[..., None], np.float32)


NUISANCES: Mapping[str, Variant] = {
    "bands of 0.5 %": banded(0.005),
    "bands of 2 %": banded(0.02),
    "bands of 5 %, upwards": banded(0.05, pace=-0.006),
    "bands of 2 %, slanted": banded(0.02, across=7.0, pace=0.02),
    "light that drifts": drawn_over(_drifting),
    "a vignette": drawn_over(_vignetted),
    "a slow zoom": drawn_over(_zoomed),
    "turned by 8 degrees": set_anew(degrees=8.0),
    "one frame in five lost": with_gaps(0.2),
    "aside, turned, mirrored, banded": after(
        set_anew(degrees=4.0, scale=1.1, aside=-0.08), changed("mirror"), banded(0.02)
    ),
}
