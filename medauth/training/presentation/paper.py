"""A face on paper: inks through halftone screens, paper tone, gloss, a bent sheet.

Halftone: each ink is laid down where its coverage exceeds a periodic threshold (a spot function turned by the ink's own
angle; Ulichney 1987). Dots are softened by what one camera pixel averages, so a fine screen fades into plain tone, as on
real prints seen from afar. Colour is the product of the inks' transmittances on the paper (Beer-Lambert).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.training.presentation.camera import Light, happens, to_light
from medauth.training.presentation.screen import add_lamp

_ANGLES_DEG = (15.0, 75.0, 0.0, 45.0)  # cyan, magenta, yellow, black: what printers use to keep screens apart
# Share of blue, green and red that a solid ink lets through.
_INKS = np.array([[0.65, 0.42, 0.06], [0.38, 0.09, 0.75], [0.09, 0.80, 0.88], [0.05, 0.05, 0.05]], np.float32)


@dataclass(frozen=True)
class PrintSettings:
    """One printer, one sheet. `pitch` = width of a halftone cell in camera pixels, 0 = photographic paper."""

    pitch: float
    turn_deg: float
    stochastic: bool  # dots at random places, as ink jets do
    black_share: float  # of the common part of the inks that black replaces
    ink: float  # how dense the solid inks are
    gain: float  # dots swell
    paper: tuple[float, float, float]  # blue, green, red
    grain: float
    streaks: float
    bend: float  # of the sheet, as a share of its width
    bend_angle: float
    light_slope: tuple[float, float]
    gloss: int
    wash: float  # even sheen over the print


def draw_print(rng: np.random.Generator) -> PrintSettings:
    """Draw a print from newspaper to photographic paper."""
    yellow = abs(rng.normal(0, 0.08))
    tone = rng.uniform(0.7, 0.97)
    glossy = happens(rng, 0.4)
    return PrintSettings(
        pitch=float(0.8 * np.exp(rng.gamma(1.5, 0.4))) if happens(rng, 0.65) else 0.0,
        turn_deg=float(rng.normal(0, 6)),
        stochastic=happens(rng, 0.3),
        black_share=float(rng.uniform(0.2, 0.9)),
        ink=float(rng.uniform(0.6, 1.05)),
        gain=float(rng.uniform(-0.05, 0.2)),
        paper=(float(tone * np.exp(-yellow)), float(tone), float(tone * np.exp(0.3 * yellow))),
        grain=float(rng.uniform(0, 0.05)),
        streaks=float(rng.uniform(0.01, 0.08)) if happens(rng, 0.25) else 0.0,
        bend=float(rng.normal(0, 0.06)),
        bend_angle=float(rng.uniform(0, np.pi)),
        light_slope=(float(rng.normal(0, 0.35)), float(rng.normal(0, 0.35))),
        gloss=int(rng.integers(1, 3)) if glossy else 0,
        wash=float(rng.uniform(0, 0.12)) if glossy else 0.0,
    )


def show_on_paper(shown: NDArray[np.uint8], sheet: PrintSettings, rng: np.random.Generator) -> Light:
    """Light at the sensor from a print of the picture uint8 [H, W, 3], in the camera's geometry."""
    bent, shade = _bend(shown, sheet)
    light = _inked(bent, sheet, rng) * np.array(sheet.paper, np.float32)
    light *= shade[..., None] * _surface(light.shape[:2], sheet, rng)[..., None]
    light = np.maximum(light, 0) + np.float32(sheet.wash)
    for _ in range(sheet.gloss):
        add_lamp(light, rng)
    return np.asarray(light, np.float32)


def _inked(shown: NDArray[np.uint8], sheet: PrintSettings, rng: np.random.Generator) -> Light:
    """Share of the paper's light that comes back through the inks, float32 [H, W, 3]."""
    coverage = _separate(shown, sheet)
    through = np.ones(shown.shape, np.float32)
    for ink in range(4):
        amount = np.clip(
            coverage[..., ink] + np.float32(sheet.gain) * coverage[..., ink] * (1 - coverage[..., ink]), 0, 1
        )
        if sheet.pitch:
            amount = _dots(amount, sheet, ink, rng)
        through *= 1 - amount[..., None] * (1 - _INKS[ink]) * np.float32(sheet.ink)
    return through


def _separate(shown: NDArray[np.uint8], sheet: PrintSettings) -> Light:
    """Coverage of cyan, magenta, yellow and black, float32 [H, W, 4] in 0..1."""
    missing = 1 - to_light(shown, 1.7)
    blue, green, red = cv2.split(missing)
    black = cv2.min(cv2.min(blue, green), red) * np.float32(sheet.black_share)
    rest = np.maximum(1 - black, np.float32(1e-3))[..., None]
    colour = (missing - black[..., None]) / rest  # of blue, green, red: yellow, magenta, cyan
    return np.concatenate([colour[..., ::-1], black[..., None]], axis=-1)


def _dots(amount: Light, sheet: PrintSettings, ink: int, rng: np.random.Generator) -> Light:
    """`amount` [H, W] as dots: 1 where it exceeds the threshold, blurred over what a camera pixel sees of a cell."""
    if sheet.stochastic:
        threshold = rng.random(amount.shape, dtype=np.float32)
        softness = 0.25 + 0.6 / max(sheet.pitch, 1.0)
    else:
        angle = np.deg2rad(_ANGLES_DEG[ink] + sheet.turn_deg)
        y, x = np.mgrid[: amount.shape[0], : amount.shape[1]].astype(np.float32)
        turn = np.float32(2 * np.pi / sheet.pitch)
        across, down = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        spot = (np.cos(turn * across.astype(np.float32)) + np.cos(turn * down.astype(np.float32))) / 4
        threshold = np.clip(0.5 + spot * np.float32(1.15), 0, 1)
        softness = 0.12 + 1.1 / sheet.pitch**1.5
    dots = np.clip(0.5 + (amount - threshold) / np.float32(softness), 0, 1)
    sharp = np.float32(min(1.0, 1.2 / (1 + softness)))
    return np.asarray(sharp * dots + (1 - sharp) * amount, np.float32)


def _bend(shown: NDArray[np.uint8], sheet: PrintSettings) -> tuple[NDArray[np.uint8], Light]:
    """The picture on a sheet bent to a shallow cylinder, and how much light falls on each point of it."""
    height, width = shown.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    u, v = x / width - 0.5, y / height - 0.5
    cos, sin = np.float32(np.cos(sheet.bend_angle)), np.float32(np.sin(sheet.bend_angle))
    along = cos * u + sin * v
    shift = np.float32(sheet.bend) * (along * along - 0.12) * along * 4
    bent = cv2.remap(
        shown, x + shift * cos * width, y + shift * sin * height, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    shade = 1 + sheet.light_slope[0] * u + sheet.light_slope[1] * v + 6 * np.float32(sheet.bend) * along
    return np.asarray(bent, np.uint8), np.maximum(np.asarray(shade, np.float32), 0.15)


def _surface(shape: tuple[int, ...], sheet: PrintSettings, rng: np.random.Generator) -> Light:
    """Gain float32 [H, W] of fibres and of the print head's streaks."""
    grain = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), 0.8)
    gain = 1 + np.float32(2 * sheet.grain) * grain
    if sheet.streaks:
        rows = cv2.GaussianBlur(rng.standard_normal((shape[0], 1), dtype=np.float32), (1, 3), 0.8)
        gain = gain * (1 + np.float32(sheet.streaks) * rows)
    return np.asarray(gain, np.float32)
