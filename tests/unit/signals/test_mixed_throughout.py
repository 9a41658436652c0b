"""Film that a program makes of fewer frames by mixing them is known by it, and its quick turns are not taken for fades."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from medauth.signals import mixed_throughout
from medauth.signals.cross_fades import CrossFades
from medauth.signals.head_step import UNKNOWN, HeadView, move_between, view_of
from medauth.signals.mixed_throughout import MixedThroughout
from tests.unit.signals.test_cross_fades import EVERY_MS, Numbers, picture, rows_of_grey
from tests.unit.signals.test_head_step import FACE, SIZE

NOD_PX = (0, 3, 7, 3, 0, -4, -8, -4, 0, 4, 8, 3)
"""Where a head is that turns to and fro at ten frames a second."""
REST = (0,) * 12


def tripled(places: Sequence[float]) -> list[Numbers]:
    """Three frames of each, two of them mixed with the next."""
    pairs = pairwise(places)
    return [(1 - n / 3) * picture(one) + n / 3 * picture(other) for one, other in pairs for n in range(3)]


def sharp(places: Sequence[float]) -> list[Numbers]:
    """Three frames of each, filmed."""
    pairs = pairwise(places)
    return [picture((1 - n / 3) * one + n / 3 * other) for one, other in pairs for n in range(3)]


def fades(film: Sequence[Numbers]) -> tuple[int, int]:
    """How many are told, and how many may be the program's."""
    random, found = np.random.default_rng(5), CrossFades()
    last: HeadView | None = None
    for index, grey in enumerate(film):
        rows = rows_of_grey(grey, random.normal(0, 1, (96, SIZE[1])))
        head = view_of(rows, SIZE, FACE)
        found.add(index * EVERY_MS, rows, head, UNKNOWN if last is None else move_between(last, head))
        last = head
    return len(found.spans_ms), len(found.unclear_ms)


TURNS = (*REST, 5, 9, *(9,) * 12, 4, 0, *REST)
"""From rest to rest in two of the camera's frames, there and back: as quickly as heads do."""


@pytest.mark.simulated
def test_quick_turns_in_film_that_is_mixed_throughout_are_left_open() -> None:
    told, unclear = fades(tripled([*NOD_PX * 2, *TURNS, *NOD_PX]))
    assert told == 0
    assert unclear >= 1


@pytest.mark.simulated
def test_quick_turns_as_filmed_are_neither() -> None:
    assert fades(sharp([*NOD_PX * 2, *TURNS, *NOD_PX])) == (0, 0)


@pytest.mark.simulated
def test_a_fade_in_film_of_a_camera_is_told() -> None:
    away = sharp([*NOD_PX * 2, *REST])
    between = [(1 - n / 4) * picture(0) + n / 4 * picture(9) for n in (1, 2, 3)]
    assert fades([*away, *between, *[picture(9)] * 12]) == (1, 0)


@pytest.mark.simulated
def test_a_leap_of_the_cameras_steps_is_told_in_mixed_film_too() -> None:
    """A head that comes from rest to rest within one frame of the camera was cut."""
    told, _ = fades(tripled([*NOD_PX * 2, *REST, *(9,) * 12]))
    assert told == 1


def voted(monkeypatch: pytest.MonkeyPatch, means: Sequence[bool]) -> MixedThroughout:
    """A head that moves in every frame, 25 ms apart; which frames are means is given: those of a real film take seconds."""
    said = iter(means)
    monkeypatch.setattr(mixed_throughout, "_is_mean", lambda *_: next(said))
    film = MixedThroughout()
    seen: Any = (None, None, None)
    for index in range(len(means) + 2):
        film.add(seen if index > 1 else (), (25.0 * index, 0.03 * index, 0.0), anew=not index)
    return film


def test_means_near_to_a_fade_are_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """200 ms before and after count as well, one end as the other, and one fade in another is no gap."""
    means = [400 <= 25 * (index + 1) <= 1_400 for index in range(80)]
    assert voted(monkeypatch, means).may_have_made([(600.0, 1_200.0), (700.0, 800.0)]) == [False, False]
    assert voted(monkeypatch, means).may_have_made([(700.0, 800.0)]) == [True]


def test_film_made_of_fades_costs_no_more_than_other_film(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three minutes at forty frames a second with a fade in every 24: fade by fade over all frames it took minutes."""
    film = voted(monkeypatch, [True] * 7_200)
    spans = [(25.0 * start, 25.0 * (start + 4)) for start in range(20, 7_100, 24)]
    begun = time.process_time()
    told = film.may_have_made(spans)
    assert time.process_time() - begun < 1.0
    assert len(told) == len(spans)
