"""The probability beside the verdict: no attack score raises it, no sign of life lowers it, and it decides nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.errors import ConfigError
from medauth.protocol.liveness import LivenessModel, at_prior
from medauth.protocol.liveness_weights import LIVENESS
from medauth.protocol.policy import POLICIES
from medauth.protocol.reading import PPM, Outcome, SignalReading
from medauth.protocol.verdict import decide

SIGNALS = sorted(LIVENESS.usual)
scores = st.integers(0, PPM)
readings = st.dictionaries(st.sampled_from(SIGNALS), scores)


def reading(signal: str, score: int | None, outcome: Outcome = Outcome.PASS) -> SignalReading:
    return SignalReading(signal, outcome, f"{signal}.stated", "A reason.", score)


def probability(stated: dict[str, int], model: LivenessModel = LIVENESS) -> int:
    found = model.probability_ppm([reading(signal, score) for signal, score in stated.items()])
    assert found is not None
    return found


@given(readings, st.sampled_from(sorted(LIVENESS.attack)), scores, scores)
def test_raising_an_attack_score_never_raises_it(stated: dict[str, int], signal: str, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert probability(stated | {signal: high}) <= probability(stated | {signal: low})


@given(readings, st.sampled_from(sorted(LIVENESS.confirm)), scores, scores)
def test_a_stronger_sign_of_life_never_lowers_it(stated: dict[str, int], signal: str, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert probability(stated | {signal: low}) <= probability(stated | {signal: high})


@pytest.mark.parametrize("policy", [p for p in POLICIES.values() if not p.rehearsal], ids=lambda p: p.name)
def test_every_cue_that_a_policy_goes_by_and_that_has_a_score_weighs(policy) -> None:
    without = {"faces", "light", "speech"}
    """Yes or no, and cues of their own in the verdict: their scores are no strengths that anybody was measured by."""
    assert {*policy.deny, *policy.confirm} - without <= set(SIGNALS)
    assert min(*LIVENESS.attack.values(), *LIVENESS.confirm.values()) > 0


@given(readings)
def test_it_is_never_certain(stated: dict[str, int]) -> None:
    if stated:
        assert LIVENESS.least_ppm <= probability(stated) <= PPM - LIVENESS.least_ppm


def test_nothing_measured_is_no_probability() -> None:
    assert LIVENESS.probability_ppm([reading("blink", None), reading("pulse", 900_000)]) is None


def test_a_missing_score_counts_as_usual_never_as_zero() -> None:
    stated = {"blink": 900_000}
    assert probability(stated) == probability(stated | {"emotion": LIVENESS.usual["emotion"]})


def test_the_worse_of_two_scores_of_one_signal_counts() -> None:
    both = LIVENESS.probability_ppm([reading("deepfake", 900_000), reading("deepfake", 0), reading("blink", 0)])
    assert both == probability({"deepfake": 900_000, "blink": 0})


def test_it_decides_nothing() -> None:
    """The decision is a function of outcomes alone."""
    policy = POLICIES["standard"]
    names = dict.fromkeys(policy.deny + policy.confirm)
    decided = {decide(policy, [reading(name, score) for name in names])[0] for score in (None, 0, PPM)}
    assert len(decided) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"attack": dict(LIVENESS.attack) | {"deepfake": -1}},
        {"confirm": dict(LIVENESS.confirm) | {"blink": -1}},
        {"usual": {"blink": 0}},
        {"least_ppm": 0},
        {"least_ppm": PPM // 2},
        {"attack": dict(LIVENESS.attack) | {"blink": 1}},
    ],
)
def test_a_model_that_could_rise_with_an_attack_cannot_be_made(change) -> None:
    with pytest.raises(ConfigError):
        replace(LIVENESS, **change)


def test_another_prior_moves_it_by_bayes_rule() -> None:
    assert at_prior(500_000, 0.9) == 900_000
    assert at_prior(900_000, 0.5) == 900_000
    assert at_prior(900_000, 0.01) == pytest.approx(83_333, abs=1)
