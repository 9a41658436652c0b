"""Which part of a face a forger exchanges, and how its edge is softened."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.signals.face_contours import FACE_OVAL
from medauth.training.warping import elastic, grid

Points = NDArray[np.float32]
Mask = NDArray[np.float32]
"""(S, S) float32 in 0..1."""

_INNER = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 345, 425, 291, 18, 61, 205, 116)  # brows to below the lips
_LOW = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 6)
_MOUTH = (205, 216, 212, 202, 204, 194, 201, 200, 421, 418, 424, 422, 432, 436, 425, 2)
_EYES = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 345, 346, 347, 6, 118, 117, 116)
_BROWS_DOWN = (70, 105, 107, 336, 334, 300, 356, 454, 361, 397, 379, 400, 152, 176, 150, 172, 132, 234, 127)
# Whole faces most of the time: that is what forgers exchange; parts as in driven lips or eyes.
_SHAPES = (FACE_OVAL, _BROWS_DOWN, _INNER, _LOW, _MOUTH, _EYES)
_CHANCES = (0.3, 0.24, 0.18, 0.1, 0.11, 0.07)


@dataclass(frozen=True)
class MaskDraw:
    """All chance that shapes one mask, so that a sequence can draw once and vary a little from frame to frame."""

    shape: tuple[int, ...]
    grow: float
    bend: NDArray[np.float32]  # (2, S, S)
    soft_px: float
    shrink_px: int
    share: float


def draw_mask(side: int, rng: np.random.Generator) -> MaskDraw:
    """Draw a shape and how it is deformed, softened and weighed."""
    return MaskDraw(
        shape=_SHAPES[int(rng.choice(len(_SHAPES), p=_CHANCES))],
        grow=float(rng.uniform(0.88, 1.08)),
        bend=elastic(side, rng, rng.uniform(0.0, 0.05) * side, int(rng.integers(3, 6))),
        soft_px=float(np.exp(rng.uniform(np.log(0.6), np.log(0.06 * side)))),
        shrink_px=int(rng.integers(0, 4)),
        share=float(rng.choice([0.6, 0.8, 1.0, 1.0, 1.0, 1.0])),
    )


def make_mask(marks: Points, draw: MaskDraw) -> Mask:
    """The mask over a face with `marks` (478, 2): its convex hull, bent, shrunk and softened."""
    side = draw.bend.shape[1]
    points = marks[list(draw.shape)]
    middle = points.mean(axis=0)
    hull = cv2.convexHull(((points - middle) * draw.grow + middle).astype(np.float32))
    drawn = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(drawn, np.round(hull).astype(np.int32), (255,))
    places = grid(side) + draw.bend
    bent = cv2.remap(drawn, places[0], places[1], cv2.INTER_LINEAR)
    if draw.shrink_px:
        bent = cv2.erode(bent, np.ones((draw.shrink_px, draw.shrink_px), np.uint8))
    soft = cv2.GaussianBlur(bent.astype(np.float32) / 255, (0, 0), draw.soft_px)
    return np.asarray(soft * draw.share, np.float32)
