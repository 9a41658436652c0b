"""Steps of a drawn head: known shifts are found, lids and lamps are none."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.protocol.observation import FaceTrack
from medauth.signals.frame_print import rows_of
from medauth.signals.head_step import HeadStep
from tests.unit.signals.heads import track

SIZE = (480, 640)
EYES_PX = 80.0


def face() -> FaceTrack:
    """The points that are looked at, where they lie in a face in the middle of the picture."""
    seen = track()
    points = np.zeros((478, 3), np.float32)
    places = {33: (-40, -20), 133: (-16, -20), 263: (40, -20), 362: (16, -20), 10: (0, -75), 152: (0, 75)}
    places |= {61: (-20, 35), 291: (20, 35)}
    for index, place in places.items():
        points[index, :2] = np.add(place, (320, 240))
    return replace(seen, landmarks=points)


FACE = face()


@cache
def _spots() -> NDArray[np.float32]:
    coarse = np.random.default_rng(3).uniform(60, 180, (12, 16)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def head(*, by: tuple[float, float] = (0.0, 0.0), light: float = 1.0, lids: bool = True) -> NDArray[np.uint8]:
    """Smooth spots over the head, and dark eyes where lids are open."""
    spots = _spots().copy()
    if lids:
        for x in (-28, 28):
            cv2.circle(spots, (320 + x, 220), 9, (20.0,), -1)
    moved = cv2.warpAffine(spots, np.array([[1, 0, by[0]], [0, 1, by[1]]], np.float64), SIZE[::-1])
    return np.repeat(np.clip(moved * light, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def steps(*pictures: NDArray[np.uint8], seen: Any = FACE) -> list[float]:
    measure = HeadStep()
    return [measure.add(rows_of(picture), (picture.shape[0], picture.shape[1]), seen) for picture in pictures]


@pytest.mark.parametrize("by", [(1.0, 0.0), (0.0, 2.0), (-2.0, 1.0), (0.3, 0.0)])
def test_a_shift_is_found_to_a_fraction_of_a_pixel(by: tuple[float, float]) -> None:
    first, step = steps(head(), head(by=by))
    assert math.isnan(first)
    assert step == pytest.approx(math.hypot(*by) / EYES_PX, rel=0.2, abs=0.001)


def test_nothing_moved_is_no_step() -> None:
    assert steps(head(), head())[1] < 1e-4


def test_lids_and_lamps_are_no_steps() -> None:
    assert steps(head(), head(lids=False))[1] < 0.004
    assert steps(head(), head(light=0.7))[1] < 0.004


def test_another_size_or_no_face_cannot_be_measured() -> None:
    small = np.ascontiguousarray(head()[::2, ::2])
    assert math.isnan(steps(head(), small)[1])
    assert math.isnan(steps(head(), head(), seen=None)[1])


def test_a_picture_without_contrast_is_no_step() -> None:
    grey = np.full((*SIZE, 3), 120, np.uint8)
    assert steps(grey, grey)[1] < 1e-6
