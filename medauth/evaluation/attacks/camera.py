"""The camera before which an attack is shown: it finds its exposure and its white by itself, has a tone curve, noise and a
codec, and a real face passes through the very same one.

Formulas and ranges are this module's own; no detector and no training knows them. Gains act on light: a table of 256
entries a channel undoes the picture's tone curve, applies them, and puts the camera's own on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.jpeg import through_jpeg

Picture = NDArray[np.uint8]
Random = np.random.Generator
_LEVELS = np.linspace(0.0, 1.0, 256)
_SETTLE_MS = 700.0
_FIELDS = 4
_SLIDE = 48


@dataclass(frozen=True, slots=True)
class CameraKind:
    """One webcam. `goal` is the mean grey level it aims at, `tone` the exponent of its curve, `noise` in grey levels."""

    goal: float
    tone: float
    balance: tuple[float, float, float]
    """What its white is off by: gains of blue, green, red."""
    corrects: float
    """Share of a colour cast of the scene that its white balance takes away."""
    noise: float
    softness_px: float
    quality: int
    """Of its own JPEG (MJPEG over USB)."""


def draw_camera(random: Random) -> CameraKind:
    """From a good laptop camera to a cheap one."""
    return CameraKind(
        goal=float(random.uniform(96, 138)),
        tone=float(random.uniform(0.42, 0.52)),
        balance=(float(random.uniform(0.93, 1.07)), 1.0, float(random.uniform(0.93, 1.07))),
        corrects=float(random.uniform(0.3, 0.8)),
        noise=float(random.uniform(0.8, 3.2)),
        softness_px=float(random.uniform(0.35, 0.8)),
        quality=int(random.integers(72, 94)),
    )


@dataclass(slots=True)
class Camera:
    """Takes one picture after the other: exposure and white follow the scene with a lag."""

    kind: CameraKind
    random: Random
    _gains: NDArray[np.float64] | None = None
    _last_ms: float = 0.0
    _noise: list[NDArray[np.int16]] = field(default_factory=list)

    def take(self, scene: Picture, t_ms: float) -> Picture:
        """The scene (h, w, 3) uint8 BGR, as light behind a tone curve of 1/2.2, as this camera delivers it."""
        seen = cv2.GaussianBlur(scene, (0, 0), self.kind.softness_px)
        wanted = self._wanted(seen)
        share = 1.0 if self._gains is None else 1 - np.exp(-max(0.0, t_ms - self._last_ms) / _SETTLE_MS)
        before = wanted if self._gains is None else self._gains
        self._gains, self._last_ms = before + share * (wanted - before), t_ms
        curves = self._curves(self._gains)
        noisy = cv2.add(cv2.LUT(seen, curves), self._grain((scene.shape[0], scene.shape[1])), dtype=cv2.CV_8U)
        return through_jpeg(np.asarray(noisy, np.uint8), self.kind.quality)

    def _wanted(self, seen: NDArray[np.generic]) -> NDArray[np.float64]:
        """(3,) gains on light that the automatics aim at: grey world in part, then the goal, within four stops."""
        small = cv2.resize(np.asarray(seen), (32, 24), interpolation=cv2.INTER_AREA).reshape(-1, 3)
        light = ((small / 255.0) ** 2.2).mean(axis=0) + 1e-4
        white = (light.mean() / light) ** self.kind.corrects
        exposure = (self.kind.goal / 255.0) ** (1 / self.kind.tone) / float((light * white).mean())
        return np.asarray(white * np.clip(exposure, 0.25, 4.0) * self.kind.balance)

    def _curves(self, gains: NDArray[np.float64]) -> NDArray[np.uint8]:
        """(1, 256, 3) uint8: light times gain, a soft shoulder instead of a hard clip, the tone curve."""
        light = (_LEVELS[:, None] ** 2.2) * gains[None]
        bent = light * (1 + light / 3.0) / (1 + light)  # Reinhard's curve with a white point (SIGGRAPH 2002)
        shown = np.clip(1.25 * bent, 0.0, 1.0) ** self.kind.tone
        return np.asarray(np.round(255 * shown), np.uint8)[None]

    def _grain(self, size: tuple[int, int]) -> NDArray[np.int16]:
        """A few fields drawn once; every picture takes another piece of another one."""
        height, width = size
        if not self._noise:
            shape = (height + _SLIDE, width + _SLIDE, 3)
            for _ in range(_FIELDS):
                drawn = self.random.normal(0.0, self.kind.noise, shape)
                self._noise.append(np.asarray(np.round(drawn), np.int16))
        top, left = self.random.integers(0, _SLIDE, 2)
        chosen = self._noise[int(self.random.integers(_FIELDS))]
        return np.ascontiguousarray(chosen[top : top + height, left : left + width])
