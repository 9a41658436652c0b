"""What cameras, compression and cropping do to a grey crop, done to training images at random."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Distortion:
    """How far an image may be distorted. Angles in degrees, shifts as a share of the side; `..._chance` in 0..1."""

    rotation_deg: float = 14.0
    scale: float = 0.14
    shear: float = 0.08
    shift: float = 0.09
    gamma: float = 0.35  # exponent up to e**0.35
    contrast: float = 0.3
    brightness: float = 28.0  # grey levels
    blur_chance: float = 0.15
    shrink_chance: float = 0.15
    jpeg_chance: float = 0.2
    noise_chance: float = 0.2
    cutout_chance: float = 0.4
    cutout_side: float = 0.33
    flip_chance: float = 0.5


def augment(images: Image, size_px: int, rng: np.random.Generator, distortion: Distortion) -> NDArray[np.float32]:
    """Distort uint8 [N, H, W] independently; return float32 [N, size_px, size_px, 1] in grey levels 0..255."""
    batch = np.empty((len(images), size_px, size_px), np.uint8)
    for index, image in enumerate(images):
        moved = cv2.warpAffine(
            image,
            random_affine(image.shape[0], size_px, rng, distortion),
            (size_px, size_px),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        batch[index] = _degrade(random_tone(rng, distortion)[moved], rng, distortion)
    return batch[..., None].astype(np.float32)


def centre_crop(images: Image, size_px: int) -> NDArray[np.float32]:
    """Cut the middle of uint8 [N, H, W]; return float32 [N, size_px, size_px, 1]."""
    top = (images.shape[1] - size_px) // 2
    return images[:, top : top + size_px, top : top + size_px, None].astype(np.float32)


def random_affine(side_px: int, size_px: int, rng: np.random.Generator, distortion: Distortion) -> NDArray[np.float64]:
    """Draw a 2x3 matrix that maps a square of `side_px` onto one of `size_px`, about their centres, maybe mirrored."""
    angle = np.deg2rad(rng.uniform(-1, 1) * distortion.rotation_deg)
    zoom = np.exp(rng.uniform(-1, 1, 2) * distortion.scale * np.array([1.0, 0.35]))
    across, down = zoom[0] * zoom[1], zoom[0] / zoom[1]
    lean = rng.uniform(-1, 1) * distortion.shear
    mirror = -1.0 if rng.random() < distortion.flip_chance else 1.0
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = rotate @ np.array([[across * mirror, lean], [0.0, down]])
    shift = rng.uniform(-1, 1, 2) * distortion.shift * side_px
    centre, target = (side_px - 1) / 2, (size_px - 1) / 2
    offset = target + shift - linear @ np.array([centre, centre])
    return np.column_stack([linear, offset])


def random_tone(rng: np.random.Generator, distortion: Distortion) -> Image:
    """Draw a tone curve uint8 [256]: gamma, then contrast about the middle, then brightness."""
    levels = np.linspace(0.0, 1.0, 256) ** np.exp(rng.uniform(-1, 1) * distortion.gamma) * 255.0
    contrast = 1.0 + rng.uniform(-1, 1) * distortion.contrast
    curve = (levels - 127.5) * contrast + 127.5 + rng.uniform(-1, 1) * distortion.brightness
    return np.asarray(np.clip(curve, 0, 255), dtype=np.uint8)


def mix_pairs(
    images: NDArray[np.float32], targets: NDArray[np.float32], rng: np.random.Generator, alpha: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mixup (Zhang et al. 2018): blend each image and target with another of the batch, share from Beta(alpha)."""
    if alpha <= 0:
        return images, targets
    share = rng.beta(alpha, alpha, len(images)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    other = rng.permutation(len(images))
    by_image, by_target = share[:, None, None, None], share[:, None]
    return (
        images * by_image + images[other] * (1 - by_image),
        targets * by_target + targets[other] * (1 - by_target),
    )


def _degrade(image: Image, rng: np.random.Generator, distortion: Distortion) -> Image:
    """Blur, resample, compress, add noise and cover a patch, each by its chance."""
    steps = (
        (distortion.blur_chance, _blur),
        (distortion.shrink_chance, _shrink),
        (distortion.noise_chance, _add_noise),
        (distortion.jpeg_chance, _compress),
    )
    for chance, step in steps:
        if rng.random() < chance:
            image = step(image, rng)
    if rng.random() < distortion.cutout_chance:
        image = _cover(image, rng, distortion.cutout_side)
    return image


def _blur(image: Image, rng: np.random.Generator) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.3)), dtype=np.uint8)


def _shrink(image: Image, rng: np.random.Generator) -> Image:
    side = max(8, int(image.shape[0] * rng.uniform(0.45, 0.85)))
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _add_noise(image: Image, rng: np.random.Generator) -> Image:
    noise = rng.normal(0.0, rng.uniform(2.0, 12.0), image.shape)
    return np.asarray(np.clip(image + noise, 0, 255), dtype=np.uint8)


def _compress(image: Image, rng: np.random.Generator) -> Image:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def _cover(image: Image, rng: np.random.Generator, side: float) -> Image:
    height, width = (max(2, int(length * side * rng.uniform(0.4, 1.0))) for length in image.shape)
    top = int(rng.integers(0, image.shape[0] - height + 1))
    left = int(rng.integers(0, image.shape[1] - width + 1))
    covered = image.copy()
    covered[top : top + height, left : left + width] = rng.integers(0, 256)
    return covered
