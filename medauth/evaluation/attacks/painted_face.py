"""A face painted over another one, or over itself: what pasting leaves behind, without any one forger's software.

*face_swap*: the donor's face is carried triangle by triangle onto the target's landmarks, its brightness and colour are
brought to the target's by histogram matching (Gonzalez & Woods, chapter 3), and it is pasted in the gradient domain
(Perez et al., "Poisson image editing", SIGGRAPH 2003) or under a feathered mask. *self_blend*: the same with the face's
own picture, shifted, resized and coded again on the way (after Shiohara & Yamasaki 2022, with other draws).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.attacks.mesh_warp import MESH, OUTLINE, FaceSheet, Picture, draw
from medauth.evaluation.jpeg import through_jpeg

Random = np.random.Generator
Landmarks = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Brush:
    """How one forger paints. Lengths in widths of the face."""

    inset: float
    """The mask's edge lies so far inside the outline."""
    feather: float
    poisson: bool
    matched: float
    """Share of the colour difference that is taken away."""
    size_px: int
    """Side of the square in which the forger's network draws the face: what is finer is lost."""
    shift: tuple[float, float]
    zoom: float
    quality: int
    flicker: float
    """Jitter of the landmarks from frame to frame."""


def draw_brush(random: Random) -> Brush:
    """From a crude paste to a careful one."""
    return Brush(
        inset=float(random.uniform(0.0, 0.07)),
        feather=float(random.uniform(0.01, 0.06)),
        poisson=bool(random.random() < 0.4),  # noqa: PLR2004
        matched=float(random.uniform(0.6, 1.0)),
        size_px=int(random.choice([96, 128, 160, 224])),
        shift=(float(random.normal(0, 0.012)), float(random.normal(0, 0.012))),
        zoom=float(random.normal(1.0, 0.02)),
        quality=int(random.integers(45, 95)),
        flicker=float(random.uniform(0.0, 0.006)),
    )


def swapped(picture: Picture, landmarks: Landmarks, donor: FaceSheet, brush: Brush, random: Random) -> Picture:
    """The donor's face in the picture (h, w, 3) uint8 BGR, of the donor's size, at its landmarks (468 or more, 3)."""
    goal = _shaken(landmarks, brush, random)
    drawn = _as_network(_carried(donor, goal), goal, brush.size_px)
    return _pasted(drawn, picture, goal, brush)


def blended_with_itself(picture: Picture, landmarks: Landmarks, brush: Brush, random: Random) -> Picture:
    """The face's own picture, moved a little and drawn again, pasted over it."""
    goal = _shaken(landmarks, brush, random)
    height, width = picture.shape[:2]
    span = _width(goal)
    middle = goal[list(OUTLINE), :2].mean(axis=0)
    moved = np.array([[brush.zoom, 0, 0], [0, 2 - brush.zoom, 0]], np.float64)
    moved[:, 2] = middle - moved[:, :2] @ middle + np.array(brush.shift) * span
    again = np.asarray(cv2.warpAffine(picture, moved, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    toned = cv2.convertScaleAbs(again, alpha=1 + 4 * (brush.zoom - 1), beta=300 * brush.shift[0])
    drawn = through_jpeg(np.asarray(toned, np.uint8), brush.quality)
    return _pasted(_as_network(drawn, goal, brush.size_px), picture, goal, brush, fit=False)


def _shaken(landmarks: Landmarks, brush: Brush, random: Random) -> NDArray[np.float32]:
    """Landmarks as a forger's own tracker sees them: the whole mask trembles."""
    jitter = random.normal(0, brush.flicker * _width(landmarks), 2)
    return np.asarray(landmarks[:MESH] + np.array([*jitter, 0.0]), np.float32)


def _width(landmarks: Landmarks) -> float:
    return float(np.ptp(landmarks[list(OUTLINE), 0]))


def _carried(donor: FaceSheet, goal: NDArray[np.float32]) -> Picture:
    """The donor's face with its landmarks on the goal's (468, 3); what lies around it follows by the best similarity."""
    face = np.ascontiguousarray(donor.points[:MESH, :2])
    fit, _ = cv2.estimateAffinePartial2D(face, np.ascontiguousarray(goal[:, :2]), method=cv2.LMEDS)
    moved = donor.points.copy()
    moved[:, :2] = donor.points[:, :2] @ fit[:, :2].T + fit[:, 2]
    moved[:MESH] = goal
    return draw(donor, moved)


def _as_network(picture: Picture, goal: NDArray[np.float32], size_px: int) -> Picture:
    """Drawn in a square of so many pixels and stretched back: where the face is larger, detail is gone."""
    side = 1.3 * _width(goal)
    scale = size_px / side
    if scale >= 1:
        return picture
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC), np.uint8)


def _pasted(drawn: Picture, picture: Picture, goal: NDArray[np.float32], brush: Brush, *, fit: bool = True) -> Picture:
    outline = goal[list(OUTLINE), :2]
    middle = outline.mean(axis=0)
    edge = middle + (outline - middle) * (1 - 2 * brush.inset)
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(edge).astype(np.int32)], (255,))
    if fit:
        drawn = _matched(drawn, picture, mask, brush.matched)
    if brush.poisson and fit:
        return _poisson(drawn, picture, mask)
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.6, brush.feather * _width(goal))).astype(np.float32)[..., None] / 255
    return np.asarray(drawn * soft + picture * (1 - soft), np.uint8)


def _matched(drawn: Picture, picture: Picture, mask: NDArray[np.uint8], share: float) -> Picture:
    """Histogram of each channel brought to the target's, inside the mask."""
    inside = mask > 0
    if not inside.any():
        return drawn
    curves = np.zeros((256, 3))
    for channel in range(3):
        mine = np.cumsum(np.bincount(drawn[..., channel][inside], minlength=256)) / inside.sum()
        wanted = np.cumsum(np.bincount(picture[..., channel][inside], minlength=256)) / inside.sum()
        curves[:, channel] = np.interp(mine, wanted, np.arange(256))
    blended = share * curves + (1 - share) * np.arange(256)[:, None]
    return np.asarray(cv2.LUT(drawn, np.asarray(np.clip(blended, 0, 255), np.uint8)[None]), np.uint8)


def _poisson(drawn: Picture, picture: Picture, mask: NDArray[np.uint8]) -> Picture:
    x, y, width, height = cv2.boundingRect(mask)
    if x <= 1 or y <= 1 or x + width >= picture.shape[1] - 1 or y + height >= picture.shape[0] - 1:
        soft = cv2.GaussianBlur(mask, (0, 0), 2.0).astype(np.float32)[..., None] / 255
        return np.asarray(drawn * soft + picture * (1 - soft), np.uint8)
    centre = (x + width // 2, y + height // 2)
    return np.asarray(cv2.seamlessClone(drawn, picture, mask, centre, cv2.NORMAL_CLONE), np.uint8)
