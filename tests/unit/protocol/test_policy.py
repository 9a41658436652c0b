"""The rules a check is decided by: enough entropy, one digest, no rules that no policy may have."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from typing import Any

import pytest

from medauth.errors import ConfigError, InputError, MedauthError
from medauth.protocol.canonical import Json, canonical, parse_object
from medauth.protocol.challenge import Action, Category
from medauth.protocol.light import LightRule
from medauth.protocol.policy import (
    MAXIMUM_STEPS,
    MINIMUM_ENTROPY_BITS,
    POLICIES,
    REHEARSAL,
    STANDARD,
    Policy,
    Timing,
    policy_named,
)
from medauth.protocol.random_steps import draw_steps
from medauth.signals.responsiveness import ASKED

DECIDING = [policy for policy in POLICIES.values() if not policy.rehearsal]


@pytest.mark.parametrize("policy", DECIDING, ids=lambda p: p.name)
def test_every_policy_draws_at_least_twenty_bits(policy: Policy) -> None:
    assert policy.entropy_bits() >= MINIMUM_ENTROPY_BITS == 20


@pytest.mark.parametrize("name", ["no-expression", "no-turn", "unhurried"])
def test_accessible_policies_keep_the_bits_of_standard(name: str) -> None:
    assert policy_named(name).entropy_bits() >= STANDARD.entropy_bits()


@pytest.mark.parametrize("policy", [p for p in DECIDING if "emotion" in p.confirm], ids=lambda p: p.name)
def test_whoever_must_show_an_expression_is_asked_for_one_that_is_read(policy: Policy) -> None:
    """An opened mouth alone would leave a check without a decision whoever answered it."""
    draw = random.Random(11)
    for _ in range(400):
        steps = draw_steps(policy.actions, policy.steps, frozenset(policy.required), draw.randrange)
        assert {step.action for step in steps} & set(ASKED)


def test_a_policy_without_flashes_draws_as_many_bits_by_steps_alone() -> None:
    unlit = policy_named("no-flash")
    assert unlit.light is None
    assert unlit.entropy_bits() >= STANDARD.entropy_bits() + STANDARD.light_bits()


def test_rules_from_before_there_was_light_keep_their_digest() -> None:
    """As version 2 of `standard` was released; nothing else tells an old record from a forged one."""
    deny = ("challenge", "faces", "identity", "presentation_attack")
    earlier = replace(STANDARD, version=2, deny=deny, light=None)
    assert "light" not in earlier.to_json()
    assert earlier.digest().hex() == "e2538c6e4b292fb9a13ea43c3034eee9260e8c138df2f590cd263052f9f0c53a"
    assert Policy.from_json(earlier.to_json()) == earlier


def test_standard_always_holds_an_expression_a_blink_and_a_turn() -> None:
    assert set(STANDARD.required) == {Category.EXPRESSION, Category.BLINK, Category.TURN}


@pytest.mark.parametrize("policy", DECIDING, ids=lambda p: p.name)
def test_every_policy_can_be_drawn_from(policy: Policy) -> None:
    steps = draw_steps(policy.actions, policy.steps, frozenset(policy.required))
    assert len(steps) == policy.steps
    assert {step.action for step in steps} <= set(policy.actions)


def test_accessible_policies_never_ask_for_what_they_leave_out() -> None:
    assert not {Action.TURN_LEFT, Action.TURN_RIGHT} & set(policy_named("no-turn").actions)
    assert not {Action.SMILE, Action.RAISE_BROWS} & set(policy_named("no-expression").actions)
    assert "emotion" not in policy_named("no-expression").confirm


def test_a_patient_policy_gives_twice_the_time() -> None:
    patient, usual = policy_named("unhurried").timing, STANDARD.timing
    assert (patient.onset_max_ms, patient.relax_max_ms) == (2 * usual.onset_max_ms, 2 * usual.relax_max_ms)


@pytest.mark.parametrize("policy", list(POLICIES.values()), ids=lambda p: p.name)
def test_rules_come_back_from_json_with_the_same_digest(policy: Policy) -> None:
    again = Policy.from_json(parse_object(canonical(policy.to_json())))
    assert again == policy
    assert again.digest() == policy.digest()


CHANGES: dict[str, Any] = {
    "name": "other",
    "version": 99,
    "actions": STANDARD.actions[::-1],
    "steps": 7,
    "required": (Category.BLINK,),
    "deny": ("challenge",),
    "confirm": ("challenge",),
    "timing": Timing(onset_max_ms=2_501),
    "min_judged_ppm": 1,
    "min_fps": 11,
    "rehearsal": True,
    "light": LightRule(colours=6),
}


@pytest.mark.parametrize("field", [field.name for field in fields(Policy)])
def test_the_digest_covers_every_rule(field: str) -> None:
    assert replace(STANDARD, **{field: CHANGES[field]}).digest() != STANDARD.digest()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"steps": 4}, id="too few steps"),
        pytest.param({"steps": 0}, id="no steps"),
        pytest.param({"steps": -1}, id="fewer than none"),
        pytest.param({"steps": MAXIMUM_STEPS + 1}, id="more steps than time"),
        pytest.param({"steps": 10**12}, id="steps without end"),
        pytest.param({"actions": (Action.BLINK, Action.SMILE)}, id="too few actions"),
        pytest.param({"actions": (Action.BLINK, Action.SMILE, Action.LOOK_UP) * 5}, id="one action counted often"),
        pytest.param({"actions": (Action.SMILE, Action.BLINK)}, id="a family without an action"),
        pytest.param({"confirm": ()}, id="nothing to confirm"),
        pytest.param({"confirm": ("capture", "blink")}, id="no challenge to confirm"),
        pytest.param({"min_judged_ppm": 1_000_001}, id="more than all frames"),
    ],
)
def test_rules_that_no_policy_may_have_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        replace(STANDARD, **changes)


def test_a_rehearsal_needs_no_entropy() -> None:
    assert replace(REHEARSAL, steps=1).entropy_bits() < MINIMUM_ENTROPY_BITS


def without(name: str) -> dict[str, Json]:
    return {key: value for key, value in STANDARD.to_json().items() if key != name}


@pytest.mark.parametrize(
    "rules",
    [
        *(pytest.param(without(field.name), id=f"no {field.name}") for field in fields(Policy)[:7]),
        pytest.param(STANDARD.to_json() | {"extra": 1}, id="more than the rules"),
        pytest.param(STANDARD.to_json() | {"actions": ["blink", "wink"]}, id="unknown action"),
        pytest.param(STANDARD.to_json() | {"actions": [[]]}, id="action of another type"),
        pytest.param(STANDARD.to_json() | {"actions": 3}, id="actions of another type"),
        pytest.param(STANDARD.to_json() | {"required": ["dance"]}, id="unknown family"),
        pytest.param(STANDARD.to_json() | {"timing": {"onset_min_ms": 1, "x": 2}}, id="unknown window"),
        pytest.param(STANDARD.to_json() | {"timing": None}, id="no windows"),
        pytest.param(STANDARD.to_json() | {"light": None}, id="light of another type"),
        pytest.param(STANDARD.to_json() | {"light": {}}, id="light without a number"),
        pytest.param(STANDARD.to_json() | {"light": {"colours": True}}, id="a flag for a number of colours"),
        pytest.param(STANDARD.to_json() | {"light": {"shortest_ms": 333}}, id="more than three changes a second"),
        pytest.param(STANDARD.to_json() | {"light": {"hue": 3}}, id="unknown rule of light"),
        pytest.param(STANDARD.to_json() | {"steps": "six"}, id="steps as text"),
        pytest.param(STANDARD.to_json() | {"steps": 10**9}, id="steps without end"),
        pytest.param([1, 2], id="no object"),
        pytest.param("rules", id="text"),
        pytest.param(None, id="nothing"),
    ],
)
def test_rules_that_are_no_policy_are_refused(rules: Any) -> None:
    with pytest.raises(MedauthError):
        Policy.from_json(rules)


def test_foreign_rules_are_an_input_error() -> None:
    with pytest.raises(InputError):
        Policy.from_json({"name": "standard"})


def test_an_unknown_policy_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="standard, strict"):
        policy_named("lenient")
