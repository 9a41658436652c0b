"""What cameras, codecs and scaling do to colour pictures; every picture of a training goes through it, real or fake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Degradation:
    """How far a picture may be spoiled; `..._chance` in 0..1."""

    gamma: float = 0.35  # exponent up to e**0.35
    contrast: float = 0.2
    brightness: float = 20.0  # grey levels
    cast: float = 0.12  # factor of each colour channel
    saturation: float = 0.35
    shrink_chance: float = 0.35
    shrink_least: float = 0.45  # of the side
    blur_chance: float = 0.2
    noise_chance: float = 0.25
    noise: float = 8.0  # grey levels
    smooth_chance: float = 0.35  # telephones take noise from skin, and its texture with it
    jpeg_chance: float = 0.6
    jpeg_least: int = 40
    twice_chance: float = 0.2  # a second compression
    cover_chance: float = 0.15


def degrade(image: Image, rng: np.random.Generator, how: Degradation) -> Image:
    """Spoil one BGR picture (S, S, 3): light, then resolution and focus, then noise, and compression at the end."""
    image = change_light(image, rng, how)
    steps: tuple[tuple[float, Callable[[Image], Image]], ...] = (
        (how.shrink_chance, lambda picture: _shrink(picture, rng, how.shrink_least)),
        (how.blur_chance, lambda picture: _blur(picture, rng)),
        (how.noise_chance, lambda picture: _add_noise(picture, rng, how.noise)),
        (how.smooth_chance, lambda picture: smooth_skin(picture, rng.uniform(0.2, 1.0), rng.uniform(14, 45))),
        (how.cover_chance, lambda picture: _cover(picture, rng)),
        (how.jpeg_chance, lambda picture: compress(picture, int(rng.integers(how.jpeg_least, 96)))),
        (how.jpeg_chance * how.twice_chance, lambda picture: compress(picture, int(rng.integers(how.jpeg_least, 96)))),
    )
    for chance, step in steps:
        if rng.random() < chance:
            image = step(image)
    return image


def change_light(image: Image, rng: np.random.Generator, how: Degradation) -> Image:
    """Another exposure, contrast, white balance and saturation, as a curve for each channel."""
    levels = np.linspace(0.0, 1.0, 256) ** np.exp(rng.uniform(-1, 1) * how.gamma) * 255.0
    curve = (levels - 127.5) * (1 + rng.uniform(-1, 1) * how.contrast) + 127.5
    curve += rng.uniform(-1, 1) * how.brightness
    cast = 1 + rng.uniform(-1, 1, 3) * how.cast
    curves = np.clip(curve[:, None] * cast, 0, 255).astype(np.uint8).reshape(1, 256, 3)
    return saturate(np.asarray(cv2.LUT(image, curves), np.uint8), 1 + rng.uniform(-1, 1) * how.saturation)


def saturate(image: Image, factor: float) -> Image:
    """Colours `factor` times as far from grey."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.addWeighted(image, factor, grey, 1 - factor, 0), np.uint8)


def compress(image: Image, quality: int) -> Image:
    """A trip through JPEG."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def rescale(image: Image, share: float, up: int = cv2.INTER_LINEAR) -> Image:
    """Down to `share` of the side and back."""
    side = max(8, round(image.shape[0] * share))
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, image.shape[1::-1], interpolation=up), np.uint8)


def smooth_skin(image: Image, amount: float, levels: float = 28.0) -> Image:
    """A picture whose differences of less than so many `levels` are taken away by `amount`, 0..1, and whose edges stay, as
    cameras denoise."""
    plain = cv2.bilateralFilter(image, 7, levels, 5)
    return np.asarray(cv2.addWeighted(plain, amount, image, 1 - amount, 0), np.uint8)


def _shrink(image: Image, rng: np.random.Generator, least: float) -> Image:
    return rescale(image, rng.uniform(least, 0.95), int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC])))


def _blur(image: Image, rng: np.random.Generator) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.2)), np.uint8)


def _add_noise(image: Image, rng: np.random.Generator, most: float) -> Image:
    """Noise as of a sensor, of one or of three colours, fine or a little coarse."""
    channels = int(rng.choice([1, 3]))
    noise = rng.standard_normal((*image.shape[:2], channels), dtype=np.float32) * rng.uniform(1.0, most)
    if rng.random() < 0.4:  # noqa: PLR2004  # the camera's own smoothing
        noise = cv2.GaussianBlur(noise, (0, 0), 0.7).reshape(noise.shape) * 1.6
    return np.asarray(np.clip(image + noise, 0, 255), np.uint8)


def _cover(image: Image, rng: np.random.Generator) -> Image:
    """A hand, a microphone, a strand of hair: a patch of one colour, soft at its edge."""
    side = image.shape[0]
    drawn = np.zeros((side, side), np.uint8)
    x, y = (int(v) for v in rng.uniform(0, side, 2))
    across, down = (int(v) for v in rng.uniform(0.06, 0.22, 2) * side)
    cv2.ellipse(drawn, (x, y), (across, down), float(rng.uniform(0, 180)), 0, 360, (255,), -1)
    mask = cv2.GaussianBlur(drawn.astype(np.float32) / 255, (0, 0), rng.uniform(0.6, 2.0))[..., None]
    colour = rng.uniform(10, 220, 3).astype(np.float32)
    return np.asarray(image * (1 - mask) + colour * mask, np.uint8)
