"""Eye crops on drawn lines: level, centred, of one size, from grey and from colour."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from medauth.signals.eye_crop import crop_eye


@pytest.mark.parametrize("turn_deg", [0, 25, -40])
@pytest.mark.parametrize("width_px", [12, 60])
def test_a_turned_eye_of_any_size_comes_out_level_and_centred(turn_deg: int, width_px: int):
    centre, turn = np.array([100.0, 90.0]), np.deg2rad(turn_deg)
    half = width_px / 2 * np.array([np.cos(turn), np.sin(turn)])
    picture = np.zeros((200, 200), np.uint8)
    ends = [tuple(int(value) for value in np.rint(end)) for end in (centre - half, centre + half)]
    cv2.line(picture, ends[0], ends[1], (255.0,), max(1, width_px // 8))
    crop = crop_eye(picture, np.array([centre - half, centre + half], np.float32), 32, 1.6)
    rows, columns = np.nonzero(crop > 60)
    assert rows.mean() == pytest.approx(15.5, abs=1.5)
    assert np.ptp(rows) <= 6
    assert columns.mean() == pytest.approx(15.5, abs=1.5)
    assert np.ptp(columns) == pytest.approx(32 / 1.6, abs=5)


def test_colour_and_grey_give_the_same_crop_and_an_eye_at_the_edge_still_gives_one():
    picture = np.asarray(np.random.default_rng(1).integers(0, 255, (60, 80, 3)), np.uint8)
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    corners = np.array([[30, 30], [50, 32]], np.float32)
    assert (crop_eye(picture, corners, 16, 1.2) == crop_eye(grey, corners, 16, 1.2)).all()
    for outside in ([[-9, 5], [4, 5]], [[76, 58], [90, 61]]):
        assert crop_eye(picture, np.array(outside, np.float32), 16, 1.2).shape == (16, 16)
