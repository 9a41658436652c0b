"""What a photograph with open eyes does not have: lids that close over them.

A mesh that pulls the upper lid down brings the shadow under the brow with it, and on a small picture that reads as an eye,
not as a lid. Whoever prepares an attack paints instead: skin from below the eye, down to an edge of lashes.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.attacks.mesh_warp import OUTER_CORNERS, Picture, Points

Floats = NDArray[np.float64]

# FaceMesh rows across each eye, corner to corner: upper lid, lower lid; and the skin under it.
LIDS = (
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    ((263, 466, 388, 387, 386, 385, 384, 398, 362), (263, 249, 390, 373, 374, 380, 381, 382, 362)),
)
UNDER = ((228, 229, 230, 231), (448, 449, 450, 451))
_LEAST = 0.04
_LASHES = 0.25
"""Of the skin's brightness: a line that the face mesh follows (twelve faces of LFW, in none of the figures)."""
_SHIFT = 4
"""Sub-pixel bits of OpenCV's drawing."""


def lids_over(picture: Picture, points: Points, amount: float) -> Picture:
    """The picture (h, w, 3) of a face whose landmarks (n, 3) have open eyes, its lids down by `amount` (1: shut)."""
    if amount < _LEAST:
        return picture
    unit = float(np.hypot(*(points[OUTER_CORNERS[0], :2] - points[OUTER_CORNERS[1], :2])))
    painted = picture
    for (upper, lower), under in zip(LIDS, UNDER, strict=True):
        above, below = points[list(upper), :2].astype(np.float64), points[list(lower), :2].astype(np.float64)
        edge = above + min(amount, 1.0) * (below - above)
        painted = _one(painted, above, edge, _skin(picture, points[list(under), :2]), unit)
    return painted


def _one(picture: Picture, above: Floats, edge: Floats, skin: Floats, unit: float) -> Picture:
    """One lid: skin between its fold and its edge, lashes along the edge."""
    lid = np.zeros(picture.shape[:2], np.uint8)
    top = above - np.array([0.0, 0.02 * unit])
    cv2.fillPoly(lid, [_fixed(np.vstack([top, edge[::-1]]))], (255,), cv2.LINE_AA, _SHIFT)
    lashes = np.zeros(picture.shape[:2], np.uint8)
    thick = max(1, round(0.022 * unit))
    cv2.polylines(
        lashes, [_fixed(edge)], isClosed=False, color=(255,), thickness=thick, lineType=cv2.LINE_AA, shift=_SHIFT
    )
    over = _share(lid, 0.012 * unit)
    line = _share(lashes, 0.008 * unit) * 0.9
    painted = picture * (1 - over) + skin * over
    return np.asarray(painted * (1 - line) + _LASHES * skin * line, np.uint8)


def _share(mask: NDArray[np.uint8], sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.4, sigma)).astype(np.float64)[..., None] / 255)


def _skin(picture: Picture, places: NDArray[np.float32]) -> Floats:
    """(3,) BGR: the skin's colour under the eye."""
    height, width = picture.shape[:2]
    columns = np.clip(places[:, 0].round().astype(int), 1, width - 2)
    rows = np.clip(places[:, 1].round().astype(int), 1, height - 2)
    near = [
        picture[row - 1 : row + 2, column - 1 : column + 2].reshape(-1, 3)
        for row, column in zip(rows, columns, strict=True)
    ]
    return np.asarray(np.median(np.concatenate(near), axis=0), np.float64)


def _fixed(points: Floats) -> NDArray[np.int32]:
    return np.asarray(np.round(points * (1 << _SHIFT)), np.int32)
