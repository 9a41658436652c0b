"""Chips of drawn points: whatever way a face is turned, shifted and sized, its points come to lie in the same places."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from medauth.signals.face_chip import CHIP, cut_chip, similarity


@pytest.mark.parametrize("turn_deg", [0, 35, -70])
@pytest.mark.parametrize("scale", [40, 260])
def test_five_points_come_to_their_places(turn_deg: float, scale: float):
    turn = np.deg2rad(turn_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = CHIP @ rotation.T * scale + [150, 200]
    matrix = similarity(points, CHIP * 64)
    assert np.allclose(points @ matrix[:, :2].T + matrix[:, 2], CHIP * 64, atol=1e-6)


def test_a_mirrored_face_is_not_turned_inside_out():
    mirrored = CHIP * [-1, 1] + [1, 0]
    matrix = similarity(mirrored, CHIP)
    assert np.linalg.det(matrix[:, :2]) > 0


def test_the_chip_shows_the_points_where_they_belong():
    picture = np.zeros((400, 400), np.uint8)
    points = (CHIP * 180 + [90, 60]).astype(np.float32)
    for x, y in points:
        cv2.circle(picture, (round(float(x)), round(float(y))), 4, (255.0,), -1)
    chip = cut_chip(picture, points, 60)
    for x, y in CHIP * 60:
        assert chip[round(float(y)) - 1 : round(float(y)) + 2, round(float(x)) - 1 : round(float(x)) + 2].max() > 150
    wide = cut_chip(picture, points, 60, reach=1.5)
    assert 0 < np.count_nonzero(wide > 60) < np.count_nonzero(chip > 60)


def test_colour_stays_colour():
    assert cut_chip(np.zeros((90, 90, 3), np.uint8), (CHIP * 60).astype(np.float32), 32).shape == (32, 32, 3)
