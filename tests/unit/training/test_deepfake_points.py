"""Operating points: shares of recordings, and natural film that has to stay below."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.training.deepfake_points import ABOVE, BPCER, operating_points

CHANCES = np.linspace(0.0, 0.799, 800)
PEOPLE = np.array([str(index % 40) for index in range(800)])


@pytest.mark.parametrize("policy", BPCER)
def test_so_many_recordings_lie_above_a_point(policy: str) -> None:
    point = operating_points(CHANCES, PEOPLE, 0.1)[policy]
    assert (point["threshold"] <= CHANCES).mean() == pytest.approx(BPCER[policy], abs=1 / 800)
    assert point["data"] == "800 recordings of 40 people of validation"


def test_the_point_of_standard_spares_natural_film_and_that_of_strict_need_not() -> None:
    plain, raised = operating_points(CHANCES, PEOPLE, 0.1), operating_points(CHANCES, PEOPLE, 0.9)
    assert raised["standard"]["threshold"] == pytest.approx(0.9 + ABOVE)
    assert "natural clips" in raised["standard"]["data"]
    assert raised["strict"] == plain["strict"]


def test_no_point_lies_above_certainty() -> None:
    assert operating_points(CHANCES, PEOPLE, 1.0)["standard"]["threshold"] == 1.0
