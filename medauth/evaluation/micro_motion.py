"""Small, short facial movements put into real frames: what the spotter of micro-expressions is judged on.

Each frame is warped on its own around its own landmarks, so the movement rides on whatever the head does. The kernel is
Wendland's C2 function of compact support ("Piecewise polynomial, positive definite and compactly supported radial
functions", 1995): outside of its reach not a pixel changes. Training draws its movements with another kernel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.action_units import point_moves
from medauth.signals.face_flow import EYES_PX

WORKING_EYES_PX = EYES_PX
"""Amplitudes are given in pixels of the drawing that the signal measures in (about 1.7 mm a pixel)."""
_REACH = 0.34
"""Of the kernel, in eye distances."""
_STEP_PX = 4
_OUTER_RIGHT, _OUTER_LEFT = 33, 263


@dataclass(frozen=True, slots=True)
class MicroMotion:
    """One inserted movement; times in milliseconds, amplitude in working pixels at the apex."""

    onset_ms: float
    apex_ms: float
    offset_ms: float
    strengths: Mapping[int, float]
    amplitude_px: float
    label: str
    sides: tuple[float, float] = (1.0, 1.0)

    @property
    def duration_ms(self) -> float:
        """From onset to offset."""
        return self.offset_ms - self.onset_ms

    def strength_at(self, t_ms: float) -> float:
        """Share of the apex: raised cosines up and down, 0 outside."""
        if not self.onset_ms < t_ms < self.offset_ms:
            return 0.0
        rising = t_ms <= self.apex_ms
        part = (
            (t_ms - self.onset_ms) / (self.apex_ms - self.onset_ms)
            if rising
            else (self.offset_ms - t_ms) / (self.offset_ms - self.apex_ms)
        )
        return 0.5 - 0.5 * math.cos(math.pi * part)


def insert_motion(
    image: NDArray[np.uint8], landmarks: NDArray[np.float32], motion: MicroMotion, share: float
) -> NDArray[np.uint8]:
    """The frame (height, width, 3) uint8 with `share` of the motion's apex; `landmarks` (478, 3) belong to the frame."""
    eyes_px = float(np.hypot(*(landmarks[_OUTER_LEFT, :2] - landmarks[_OUTER_RIGHT, :2])))
    points, moves = point_moves(landmarks, motion.strengths, motion.sides)
    longest = float(np.hypot(moves[:, 0], moves[:, 1]).max(initial=1e-6))
    shifts = moves * (share * motion.amplitude_px * eyes_px / WORKING_EYES_PX / longest)
    return warp_locally(image, landmarks[points, :2].astype(np.float64), shifts, _REACH * eyes_px)


def warp_locally(
    image: NDArray[np.uint8], centres: NDArray[np.float64], shifts: NDArray[np.float64], reach_px: float
) -> NDArray[np.uint8]:
    """Moves the picture near `centres` [P, 2] by `shifts` [P, 2], both in pixels, fading to nothing at `reach_px`."""
    low = np.floor(centres.min(axis=0) - reach_px).astype(int)
    high = np.ceil(centres.max(axis=0) + reach_px).astype(int)
    left, top = (max(0, int(value)) for value in low)
    right, bottom = (
        min(limit, int(value)) for limit, value in zip((image.shape[1], image.shape[0]), high, strict=True)
    )
    if right - left < 2 * _STEP_PX or bottom - top < 2 * _STEP_PX:
        return image
    field = _field(centres - (left, top), shifts, (bottom - top, right - left), reach_px)
    columns, rows = np.meshgrid(np.arange(right - left, dtype=np.float32), np.arange(bottom - top, dtype=np.float32))
    part = image[top:bottom, left:right]
    # Backward map: a pixel takes its value from where it came.
    moved = cv2.remap(
        part, columns - field[..., 0], rows - field[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    warped = image.copy()
    warped[top:bottom, left:right] = moved
    return warped


def _field(
    centres: NDArray[np.float64], shifts: NDArray[np.float64], shape: tuple[int, int], reach_px: float
) -> NDArray[np.float32]:
    """Displacement float32 (height, width, 2): weighted mean of the shifts, faded where no centre is near."""
    height, width = shape
    columns, rows = max(2, width // _STEP_PX), max(2, height // _STEP_PX)
    x = (np.arange(columns) + 0.5) * width / columns - 0.5
    y = (np.arange(rows) + 0.5) * height / rows - 0.5
    away = np.hypot(x[None, :, None] - centres[:, 0], y[:, None, None] - centres[:, 1]) / reach_px
    near = np.maximum(0.0, 1.0 - away)
    weights = near**4 * (4 * away + 1)
    total = weights.sum(axis=-1, keepdims=True)
    mean = weights @ shifts / np.maximum(total, 1e-9)
    fade = np.minimum(1.0, weights.max(axis=-1, keepdims=True) * 1.25)
    coarse = np.asarray(mean * fade, np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
