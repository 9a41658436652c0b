"""Error rates against values worked out by hand, and intervals against what they must cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.evaluation.metrics import (
    Trials,
    area_under_curve,
    by_group,
    detection_figures,
    equal_error_rate,
    error_curve,
    operating_point,
    rate_json,
    resampled,
    threshold_at_bpcer,
    wilson_rate,
    worst_species,
)

pytestmark = pytest.mark.simulated


def trials(scores, attack, species=None, groups=None) -> Trials:
    count = len(scores)
    return Trials(
        np.array(scores, float),
        np.array(attack, bool),
        np.array(species or ["print"] * count),
        np.array(groups or [str(index) for index in range(count)]),
    )


def test_area_counts_pairs_in_the_right_order_and_ties_by_half() -> None:
    scores, attack = np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True])
    assert area_under_curve(scores, attack) == (1 + 1 + 0.5 + 1) / 4


def test_area_is_not_known_without_both_kinds() -> None:
    assert np.isnan(area_under_curve(np.array([0.1, 0.2]), np.array([True, True])))


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40))
def test_area_of_turned_scores_is_the_rest(rows) -> None:
    scores, attack = np.array([float(s) for s, _ in rows]), np.array([a for _, a in rows])
    if attack.any() and not attack.all():
        assert area_under_curve(scores, attack) == pytest.approx(1 - area_under_curve(-scores, attack))


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40))
def test_curve_runs_from_all_alarmed_to_all_missed(rows) -> None:
    scores, attack = np.array([float(s) for s, _ in rows]), np.array([a for _, a in rows])
    curve = error_curve(scores, attack)
    assert (np.diff(curve.apcer) >= 0).all()
    assert (np.diff(curve.bpcer) <= 0).all()
    assert curve.apcer[0] == 0
    assert curve.bpcer[-1] == 0


def test_equal_error_rate_of_one_swap_in_four() -> None:
    scores, attack = np.array([0.1, 0.2, 0.3, 0.7, 0.6, 0.8, 0.9, 1.0]), np.repeat([False, True], 4)
    assert equal_error_rate(scores, attack) == pytest.approx(0.25)


def test_equal_error_rate_is_none_where_a_threshold_separates() -> None:
    assert equal_error_rate(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True])) == 0.0


def test_threshold_keeps_false_alarms_within_the_target() -> None:
    scores = np.array([*np.linspace(0, 0.9, 10), 0.5, 0.95])
    attack = np.array([False] * 10 + [True, True])
    threshold = threshold_at_bpcer(scores, attack, 0.1)
    assert (scores[~attack] >= threshold).mean() <= 0.1
    assert threshold == pytest.approx(0.9)


def test_figure_of_a_detector_is_that_of_its_worst_species() -> None:
    data = trials([0.9, 0.8, 0.2, 0.3, 0.1], [1, 1, 1, 1, 0], ["print", "print", "replay", "replay", "-"])
    assert worst_species(data, 0.5) == ("replay", 1.0)
    point = operating_point(data, 0.5)
    assert point["apcer"]["species"]["print"]["value"] == 0.0
    assert point["apcer"]["value"] == 1.0
    assert point["bpcer"] == {**wilson_rate(0, 1).as_json()}


def test_wilson_agrees_with_a_published_value() -> None:
    # Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I: 15 of 148.
    assert wilson_rate(15, 148).interval() == [pytest.approx(0.0624, abs=1e-4), pytest.approx(0.1605, abs=1e-4)]


def test_frames_of_one_person_are_no_independent_trials() -> None:
    rng = np.random.default_rng(1)
    scores, groups = [], []
    for person in range(8):
        level = rng.normal()
        scores += list(level + rng.normal(0, 0.1, 50))
        groups += [f"p{person}"] * 50
    data = trials(scores, [False] * 400, groups=groups)
    wide = rate_json(data, lambda t: t.scores >= 0)["interval95"]
    narrow = wilson_rate(200, 400).interval()
    assert wide[1] - wide[0] > 3 * (narrow[1] - narrow[0])


@pytest.mark.parametrize(("level", "ends"), [(0.0, [0.0, 0.4345]), (1.0, [0.5655, 1.0])])
def test_none_or_all_wrong_in_few_groups_is_no_certainty(level, ends) -> None:
    data = trials([level] * 500, [False] * 500, groups=[f"p{i % 5}" for i in range(500)])
    found = rate_json(data, lambda t: t.scores > 0.5)
    assert found["interval95"] == pytest.approx(ends, abs=1e-4)  # 0 of 5 by Wilson, not 0 of 500
    assert found["n"] == 500


def test_interval_over_groups_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        level = np.repeat(rng.normal(0, 1, 24), 10)
        data = trials(list(level), [False] * 240, groups=[str(i // 10) for i in range(240)])
        interval = resampled(data, lambda t: float((t.scores >= 0).mean()), rounds=200, seed=seed)
        assert interval is not None
        covered += interval[0] <= 0.5 <= interval[1]
    assert 50 <= covered <= 60


def test_of_few_groups_each_drawing_is_judged_once() -> None:
    judged = []

    def figure(drawn: Trials) -> float:
        judged.append(tuple(sorted(drawn.groups)))
        return float(drawn.scores.mean())

    interval = resampled(trials([0.0, 0.5, 1.0], [0, 0, 0], groups=["a", "b", "c"]), figure)
    assert interval == [0.0, 1.0]
    assert len(judged) == len(set(judged)) == 10  # ways to draw three of three with replacement


def test_one_group_has_no_interval() -> None:
    assert resampled(trials([0.1, 0.9], [0, 1], groups=["a", "a"]), lambda t: float(t.scores.mean())) is None


def test_figures_of_a_perfect_detector() -> None:
    data = trials([0.1, 0.2, 0.3, 0.8, 0.9, 0.95], [0, 0, 0, 1, 1, 1], groups=["a", "b", "c", "a", "b", "c"])
    figures = detection_figures(data, (0.05,), {"standard": 0.5})
    assert figures["auc"]["value"] == 1.0
    assert figures["eer"]["value"] == 0.0
    assert figures["at_bpcer"]["0.05"]["apcer"]["value"] == 0.0
    assert figures["at_threshold"]["standard"]["bpcer"]["hits"] == 0
    assert figures["groups"] == 3
    assert by_group(data, (0.1,))["a"] == {"n_attack": 1, "n_bona_fide": 1, "auc": 1.0, "apcer_at_bpcer": {"0.1": 0.0}}
