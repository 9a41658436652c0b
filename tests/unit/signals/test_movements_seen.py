"""Action units from lengths of the face: each by its own movement, one-sided ones, and what they are read as."""

from __future__ import annotations

import numpy as np
import pytest

from medauth.signals.face_measures import NAMES, REST, SPREAD, measures_of
from medauth.signals.movements_seen import UNITS, Unit, movements_of


def moved(**spreads: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Rest, with measures moved by so many spreads: `corner_up=2` both sides, `right_corner_up=2` one."""
    measures = REST.copy()
    for name, amount in spreads.items():
        wanted = name.replace("_", " ")
        for index, known in enumerate(NAMES):
            if known.replace(",", "") in (wanted, f"right {wanted}", f"left {wanted}"):
                measures[index] += amount * SPREAD[index]
    return measures


def numbers(measures: object) -> set[int]:
    return {one.unit.number for one in movements_of(np.asarray(measures)).seen}


def test_a_resting_face_does_nothing() -> None:
    found = movements_of(REST)
    assert found.seen == ()
    assert found.reading == "neutral"
    assert found.text == "nothing that moves is seen"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.number))
def test_each_unit_is_seen_by_its_own_movement(unit: Unit) -> None:
    spreads = {part.replace(",", "").replace(" ", "_"): 3.0 * (1 if share > 0 else -1) for part, share in unit.terms}
    assert unit.number in numbers(moved(**spreads))
    assert unit.number not in numbers(moved(**{name: -amount for name, amount in spreads.items()}))


def test_a_smile_is_read_as_happiness_and_raised_brows_with_a_dropped_jaw_as_surprise() -> None:
    smile = movements_of(moved(corner_curve=3, corner_up=3, corner_out=3, cheek=2, lower_lid=2))
    assert smile.reading == "happiness"
    assert smile.missing("happiness") == ()
    start = movements_of(moved(brow_inner=3, brow_outer=3, upper_lid=2, jaw=-2, lower_lip=-3, lip_gap=3))
    assert start.reading == "surprise"
    assert {1, 2, 5, 25, 26} <= {one.unit.number for one in start.seen}
    assert movements_of(REST).missing("surprise") == (1, 2, 5, 26)


def test_one_corner_of_the_mouth_alone_is_contempt_and_names_its_side() -> None:
    measures = moved(left_corner_curve=3, left_corner_up=3, left_corner_out=2)
    found = movements_of(measures)
    assert found.reading == "contempt"
    twelve = next(one for one in found.seen if one.unit.number == 12)
    assert twelve.side == "left"
    assert "left side alone: mouth corners pulled up (AU 12)" in found.text
    both = movements_of(moved(corner_curve=3, corner_up=3, corner_out=2))
    assert both.reading != "contempt"
    assert all(one.side == "" for one in both.seen)


def test_a_little_counts_against_ones_own_rest_and_not_against_other_people() -> None:
    little = moved(brow_inner=1.0)
    assert numbers(little) == set()
    own = movements_of(little, REST)
    assert [one.unit.number for one in own.seen] == [1]
    assert own.against == "own rest"


def test_who_always_looks_so_does_nothing_now() -> None:
    """A face whose brows sit high is at rest with them."""
    high = moved(brow_inner=3, brow_outer=3)
    assert 1 in numbers(high)
    assert movements_of(high, high).seen == ()


def test_lengths_follow_their_points() -> None:
    points = np.zeros((478, 3))
    for corner, side in ((61, "right corner up"), (291, "left corner up")):
        raised = points.copy()
        raised[corner, 1] += 0.1
        change = measures_of(raised) - measures_of(points)
        assert change[NAMES.index(side)] == pytest.approx(0.1)
        assert change[NAMES.index("jaw")] == 0
    wide = points.copy()
    wide[61, 0] -= 0.2
    assert (measures_of(wide) - measures_of(points))[NAMES.index("right corner out")] == pytest.approx(0.2)
