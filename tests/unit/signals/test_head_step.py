"""Steps of a drawn head: known shifts are found, lids and lamps are none."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.protocol.observation import FaceTrack
from medauth.signals.frame_print import rows_of
from medauth.signals.head_step import HeadView, is_gone, step_between, view_of
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


def view(picture: NDArray[np.uint8]) -> HeadView:
    return view_of(rows_of(picture), (picture.shape[0], picture.shape[1]), FACE)


def step(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return step_between(view(one), view(other))


@pytest.mark.parametrize("by", [(1.0, 0.0), (0.0, 2.0), (-2.0, 1.0), (0.3, 0.0)])
def test_a_shift_is_found_to_a_fraction_of_a_pixel(by: tuple[float, float]) -> None:
    assert step(head(), head(by=by)) == pytest.approx(math.hypot(*by) / EYES_PX, rel=0.2, abs=0.001)


def test_nothing_moved_is_no_step() -> None:
    assert step(head(), head()) < 1e-4


def test_lids_and_lamps_are_no_steps() -> None:
    assert step(head(), head(lids=False)) < 0.004
    assert step(head(), head(light=0.7)) < 0.004


def test_another_size_cannot_be_measured() -> None:
    assert math.isnan(step(head(), np.ascontiguousarray(head()[::2, ::2])))


def test_a_picture_without_contrast_is_no_step() -> None:
    grey = np.full((*SIZE, 3), 120, np.uint8)
    assert step(grey, grey) < 1e-6


def _plainly(before: HeadView, after: HeadView) -> float:
    """The same step from whole pictures and every pixel of a mask as large as they are."""
    points, middle = before.points, (before.points[4] + before.points[5]) / 2
    eyes = float(np.hypot(*(points[2] - points[0])))
    angle = math.degrees(math.atan2(*(points[2] - points[0])[::-1].tolist()))
    mask = np.zeros(before.picture.shape, np.uint8)
    for place, lift, axes, value in (
        (middle, 0.15, (1.05, 1.35), 1),
        ((points[0] + points[1]) / 2, 0.0, (0.28, 0.17), 0),
        ((points[2] + points[3]) / 2, 0.0, (0.28, 0.17), 0),
        ((points[6] + points[7]) / 2, 0.0, (0.42, 0.35), 0),
    ):
        half = round(axes[0] * eyes), round(axes[1] * eyes)
        cv2.ellipse(mask, (round(place[0]), round(place[1] - lift * eyes)), half, angle, 0, 360, (value,), -1)
    lines, columns = np.nonzero(mask)
    x, y = (columns - middle[0]) / eyes, (lines - middle[1]) / eyes
    one, other = (view.picture.astype(np.float64)[mask > 0] for view in (before, after))
    one, other = one - one.mean(), other - other.mean()
    mean = (before.picture.astype(np.float64) + after.picture) / 2
    across, down = (np.asarray(cv2.Sobel(mean, cv2.CV_64F, *way, scale=1 / 8))[mask > 0] for way in ((1, 0), (0, 1)))
    slopes = np.stack([across, down, across * x + down * y, down * x - across * y])
    gap = one - other * np.linalg.norm(one) / np.linalg.norm(other)
    move = np.linalg.solve(slopes @ slopes.T + np.eye(4), slopes @ gap)
    u, v = move[0] + move[2] * x - move[3] * y, move[1] + move[2] * y + move[3] * x
    return math.sqrt(float((u**2 + v**2).mean())) / eyes


@pytest.mark.parametrize("seed", range(12))
def test_boxes_and_masks_that_are_kept_change_nothing(seed: int) -> None:
    """Wherever the head is, cut off by the picture's edge or not, however it is tilted."""
    random = np.random.default_rng(seed)
    places = np.array([(-9, -5), (-4, -5), (9, -5), (4, -5), (0, -16), (0, 16), (-4, 8), (4, 8)]) * random.uniform(
        0.8, 1.3
    )
    tilt = random.uniform(-0.5, 0.5)
    turned = places @ np.array([[math.cos(tilt), math.sin(tilt)], [-math.sin(tilt), math.cos(tilt)]])
    points = np.asarray(turned + np.array((random.uniform(5, 75), random.uniform(5, 55))), np.float32)
    coarse = random.uniform(40, 220, (2, 15, 20)).astype(np.float32)
    one, other = (HeadView(np.asarray(cv2.resize(grey, (80, 60)), np.uint8), points, SIZE) for grey in coarse)
    assert step_between(one, other) == pytest.approx(_plainly(one, other), rel=0.03)


@pytest.mark.parametrize(
    ("shown", "gone"),
    [
        (head(), False),
        (head(by=(4.0, 2.0)), False),
        (head(light=0.5), False),
        (head(lids=False), False),
        (np.zeros_like(head()), True),
        (np.asarray(head() // 16, np.uint8), True),
        (np.asarray(255 - head(), np.uint8), True),
        (head()[:-8], True),  # another size
    ],
)
def test_a_head_is_gone_where_nothing_of_it_is_left(shown: NDArray[np.uint8], gone: bool) -> None:
    assert is_gone(rows_of(shown), (shown.shape[0], shown.shape[1]), view(head())) is gone
