"""Fades of a drawn head from one place to another are found; heads that move, lamps and mixed neighbours are none."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals.cross_fades import AROUND, CrossFades
from medauth.signals.frame_print import Image
from medauth.signals.head_step import UNKNOWN, HeadView, move_between, view_of
from tests.unit.signals.test_head_step import FACE, SIZE

EVERY_MS = 33.3
REST = AROUND + 4
AWAY_PX = 9.0
"""Less than an eighth of the distance between the eyes."""
Numbers = NDArray[Any]


@cache
def texture(cells: int = 60) -> Numbers:
    coarse = np.random.default_rng(3).uniform(50, 200, (cells * 3 // 4, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


@cache
def picture(by: float, cells: int = 60) -> Numbers:
    shift = np.array([[1, 0, by], [0, 1, 0.4 * by]], np.float64)
    return np.asarray(cv2.warpAffine(texture(cells), shift, SIZE[::-1], borderMode=cv2.BORDER_REFLECT), np.float32)


def rows_of_grey(grey: Numbers, noise: Numbers | float = 0.0) -> Image:
    """As `rows_of` reads them."""
    return np.asarray(np.clip(grey[::5] + noise, 0, 255), np.uint8)


def spans(pictures: list[Numbers], *, noise: float = 1.0, every_ms: float = EVERY_MS) -> list[tuple[float, float]]:
    """Of these grey pictures, taken by a camera with noise and with a head that trembles by less than it."""
    random, found = np.random.default_rng(5), CrossFades()
    last: HeadView | None = None
    for index, grey in enumerate(pictures):
        rows = rows_of_grey(grey, random.normal(0, noise, (96, SIZE[1])))
        head = view_of(rows, SIZE, FACE)
        found.add(index * every_ms, rows, head, UNKNOWN if last is None else move_between(last, head))
        last = head
    return found.spans_ms


def course(between: list[Numbers], by: float = AWAY_PX) -> list[Numbers]:
    return [*[picture(0)] * REST, *between, *[picture(by)] * REST]


def faded(frames: int, by: float = AWAY_PX) -> list[Numbers]:
    shares = [n / (frames + 1) for n in range(1, frames + 1)]
    return [(1 - share) * picture(0) + share * picture(by) for share in shares]


def moved(frames: int, by: float = AWAY_PX) -> list[Numbers]:
    shares = [n / (frames + 1) for n in range(1, frames + 1)]
    return [picture(by * (10 * share**3 - 15 * share**4 + 6 * share**5)) for share in shares]


@pytest.mark.parametrize("frames", [2, 3, 4, 5, 8])
def test_a_fade_is_found_once(frames: int) -> None:
    ((start, end),) = spans(course(faded(frames)))
    middle = REST + (frames - 1) / 2
    assert start < middle * EVERY_MS < end


@pytest.mark.parametrize("every_ms", [66.7, 100.0])
def test_a_fade_is_found_at_any_rate(every_ms: float) -> None:
    assert len(spans(course(faded(3)), every_ms=every_ms)) == 1


def test_every_fade_counts() -> None:
    there, back = faded(3), faded(3)[::-1]
    rest = [picture(0)] * REST
    assert (
        len(spans([*rest, *there, *[picture(AWAY_PX)] * REST, *back, *rest, *there, *[picture(AWAY_PX)] * REST])) == 3
    )


@pytest.mark.parametrize("frames", [1, 3, 5, 8])
@pytest.mark.parametrize("by", [3.0, 6.0, 15.0])
def test_a_head_that_goes_the_same_way_fades_not(frames: int, by: float) -> None:
    assert spans(course(moved(frames, by), by)) == []


def test_a_film_cut_without_a_fade_has_none() -> None:
    assert spans(course([])) == []


@pytest.mark.parametrize("frames", [3, 5, 8])
def test_a_lamp_that_comes_on_slowly_moves_nobody(frames: int) -> None:
    lit = 1.4 * picture(0)
    shares = [n / (frames + 1) for n in range(1, frames + 1)]
    between = [(1 - share) * picture(0) + share * lit for share in shares]
    assert spans([*[picture(0)] * REST, *between, *[lit] * REST]) == []


def test_a_head_without_fine_structure_tells_nothing() -> None:
    """Where a moving head looks as a fade does, none is claimed."""
    places = [0.0] * REST + [AWAY_PX * share for share in (0.1, 0.4, 0.6, 0.9)] + [AWAY_PX] * REST
    assert spans([picture(place, cells=8) for place in places]) == []


def test_frames_mixed_from_slow_ones_are_no_fade() -> None:
    """Fifteen frames a second made sixty by mixing: every two of them lie at the ends of a fade of 67 ms."""
    slow = [*[picture(0)] * 4, picture(0.35 * AWAY_PX), picture(0.9 * AWAY_PX), *[picture(AWAY_PX)] * 4]
    mixed = [(1 - part / 4) * one + part / 4 * other for one, other in pairwise(slow) for part in range(4)]
    assert spans(mixed, every_ms=1_000 / 60) == []


FAR_PX = 30.0
SLOW_MS = 66.7
MOVING = [0.0, 1, 4, 12, 26, 44, 62, 78, 90, 97, 100, 101]
"""Where a head is that turns and has hardly come to rest."""


def out_of_a_movement(between: list[Numbers]) -> list[Numbers]:
    """A head moves, and from where it is the film goes on elsewhere with a head that moves as well."""
    before = [picture(place) for place in (*[0.0] * REST, *MOVING)]
    after = [picture(FAR_PX + place) for place in (*MOVING[::-1], *[0.0] * REST)]
    return [*before, *between, *after]


@pytest.mark.parametrize("noise", [1.0, 20.0])
@pytest.mark.parametrize("frames", [3, 5])
def test_a_fade_out_of_a_movement_into_another_is_found(frames: int, noise: float) -> None:
    """Nobody kept still: a player cuts away as soon as a gesture was seen. Noise leaves of a mean as much as it hides."""
    shares = [n / (frames + 1) for n in range(1, frames + 1)]
    mixed = [(1 - s) * picture(MOVING[-1]) + s * picture(FAR_PX + MOVING[-1]) for s in shares]
    ((start, end),) = spans(out_of_a_movement(mixed), noise=noise, every_ms=SLOW_MS)
    middle = REST + len(MOVING) + (frames - 1) / 2
    assert start < middle * SLOW_MS < end


@pytest.mark.parametrize("noise", [1.0, 20.0])
@pytest.mark.parametrize("frames", [1, 3, 5])
def test_a_head_that_goes_there_as_fast_fades_not(frames: int, noise: float) -> None:
    places = [MOVING[-1] + FAR_PX * n / (frames + 1) for n in range(1, frames + 1)]
    assert spans(out_of_a_movement([picture(place) for place in places]), noise=noise, every_ms=SLOW_MS) == []


def test_the_mean_of_two_frames_of_ten_a_second_is_no_fade() -> None:
    """A program that gives twenty mixes neighbours, and a head that turns goes far in 100 ms."""
    mean = (picture(MOVING[-1]) + picture(FAR_PX + MOVING[-1])) / 2
    assert spans(out_of_a_movement([mean]), every_ms=50) == []
    assert len(spans(out_of_a_movement([mean]), every_ms=55)) == 1


def test_where_the_face_was_lost_it_begins_anew() -> None:
    found = CrossFades()
    for index, grey in enumerate(course(faded(3))):
        rows = rows_of_grey(grey)
        found.add(index * EVERY_MS, rows, None if index == REST + 1 else view_of(rows, SIZE, FACE))
    assert found.spans_ms == []
