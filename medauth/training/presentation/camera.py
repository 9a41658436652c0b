"""A simulated camera, the same for living faces and for attacks: whatever it leaves behind tells nothing.

Light is float32 [H, W, 3] BGR, linear, 1.0 = a white surface at nominal exposure. The order is that of a real camera:
lens, exposure, colour filter array, noise, interpolation, white balance, tone curve, sharpening, compression. Noise is
Poisson-Gaussian in its Gaussian approximation (Foi et al. 2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Light = NDArray[np.float32]
Picture = NDArray[np.uint8]

_LEVELS = np.arange(256, dtype=np.float32) / 255.0
_STEPS = 4095


@dataclass(frozen=True)
class CameraSettings:
    """One camera at one moment. Blurs in pixels; `tone` = exponent of the tone curve; chances already drawn."""

    lens_blur: float
    motion_px: float
    motion_angle: float
    exposure: float
    balance: tuple[float, float, float]  # gains of blue, green, red
    mosaic: bool
    shot_noise: float
    read_noise: float
    denoise: float  # blur of the camera's own noise filter, pixels
    tone: float
    contrast: float
    saturation: float
    sharpening: float
    quality: tuple[int, ...]  # of each JPEG compression, in order


def happens(rng: np.random.Generator, chance: float) -> bool:
    """Whether something that happens with this chance happens now."""
    return bool(rng.random() < chance)


def draw_camera(rng: np.random.Generator) -> CameraSettings:
    """Draw a camera from good telephone to poor webcam."""
    dim = rng.random() ** 2  # most scenes are lit well
    blur = 0.35 + rng.gamma(1.2, 0.35)
    return CameraSettings(
        lens_blur=float(min(blur, 2.5)),
        motion_px=float(rng.uniform(1.0, 5.0)) if happens(rng, 0.15) else 0.0,
        motion_angle=float(rng.uniform(0, np.pi)),
        exposure=float(np.exp(rng.normal(0.0, 0.35))),
        balance=(float(np.exp(rng.normal(0, 0.10))), 1.0, float(np.exp(rng.normal(0, 0.10)))),
        mosaic=happens(rng, 0.5),
        shot_noise=float(0.0002 + 0.004 * dim * rng.random()),
        read_noise=float(0.001 + 0.02 * dim * rng.random()),
        denoise=float(rng.uniform(0.4, 1.1)) if happens(rng, 0.4) else 0.0,
        tone=float(1 / rng.uniform(1.7, 2.6)),
        contrast=float(rng.uniform(-0.15, 0.45)),
        saturation=float(np.clip(rng.normal(1.0, 0.2), 0.4, 1.6)),
        sharpening=float(rng.uniform(0.2, 1.6)) if happens(rng, 0.5) else 0.0,
        quality=tuple(int(q) for q in rng.integers(30, 97, 1 if happens(rng, 0.75) else 2)),
    )


def photograph(light: Light, camera: CameraSettings, rng: np.random.Generator) -> Picture:
    """The picture uint8 [H, W, 3] BGR that `camera` takes of `light`."""
    seen = _through_lens(light, camera)
    seen = seen * (np.float32(camera.exposure) * np.array(camera.balance, np.float32))
    seen = _mosaic(seen, camera, rng) if camera.mosaic else np.clip(seen + _noise(seen, camera, rng), 0.0, 1.0)
    if camera.denoise:
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), camera.denoise), np.float32)
    shown = _develop(seen, camera)
    for quality in camera.quality:
        shown = compress(shown, quality)
    return shown


def to_light(picture: Picture, exponent: float = 2.2) -> Light:
    """A picture uint8 [H, W, 3] as light, by the inverse of a plain tone curve."""
    return np.asarray(np.power(_LEVELS, np.float32(exponent)).take(picture), np.float32)


def compress(picture: Picture, quality: int) -> Picture:
    """The picture after one JPEG compression."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def degrade_source(picture: Picture, rng: np.random.Generator) -> Picture:
    """A recording as it is kept or sent: scaled to some resolution, compressed. What an attacker shows has been one."""
    side = int(np.exp(rng.uniform(np.log(56), np.log(200))))
    height, width = picture.shape[:2]
    if side < width:
        picture = np.asarray(
            cv2.resize(picture, (side, side * height // width), interpolation=cv2.INTER_AREA), np.uint8
        )
    return compress(picture, int(rng.integers(30, 95)))


def saturate(light: Light, amount: float) -> Light:
    """Colours pulled away from (above 1) or towards the mean of the three channels."""
    mix = np.full((3, 3), (1 - amount) / 3, np.float32) + np.float32(amount) * np.eye(3, dtype=np.float32)
    return np.asarray(cv2.transform(light, mix), np.float32)


def _through_lens(light: Light, camera: CameraSettings) -> Light:
    if camera.motion_px:
        light = _blur_along(light, camera.motion_px, camera.motion_angle)
    return np.asarray(cv2.GaussianBlur(light, (0, 0), camera.lens_blur), np.float32)


def _blur_along(light: Light, length: float, angle: float) -> Light:
    side = 2 * int(np.ceil(length / 2)) + 1
    kernel: Light = np.zeros((side, side), np.float32)
    middle = side // 2
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    start, end = ([int(v) for v in np.round(middle + sign * reach)] for sign in (-1, 1))
    cv2.line(kernel, start, end, (1.0,))
    return np.asarray(cv2.filter2D(light, -1, kernel / kernel.sum()), np.float32)


def _noise(seen: Light, camera: CameraSettings, rng: np.random.Generator) -> Light:
    deviation = np.sqrt(camera.shot_noise * np.clip(seen, 0, 1) + camera.read_noise**2)
    return np.asarray(deviation * rng.standard_normal(seen.shape, dtype=np.float32), np.float32)


def _mosaic(seen: Light, camera: CameraSettings, rng: np.random.Generator) -> Light:
    """One colour a pixel (RGGB), noise on it, then interpolation: fine patterns turn into coloured ones here."""
    raw = seen[..., 1].copy()
    raw[0::2, 0::2] = seen[0::2, 0::2, 2]
    raw[1::2, 1::2] = seen[1::2, 1::2, 0]
    raw = np.clip(raw + _noise(raw, camera, rng), 0.0, 1.0)
    coded = (raw * 65535).astype(np.uint16)
    return np.asarray(cv2.cvtColor(coded, cv2.COLOR_BayerBG2BGR), np.float32) / np.float32(65535)


def _develop(seen: Light, camera: CameraSettings) -> Picture:
    """White point, tone curve with a shoulder, saturation, sharpening."""
    levels = np.arange(_STEPS + 1, dtype=np.float32) / _STEPS
    curve = levels**camera.tone
    curve = curve + camera.contrast * (curve * curve * (3 - 2 * curve) - curve)  # towards a smoothstep
    shown = curve.take((np.clip(seen, 0, 1) * _STEPS).astype(np.int32))
    shown = saturate(shown, camera.saturation)
    if camera.sharpening:
        shown += np.float32(camera.sharpening) * (shown - cv2.GaussianBlur(shown, (0, 0), 1.0))
    return np.asarray(np.clip(shown, 0, 1) * 255 + 0.5, np.uint8)
