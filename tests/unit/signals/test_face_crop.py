"""A crop is cut from the part of the picture under it, and is the same as one from the whole picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals import face_crop
from medauth.signals.face_crop import FaceBox, crop_face


def face_at(x: float, y: float, eyes_px: float, roll_deg: float) -> NDArray[np.float32]:
    """Landmarks (478, 3) of which only the eye corners are in their places."""
    along = np.array([math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))])
    landmarks = np.zeros((478, 3), np.float32)
    for index, share in {33: -0.5, 133: -0.2, 362: 0.2, 263: 0.5}.items():
        landmarks[index, :2] = np.array([x, y]) + share * eyes_px * along
    return landmarks


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("roll_deg", [0.0, 25.0, -80.0, 170.0])
@pytest.mark.parametrize(
    ("x", "y", "eyes_px"), [(160, 120, 60), (160, 120, 14), (5, 230, 90), (318, 3, 200), (-40, 90, 50)]
)
def test_what_lies_beyond_the_crop_changes_nothing(monkeypatch, x, y, eyes_px, roll_deg, colour):
    image = np.random.default_rng(1).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), 2), np.uint8)
    landmarks = face_at(x, y, eyes_px, roll_deg)
    cut = crop_face(image, landmarks, 48, FaceBox(), eyes_px, colour=colour)
    monkeypatch.setattr(face_crop, "_part_under", lambda whole, *_: (whole, np.zeros(2)))
    whole = crop_face(image, landmarks, 48, FaceBox(), eyes_px, colour=colour)
    assert np.abs(cut.astype(int) - whole).max() <= 1
