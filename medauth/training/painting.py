"""What a photograph does not hold and somebody paints: lids over eyes, the dark between lips and the teeth in it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.signals.face_contours import INNER_LIPS, LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE

Image = NDArray[np.uint8]
Points = NDArray[np.float32]

_PAINT_FROM = 0.35  # of shut lids: before, nobody paints
_EYES = (
    (RIGHT_EYE, RIGHT_BROW, (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    (LEFT_EYE, LEFT_BROW, (263, 249, 390, 373, 374, 380, 381, 382, 362)),
)
_UPPER_LIP = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)


@dataclass(frozen=True)
class Paint:
    """One program's way of painting."""

    inside: NDArray[np.float64] | None  # (3,) BGR between lips that open; None: the lips' own picture is stretched
    teeth: NDArray[np.float64] | None  # (3,) BGR below the upper lip
    lids: bool
    lashes: float  # how dark the line where lids meet, 0..1
    shaded: bool  # lids of the skin above and below, instead of one colour
    soft_px: float


def draw_paint(rng: np.random.Generator) -> Paint:
    """Draw a way of painting."""
    dark = rng.uniform(12, 75) * np.array([rng.uniform(0.6, 0.9), rng.uniform(0.6, 0.9), rng.uniform(1.0, 1.4)])
    light = rng.uniform(110, 225) * np.array([rng.uniform(0.75, 1.0), rng.uniform(0.88, 1.0), 1.0])
    return Paint(
        inside=dark if rng.random() < 0.6 else None,  # noqa: PLR2004
        teeth=light if rng.random() < 0.5 else None,  # noqa: PLR2004
        lids=bool(rng.random() < 0.6),  # noqa: PLR2004
        lashes=float(rng.uniform(0.2, 0.9) if rng.random() < 0.5 else 0.0),  # noqa: PLR2004
        shaded=bool(rng.random() < 0.5),  # noqa: PLR2004
        soft_px=float(rng.uniform(0.5, 1.8)),
    )


def paint(image: Image, moved: Points, how: Paint, *, lids: float, jaw: float) -> Image:
    """The picture (S, S, 3), whose marks came to lie at `moved` (478, 2), with what was not in it; `lids` and `jaw` as in
    `Motion`."""
    if how.lids and lids > _PAINT_FROM:
        image = _paint_lids(image, moved, how)
    if how.inside is not None and jaw > 0:
        image = _fill(image, moved[list(INNER_LIPS)], how.inside, how.soft_px)
        if how.teeth is not None:
            image = _paint_teeth(image, moved, how.teeth, how.soft_px)
    return image


def _paint_lids(image: Image, marks: Points, how: Paint) -> Image:
    """Skin from between eye and brow over both eyes, and maybe lashes where the lids meet."""
    for eye, brow, rim in _EYES:
        outline = marks[list(eye)]
        above = _skin(image, 0.5 * (outline.mean(axis=0) + marks[list(brow)].mean(axis=0)))
        if how.shaded:
            below = _skin(image, outline.mean(axis=0) + np.array([0.0, 1.6 * np.ptp(outline[:, 1]) + 4]))
            image = _fill_from_to(image, outline, above, below, how.soft_px)
        else:
            image = _fill(image, outline, 0.92 * above, how.soft_px)
        if how.lashes:
            image = _line(image, marks[list(rim)], how.lashes, how.soft_px)
    return image


def _skin(image: Image, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean colour (3,) about a place."""
    patch = cv2.getRectSubPix(image, (9, 3), (float(at[0]), float(at[1])))
    return np.asarray(patch.reshape(-1, 3).mean(axis=0), np.float64)


def _paint_teeth(image: Image, marks: Points, colour: NDArray[np.float64], soft_px: float) -> Image:
    """A light band that hangs from the upper lip into the open mouth."""
    upper, lower = marks[list(_UPPER_LIP)], marks[14]
    deep = 0.45 * (lower[1] - upper[:, 1].mean())
    if deep < 1:
        return image
    inner = upper[2:-2]
    return _fill(image, np.concatenate([inner, inner[::-1] + np.array([0, deep], np.float32)]), colour, soft_px)


def _fill(image: Image, outline: Points, colour: NDArray[np.float64], soft_px: float) -> Image:
    """The picture with a polygon (K, 2) in one colour (3,), soft at its edge."""
    share = _mask(image, outline, soft_px)
    return np.asarray(np.clip(image * (1 - share) + colour * share, 0, 255), np.uint8)


def _fill_from_to(
    image: Image, outline: Points, top: NDArray[np.float64], bottom: NDArray[np.float64], soft_px: float
) -> Image:
    rows = np.arange(image.shape[0], dtype=np.float64)
    first, last = float(outline[:, 1].min()), float(outline[:, 1].max())
    part = np.clip((rows - first) / max(1.0, last - first), 0, 1)[:, None, None]
    share = _mask(image, outline, soft_px)
    return np.asarray(np.clip(image * (1 - share) + (top + part * (bottom - top)) * share, 0, 255), np.uint8)


def _mask(image: Image, outline: Points, soft_px: float) -> NDArray[np.float32]:
    mask = np.zeros(image.shape[:2], np.float32)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], (1.0,))
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), soft_px)[..., None], np.float32)


def _line(image: Image, points: Points, dark: float, soft_px: float) -> Image:
    mask = np.zeros(image.shape[:2], np.float32)
    cv2.polylines(mask, [np.round(points).astype(np.int32)], isClosed=False, color=(1.0,), thickness=2)
    share = dark * cv2.GaussianBlur(mask, (0, 0), 0.6 * soft_px)[..., None]
    return np.asarray(image * (1 - np.clip(share, 0, 1)), np.uint8)
