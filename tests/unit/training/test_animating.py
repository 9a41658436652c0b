"""Photographs that are made to move: where marks go, that the picture goes with them, and that chance repeats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals.face_contours import FACE_OVAL
from medauth.training.animating import Animation, animate, cloud, draw_animation, pieces, spline_of_key_points
from medauth.training.degrading import rescale
from medauth.training.face_bank import BOX, CROP_PX, STORED_PX, align_anew
from medauth.training.moved_points import Motion, eyes_px, move_points, ring, shape_change_px
from medauth.training.painting import Paint
from medauth.training.sequences import LENGTH, draw_course
from tests.unit.training.drawn_mesh import drawn_mesh

pytestmark = pytest.mark.simulated

Image = NDArray[np.uint8]
DEPTH = 0.8
FIELDS = {"cloud": cloud(4.0), "spline": spline_of_key_points, "pieces": pieces(1)}


def picture() -> Image:
    return rescale(np.random.default_rng(3).integers(0, 255, (STORED_PX, STORED_PX, 3), dtype=np.uint8), 0.15)


def animation(motion: Motion, field: str = "cloud", inside: NDArray[np.float64] | None = None) -> Animation:
    painted = Paint(inside, teeth=None, lids=True, lashes=0.0, shaded=False, soft_px=1.0)
    return Animation(motion, FIELDS[field], follow=0.8, depth=DEPTH, paint=painted, redrawing=None)


def test_a_turned_head_shows_its_nose_aside_and_keeps_its_outline() -> None:
    marks = drawn_mesh()
    moved = move_points(marks, Motion(yaw=20), DEPTH)
    assert moved[4, 0] - marks[4, 0] > 10
    outline = list(FACE_OVAL)
    assert np.abs(moved[outline] - marks[outline]).max() < 8
    other_way = move_points(marks, Motion(yaw=-20), DEPTH)
    assert other_way[4, 0] - marks[4, 0] == pytest.approx(marks[4, 0] - moved[4, 0], abs=2)


@pytest.mark.parametrize(
    ("motion", "upper", "lower", "gap"),
    [(Motion(lids=1.0), 159, 145, 0.0), (Motion(jaw=-1.0), 13, 14, 0.0), (Motion(jaw=0.2), 13, 14, 0.2 * 72)],
)
def test_lids_meet_and_lips_meet_or_part(motion: Motion, upper: int, lower: int, gap: float) -> None:
    marks = drawn_mesh()
    before = float(np.hypot(*(marks[lower] - marks[upper])))
    moved = move_points(marks, motion, DEPTH)
    after = float(np.hypot(*(moved[lower] - moved[upper])))
    assert before > 2
    assert after == pytest.approx(gap and before + gap, abs=1.2)


def test_smiles_and_brows_go_either_way() -> None:
    marks = drawn_mesh()
    for sign in (1, -1):
        moved = move_points(marks, Motion(smile=0.1 * sign, brows=0.1 * sign), DEPTH)
        assert np.sign(moved[61, 1] - marks[61, 1]) == -sign
        assert np.sign((moved[291] - moved[61])[0] - (marks[291] - marks[61])[0]) == sign
        assert np.sign(moved[105, 1] - marks[105, 1]) == -sign


def test_shift_tilt_and_size_change_no_shape() -> None:
    marks = drawn_mesh()
    rigid = move_points(marks, Motion(roll=12, zoom=1.1), DEPTH) + np.float32(9)
    assert shape_change_px(marks, rigid) < 0.01
    assert shape_change_px(marks, move_points(marks, Motion(yaw=25), DEPTH)) > 6


def test_part_of_a_motion_is_part_of_the_way() -> None:
    motion = Motion(yaw=30, jaw=0.2, zoom=1.21)
    half = motion.part(0.5)
    assert (half.yaw, half.jaw) == (15, 0.1)
    assert half.zoom == pytest.approx(1.1)
    assert motion.part(0.0) == Motion()


@pytest.mark.parametrize("field", FIELDS)
def test_the_picture_goes_where_the_marks_go(field: str) -> None:
    image, marks = np.full((STORED_PX, STORED_PX, 3), 40, np.uint8), drawn_mesh()
    x, y = np.round(marks[4]).astype(int)
    image[y - 2 : y + 3, x - 2 : x + 3] = 250
    drawn, moved = animate(image, marks, animation(Motion(yaw=15), field))
    row, column = np.argwhere(drawn[..., 0] > 120).mean(axis=0)
    assert column == pytest.approx(moved[4, 0], abs=3)
    assert row == pytest.approx(moved[4, 1], abs=3)
    assert column - x > 6


@pytest.mark.parametrize("field", FIELDS)
def test_nothing_moved_leaves_the_picture_and_the_border_always_stays(field: str) -> None:
    image, marks = picture(), drawn_mesh()
    still, moved = animate(image, marks, animation(Motion(yaw=20), field), share=0.0)
    np.testing.assert_allclose(moved, marks, atol=1e-3)
    assert np.abs(still.astype(int) - image).mean() < 1
    turned, _ = animate(image, marks, animation(Motion(yaw=20), field))
    assert np.abs(turned.astype(int) - image)[:2].mean() < 6
    assert np.abs(turned.astype(int) - image)[60:140, 60:120].mean() > 6


def test_what_a_photograph_does_not_hold_is_painted() -> None:
    image, marks = np.full((STORED_PX, STORED_PX, 3), 200, np.uint8), drawn_mesh()
    dark = np.array([20.0, 20.0, 30.0])
    opened, moved = animate(image, marks, animation(Motion(jaw=0.25), inside=dark))
    x, y = np.round(moved[[13, 14]].mean(axis=0)).astype(int)
    assert opened[y, x].max() < 60
    eye = image.copy()
    eye[74:82, 60:76] = 10
    shut, _ = animate(eye, marks, animation(Motion(lids=1.0)))
    bare = replace(animation(Motion(lids=1.0)).paint, lids=False)
    plain, _ = animate(eye, marks, replace(animation(Motion(lids=1.0)), paint=bare))
    assert shut.astype(int).sum() > plain.astype(int).sum()


def test_a_drawing_repeats_with_its_seed_and_can_be_seen() -> None:
    marks = drawn_mesh()
    for seed in range(30):
        one, two = (draw_animation(marks, np.random.default_rng(seed)) for _ in range(2))
        assert one.motion == two.motion
        assert (animate(picture(), marks, one)[0] == animate(picture(), marks, two)[0]).all()
        assert shape_change_px(marks, move_points(marks, one.motion, one.depth)) >= 1.8


def test_no_movement_says_by_its_direction_that_it_was_made() -> None:
    drawn = [draw_animation(drawn_mesh(), np.random.default_rng(seed)).motion for seed in range(300)]
    for name in ("yaw", "pitch", "smile", "brows"):
        values = np.array([getattr(motion, name) for motion in drawn])
        assert 0.35 < (values[values != 0] > 0).mean() < 0.65
    assert any(motion.jaw < 0 for motion in drawn)
    assert any(motion.jaw > 0 for motion in drawn)


def test_a_moved_face_is_cut_as_a_check_would_cut_it() -> None:
    marks = drawn_mesh()
    moved = move_points(marks, Motion(yaw=20, roll=15, zoom=1.1), DEPTH)
    _, again = align_anew(picture(), moved, 1.1)
    eyes = again[[33, 133, 362, 263]].mean(axis=0)
    edge = (STORED_PX - CROP_PX) / 2
    assert eyes[0] == pytest.approx(BOX.eyes_x * CROP_PX + edge, abs=1)
    assert eyes[1] == pytest.approx(BOX.eyes_y * CROP_PX + edge, abs=1)
    assert abs(again[33, 1] - again[263, 1]) < 4
    assert eyes_px(again) < 72


def test_points_around_a_face_go_with_it_and_the_border_does_not() -> None:
    marks = drawn_mesh()
    here, there = ring(marks, marks + np.array([6, 0], np.float32), 0.5, STORED_PX)
    moves = (there - here)[:, 0]
    assert set(np.round(moves, 2)) == {0.0, 1.5, 3.0}
    assert (moves[(here == 0).any(axis=1)] == 0).all()


def test_a_course_goes_there_and_may_come_back() -> None:
    for seed in range(40):
        course = draw_course(np.random.default_rng(seed))
        assert course.shape == (LENGTH,)
        assert course.min() >= 0
        assert 0.5 < course.max() <= 1
        assert np.abs(np.diff(course)).max() < 1
