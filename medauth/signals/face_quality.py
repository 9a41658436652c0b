"""How well a face can be judged, from a crop of 64 pixels: nothing here touches the whole picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import CaptureProblem, FaceQuality

CROP_SIDE = 64
MIN_SIZE_PX = 32.0
"""Between the outer eye corners: below, lids are two pixels high and no blink can be seen."""
MIN_BRIGHTNESS = 35.0
MAX_BRIGHTNESS = 235.0
MIN_SHARPNESS = 20.0
"""At `FULL_BRIGHTNESS`. Six clips of five people have 74 to 950; blurred by 1/20 of the eye distance, 9 to 40."""
FULL_BRIGHTNESS = 128.0
"""Below, contrast and with it the variance of the Laplacian fall with the light alone."""
MAX_OUTSIDE = 0.04
"""Share of landmarks that may lie outside the picture: hair and the edge of a cheek may, eyes and mouth may not."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def moved(self, x: float, y: float) -> Box:
        """The same size, so much further right and down."""
        return Box(self.left + x, self.top + y, self.right + x, self.bottom + y)


def box_of(landmarks: NDArray[np.float32]) -> Box:
    """The rectangle around (n, 3) landmarks."""
    left, top = landmarks[:, :2].min(axis=0).tolist()
    right, bottom = landmarks[:, :2].max(axis=0).tolist()
    return Box(left, top, right, bottom)


def cut_off(landmarks: NDArray[np.float32], shape: tuple[int, ...]) -> bool:
    """True when too much of the face lies outside a picture of this shape: the mesh invents what it cannot see."""
    flat = landmarks[:, :2]
    outside = ((flat < 0) | (flat >= (shape[1], shape[0]))).any(axis=1)
    return bool(np.count_nonzero(outside) > MAX_OUTSIDE * len(flat))


def measure_quality(image: NDArray[np.uint8], box: Box, size_px: float) -> FaceQuality:
    """Size, sharpness and brightness of the face in `box`. Sharpness is judged at a fixed size, so that it says whether
    the features of the face can be told, not how many pixels the camera has."""
    height, width = image.shape[:2]
    top, bottom = max(0, math.floor(box.top)), min(height, math.ceil(box.bottom))
    left, right = max(0, math.floor(box.left)), min(width, math.ceil(box.right))
    if top >= bottom or left >= right:
        return FaceQuality(size_px, 0.0, 0.0)
    grey = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_AREA)
    _, spread = cv2.meanStdDev(cv2.Laplacian(small, cv2.CV_16S))
    return FaceQuality(size_px, float(spread[0, 0]) ** 2, float(cv2.mean(small)[0]))


def problem_of(quality: FaceQuality) -> CaptureProblem | None:
    """What is worst about the face, or None when it can be judged. Light comes before blur: dark pictures are blurred."""
    if quality.size_px < MIN_SIZE_PX:
        return CaptureProblem.FACE_TOO_SMALL
    if quality.brightness < MIN_BRIGHTNESS:
        return CaptureProblem.TOO_DARK
    if quality.brightness > MAX_BRIGHTNESS:
        return CaptureProblem.TOO_BRIGHT
    if quality.sharpness < MIN_SHARPNESS * min(1.0, quality.brightness / FULL_BRIGHTNESS) ** 2:
        return CaptureProblem.BLURRED
    return None
