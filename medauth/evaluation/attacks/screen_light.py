"""The colours of the light challenge on what is before the camera: those that were issued, others, or none.

Light adds up in linear values: what a surface sends back is its own colour times the room's light plus the screen's
(Lambert). Whoever plays a film reckons the same into it, with the colours they know.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Random = np.random.Generator
Rgb = tuple[int, int, int]
_LEVELS = np.linspace(0.0, 1.0, 256)


class Lighting(StrEnum):
    """Whose colours fall on the face."""

    ISSUED = "issued"
    """Something real stands before the screen, or a program reads the colours and reckons them in."""
    NONE = "none"
    OTHER = "other"
    """The film was lit by the colours of another check."""


@dataclass(slots=True)
class ScreenLight:
    """How strongly a screen lights what is before it, beside the room."""

    lighting: Lighting
    random: Random
    strength: float = 0.0
    """The screen's share of the room's light, for a white screen."""
    delay_ms: float = 0.0
    _began_ms: float | None = None
    _seen: list[tuple[float, Rgb | None]] | None = None

    def __post_init__(self) -> None:
        self.strength = self.strength or float(self.random.uniform(0.12, 0.4))
        self.delay_ms = self.delay_ms or float(self.random.uniform(40, 120))
        self._seen = []

    def on(self, scene: Picture, t_ms: float, issued: Rgb | None) -> Picture:
        """The scene (h, w, 3) uint8 BGR, with the colour that reaches it at `t_ms`."""
        rgb = self._reaching(t_ms, issued)
        if rgb is None:
            return scene
        screen = (np.array(rgb[::-1]) / 255.0) ** 2.2
        gains = 1.0 + self.strength * screen
        curves = np.clip((_LEVELS[:, None] ** 2.2) * gains[None], 0, 1) ** (1 / 2.2)
        return np.asarray(cv2.LUT(scene, np.asarray(255 * curves + 0.5, np.uint8)[None]), np.uint8)

    def _reaching(self, t_ms: float, issued: Rgb | None) -> Rgb | None:
        """The colour of some moments ago: display and camera take their time."""
        assert self._seen is not None
        if self.lighting is Lighting.NONE:
            return None
        if not self._seen or self._seen[-1][1] != issued:
            self._seen.append((t_ms, issued))
        past = [rgb for since, rgb in self._seen if since <= t_ms - self.delay_ms]
        rgb = past[-1] if past else None
        return rgb if self.lighting is Lighting.ISSUED or rgb is None else (rgb[1], rgb[2], rgb[0])
