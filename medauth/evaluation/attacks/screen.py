"""A film shown on a display and filmed again: stripes of colour under a pixel grid, gamma, bands, glass and bezel.

The lattice is drawn, not computed: the shown frame is spread over red, green and blue stripes at three times the width of
the display's own resolution, and the camera samples that surface. Where stripes fall between its pixels, moire comes by
itself, as in nature.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.attacks.held_sheet import Grip, draw_grip, laid
from medauth.evaluation.jpeg import through_jpeg

Picture = NDArray[np.uint8]
Random = np.random.Generator
_STRIPES = 3
_BEZEL = (18, 17, 16)


@dataclass(frozen=True, slots=True)
class Display:
    """One display before one camera."""

    pitch: float
    """Camera pixels a pixel of the display."""
    gap: float
    """Share of a stripe's light that is missing between rows."""
    crosstalk: float
    """Share of each stripe's light that the neighbours show too: the camera's lens."""
    gamma: float
    white: tuple[float, float, float]
    black: float
    """Light of a black picture, 0..1: backlight that shines through, and the room in the glass."""
    brightness: float
    band_depth: float
    band_rows: float
    band_speed_hz: float
    glare: float
    glare_at: tuple[float, float]
    bezel: float
    quality: int
    """Of the film that is played."""
    shown_fps: float
    grip: Grip


def draw_display(random: Random) -> Display:
    """Telephone, tablet, laptop or monitor."""
    warm = random.normal(-0.05, 0.07)
    return Display(
        pitch=float(random.uniform(0.7, 2.0)),
        gap=float(random.uniform(0.05, 0.45)),
        crosstalk=float(random.uniform(0.25, 0.8)),
        gamma=float(random.uniform(1.9, 2.6)),
        white=(float(1 - warm), 1.0, float(1 + warm)),
        black=float(random.uniform(0.003, 0.05)),
        brightness=float(random.uniform(0.7, 1.5)),
        band_depth=float(random.choice([0.0, random.uniform(0.02, 0.12)])),
        band_rows=float(random.uniform(60, 300)),
        band_speed_hz=float(random.uniform(0.2, 3.0)),
        glare=float(random.choice([0.0, random.uniform(0.1, 0.5)])),
        glare_at=(float(random.uniform(0.1, 0.9)), float(random.uniform(0.1, 0.9))),
        bezel=float(random.choice([0.0, random.uniform(0.01, 0.06)])),
        quality=int(random.integers(40, 90)),
        shown_fps=float(random.choice([24.0, 25.0, 30.0])),
        grip=draw_grip(random, float(random.uniform(0.95, 1.15)), float(random.choice([0.0, 0.5]))),
    )


def refilmed(picture: Picture, behind: Picture, display: Display, t_ms: float) -> Picture:
    """What reaches the camera's lens of one shown frame: same size as `behind`, behind a tone curve of 1/2.2."""
    height, width = behind.shape[:2]
    surface = _surface(through_jpeg(picture, display.quality), display)
    across, down = surface.shape[1], surface.shape[0]
    fit = np.diag([width / across, height / down, 1.0])
    view = display.grip.view((width, height), t_ms)
    seen = laid(surface, behind, view @ fit)
    seen = _banded(seen, display, t_ms)
    return _glazed(seen, display) if display.glare else seen


def _surface(shown: Picture, display: Display) -> Picture:
    """The lit surface: (3 rows, 3 columns) of stripes for each of the display's pixels."""
    height, width = shown.shape[:2]
    columns, rows = max(8, round(width / display.pitch)), max(8, round(height / display.pitch))
    small = cv2.resize(shown, (columns, rows), interpolation=cv2.INTER_AREA)
    big = cv2.resize(small, (columns * _STRIPES, rows * _STRIPES), interpolation=cv2.INTER_NEAREST)
    levels = np.linspace(0, 1, 256)
    light = display.brightness * (levels**display.gamma) * (1 - display.black) + display.black
    curves = np.stack([np.clip(light * white, 0, None) ** (1 / 2.2) for white in display.white], axis=1)
    lit = cv2.LUT(big, np.asarray(np.clip(255 * curves, 0, 255), np.uint8)[None])
    lit = cv2.multiply(lit, _lattice(rows, columns, display), scale=1 / 170, dtype=cv2.CV_8U)
    edge = round(display.bezel * lit.shape[1])
    if edge:
        lit = cv2.copyMakeBorder(lit, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=_BEZEL)
    return np.asarray(lit, np.uint8)


def _lattice(rows: int, columns: int, display: Display) -> NDArray[np.uint8]:
    """(3 rows, 3 columns, 3) uint8: how much of each colour a place of the surface sends out; 170 is all of the mean."""
    tile = np.full((_STRIPES, _STRIPES, 3), display.crosstalk)
    for channel, column in ((2, 0), (1, 1), (0, 2)):
        tile[:, column, channel] = 1.0 + 2 * (1 - display.crosstalk)
    tile[2] *= 1 - display.gap
    # Behind the tone curve a mean of light is no mean of levels: keep the latter.
    tile = tile ** (1 / 2.2)
    tile /= tile.mean(axis=(0, 1), keepdims=True)
    return np.tile(np.asarray(np.clip(170 * tile, 0, 255), np.uint8), (rows, columns, 1))


def _banded(seen: Picture, display: Display, t_ms: float) -> Picture:
    """Brightness that is switched meets rows that are read one after the other: bands that crawl."""
    if not display.band_depth:
        return seen
    rows = np.arange(seen.shape[0], dtype=np.float32)
    phase = 2 * np.pi * (rows / display.band_rows + display.band_speed_hz * t_ms / 1_000)
    gain = 1 - display.band_depth * (0.5 + 0.5 * np.sin(phase))
    return np.asarray(seen * gain[:, None, None], np.uint8)


def _glazed(seen: Picture, display: Display) -> Picture:
    """A lamp in the glass."""
    height, width = seen.shape[:2]
    x, y = display.glare_at
    columns = np.arange(width, dtype=np.float32)[None] / width - x
    rows = np.arange(height, dtype=np.float32)[:, None] / height - y
    spot = np.exp(-((columns / 0.12) ** 2) - (rows / 0.09) ** 2) + 0.25 * np.exp(
        -((columns / 0.4) ** 2) - (rows / 0.4) ** 2
    )
    return np.asarray(np.clip(seen + 255 * display.glare * spot[..., None], 0, 255), np.uint8)
