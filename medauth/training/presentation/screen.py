"""A face on a screen, filmed again.

The light of a display is the picture times a lattice of sub-pixels: three stripes a pixel, or a diamond with red and
blue at half the density. Harmonics of the lattice reach the sensor damped by lens and pixel area and are then sampled,
which is all that moire is; here they are evaluated at the camera's own pixels, so that aliasing needs no oversampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.training.presentation.camera import Light, happens, saturate

_STRIPES = np.array([1 / 3, 0.0, -1 / 3], np.float32)  # where blue, green and red lie across a pixel


@dataclass(frozen=True)
class ScreenSettings:
    """One display in front of one camera. `pitch` = width of a display pixel in camera pixels."""

    pitch: float
    angle: float
    stretch: tuple[float, float]  # how the pitch grows across and down the picture: the screen is tilted
    depth: float  # of the lattice in the emitted light, 0..1
    diamond: bool
    black_gap: float  # depth of the dark lines between rows
    gamma: float
    white: tuple[float, float, float]  # blue, green, red
    crosstalk: float  # towards grey: gamut of the panel as the camera sees it
    black_level: float
    brightness: float
    levels: int  # the panel shows this many steps a channel
    fall_off: tuple[float, float]
    focus: float  # blur of the camera, focused in front of or behind the panel, pixels
    bands: tuple[float, float, float]  # depth, period in rows, phase: brightness is switched or rows are scanned
    haze: tuple[float, float, float]  # light of the room on the glass: blue, green, red
    glare: int  # number of lamps mirrored in the glass


def draw_screen(rng: np.random.Generator) -> ScreenSettings:
    """Draw a display from telephone to monitor, near or far."""
    blue = rng.normal(0.1, 0.16)
    haze = rng.uniform(0, 0.18) * (happens(rng, 0.5))
    return ScreenSettings(
        pitch=float(np.exp(rng.uniform(np.log(0.45), np.log(4.0)))),
        angle=float(rng.normal(0, 0.12) if happens(rng, 0.8) else rng.uniform(-np.pi, np.pi)),
        stretch=(float(rng.normal(0, 0.12)), float(rng.normal(0, 0.12))),
        depth=float(rng.uniform(0.3, 0.95)),
        diamond=happens(rng, 0.4),
        black_gap=float(rng.uniform(0.0, 0.6)),
        gamma=float(rng.uniform(1.7, 2.9)),
        white=(float(np.exp(blue)), float(np.exp(rng.normal(0, 0.05))), float(np.exp(-blue + rng.normal(0, 0.07)))),
        crosstalk=float(np.clip(rng.normal(0.06, 0.12), -0.25, 0.4)),
        black_level=float(rng.gamma(1.0, 0.008)),
        brightness=float(np.exp(rng.normal(0.15, 0.55))),
        levels=int(rng.choice([32, 64, 256], p=[0.1, 0.2, 0.7])),
        fall_off=(float(rng.normal(0, 0.25)), float(rng.normal(0, 0.25))),
        focus=float(rng.gamma(1.5, 0.5)) if happens(rng, 0.6) else 0.0,
        bands=(
            float(rng.uniform(0.03, 0.35)) if happens(rng, 0.3) else 0.0,
            float(np.exp(rng.uniform(np.log(12), np.log(150)))),
            float(rng.uniform(0, 2 * np.pi)),
        ),
        haze=tuple(float(haze * v) for v in np.exp(rng.normal(0, 0.15, 3))),  # type: ignore[arg-type]  # three of three
        glare=int(rng.integers(1, 4)) if happens(rng, 0.25) else 0,
    )


def show_on_screen(shown: NDArray[np.uint8], screen: ScreenSettings, rng: np.random.Generator) -> Light:
    """Light at the sensor from a picture uint8 [H, W, 3] that the panel shows, in the camera's geometry."""
    light = _emit(shown, screen)
    if screen.focus > 0.2:  # noqa: PLR2004  # pixels: sharp enough
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), screen.focus), np.float32)
    light *= lattice(light.shape[:2], screen)
    _band(light, screen)
    light += np.array(screen.haze, np.float32)
    for _ in range(screen.glare):
        add_lamp(light, rng)
    return light


def lattice(shape: tuple[int, ...], screen: ScreenSettings) -> Light:
    """Gain float32 [H, W, 3] of the sub-pixel lattice at each camera pixel, mean about 1."""
    across, down = _display_coordinates(shape, screen)
    blur = 0.35 + screen.focus
    strength = [screen.depth * _transfer(order / screen.pitch, blur) for order in (0.5, 1.0, 2.0)]
    gain = np.ones((*shape[:2], 3), np.float32)
    turn = np.float32(2 * np.pi)
    for channel in range(3):
        if screen.diamond and channel != 1:  # red and blue sit on every other place of a chequer
            gain[..., channel] += (
                np.float32(strength[0])
                * np.cos(turn * 0.5 * (across + down))
                * np.cos(turn * 0.5 * (across - down) + np.float32(np.pi / 2 * channel))
            )
        else:
            phase = across + _STRIPES[channel] * np.float32(not screen.diamond)
            gain[..., channel] += np.float32(strength[1]) * np.cos(turn * phase)
            if strength[2] > 0.02:  # noqa: PLR2004  # two per cent of the light: not seen
                gain[..., channel] += np.float32(0.5 * strength[2]) * np.cos(2 * turn * phase)
    rows = np.float32(screen.black_gap * _transfer(1.0 / screen.pitch, blur))
    gain *= (1 + rows * np.cos(turn * down))[..., None]
    return np.maximum(gain, 0.0)


def add_lamp(light: Light, rng: np.random.Generator) -> None:
    """Mirror one lamp or window in a glossy surface, in place: a soft ellipse, maybe far brighter than the picture."""
    height, width = light.shape[:2]
    centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
    axes = [int(v) + 1 for v in rng.uniform(0.03, 0.22, 2) * width]
    spot: Light = np.zeros((height, width), np.float32)
    cv2.ellipse(spot, centre, axes, float(rng.uniform(0, 180)), 0, 360, (1.0,), -1)
    soft = cv2.GaussianBlur(spot, (0, 0), float(rng.uniform(0.01, 0.08) * width) + 0.5)
    colour = np.exp(rng.normal(0, 0.12, 3)) * np.exp(rng.uniform(np.log(0.05), np.log(1.5)))
    light += soft[..., None] * colour.astype(np.float32)


def _emit(shown: NDArray[np.uint8], screen: ScreenSettings) -> Light:
    """Panel response: steps, gamma, white point, gamut, black level, brightness, fall-off with the angle of view."""
    step = 256 // screen.levels
    level = (np.arange(256) // step * step + (step - 1) / 2) / 255.0
    light = (np.clip(level, 0, 1).astype(np.float32) ** np.float32(screen.gamma)).take(shown)
    light = saturate(light, 1 - screen.crosstalk)
    light = np.maximum(light, 0) + np.float32(screen.black_level)
    height, width = shown.shape[:2]
    slope = (
        1
        + screen.fall_off[0] * np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
        + screen.fall_off[1] * np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    )
    return np.asarray(light * (screen.brightness * np.array(screen.white, np.float32)) * slope[..., None], np.float32)


def _display_coordinates(shape: tuple[int, ...], screen: ScreenSettings) -> tuple[Light, Light]:
    """Position on the panel, in its pixels, of each camera pixel: turned, and stretched by perspective."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    skew = 1 + screen.stretch[0] * (x / shape[1] - 0.5) + screen.stretch[1] * (y / shape[0] - 0.5)
    cos, sin = np.float32(np.cos(screen.angle)), np.float32(np.sin(screen.angle))
    scale = np.float32(1 / screen.pitch) * skew
    return (cos * x + sin * y) * scale, (cos * y - sin * x) * scale


def _transfer(frequency: float, blur: float) -> float:
    """What lens (Gaussian of `blur` pixels) and pixel area leave of a wave of so many cycles a pixel."""
    return float(np.exp(-2 * (np.pi * blur * frequency) ** 2) * abs(np.sinc(frequency)))


def _band(light: Light, screen: ScreenSettings) -> None:
    depth, period, phase = screen.bands
    if not depth:
        return
    rows = np.arange(light.shape[0], dtype=np.float32)
    wave = np.tanh(2.0 * np.sin(2 * np.pi * rows / period + phase))  # a switched backlight has steep edges
    light *= (1 + np.float32(depth) * wave.astype(np.float32))[:, None, None]
