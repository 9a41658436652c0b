"""What JPEG makes of a picture: losses that every film here has been through."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def encoded(picture: Picture, quality: int) -> bytes:
    """The picture (height, width, 3) uint8 BGR as JPEG of that quality (1 to 100)."""
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def decoded(jpeg: bytes) -> Picture:
    """The inverse of `encoded`, but for what is lost; also of PNG."""
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def through_jpeg(picture: Picture, quality: int) -> Picture:
    """The picture as it comes back."""
    return decoded(encoded(picture, quality))
