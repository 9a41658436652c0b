"""Deny cues and confirm cues become a verdict (T8)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.protocol.policy import POLICIES, REHEARSAL, STANDARD, Policy
from medauth.protocol.reading import Outcome, SignalReading
from medauth.protocol.verdict import Decision, Role, Verdict, decide

DECIDING = [policy for policy in POLICIES.values() if not policy.rehearsal]
SIGNALS = sorted({name for policy in DECIDING for name in policy.deny + policy.confirm} | {"pulse", "micro_expression"})
WORSE = {Outcome.PASS: 0, Outcome.INCONCLUSIVE: 1, Outcome.FAIL: 2}

policies = st.sampled_from(DECIDING)
readings = st.lists(
    st.builds(
        lambda name, outcome, ppm: SignalReading(name, outcome, f"{name}.{outcome}", "A reason.", ppm),
        st.sampled_from(SIGNALS),
        st.sampled_from(Outcome),
        st.none() | st.integers(0, 1_000_000),
    ),
    max_size=14,
)


def reading(name: str, outcome: Outcome = Outcome.PASS) -> SignalReading:
    return SignalReading(name, outcome, f"{name}.{outcome}", "A reason.", 500_000)


def perfect(policy: Policy) -> list[SignalReading]:
    return [reading(name) for name in dict.fromkeys(policy.deny + policy.confirm)]


@pytest.mark.parametrize("policy", DECIDING, ids=lambda p: p.name)
def test_every_cue_in_order_is_live(policy: Policy) -> None:
    decision, reasons = decide(policy, perfect(policy))
    assert decision is Decision.LIVE
    assert [reason.signal for reason in reasons] == list(policy.confirm)
    assert {reason.role for reason in reasons} == {Role.CONFIRM}


NAMED = [(policy, name) for policy in DECIDING for name in dict.fromkeys(policy.deny + policy.confirm)]


@pytest.mark.parametrize(("policy", "name"), NAMED, ids=lambda v: v if isinstance(v, str) else v.name)
def test_one_failing_cue_is_enough_to_deny(policy: Policy, name: str) -> None:
    others = [r for r in perfect(policy) if r.signal != name]
    decision, reasons = decide(policy, [*others, reading(name, Outcome.FAIL)])
    assert decision is Decision.NOT_LIVE
    (reason,) = reasons
    assert (reason.signal, reason.code) == (name, f"{name}.fail")
    assert reason.role is (Role.DENY if name in policy.deny else Role.CONFIRM)


@pytest.mark.parametrize(("policy", "name"), NAMED, ids=lambda v: v if isinstance(v, str) else v.name)
def test_one_missing_or_unclear_cue_leaves_it_inconclusive(policy: Policy, name: str) -> None:
    others = [r for r in perfect(policy) if r.signal != name]
    for given_readings, code in (
        (others, f"{name}.missing"),
        ([*others, reading(name, Outcome.INCONCLUSIVE)], f"{name}.inconclusive"),
    ):
        decision, reasons = decide(policy, given_readings)
        assert decision is Decision.INCONCLUSIVE
        assert [reason.code for reason in reasons] == [code]


def test_nothing_at_all_is_inconclusive() -> None:
    assert decide(STANDARD, [])[0] is Decision.INCONCLUSIVE


def test_a_perfect_rehearsal_is_rehearsed_never_live() -> None:
    assert decide(REHEARSAL, perfect(REHEARSAL))[0] is Decision.REHEARSED
    spoilt = [*perfect(REHEARSAL)[1:], reading("challenge", Outcome.FAIL)]
    assert decide(REHEARSAL, spoilt)[0] is Decision.NOT_LIVE


@given(policies, readings)
def test_any_failing_deny_cue_denies_whatever_else_looks_good(
    policy: Policy, given_readings: list[SignalReading]
) -> None:
    decision, reasons = decide(policy, given_readings)
    failing = {r.signal for r in given_readings if r.outcome is Outcome.FAIL} & {*policy.deny, *policy.confirm}
    assert (decision is Decision.NOT_LIVE) == bool(failing)
    if failing:
        assert {reason.signal for reason in reasons} == failing


@given(policies, readings)
def test_nobody_is_live_without_every_required_cue(policy: Policy, given_readings: list[SignalReading]) -> None:
    passed = {r.signal for r in given_readings if r.outcome is Outcome.PASS}
    if decide(policy, given_readings)[0] is Decision.LIVE:
        assert {*policy.confirm, *policy.deny} <= passed


@given(policies, readings, st.integers(0, 20), st.sampled_from(Outcome))
def test_raising_an_attack_never_turns_not_live_into_live(
    policy: Policy, given_readings: list[SignalReading], which: int, outcome: Outcome
) -> None:
    """Nor any verdict into a better one."""
    if not given_readings:
        return
    which %= len(given_readings)
    worse = max(given_readings[which].outcome, outcome, key=WORSE.__getitem__)
    raised = [*given_readings]
    raised[which] = replace(raised[which], outcome=worse, score_ppm=1_000_000)
    order = [Decision.LIVE, Decision.INCONCLUSIVE, Decision.NOT_LIVE]
    assert order.index(decide(policy, raised)[0]) >= order.index(decide(policy, given_readings)[0])


@given(policies, readings, st.randoms(use_true_random=False))
def test_the_order_of_readings_decides_nothing(
    policy: Policy, given_readings: list[SignalReading], draw: object
) -> None:
    shuffled = [*given_readings]
    draw.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(policy, shuffled)[0] is decide(policy, given_readings)[0]


@pytest.mark.parametrize("worst", [Outcome.FAIL, Outcome.INCONCLUSIVE])
@pytest.mark.parametrize("first", [True, False])
def test_a_second_reading_of_a_signal_cannot_hide_a_worse_one(worst: Outcome, first: bool) -> None:
    bad = reading("faces", worst)
    both = [bad, *perfect(STANDARD)] if first else [*perfect(STANDARD), bad]
    assert decide(STANDARD, both)[0] is not Decision.LIVE


@given(readings)
def test_scores_decide_nothing(given_readings: list[SignalReading]) -> None:
    """Only a signal's own threshold does: there is no mean that a high score could lift."""
    zeroed = [replace(r, score_ppm=0) for r in given_readings]
    assert decide(STANDARD, given_readings) == decide(STANDARD, zeroed)


def test_a_signal_the_policy_does_not_name_decides_nothing() -> None:
    noted = [*perfect(STANDARD), reading("pulse", Outcome.FAIL)]
    assert decide(STANDARD, noted)[0] is Decision.LIVE


@pytest.mark.parametrize("decision", list(Decision))
def test_a_verdict_has_no_truth_value(decision: Decision) -> None:
    verdict = Verdict(decision, (), (), "chk", "standard")
    with pytest.raises(TypeError, match="is_live"):
        bool(verdict)
    assert verdict.is_live == (decision is Decision.LIVE)
