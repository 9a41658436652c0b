"""A photograph before the camera: held still, moved by hand, or with its lids moved by a warp.

No motion of paper is a blink. The lid warps are what an afternoon of work gets out of one picture: lids pulled down over
the eye with the skin above, or the eye itself squeezed shut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from medauth.evaluation.degraded import Landmarks, Picture, sheet_view

_FPS = 30
_EXPOSURE = (-0.25, 0.0, 0.25)
"""When a frame's light is gathered, in frame intervals: motion between them blurs it."""
_LID_COURSE = (0.35, 0.8, 1.0, 1.0, 0.8, 0.5, 0.2)
_LID_PAUSE, _LID_PERIOD = 20, 45
# FaceMesh rows of points across each eye, from one corner to the other: brow's lower edge, upper lid, lower lid.
_EYES = (
    ((46, 53, 52, 65, 55), (33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    (
        (285, 295, 282, 283, 276),
        (362, 398, 384, 385, 386, 387, 388, 466, 263),
        (362, 382, 381, 380, 374, 373, 390, 249, 263),
    ),
)


@dataclass(frozen=True, slots=True)
class Hand:
    """How a sheet is held: largest nod, turn and tilt in degrees, drift as a share of the width, tremor in pixels."""

    nod: float = 12.0
    turn: float = 18.0
    tilt: float = 8.0
    drift: float = 0.05
    tremor: float = 1.0
    light: float = 0.15


PHOTO_KINDS = ("held still", "moved by hand", "moved wildly", "lids squeezed by warp", "lids drawn over by warp")
STILL = Hand(0, 0, 0, 0, 0, 0.02)
GENTLE = Hand()
WILD = Hand(nod=30, turn=36, tilt=18, drift=0.1, tremor=2.5, light=0.3)


def held(photo: Picture, hand: Hand, frames: int, seed: int) -> Iterator[tuple[float, Picture]]:
    """Time in ms and picture of `frames` frames at 30 a second, with the blur of motion and the noise of a camera."""
    return filmed([photo] * frames, hand, seed)


def filmed(photos: list[Picture], hand: Hand, seed: int) -> Iterator[tuple[float, Picture]]:
    """As `held`, the sheet showing one picture after the other."""
    random = np.random.default_rng(seed)
    phases, rates = random.uniform(0, 2 * np.pi, 7), random.uniform(0.25, 1.0, 7)
    tremor = cv2.GaussianBlur(random.normal(0, 1, (len(photos) + 2, 2)), (1, 5), 1.0) * hand.tremor
    for index, photo in enumerate(photos):
        height, width = photo.shape[:2]
        total = np.zeros(photo.shape, np.float32)
        for part in _EXPOSURE:
            t_s = (index + part) / _FPS
            wave = np.sin(2 * np.pi * rates * t_s + phases)
            shake = tremor[index] + part * (tremor[index + 1] - tremor[index])
            shift = hand.drift * wave[3:5] + shake / width
            view = sheet_view(
                (width, height),
                (hand.nod * wave[0], hand.turn * wave[1], hand.tilt * wave[2]),
                (float(shift[0]), float(shift[1])),
                1.0 + 2 * hand.drift * wave[5],
            )
            total += cv2.warpPerspective(photo, view, (width, height), borderValue=(96, 104, 110))
        lit = total / len(_EXPOSURE) * (1 + hand.light * np.sin(2 * np.pi * rates[6] * index / _FPS + phases[6]))
        noisy = lit + random.normal(0, 4, photo.shape)
        yield 1000 * index / _FPS, np.clip(noisy, 0, 255).astype(np.uint8)


def with_lids(photo: Picture, landmarks: Landmarks, closed: float, *, squeezed: bool) -> Picture:
    """The photograph with both lids down by the share `closed`, by a warp of the picture alone.

    The skin above follows the lid; what is left of the eye is covered, or with `squeezed` pressed together.
    """
    height, width = photo.shape[:2]
    from_y, from_x = (grid.astype(np.float32) for grid in np.mgrid[0:height, 0:width])
    for brow, upper, lower in _EYES:
        corners = landmarks[[upper[0], upper[-1]], 0]
        left, right = int(np.ceil(corners.min())), int(np.floor(corners.max()))
        for x in range(max(0, left), min(width - 1, right) + 1):
            top, lid, bottom = (_height_at(landmarks, row, x) for row in (brow, upper, lower))
            column = slice(max(0, int(top)), min(height, int(np.ceil(bottom)) + 1))
            goal = lid + closed * (bottom - lid)
            rows = np.arange(column.start, column.stop, dtype=np.float32)
            above = np.interp(rows, [top, goal], [top, lid])
            below = np.interp(rows, [goal, bottom], [lid, bottom]) if squeezed else rows
            from_y[column, x] = np.where(rows < goal, above, below)
    return np.asarray(cv2.remap(photo, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def lids_moving(photo: Picture, landmarks: Landmarks, frames: int, *, squeezed: bool) -> list[Picture]:
    """One picture a frame: the lids close and open within 8 frames, every 45 frames."""
    shapes = [with_lids(photo, landmarks, closed, squeezed=squeezed) for closed in _LID_COURSE]
    period = [photo] * _LID_PAUSE + shapes + [photo] * (_LID_PERIOD - _LID_PAUSE - len(shapes))
    return [period[index % _LID_PERIOD] for index in range(frames)]


def _height_at(landmarks: Landmarks, row: tuple[int, ...], x: float) -> float:
    points = landmarks[list(row), :2]
    order = np.argsort(points[:, 0])
    return float(np.interp(x, points[order, 0], points[order, 1]))
