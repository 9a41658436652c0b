"""Something flat with a face on it, held by a hand before the camera: where it lies from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.degraded import sheet_view

Picture = NDArray[np.uint8]
Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Grip:
    """How steadily it is held: largest turns in degrees, drift as a share of the width, tremor in pixels."""

    turns_deg: tuple[float, float, float]
    drift: float
    tremor_px: float
    rates_hz: tuple[float, ...]
    phases: tuple[float, ...]
    nearness: float
    """1: the sheet fills the view."""

    def view(self, size: tuple[int, int], t_ms: float) -> NDArray[np.float64]:
        """3 x 3 homography of the sheet at `t_ms`."""
        wave = [
            np.sin(2 * np.pi * rate * t_ms / 1_000 + phase)
            for rate, phase in zip(self.rates_hz, self.phases, strict=True)
        ]
        angles = tuple(turn * w for turn, w in zip(self.turns_deg, wave, strict=False))
        tremble = self.tremor_px / size[0]
        shift = (self.drift * wave[3] + tremble * wave[5], self.drift * wave[4] + tremble * wave[6])
        return sheet_view(size, (angles[0], angles[1], angles[2]), shift, self.nearness)


def draw_grip(random: Random, nearness: float, calm: float = 1.0) -> Grip:
    """A hand: slow sway below 1 Hz, physiological tremor of 6 to 10 Hz. `calm` 0 is a stand."""
    slow = [float(r) for r in random.uniform(0.1, 0.6, 5)]
    fast = [float(r) for r in random.uniform(6, 10, 2)]
    return Grip(
        turns_deg=tuple(float(calm * t) for t in random.uniform((3, 3, 1), (9, 11, 5))),  # type: ignore[arg-type]
        drift=float(calm * random.uniform(0.005, 0.02)),
        tremor_px=float(calm * random.uniform(0.2, 0.9)),
        rates_hz=(*slow, *fast),
        phases=tuple(float(p) for p in random.uniform(0, 2 * np.pi, 7)),
        nearness=nearness,
    )


def laid(sheet: Picture, behind: Picture, view: NDArray[np.float64], light: float = 1.0) -> Picture:
    """The sheet over what is behind it (same size), where `view` places it."""
    height, width = behind.shape[:2]
    seen = cv2.warpPerspective(sheet, view, (width, height), flags=cv2.INTER_AREA)
    inside = cv2.warpPerspective(np.full(sheet.shape[:2], 255, np.uint8), view, (width, height))
    lit = seen if light == 1.0 else cv2.convertScaleAbs(seen, alpha=light)
    share = (inside.astype(np.float32) / 255)[..., None]
    return np.asarray(lit * share + behind * (1 - share), np.uint8)
