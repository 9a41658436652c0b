"""How alike two pictures are to an eye: PSNR in decibels, and SSIM."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
_WINDOW_PX, _SIGMA = 11, 1.5
_STEADY = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""Wang et al.'s constants for eight bits."""


def psnr(one: Picture, other: Picture) -> float:
    """Peak signal-to-noise ratio of two pictures of one shape, uint8; infinite where they are the same."""
    error = float(np.mean((one.astype(np.float64) - other) ** 2))
    return 10 * float(np.log10(255**2 / error)) if error > 0 else float("inf")


def ssim(one: Picture, other: Picture) -> float:
    """Structural similarity of two (h, w, 3) uint8 BGR pictures, on their grey, 1 for the same.

    Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE Transactions on Image
    Processing 2004: a Gaussian window of 11 pixels, its mean over the picture. At least 11 pixels a side.
    """
    a, b = (cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float64) for picture in (one, other))
    mean_a, mean_b = _local(a), _local(b)
    spread_a, spread_b = _local(a * a) - mean_a**2, _local(b * b) - mean_b**2
    together = _local(a * b) - mean_a * mean_b
    light, contrast = _STEADY
    alike = (2 * mean_a * mean_b + light) * (2 * together + contrast)
    return float(np.mean(alike / ((mean_a**2 + mean_b**2 + light) * (spread_a + spread_b + contrast))))


def _local(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted mean around each pixel, where the whole window lies in the picture."""
    half = _WINDOW_PX // 2
    blurred = cv2.GaussianBlur(values, (_WINDOW_PX, _WINDOW_PX), _SIGMA)
    return np.asarray(blurred[half:-half, half:-half], np.float64)
