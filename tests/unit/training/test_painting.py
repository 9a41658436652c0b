"""What is painted into a moved photograph: lids, lashes, mouths and teeth, each where it belongs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.training.face_bank import STORED_PX
from medauth.training.moved_points import Motion, move_points
from medauth.training.painting import Paint, draw_paint, paint
from tests.unit.training.drawn_mesh import drawn_mesh

pytestmark = pytest.mark.simulated

DARK, LIGHT = np.array([10.0, 10.0, 20.0]), np.array([200.0, 210.0, 220.0])
PLAIN = Paint(inside=DARK, teeth=LIGHT, lids=True, lashes=0.8, shaded=False, soft_px=0.6)


def face(grey: int = 128) -> NDArray[np.uint8]:
    return np.full((STORED_PX, STORED_PX, 3), grey, np.uint8)


def test_teeth_hang_from_the_upper_lip_and_the_dark_lies_below_them() -> None:
    moved = move_points(drawn_mesh(), Motion(jaw=0.3), 0.8)
    drawn = paint(face(), moved, PLAIN, lids=0.0, jaw=0.3)
    x, top, bottom = int(moved[13, 0]), moved[13, 1], moved[14, 1]
    assert drawn[int(top + 0.2 * (bottom - top)), x].min() > 150
    assert drawn[int(top + 0.75 * (bottom - top)), x].max() < 60
    bare = paint(face(), moved, replace(PLAIN, teeth=None), lids=0.0, jaw=0.3)
    assert bare[int(top + 0.2 * (bottom - top)), x].max() < 60


def test_a_shut_mouth_and_open_lids_are_left_as_they_are() -> None:
    moved = drawn_mesh()
    assert (paint(face(), moved, PLAIN, lids=0.2, jaw=-0.5) == face()).all()


@pytest.mark.parametrize("eye", [(159, 145), (386, 374)])
def test_lashes_darken_where_the_lids_meet(eye: tuple[int, int]) -> None:
    moved = move_points(drawn_mesh(), Motion(lids=1.0), 0.8)
    x, y = np.round(moved[eye[1]]).astype(int)
    drawn = paint(face(), moved, PLAIN, lids=1.0, jaw=0.0)
    bare = paint(face(), moved, replace(PLAIN, lashes=0.0), lids=1.0, jaw=0.0)
    assert drawn[y - 1 : y + 2, x].min() < 80
    assert bare[y - 1 : y + 2, x].min() > 100


def test_shaded_lids_go_from_the_skin_above_to_the_skin_below() -> None:
    image, marks = face(), drawn_mesh()
    middle = marks[[159, 145]].mean(axis=0)
    rows = np.arange(STORED_PX)
    image[rows < middle[1]] = 180
    image[rows >= middle[1]] = 60
    drawn = paint(image, marks, replace(PLAIN, shaded=True, lashes=0.0), lids=1.0, jaw=0.0)
    column = drawn[int(marks[159, 1]) : int(marks[145, 1]) + 1, int(middle[0]), 0].astype(int)
    assert len(np.unique(column)) > 2
    assert (np.diff(column) <= 2).all()


def test_all_ways_are_drawn_and_repeat() -> None:
    drawn = [draw_paint(np.random.default_rng(seed)) for seed in range(60)]
    assert {one.inside is None for one in drawn} == {one.teeth is None for one in drawn} == {True, False}
    assert (
        {one.lids for one in drawn}
        == {one.shaded for one in drawn}
        == {one.lashes > 0 for one in drawn}
        == {True, False}
    )
    assert str(draw_paint(np.random.default_rng(3))) == str(drawn[3])
