from __future__ import annotations

import numpy as np
import pytest

from medauth.training.eye_clips import ClipFrames, area_under_curve, known_frames, summarise


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
