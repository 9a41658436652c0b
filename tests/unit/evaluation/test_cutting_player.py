"""A player that cuts: it goes on at a steady pace, lands where it was told to, and mixes what it fades."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.evaluation.cutting_player import JUMPING, JUMPS, at_rate, jumping
from medauth.evaluation.injected import Shot, TooShort
from medauth.evaluation.spoiled_cuts import MISSING, SPOILS

pytestmark = pytest.mark.simulated

EVERY_MS = 40.0


def film(count: int = 240) -> list[Shot]:
    """Every picture is of its number's own grey, so that each can be told."""
    return [Shot(np.full((30, 40, 3), n, np.uint8), EVERY_MS * n) for n in range(count)]


def numbers(shots: object) -> list[int]:
    return [int(shot.picture[0, 0, 0]) for shot in shots]  # type: ignore[attr-defined]


def played(change: object, seed: int = 3) -> list[int]:
    return numbers(change(film(), film(), np.random.default_rng(seed)))  # type: ignore[operator]


def test_it_jumps_to_every_gesture_and_back() -> None:
    steps = np.diff(played(jumping()))
    assert (np.abs(steps) > 5).sum() in {JUMPS, JUMPS + 1}


def test_the_likest_of_all_places_lies_nearer_than_any_one() -> None:
    def reach(change: object) -> float:
        leaps = [np.abs(np.diff(played(change, seed))) for seed in range(5)]
        return float(np.mean([leap[leap > 5].mean() for leap in leaps]))

    assert reach(jumping(among=10_000)) < 0.6 * reach(jumping())


def test_its_film_runs_at_one_pace() -> None:
    shots = jumping()(film(), film(), np.random.default_rng(1))
    assert np.ptp(np.diff([shot.t_ms for shot in shots])) < 1e-6


def test_a_fade_mixes_both_places() -> None:
    sharp, faded = (np.abs(np.diff(played(change))) for change in (jumping(), jumping(faded=4)))
    assert faded.max() < 0.5 * sharp.max()


def test_a_player_that_blinds_shows_black_without_a_face_at_each_cut() -> None:
    shots = jumping(spoil=SPOILS["a black frame"])(film(), film(), np.random.default_rng(3))
    shown = [shot.picture for shot in shots]
    # The film's first picture, black as well, is no place to cut: whatever is black was put in.
    black = [index for index, picture in enumerate(shown) if not picture.any()]
    assert len(black) == JUMPS + 1
    assert all(shots[index].face is None for index in black)
    assert np.ptp(np.diff([shot.t_ms for shot in shots])) < 1e-6


def test_a_player_that_leaves_a_gap_shows_nothing_while_its_time_passes() -> None:
    shots = jumping(spoil=SPOILS["a gap"])(film(), film(), np.random.default_rng(3))
    intervals = np.diff([shot.t_ms for shot in shots])
    assert (intervals > 5 * EVERY_MS).sum() == JUMPS
    assert all(shot.picture.size for shot in shots)


@pytest.mark.parametrize("name", SPOILS)
def test_whatever_is_shown_at_a_cut_adds_the_same_to_each(name: str) -> None:
    plain, spoiled = (jumping(spoil=spoil)(film(), film(), np.random.default_rng(3)) for spoil in (None, SPOILS[name]))
    at_once = SPOILS[name](film(), 100, 200, np.random.default_rng(3))
    if name not in {"a frame of elsewhere", "a still with grain"}:  # they draw, so that the player goes another way
        assert len(spoiled) - len(plain) == (JUMPS + 1) * sum(shot is not MISSING for shot in at_once)


def test_at_another_rate_frames_are_left_out() -> None:
    assert len(played(at_rate(10, jumping()))) < 0.6 * len(played(jumping()))


def test_a_film_too_short_to_jump_in_says_so() -> None:
    with pytest.raises(TooShort):
        jumping()(film(30), film(), np.random.default_rng(1))


def test_every_player_plays_from_its_seed_alone() -> None:
    for name, change in JUMPING.items():
        if "lids" not in name:
            assert played(change) == played(change), name
