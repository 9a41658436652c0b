from __future__ import annotations

import cv2
import numpy as np
import pytest

from medauth.training.eye_clips import ClipFrames, area_under_curve, crop_eye, known_frames, summarise


def test_only_frames_that_are_sure_count():
    clip = {"frames": 40, "blinks": [[10, 12, 14]], "ignore": [[30, 32]]}
    closed, opened = known_frames(clip)
    assert np.flatnonzero(closed).tolist() == [12]
    assert np.flatnonzero(~opened).tolist() == [*range(6, 19), *range(26, 37)]


def test_the_area_counts_ties_half():
    assert area_under_curve(np.array([0.9, 0.8]), np.array([0.1, 0.2])) == 1.0
    assert area_under_curve(np.array([0.5]), np.array([0.5])) == 0.5
    assert area_under_curve(np.array([0.1]), np.array([0.9])) == 0.0


def test_the_summary_pools_the_clips():
    clips = {
        "a": ClipFrames(np.array([0.9]), np.array([0.1, 0.6])),
        "b": ClipFrames(np.array([0.4]), np.array([0.2])),
    }
    figures = summarise(clips)
    assert figures["clips"]["b"]["closed"] == {"n": 1, "called_open": 1}
    assert figures["all"]["open"] == {"n": 3, "called_closed": 1}
    assert figures["all"]["area_under_curve"] == pytest.approx(5 / 6, abs=1e-4)


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
