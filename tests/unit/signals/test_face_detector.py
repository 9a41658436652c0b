"""Boxes of one face are one face; faces beside each other are two; the picture's proportions are kept."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.signals.face_detector import FAR, NEAR, Net, _anchors, _distinct, _squared
from medauth.signals.face_quality import Box


@pytest.mark.parametrize(("net", "rows"), [(NEAR, 896), (FAR, 2304)])
def test_there_is_an_anchor_for_every_output_row_inside_the_picture(net: Net, rows: int) -> None:
    anchors = _anchors(net.grids)
    assert anchors.shape == (rows, 2)
    assert anchors.min() > 0
    assert anchors.max() < 1


def test_overlapping_boxes_are_one_face_and_the_surest_stays() -> None:
    face, again, other = Box(0, 0, 100, 100), Box(5, 3, 104, 101), Box(150, 0, 250, 100)
    assert _distinct([face, again, other]) == [face, other]


def test_a_wide_picture_is_scaled_with_its_proportions_and_padded() -> None:
    square = _squared(np.full((240, 320, 3), 255, np.uint8), 320, 128)
    assert square.shape == (1, 128, 128, 3)
    assert (square[0, 16:112] == 1.0).all()
    assert (square[0, :16] == -1.0).all()
    assert (square[0, 112:] == -1.0).all()
