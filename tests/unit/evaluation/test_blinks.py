"""Scoring of blink events by overlap, and the degraded pictures that they are scored on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.evaluation.blinks import Clip, Count, read_clips, runs_below
from medauth.evaluation.degraded import VERSIONS, WORN, Moment, unchanged
from medauth.evaluation.held_photo import GENTLE, STILL, held, lids_moving, with_lids

CLIP = Clip(Path("x"), 25.0, blinks=((1000, 1200), (3000, 3100)), ignored=((5000, 6000),))


def face() -> NDArray[Any]:
    """Landmarks of two drawn eyes and brows in a picture of 120 x 120."""
    points = np.zeros((478, 3), np.float32)
    for centre, brow, upper, lower in (
        (
            40,
            (46, 53, 52, 65, 55),
            (33, 246, 161, 160, 159, 158, 157, 173, 133),
            (33, 7, 163, 144, 145, 153, 154, 155, 133),
        ),
        (
            80,
            (276, 283, 282, 295, 285),
            (362, 398, 384, 385, 386, 387, 388, 466, 263),
            (362, 382, 381, 380, 374, 373, 390, 249, 263),
        ),
    ):
        for row, height in ((brow, 30.0), (upper, 46.0), (lower, 54.0)):
            for x, index in zip(np.linspace(centre - 12, centre + 12, len(row)), row, strict=True):
                points[index, :2] = x, height
    for corner in (33, 133, 362, 263):
        points[corner, 1] = 50.0
    return points


def picture() -> NDArray[Any]:
    return np.random.default_rng(0).integers(0, 255, (120, 120, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("events", "hits", "false"),
    [
        ([], 0, 0),
        ([(950, 1250), (2990, 3010)], 2, 0),
        ([(950, 1250), (2000, 2100)], 1, 1),
        ([(990, 1050), (1100, 1250)], 1, 1),
        ([(5500, 5600)], 0, 0),
    ],
    ids=["nothing", "both", "one and a false one", "one blink twice", "in an ignored range"],
)
def test_events_are_scored_by_overlap(events, hits, false):
    tally = Count()
    tally.add(CLIP, events)
    assert (tally.hits, tally.false, tally.blinks) == (hits, false, 2)
    assert tally.f1 == 2 * hits / (hits + false + 2)


def test_the_fixed_rule_needs_two_frames():
    low = [(0, False), (40, True), (80, False), (120, True), (160, True), (200, False)]
    assert runs_below(low) == [(120, 160)]


def test_a_folder_without_blinks_is_named(tmp_path):
    with pytest.raises(InputError, match=r"blinks\.json"):
        read_clips(tmp_path)


def test_every_version_changes_pictures_or_their_number_and_repeats_itself():
    for fps, degrade in VERSIONS.values():
        moment = Moment(picture(), face(), 1234.0)
        first, again = degrade(moment), degrade(moment)
        assert first.dtype == np.uint8
        assert (first == again).all()
        changed = first.shape != moment.picture.shape or (first != moment.picture).any()
        assert changed == (degrade is not unchanged)
        assert degrade is not unchanged or fps in {10, 15, 60}


def test_glasses_need_a_face():
    for degrade in WORN:
        assert (degrade(Moment(picture(), None, 0.0)) == picture()).all()


def test_a_photograph_in_a_hand_moves_and_a_still_one_hardly():
    still = [seen for _, seen in held(picture(), STILL, 3, 1)]
    moved = [seen for _, seen in held(picture(), GENTLE, 3, 1)]
    change = [float(np.abs(pair[2].astype(int) - pair[0]).mean()) for pair in (still, moved)]
    assert change[0] < change[1]


@pytest.mark.parametrize("squeezed", [True, False])
def test_a_lid_warp_touches_the_lids_alone(squeezed):
    photo = picture()
    warped = with_lids(photo, face(), 1.0, squeezed=squeezed)
    changed = np.argwhere((warped != photo).any(axis=2))
    assert changed.min(axis=0)[0] >= 29
    assert changed.max(axis=0)[0] <= 56
    course = lids_moving(photo, face(), 60, squeezed=squeezed)
    assert (course[0] == photo).all()
    assert (course[22] == warped).all()
