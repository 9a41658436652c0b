"""Hands and things before faces: where they lie, what they leave alone, that both pictures of a pair get the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medauth.training.covering import Cover, draw_cover, lay_over
from medauth.training.face_bank import STORED_PX
from medauth.training.forged_samples import SamplePlan, both_covered
from tests.unit.training.drawn_mesh import drawn_mesh

pytestmark = pytest.mark.simulated

GREY = np.full((STORED_PX, STORED_PX, 3), 120, np.uint8)


def cover(**changes: object) -> Cover:
    block = Cover((92.0, 92.0), 0.0, 40.0, 0, 0.0, np.array([20.0, 40.0, 200.0]), (0.0, 0.0), 0.8, 0.0, 1)
    return replace(block, **changes)  # type: ignore[arg-type]


def test_a_thing_hides_what_is_behind_it_and_leaves_the_rest() -> None:
    drawn = lay_over(GREY, cover())
    assert drawn[92, 92, 2] > 150
    assert drawn[92, 92, 0] < 60
    assert (drawn[:30] == 120).all()
    assert 0.05 < (np.abs(drawn.astype(int) - 120).max(axis=2) > 20).mean() < 0.25


def test_fingers_stand_side_by_side() -> None:
    drawn = lay_over(GREY, cover(fingers=4, width_px=60.0, spread=0.3))
    row = drawn[65, :, 2].astype(int) > 140
    assert int((np.diff(row.astype(int)) == 1).sum()) >= 3


def test_a_cover_moves_as_a_whole() -> None:
    here, there = (lay_over(GREY, cover().at(across, 0)) for across in (0.0, 15.0))
    assert np.abs(there[92, 77:140].astype(int) - here[92, 62:125]).mean() < 12
    assert (there != here).any()


def test_a_drawing_repeats_with_its_seed_and_lies_on_the_face() -> None:
    marks = drawn_mesh()
    for seed in range(20):
        one, two = (draw_cover(GREY, marks, np.random.default_rng(seed)) for _ in range(2))
        assert (lay_over(GREY, one) == lay_over(GREY, two)).all()
        assert (np.array(one.place) >= marks.min(axis=0)).all()
        assert (np.array(one.place) <= marks.max(axis=0)).all()


def test_a_real_picture_and_its_forgery_are_covered_alike() -> None:
    rng = np.random.default_rng(2)
    real, forged = both_covered(GREY, GREY.copy(), drawn_mesh(), SamplePlan(cover_share=1.0), rng)
    assert (real == forged).all()
    assert (real != GREY).any()
    bare, _ = both_covered(GREY, GREY, drawn_mesh(), SamplePlan(cover_share=0.0), rng)
    assert bare is GREY
