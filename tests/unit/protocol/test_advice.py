"""One hint after an inconclusive check: what helps most, and nothing about how the check is judged."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.protocol.advice import AGAIN, FASTER_CAMERA, FOLLOW, RELAX, SCREEN, STAY, advice, hint_now
from medauth.protocol.challenge import Action, scripted_step
from medauth.protocol.observation import CaptureProblem, Prompt
from medauth.protocol.verdict import Decision, Reason, Role

INCONCLUSIVE = Decision.INCONCLUSIVE
CUES = re.compile(
    r"\b(emotion|blink|deepfake|identity|injection|replay|score|probab|spoof|attack|swap|pulse)", re.IGNORECASE
)


def reason(code: str) -> Reason:
    return Reason(code, code.partition(".")[0], Role.CONFIRM, "For the operator.")


@pytest.mark.parametrize("problem", CaptureProblem)
def test_every_trouble_of_the_camera_has_its_own_hint(problem: CaptureProblem) -> None:
    assert advice(INCONCLUSIVE, [reason(f"capture.{problem}")]) != AGAIN


@pytest.mark.parametrize(
    ("codes", "hint"),
    [
        (["emotion.faint", "capture.too_dark", "blink.none_seen"], "More light, please: face a window or a lamp."),
        (["challenge.unseen", "identity.too_few_frames"], STAY),
        (["challenge.not_relaxed", "emotion.already_there"], RELAX),
        (["challenge.unfinished", "emotion.not_asked", "blink.none_seen"], FOLLOW),
        (["challenge.unfinished", "capture.too_few_frames"], FASTER_CAMERA),
        (["capture.no_frames", "faces.none", "challenge.unfinished"], "Allow the camera, then try again."),
        (["light.drowned", "emotion.faint"], SCREEN),
        (["light.unclear"], SCREEN),
        (["light.clipped", "capture.too_dark"], "More light, please: face a window or a lamp."),
        (["light.unseen"], STAY),
        (["light.delay_not_measured"], FASTER_CAMERA),
        (["light.late", "light.drowned"], FASTER_CAMERA),
        (["injection.repeated", "emotion.faint"], FASTER_CAMERA),
        (["emotion.apart"], AGAIN),
        (["injection.clock_constant"], AGAIN),
        ([], AGAIN),
    ],
)
def test_causes_come_before_what_follows_from_them(codes: list[str], hint: str) -> None:
    assert advice(INCONCLUSIVE, [reason(code) for code in codes]) == hint


@pytest.mark.parametrize("decision", [d for d in Decision if d is not INCONCLUSIVE])
def test_no_other_outcome_gets_a_hint(decision: Decision) -> None:
    assert advice(decision, [reason("capture.too_dark")]) == ""


def test_what_was_unsure_of_an_attack_is_not_told_apart() -> None:
    """Every pair of cues that say nothing of camera or prompts gets the same words."""
    silent = [
        "emotion.apart",
        "emotion.abrupt",
        "identity.reference_unclear",
        "deepfake.too_few_frames",
        "replay.too_still",
    ]
    assert {advice(INCONCLUSIVE, map(reason, pair)) for pair in combinations(silent, 2)} == {AGAIN}


@given(st.lists(st.from_regex(r"[a-z_]{1,12}\.[a-z_]{1,12}", fullmatch=True), max_size=6))
def test_a_hint_is_one_sentence_or_two_and_names_no_cue(codes: list[str]) -> None:
    hint = advice(INCONCLUSIVE, map(reason, codes))
    assert 10 < len(hint) < 90
    assert not CUES.search(hint)


def test_who_looks_to_profile_is_not_told_to_look_into_the_camera() -> None:
    lost = CaptureProblem.NO_FACE
    profile, turn = (Prompt(0, scripted_step(a, 0, pause_ms=0), 0) for a in (Action.PROFILE_LEFT, Action.TURN_LEFT))
    assert hint_now(lost, profile, waits_for_neutral=False) == ""
    assert hint_now(CaptureProblem.TOO_DARK, profile, waits_for_neutral=False) == "More light, please."
    assert hint_now(lost, turn, waits_for_neutral=False) == hint_now(lost, None, waits_for_neutral=True) != ""
    assert hint_now(None, None, waits_for_neutral=True) == RELAX
