"""Honest film that could be taken for a player's: as often lost as said, mixed as said, the times in order."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.evaluation.honest_cameras import HONEST_CAMERAS, covered, missed
from medauth.evaluation.injected import Shot
from tests.unit.signals.heads import track

pytestmark = pytest.mark.simulated

EVERY_MS = 40.0


def film(count: int = 250) -> list[Shot]:
    return [Shot(np.full((30, 40, 3), n, np.uint8), EVERY_MS * n, track()) for n in range(count)]


@pytest.mark.parametrize("name", HONEST_CAMERAS)
def test_it_runs_on_and_repeats_from_its_seed(name: str) -> None:
    one, other = (HONEST_CAMERAS[name](film(), film(), np.random.default_rng(2)) for _ in range(2))
    assert [shot.picture.tobytes() for shot in one] == [shot.picture.tobytes() for shot in other]
    assert min(np.diff([shot.t_ms for shot in one])) > 0
    assert one[-1].t_ms == pytest.approx(film()[-1].t_ms, abs=2 * EVERY_MS)


def test_faces_are_missed_as_often_as_said() -> None:
    lost = [shot.face is None for shot in missed(0.1)(film(), film(), np.random.default_rng(1))]
    assert 10 <= sum(lost) <= 40


def test_a_covered_face_comes_back_within_half_a_second() -> None:
    lost = [shot.face is None for shot in covered(film(), film(), np.random.default_rng(1))]
    assert 0.02 < np.mean(lost) < 0.3


def test_mixed_frames_lie_between_their_neighbours() -> None:
    shown = HONEST_CAMERAS["frames mixed by a change of rate"](film(), film(), np.random.default_rng(1))
    assert len(shown) == pytest.approx(1.25 * 250, abs=2)
    levels = [int(shot.picture[0, 0, 0]) for shot in shown]
    assert set(np.diff(levels)) <= {0, 1}
