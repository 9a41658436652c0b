"""The colours of the light challenge on what is before the camera: those that were issued, others, or none.

Light adds up in linear values: what a surface sends back is its own colour times the room's light plus the screen's
(Lambert). Whoever plays a film reckons the same into it, with the colours they know.

How much a screen adds follows from its luminance, its area and its distance, E = L A / d2 on a face straight before it, by
the room's light on that face. Rooms lie between a lamp in the evening and an office, evenly in stops: of 10,000 draws the
middle half has a screen of 0.36 to 1.1 times the room, a tenth less than 0.23, a tenth more than 1.8.
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


@dataclass(frozen=True, slots=True)
class Display:
    """What stands before a face: its lit area in square metres, luminance of white in cd/m2 and distance in metres, from and
    to."""

    area_m2: float
    luminance: tuple[float, float]
    distance_m: tuple[float, float]

    def lux(self, random: Random) -> float:
        """Of its white, on a face straight before it."""
        return float(random.uniform(*self.luminance) * self.area_m2 / random.uniform(*self.distance_m) ** 2)


DISPLAYS = (
    Display(0.0105, (300.0, 600.0), (0.25, 0.4)),  # a phone at full brightness, in the hand
    Display(0.06, (200.0, 400.0), (0.4, 0.65)),  # a laptop
    Display(0.18, (200.0, 350.0), (0.5, 0.8)),  # a monitor
)
ROOM_LUX = (40.0, 300.0)
"""On the face."""
PAGE = 0.45
"""What the screen shows before and after the colours, by its white."""


def draw_strength(random: Random) -> float:
    """The white screen's light on the face, by the room's."""
    room_lux = float(np.exp(random.uniform(*np.log(ROOM_LUX))))
    return DISPLAYS[int(random.integers(len(DISPLAYS)))].lux(random) / room_lux


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
    """The white screen's light by the room's."""
    delay_ms: float = 0.0
    _began_ms: float | None = None
    _seen: list[tuple[float, Rgb | None]] | None = None

    def __post_init__(self) -> None:
        self.strength = self.strength or draw_strength(self.random)
        self.delay_ms = self.delay_ms or float(self.random.uniform(40, 120))
        self._seen = []

    def on(self, scene: Picture, t_ms: float, issued: Rgb | None) -> Picture:
        """The scene (h, w, 3) uint8 BGR, with the colour that reaches it at `t_ms`."""
        if self.lighting is Lighting.NONE:
            return scene
        rgb = self._reaching(t_ms, issued)
        screen = np.full(3, PAGE) if rgb is None else (np.array(rgb[::-1]) / 255.0) ** 2.2
        # As bright as the picture is under the white screen, and never brighter: nothing is lost at the top.
        gains = (1.0 + self.strength * screen) / (1.0 + self.strength)
        curves = np.clip((_LEVELS[:, None] ** 2.2) * gains[None], 0, 1) ** (1 / 2.2)
        return np.asarray(cv2.LUT(scene, np.asarray(255 * curves + 0.5, np.uint8)[None]), np.uint8)

    def _reaching(self, t_ms: float, issued: Rgb | None) -> Rgb | None:
        """The colour of some moments ago: display and camera take their time."""
        assert self._seen is not None
        if not self._seen or self._seen[-1][1] != issued:
            self._seen.append((t_ms, issued))
        past = [rgb for since, rgb in self._seen if since <= t_ms - self.delay_ms]
        rgb = past[-1] if past else None
        return rgb if self.lighting is Lighting.ISSUED or rgb is None else (rgb[1], rgb[2], rgb[0])
