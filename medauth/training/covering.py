"""Hands, cups and telephones before faces: drawn over real and forged pictures alike, so that being covered tells nothing.

A patch of one colour (`degrading`) did not teach that: hands still looked painted (ADR 0590).

People touch their faces, and a check asks for a hand across it. A hand is fingers side by side and a palm in the tone of
the face, rounded by shading, blotched, with a soft edge, a shadow beside it and the blur of its motion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.signals.face_contours import FACE_OVAL

Image = NDArray[np.uint8]
Points = NDArray[np.float32]

_CHEEKS = (50, 280, 205, 425)
_ROUND = 0.45  # how much darker the edge of a round thing is


@dataclass(frozen=True)
class Cover:
    """One thing before a face: where it lies in pixels, which way it points, how large it is, what it looks like."""

    place: tuple[float, float]
    angle_deg: float
    width_px: float
    fingers: int  # 0: a cup or a telephone
    spread: float
    colour: NDArray[np.float64]  # (3,) BGR
    blur_px: tuple[float, float]  # of its motion, across and down
    soft_px: float
    shadow: float
    seed: int

    def at(self, across: float, down: float) -> Cover:
        """The same, moved by so many pixels."""
        return replace(self, place=(self.place[0] + across, self.place[1] + down))


def draw_cover(image: Image, marks: Points, rng: np.random.Generator) -> Cover:
    """Draw what covers part of the face in `image` (S, S, 3) with `marks` (478, 2): a hand seven times of ten."""
    oval = marks[list(FACE_OVAL)]
    low, high = oval.min(axis=0), oval.max(axis=0)
    hand = rng.random() < 0.7  # noqa: PLR2004
    colour = rng.uniform(10, 230, 3)
    if hand:
        side = image.shape[0]
        at = np.clip(np.round(marks[list(_CHEEKS)]).astype(int), 0, side - 1)
        colour = image[at[:, 1], at[:, 0]].astype(np.float64).mean(axis=0) * rng.uniform(0.7, 1.3) + rng.normal(0, 8, 3)
    return Cover(
        place=(float(rng.uniform(low[0], high[0])), float(rng.uniform(low[1], high[1]))),
        angle_deg=float(rng.uniform(0, 360)),
        width_px=float(rng.uniform(0.25, 0.85) * (high[0] - low[0])),
        fingers=int(rng.integers(1, 5)) if hand else 0,
        spread=float(rng.uniform(0, 0.35)),
        colour=np.clip(colour, 4, 250),
        blur_px=(float(rng.exponential(2.0)), float(rng.exponential(1.0))),
        soft_px=float(rng.uniform(0.5, 1.6)),
        shadow=float(rng.uniform(0, 0.35)),
        seed=int(rng.integers(2**31)),
    )


def lay_over(image: Image, cover: Cover) -> Image:
    """The picture (S, S, 3) with the thing before it."""
    side = image.shape[0]
    mask, height = _shape(cover, side)
    beside = np.roll(mask, (int(0.06 * side), int(0.04 * side)), axis=(0, 1))
    dark = 1 - cover.shadow * cv2.GaussianBlur(beside, (0, 0), 0.03 * side)[..., None]
    rng = np.random.default_rng(cover.seed)
    blotches = cv2.resize(rng.normal(0, 7, (8, 8)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    grain = rng.normal(0, 2.5, (side, side)).astype(np.float32)
    skin = cover.colour * (1 - _ROUND + _ROUND * height[..., None]) + (blotches + grain)[..., None]
    share = mask[..., None]
    return np.asarray(np.clip(image * dark * (1 - share) + skin * share, 0, 255), np.uint8)


def _shape(cover: Cover, side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where it is, float32 (S, S) in 0..1, and how far it stands out, 0 at an edge to 1 in the middle of a finger."""
    drawn = np.zeros((side, side), np.uint8)
    height = np.zeros((side, side), np.float32)
    for start, end, thick in _parts(cover):
        part = np.zeros_like(drawn)
        cv2.line(part, start, end, (255,), max(2, round(thick)), cv2.LINE_AA)
        away = cv2.distanceTransform((part > 127).astype(np.uint8), cv2.DIST_L2, 3)  # noqa: PLR2004
        height = np.maximum(height, np.sqrt(np.clip(2 * away / max(2.0, thick), 0, 1)))
        drawn = np.maximum(drawn, part)
    mask = np.asarray(cv2.GaussianBlur(drawn.astype(np.float32) / 255, (0, 0), cover.soft_px), np.float32)
    across, down = cover.blur_px
    if max(across, down) > 1:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), sigmaX=max(0.3, across), sigmaY=max(0.3, down)), np.float32)
    return mask, np.asarray(height, np.float32)


def _parts(cover: Cover) -> list[tuple[tuple[int, int], tuple[int, int], float]]:
    """Thick lines: a palm and its fingers, or one block."""
    if cover.fingers == 0:
        return [_line(cover, (0.0, -0.5), (0.0, 0.5), 0.0, 1.0)]
    rng = np.random.default_rng(cover.seed)
    thick = 0.24
    parts = [_line(cover, (0.0, 0.2), (0.0, 2.5), 0.0, 0.25 * cover.fingers)]
    for index in range(cover.fingers):
        aside = (index - (cover.fingers - 1) / 2) * thick * 1.05
        parts.append(_line(cover, (aside, 0.3), (aside, -rng.uniform(0.7, 1.1)), cover.spread * aside, thick))
    return parts


def _line(
    cover: Cover, start: tuple[float, float], end: tuple[float, float], lean: float, thick: float
) -> tuple[tuple[int, int], tuple[int, int], float]:
    """From the thing's own frame, in its widths, to pixels."""
    angle = np.radians(cover.angle_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.array([start, (end[0] + lean, end[1])]) @ turn.T * cover.width_px + cover.place
    (x1, y1), (x2, y2) = np.round(points).astype(int).tolist()
    return (x1, y1), (x2, y2), thick * cover.width_px
