"""The mean of two drawn heads is told from a head between them, through noise too."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals.head_step import HeadView, view_of
from medauth.signals.mixed_frames import Fine, Mixture, fine, mixture, noise_around, seems_mixed
from tests.unit.signals.test_cross_fades import picture, rows_of_grey
from tests.unit.signals.test_head_step import FACE, SIZE

BY_PX = 24.0


def frame(grey: NDArray[Any], noise: float = 0.5, seed: int = 0) -> Any:
    rows = rows_of_grey(grey, np.random.default_rng(seed).normal(0, noise, (96, SIZE[1])))
    return SimpleNamespace(rows=rows, view=view_of(rows, SIZE, FACE))


def between(share: float) -> NDArray[Any]:
    return np.asarray((1 - share) * picture(0) + share * picture(BY_PX))


def looked(middle: NDArray[Any], noise: float = 0.5, taken_off: float = 0.0) -> Mixture | None:
    frames = [frame(grey, noise, seed) for seed, grey in enumerate((picture(0), middle, picture(BY_PX)))]
    one, at, other = (fine(seen, frames[0].view) for seen in frames)
    return mixture(one, at, other, taken_off)


def views(middle: NDArray[Any]) -> tuple[HeadView, HeadView, HeadView]:
    one, at, other = (frame(grey).view for grey in (picture(0), middle, picture(BY_PX)))
    return one, at, other


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_a_mean_leaves_nothing_and_is_faint(share: float) -> None:
    found = looked(between(share))
    assert found is not None
    assert found.is_mean
    assert found.left < 0.02
    assert found.faint == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("place", [0.4, 0.5, 0.6])
def test_a_sharp_head_between_is_no_mean(place: float) -> None:
    found = looked(picture(BY_PX * place))
    assert found is None or not found.is_mean


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9, 1.0])
def test_who_is_still_at_one_end_is_not_between(share: float) -> None:
    assert looked(between(share)) is None


def test_two_pictures_that_differ_by_noise_alone_have_nothing_between() -> None:
    frames = [frame(picture(0), 6, seed) for seed in range(9)]
    parts = [fine(seen, frames[0].view) for seen in frames]
    noise = noise_around([frames[3:]], frames[0].view)
    assert (found := mixture(parts[0], parts[1], parts[2], noise)) is None or found.alike > 0.95


def test_noise_hides_a_mean_until_it_is_taken_off() -> None:
    calm = [frame(picture(0), 20, 10 + n) for n in range(5)]
    noise = noise_around([calm], calm[0].view)
    hidden, seen = looked(between(0.5), 20), looked(between(0.5), 20, noise)
    assert hidden is not None
    assert seen is not None
    assert not hidden.is_mean
    assert seen.is_mean


def test_noise_is_measured_of_a_head_that_moves_evenly_as_of_one_at_rest() -> None:
    head = frame(picture(0)).view
    rest = noise_around([[frame(picture(0), 4, n) for n in range(5)]], head)
    moved = noise_around([[frame(picture(0.5 * n), 4, n) for n in range(5)]], head)
    assert moved == pytest.approx(rest, rel=0.3)


def test_without_three_frames_in_a_row_no_noise_is_known() -> None:
    still = frame(picture(0), 4)
    assert noise_around([[still, still], []], still.view) == 0.0


def test_the_small_pictures_say_as_much() -> None:
    assert seems_mixed(*views(between(0.5)))
    assert not seems_mixed(*views(picture(BY_PX / 2)))
    assert not seems_mixed(*views(between(0.05)))


def test_one_picture_three_times_is_no_mixture() -> None:
    same: Fine = np.ones(300, np.float32)
    assert mixture(same, same, same) is None
    view = frame(picture(0)).view
    assert not seems_mixed(view, view, view)
