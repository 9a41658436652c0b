"""A crop is cut from the part of the picture under it, and is the same as one from the whole picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals import face_crop
from medauth.signals.face_crop import FaceBox, crop_face, draw_small, face_matrix


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


@pytest.mark.parametrize("eyes_px", [20, 45, 60, 90, 150])
@pytest.mark.parametrize("roll_deg", [0.0, -20.0])
def test_a_small_drawing_shows_everything_where_the_crop_has_it(eyes_px, roll_deg):
    """A bright spot lies where the matrix puts it, to a tenth of a pixel, wherever the lattice of blocks falls."""
    for shift in range(5):
        x, y = 301.0 + shift, 222.0 + shift / 3
        landmarks = face_at(x, y, eyes_px, roll_deg)
        spot = np.array([x + 0.3 * eyes_px, y + 0.4 * eyes_px])
        rows, columns = np.mgrid[:480, :640]
        light = np.exp(-((columns - spot[0]) ** 2 + (rows - spot[1]) ** 2) / (2 * (0.08 * eyes_px) ** 2))
        image = np.repeat((250 * light).astype(np.uint8)[..., None], 3, axis=2)
        drawn = draw_small(image, landmarks, 112, FaceBox(), eyes_px).astype(np.float64)
        middle = np.array([(np.arange(112) * drawn.sum(axis=1 - axis)).sum() for axis in (1, 0)]) / drawn.sum()
        matrix = face_matrix(landmarks, 112, FaceBox(), eyes_px)
        assert middle == pytest.approx(matrix[:, :2] @ spot + matrix[:, 2], abs=0.1)


def test_a_small_drawing_of_a_face_at_the_edge_is_drawn_too():
    image = np.full((60, 80, 3), 90, np.uint8)
    for x, y in ((0, 0), (79, 59), (-200, 30), (40, 400)):
        assert (draw_small(image, face_at(x, y, 200, 10), 112, FaceBox(), 200) == 90).all()
