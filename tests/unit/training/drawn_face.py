"""A drawn face for the simulators of the training: smooth colours with a few features."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def drawn_face() -> NDArray[np.uint8]:
    """(96, 96, 3) uint8, always the same."""
    coarse = np.random.default_rng(1).uniform(60, 220, (6, 6, 3)).astype(np.float32)
    picture = cv2.resize(coarse, (96, 96), interpolation=cv2.INTER_CUBIC)
    for x in (34, 62):
        cv2.circle(picture, (x, 40), 6, (40, 40, 60), -1)
    return np.clip(picture, 0, 255).astype(np.uint8)
