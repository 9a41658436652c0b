"""A refused check names the attack it looks like, and what would have changed it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.protocol import attack_family
from medauth.protocol.attack_family import _BY_CODE, AttackFamily, family_of, missing_for_live, suspicions
from medauth.protocol.ceremony import StepOutcome
from medauth.protocol.policy import POLICIES, STANDARD
from medauth.protocol.reading import Outcome, SignalReading
from medauth.protocol.verdict import Decision, Role, decide

_PACKAGE = Path(attack_family.__file__).parents[1]
SOURCES = [
    path
    for folder in ("signals", "protocol")
    for path in (_PACKAGE / folder).glob("*.py")
    if path.name != "attack_family.py"
]


def reading(signal: str, outcome: Outcome = Outcome.PASS, code: str = "") -> SignalReading:
    return SignalReading(signal, outcome, code or f"{signal}.{outcome.value}", "A reason.", 500_000)


def perfect() -> list[SignalReading]:
    return [reading(name) for name in dict.fromkeys(STANDARD.deny + STANDARD.confirm)]


@pytest.mark.parametrize(
    ("code", "family"),
    [
        ("presentation_attack.print", AttackFamily.PRINT),
        ("presentation_attack.replay", AttackFamily.SCREEN),
        ("deepfake.suspected", AttackFamily.SWAPPED),
        ("injection.looped", AttackFamily.INJECTED),
        ("injection.clock_backwards", AttackFamily.INJECTED),
        ("replay.seen_before", AttackFamily.REPLAYED),
        ("challenge.too_early", AttackFamily.SCRIPTED),
        ("identity.changed", AttackFamily.EXCHANGED),
        ("challenge.no_response", None),
        ("blink.none_seen", None),
        ("unheard.of", None),
    ],
)
def test_codes_point_to_families(code, family):
    assert family_of(code) is family


def test_every_code_of_the_table_is_one_that_a_signal_gives():
    """`challenge.*` are made from the outcomes of steps."""
    given_codes = {code for path in SOURCES for code in re.findall(r'"([a-z_]+\.[a-z_]+)"', path.read_text())}
    given_codes |= {f"challenge.{outcome.value}" for outcome in StepOutcome}
    assert set(_BY_CODE) <= given_codes


def test_one_refusing_cue_and_what_would_have_changed_the_verdict():
    readings = [*perfect(), reading("presentation_attack", Outcome.FAIL, "presentation_attack.replay")]
    (suspicion,) = suspicions(STANDARD, readings)
    assert suspicion.family is AttackFamily.SCREEN
    assert (suspicion.role, suspicion.otherwise) == (Role.DENY, Decision.LIVE)
    assert str(suspicion) == "screen (presentation_attack.replay); had it held: live"


def test_of_two_refusing_cues_neither_alone_would_have_changed_it():
    failed = [reading("identity", Outcome.FAIL, "identity.changed"), reading("blink", Outcome.FAIL, "blink.none_seen")]
    found = suspicions(STANDARD, [*perfect(), *failed])
    assert [(s.family, s.otherwise) for s in found] == [
        (AttackFamily.EXCHANGED, Decision.NOT_LIVE),
        (None, Decision.NOT_LIVE),
    ]


def test_a_cue_that_the_policy_only_tells_is_a_note():
    policy = replace(STANDARD, deny=("challenge", "faces", "identity"))
    readings = [*perfect(), reading("injection", Outcome.FAIL, "injection.looped")]
    (suspicion,) = suspicions(policy, readings)
    assert suspicion.to_json() == {
        "code": "injection.looped",
        "family": "injected",
        "role": "note",
        "otherwise": "live",
        "score_ppm": 500_000,
        "threshold_ppm": None,
    }


def test_a_live_check_is_suspected_of_nothing():
    assert suspicions(STANDARD, perfect()) == ()


@given(
    st.sampled_from([policy for policy in POLICIES.values() if not policy.rehearsal]),
    st.lists(
        st.builds(reading, st.sampled_from([*STANDARD.deny, *STANDARD.confirm, "injection"]), st.sampled_from(Outcome)),
        max_size=12,
    ),
)
def test_every_refused_check_has_a_cue_that_refused(policy, readings):
    decision, reasons = decide(policy, readings)
    deciding = [s for s in suspicions(policy, readings) if s.role is not Role.NOTE]
    assert bool(deciding) is (decision is Decision.NOT_LIVE)
    if deciding:
        assert [s.code for s in deciding] == [reason.code for reason in reasons]


def test_a_cue_with_a_line_says_where_it_lies():
    picture = SignalReading(
        "presentation_attack", Outcome.FAIL, "presentation_attack.print", "Paper.", 830_000, {"threshold_ppm": 620_000}
    )
    others = [one for one in perfect() if one.signal != "presentation_attack"]
    (found,) = suspicions(STANDARD, [*others, picture])
    assert (found.score_ppm, found.threshold_ppm) == (830_000, 620_000)
    assert str(found) == "print (presentation_attack.print, 0.83 where 0.62 refuses); had it held: live"


def test_what_it_would_have_taken_names_every_cue_that_did_not_hold():
    names = dict.fromkeys(STANDARD.deny + STANDARD.confirm)
    outcomes = {"identity": Outcome.FAIL, "blink": Outcome.INCONCLUSIVE}
    known = [reading(name, outcomes.get(name, Outcome.PASS)) for name in names if name != "emotion"]
    found = missing_for_live(STANDARD, known)
    assert set(found) == {"identity.fail", "blink.inconclusive", "emotion.missing"}
    assert missing_for_live(STANDARD, perfect()) == ()


@given(st.lists(st.tuples(st.sampled_from(sorted({*STANDARD.deny, *STANDARD.confirm})), st.sampled_from(Outcome))))
def test_nothing_is_missing_exactly_where_the_check_is_live(stated: list[tuple[str, Outcome]]):
    known = [reading(name, outcome) for name, outcome in stated]
    assert (missing_for_live(STANDARD, known) == ()) == (decide(STANDARD, known)[0] is Decision.LIVE)
