"""Faces drawn anew as networks draw them: texture is lost where they draw, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals.face_contours import FACE_OVAL
from medauth.training.face_bank import STORED_PX
from medauth.training.redrawing import Redrawing, draw_redrawing, redraw
from tests.unit.training.drawn_mesh import drawn_mesh

pytestmark = pytest.mark.simulated

HOW = Redrawing(share=0.4, smooth=0.8, sharpen=0.0, pattern=0.0, period_px=4, grow=1.0, soft_px=1.0)


def noisy() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(60, 200, (STORED_PX, STORED_PX, 3), dtype=np.uint8)


def inside_out() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    oval = drawn_mesh()[list(FACE_OVAL)]
    middle, half = oval.mean(axis=0), np.ptp(oval, axis=0) / 2
    rows, columns = np.mgrid[:STORED_PX, :STORED_PX]
    far = np.hypot((columns - middle[0]) / half[0], (rows - middle[1]) / half[1])
    return far < 0.7, far > 1.3


def test_texture_is_lost_within_the_face_and_stays_around_it() -> None:
    image = noisy()
    drawn = redraw(image, drawn_mesh(), HOW)
    within, around = inside_out()
    assert drawn[within].std() < 0.6 * image[within].std()
    assert (drawn[around] == image[around]).mean() > 0.98


def test_a_network_that_draws_the_whole_picture_leaves_no_edge() -> None:
    drawn = redraw(noisy(), drawn_mesh(), replace(HOW, grow=None))
    within, around = inside_out()
    assert drawn[within].std() == pytest.approx(drawn[around].std(), rel=0.1)


@pytest.mark.parametrize("period", [2, 4, 8])
def test_the_pattern_is_regular_and_changes_no_brightness(period: int) -> None:
    flat = np.full((STORED_PX, STORED_PX, 3), 128, np.uint8)
    drawn = redraw(flat, drawn_mesh(), replace(HOW, grow=None, pattern=6.0, period_px=period))[..., 0].astype(float)
    assert drawn.mean() == pytest.approx(128, abs=1)
    power = np.abs(np.fft.rfft(drawn[0] - drawn[0].mean()))
    assert int(power.argmax()) == pytest.approx(STORED_PX / period, abs=1)


def test_all_ways_are_drawn_and_repeat() -> None:
    drawn = [draw_redrawing(np.random.default_rng(seed)) for seed in range(60)]
    assert {one.grow is None for one in drawn} == {True, False}
    assert {one.period_px for one in drawn} == {2, 4, 8}
    assert draw_redrawing(np.random.default_rng(3)) == drawn[3]
