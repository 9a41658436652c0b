"""A hand drawn over real clips, passing before the face: for measuring, where nobody has been filmed doing so.

A palm with four fingers, a thumb and a forearm, in the tone of the person's own cheek made lighter or darker, shaded as
round, with blotches, a shadow on the face behind, and the blur of its own motion. What a face-swap tool makes of it is
drawn too: the face painted over the hand, as by a program that knows where the face is and not what is before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Landmarks = NDArray[np.float32]

_CHEEKS = (50, 280)
_OUTLINE = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
_NOSE, _RIGHT_EYE, _LEFT_EYE = 4, 33, 263
# In widths of the palm, fingers up: where each part begins and ends, and how thick it is.
_PARTS = (
    ((0.0, -0.25), (0.0, 0.25), 1.0),
    ((-0.37, -0.4), (-0.42, -1.15), 0.23),
    ((-0.12, -0.45), (-0.13, -1.35), 0.24),
    ((0.13, -0.45), (0.15, -1.3), 0.24),
    ((0.37, -0.4), (0.44, -1.05), 0.21),
    ((-0.4, 0.2), (-0.85, -0.3), 0.25),
    ((0.0, 0.3), (0.1, 4.0), 0.75),
)
_EXPOSURE = (-0.3, 0.0, 0.3)
"""When a frame's light is gathered, in frame intervals."""
_FRAME_MS = 33.0
_REACH = 3.2
"""How far from the nose a pass begins and ends, in distances of the outer eye corners."""


@dataclass(frozen=True, slots=True)
class HandPass:
    """One pass. `palm` and `height` in distances of the outer eye corners, `height` of the palm below the tip of the nose;
    `tone` times the brightness of the cheek; `to_left` of the person."""

    begins_ms: float
    lasts_ms: float = 1_200.0
    palm: float = 1.05
    height: float = 0.3
    tilt_deg: float = 0.0
    tone: float = 1.0
    tint: tuple[float, float, float] = (0.0, 0.0, 0.0)
    to_left: bool = True
    turns_back: bool = False
    """Goes as far as the nearer cheek and back: no pass."""
    seed: int = 0

    @property
    def ends_ms(self) -> float:
        """When the hand is out of reach again."""
        return self.begins_ms + self.lasts_ms


def drawn_pass(random: np.random.Generator, begins_ms: float) -> HandPass:
    """A pass as people differ: size, height, slant, tone, tint, side and haste."""
    return HandPass(
        begins_ms,
        lasts_ms=float(random.uniform(900, 2_200)),
        palm=float(random.uniform(0.85, 1.3)),
        height=float(random.uniform(0.0, 0.6)),
        tilt_deg=float(random.uniform(-35, 35)),
        tone=float(random.uniform(0.8, 1.25)),
        tint=tuple(float(v) for v in random.normal(0, 5, 3)),  # type: ignore[arg-type]
        to_left=bool(random.integers(2)),
        seed=int(random.integers(1 << 30)),
    )


def with_hand(image: Picture, landmarks: Landmarks, hand: HandPass, t_ms: float) -> Picture:
    """`image` (h, w, 3) with the hand where it is at `t_ms`; `landmarks` (478, 3) of the face in the bare image."""
    if not hand.begins_ms <= t_ms <= hand.ends_ms:
        return image
    covers = [_mask(image.shape, landmarks, hand, t_ms + part * _FRAME_MS) for part in _EXPOSURE]
    cover = np.mean(covers, axis=0, dtype=np.float32)[..., None]
    size = _eye_distance(landmarks)
    shadow = cv2.GaussianBlur(np.roll(covers[1], round(0.08 * size), axis=0), (0, 0), max(0.8, 0.09 * size))[..., None]
    shaded = image * (1.0 - 0.3 * shadow)
    drawn = cover * _skin(image, landmarks, hand, covers[1]) + (1 - cover) * shaded
    return np.asarray(np.clip(drawn, 0, 255), np.uint8)


def under_the_face(with_hand_drawn: Picture, painted: Picture, landmarks: Landmarks) -> Picture:
    """What a face-swap tool makes of it: the face of `painted` over the hand, blended at its outline."""
    mask = np.zeros(painted.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(landmarks[list(_OUTLINE), :2]).astype(np.int32)], (255,))
    soft = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), max(0.8, 0.06 * _eye_distance(landmarks)))[..., None]
    return np.asarray(np.clip(soft * painted + (1 - soft) * with_hand_drawn, 0, 255), np.uint8)


def _eye_distance(landmarks: Landmarks) -> float:
    return float(np.linalg.norm(landmarks[_LEFT_EYE, :2] - landmarks[_RIGHT_EYE, :2]))


def _place(landmarks: Landmarks, hand: HandPass, t_ms: float) -> tuple[float, float]:
    """Of the palm, in pixels: a smooth way from one side to the other, or to the near cheek and back."""
    share = min(1.0, max(0.0, (t_ms - hand.begins_ms) / hand.lasts_ms))
    reach = _REACH * _eye_distance(landmarks)
    way = share * share * (3 - 2 * share)
    x = (1 - np.sin(np.pi * share)) * 0.8 + 0.2 if hand.turns_back else 1 - 2 * way
    x = -x * reach if hand.to_left else x * reach
    return float(landmarks[_NOSE, 0] + x), float(landmarks[_NOSE, 1] + hand.height * _eye_distance(landmarks))


def _mask(shape: Sequence[int], landmarks: Landmarks, hand: HandPass, t_ms: float) -> NDArray[np.float32]:
    """(h, w) float32, 1 where the hand is."""
    mask = np.zeros(tuple(shape[:2]), np.uint8)
    centre = np.array(_place(landmarks, hand, t_ms))
    unit, slant = hand.palm * _eye_distance(landmarks), np.deg2rad(hand.tilt_deg)
    turned = np.array([[np.cos(slant), np.sin(slant)], [-np.sin(slant), np.cos(slant)]])
    for begin, end, thick in _PARTS:
        (ax, ay), (bx, by) = (
            np.round(centre + unit * (np.array(p) @ turned)).astype(int).tolist() for p in (begin, end)
        )
        cv2.line(mask, (ax, ay), (bx, by), (255,), max(1, round(thick * unit)), cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 0.7), np.float32)


def _skin(image: Picture, landmarks: Landmarks, hand: HandPass, mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 3) float32: the tone of the cheeks, shaded as if round, with blotches."""
    cheeks = [_around(image, landmarks[index, :2]) for index in _CHEEKS]
    tone = np.median(np.concatenate(cheeks), axis=0) * hand.tone + np.array(hand.tint)
    depth = cv2.distanceTransform(np.round(mask).astype(np.uint8), cv2.DIST_L2, 3)
    unit = max(2.0, 0.13 * hand.palm * _eye_distance(landmarks))
    round_ = np.clip(depth / unit, 0, 1)
    light = 0.62 + 0.38 * np.sqrt(round_) + 0.08 * cv2.Sobel(round_, cv2.CV_32F, 0, 1, ksize=3)
    coarse = np.random.default_rng(hand.seed).normal(0, 1, (24, 32)).astype(np.float32)
    blotches = cv2.resize(coarse, (mask.shape[1], mask.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(tone * (light * (1 + 0.035 * blotches))[..., None], np.float32)


def _around(image: Picture, point: NDArray[np.float32]) -> NDArray[np.uint8]:
    x, y = (max(4, round(float(v))) for v in point)
    return image[y - 4 : y + 5, x - 4 : x + 5].reshape(-1, 3)
