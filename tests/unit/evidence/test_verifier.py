"""For every numbered step a bundle that fails exactly that step."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medauth.errors import EvidenceError, MedauthError
from medauth.evidence import rules
from medauth.evidence.bundle import Bundle, Contract, InclusionProof
from medauth.evidence.commitment import leaf_commitment
from medauth.evidence.merkle import MemoryTree, inclusion_path
from medauth.evidence.note import CheckpointNote, signed_note
from medauth.evidence.signing import KeyPurpose, PayloadType, SigningKey
from medauth.evidence.statement import opened_commitment
from medauth.evidence.verifier import Examination, StepState, Trust
from medauth.protocol.canonical import canonical
from medauth.protocol.policy import POLICIES, REHEARSAL, STANDARD, STRICT, Policy
from medauth.protocol.reading import Outcome, SignalReading
from medauth.protocol.response import EXPIRED
from medauth.protocol.verdict import decide
from tests.unit.evidence.bundles import (
    CHECKPOINT_KEY,
    CONTRACT,
    KEY,
    REHEARSAL_KEY,
    TRUSTED,
    Recorded,
    Statement,
    good_statement,
    recorded,
    spoilt,
    start,
)

STEPS = ["signature", "statement", "challenge", "verdict", "leaf", "inclusion", "start", "checkpoint", "chain"]


def fault(found: Recorded) -> str | None:
    return next((step.name for step in found.steps() if step.state is StepState.FAILS), None)


def fails_only(found: Recorded, name: str) -> None:
    """All steps before it hold, it fails, and the verification ends there."""
    steps = found.steps()
    assert [(step.name, step.state) for step in steps[:-1]] == [
        (before, StepState.HOLDS) for before in STEPS[: STEPS.index(name)]
    ]
    assert (steps[-1].name, steps[-1].state) == (name, StepState.FAILS), steps[-1].text


def test_a_good_record_holds_in_every_step() -> None:
    found = recorded().steps()
    assert [(step.name, step.state) for step in found] == [(name, StepState.HOLDS) for name in STEPS]


# 1. signature


def test_another_key_is_not_trusted() -> None:
    fails_only(recorded(key=SigningKey.generate(KeyPurpose.STATEMENTS)), "signature")


def test_a_key_for_rehearsals_signs_no_checks() -> None:
    fails_only(recorded(key=REHEARSAL_KEY), "signature")


def test_a_key_for_checks_signs_no_rehearsals() -> None:
    fails_only(recorded(log="rehearsal"), "signature")


def test_an_unknown_log_has_no_key() -> None:
    fails_only(recorded(log="shadow"), "signature")


def test_a_receipt_is_no_record() -> None:
    fails_only(recorded(kind=PayloadType.RECEIPT), "signature")


@pytest.mark.parametrize("field", ["payload", "signature"])
def test_an_altered_envelope_is_not_signed(field: str) -> None:
    found = recorded()
    old = getattr(found.bundle.envelope, field)
    envelope = replace(found.bundle.envelope, **{field: bytes([old[0] ^ 1]) + old[1:]})
    fails_only(Recorded(replace(found.bundle, envelope=envelope), found.trust), "signature")


def test_a_type_that_was_exchanged_is_not_signed() -> None:
    found = recorded()
    envelope = replace(found.bundle.envelope, payload_type=PayloadType.START.value)
    fails_only(Recorded(replace(found.bundle, envelope=envelope), found.trust), "signature")


def test_a_key_id_claimed_for_another_key_is_not_enough() -> None:
    stranger = SigningKey.generate(KeyPurpose.STATEMENTS)
    found = recorded(key=stranger)
    envelope = replace(found.bundle.envelope, key_id=KEY.verify_key.key_id)
    fails_only(Recorded(replace(found.bundle, envelope=envelope), found.trust), "signature")


# 2. statement


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b" " + canonical(good_statement()), id="with a space"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b'{"record_id":"evd_1","version":1.0}', id="a float"),
        pytest.param(b'{"record_id":"evd_1","record_id":"evd_1","version":1}', id="a key twice"),
    ],
)
def test_a_statement_has_one_byte_form(payload: bytes) -> None:
    fails_only(recorded(payload), "statement")


def test_a_statement_of_another_version_is_not_read() -> None:
    fails_only(spoilt(lambda s: s.update(version=2)), "statement")


def test_a_statement_is_about_the_record_that_the_bundle_names() -> None:
    found = recorded()
    fails_only(Recorded(replace(found.bundle, record_id="evd_2"), found.trust), "statement")


# 3. challenge


def reopened(change: Callable[[Statement], object]) -> Recorded:
    """A change of the challenge to which the commitment was fitted afterwards."""

    def spoil(statement: Statement) -> None:
        change(statement)
        statement["challenge"]["commitment"] = opened_commitment(statement).hex()

    return spoilt(spoil)


CHALLENGE_FAULTS: dict[str, Callable[[Statement], object]] = {
    "another commitment": lambda s: s["challenge"].update(commitment="00" * 32),
    "another nonce": lambda s: s["challenge"]["opening"].update(nonce="11" * 32),
    "another planned target": lambda s: s["challenge"]["opening"]["challenge"]["steps"][2].update(target=33),
    "a planned step less": lambda s: s["challenge"]["opening"]["challenge"]["steps"].pop(),
    "no opening": lambda s: s["challenge"].pop("opening"),
    "no challenge": lambda s: s.pop("challenge"),
    "no steps": lambda s: s.pop("steps"),
    "another action done": lambda s: s["steps"][1].update(action="raise_brows"),
    "other bounds done": lambda s: s["steps"][2].update(accepted=[0, 360]),
    "another target done": lambda s: s["steps"][2].update(target=60),
    "another hold done": lambda s: s["steps"][3].update(hold_ms=[0, 9_000]),
    "another number": lambda s: s["steps"][2].update(index=3),
    "a step more than asked": lambda s: s["steps"].append(dict(s["steps"][0], index=6)),
    "steps exchanged": lambda s: s["steps"].reverse(),
    "no list of steps": lambda s: s.update(steps={}),
    "a step as text": lambda s: s["steps"].__setitem__(0, "blink"),
}


@pytest.mark.parametrize("name", CHALLENGE_FAULTS)
def test_what_was_asked_is_what_was_committed_to(name: str) -> None:
    fails_only(spoilt(CHALLENGE_FAULTS[name]), "challenge")


def test_the_challenge_is_this_checks_own() -> None:
    fails_only(reopened(lambda s: s["challenge"]["opening"].update(check_id="chk_2")), "challenge")
    fails_only(reopened(lambda s: s["challenge"]["opening"].update(version=1)), "challenge")


@pytest.mark.parametrize("nonce", ["00", "", "0" * 62, "0" * 66, "0g" * 32, "AA" * 32, 7, None], ids=str)
def test_a_nonce_that_could_be_tried_out_hides_nothing(nonce: object) -> None:
    fails_only(reopened(lambda s: s["challenge"]["opening"].update(nonce=nonce)), "challenge")
    fails_only(reopened(lambda s: s["challenge"]["opening"].pop("nonce")), "challenge")


# 4. verdict


def reread(statement: Statement, name: str, **changes: Any) -> None:
    """Changes one reading and states the verdict that follows from it."""
    for value in statement["readings"]:
        if value["signal"] == name:
            value.update(changes)
    restate(statement)


def restate(statement: Statement) -> None:
    policy = Policy.from_json(statement["policy"]["rules"])
    decision, reasons = decide(policy, [SignalReading.from_json(value) for value in statement["readings"]])
    statement["verdict"] = {"decision": decision.value, "reasons": [dict(r.to_json()) for r in reasons]}


def rewritten(statement: Statement, **rules: Any) -> None:
    """Other rules, with a digest that fits them."""
    statement["policy"]["rules"].update(rules)
    policy = Policy.from_json(statement["policy"]["rules"])
    statement["policy"] |= {"digest": policy.digest().hex(), "name": policy.name, "version": policy.version}
    restate(statement)


VERDICT_FAULTS: dict[str, Callable[[Statement], object]] = {
    "another decision": lambda s: s["verdict"].update(decision="inconclusive"),
    "other reasons": lambda s: s["verdict"]["reasons"].pop(),
    "a reading that denies": lambda s: s["readings"][1].update(outcome="fail"),
    "a reading removed": lambda s: s["readings"].pop(0),
    "a reading that is none": lambda s: s["readings"][0].pop("code"),
    "no readings": lambda s: s.pop("readings"),
    "rules that do not fit their digest": lambda s: s["policy"]["rules"].update(min_fps=1),
    "another digest": lambda s: s["policy"].update(digest="00" * 32),
    "another name": lambda s: s["policy"].update(name="strict"),
    "another version": lambda s: s["policy"].update(version=99),
    "no policy": lambda s: s.pop("policy"),
    "lenient rules under a known name": lambda s: rewritten(s, min_fps=1, deny=["challenge"]),
    "rules that need nothing": lambda s: rewritten_raw(s, confirm=[], deny=[]),
    "rules of a rehearsal": lambda s: rewritten(s, rehearsal=True, name="mine"),
    "rules that draw more steps": lambda s: rewritten(s, steps=8, name="mine"),
    "rules that draw other actions": lambda s: rewritten(
        s, name="mine", actions=[a for a in s["policy"]["rules"]["actions"] if a != "closer"]
    ),
    "a challenge passed though a step was not answered": lambda s: s["steps"][0].update(outcome="wrong_amount"),
    "a challenge passed though a step is missing": lambda s: s["steps"].pop(),
    "a challenge failed though all was answered": lambda s: reread(s, "challenge", outcome="fail"),
    "a challenge unclear though all was answered": lambda s: reread(s, "challenge", outcome="inconclusive"),
    "an answer too early": lambda s: s["steps"][1].update(onset_ms=s["steps"][1]["shown_ms"] + 248),
    "an answer too late": lambda s: s["steps"][1].update(onset_ms=s["steps"][1]["shown_ms"] + 2_502),
    "an answer by another gesture": lambda s: s["steps"][2].update(gesture="turn_right"),
    "an answer not far enough": lambda s: s["steps"][2].update(amount=26),
    "an answer too far": lambda s: s["steps"][2].update(amount=61),
    "an answer too faint": lambda s: s["steps"][1].update(amount=99),
    "an answer not held": lambda s: s["steps"][1].update(held_ms=149),
    "an answer held too long": lambda s: s["steps"][1].update(held_ms=1_401),
    "an answer without an onset": lambda s: s["steps"][2].update(onset_ms=None),
    "an answer without an amount": lambda s: s["steps"][2].update(amount=None),
    "an answer to no prompt": lambda s: s["steps"][2].update(shown_ms=None),
    "closed before it began": lambda s: s["steps"][5].update(closed_ms=s["steps"][5]["onset_ms"] - 1),
    "a prompt before the step ahead had closed": lambda s: s["steps"][1].update(shown_ms=s["steps"][0]["closed_ms"]),
    "a prompt without its pause": lambda s: s["steps"][0].update(shown_ms=798, onset_ms=1_200),
    "steps that closed in another order": lambda s: s["steps"][0].update(closed_ms=23_000),
}


FRAME_FAULTS: dict[str, Callable[[Statement], object]] = {
    "no frames": lambda s: s["frames"].update(count=0, judged=0, first_ms=0, last_ms=0, kept=[]),
    "no word about frames": lambda s: s.pop("frames"),
    "something more about frames": lambda s: s["frames"].update(skipped=1),
    "more frames judged than came": lambda s: s["frames"].update(judged=701),
    "fewer frames judged than none": lambda s: s["frames"].update(judged=-1),
    "frames that go back in time": lambda s: s["frames"].update(first_ms=24_001),
    "one frame at two times": lambda s: s["frames"].update(count=1, judged=1),
    "no chain over the frames": lambda s: s["frames"].update(chain=""),
    "a chain in capitals": lambda s: s["frames"].update(chain="AB" * 32),
    "a kept frame that never came": lambda s: s["frames"]["kept"][0].__setitem__(0, 700),
    "a kept frame twice": lambda s: s["frames"]["kept"].append(s["frames"]["kept"][0]),
    "a kept frame after the last": lambda s: s["frames"]["kept"][0].__setitem__(1, 24_001_001),
    "a kept frame before the first": lambda s: s["frames"].update(first_ms=2),
    "a kept frame without a digest": lambda s: s["frames"]["kept"][0].__setitem__(2, "00"),
    "kept frames that are no list": lambda s: s["frames"].update(kept={}),
    "an answer after the last frame": lambda s: s["frames"].update(last_ms=23_498),
    "an answer after the check's time": lambda s: rewritten(
        s, name="mine", timing=s["policy"]["rules"]["timing"] | {"session_max_ms": 23_498}
    ),
    "a clear view with too few frames judged": lambda s: s["frames"].update(judged=559),
    "a clear view by too few frames a second": lambda s: s["frames"].update(count=240, judged=240),
    "finished before it started": lambda s: s.update(started_ms=24_002),
    "finished before its last frame": lambda s: s.update(finished_ms=23_999),
    "finished no one knows when": lambda s: s.update(finished_ms=None),
    "files that are no object": lambda s: s.update(blobs=[]),
    "a file without a digest": lambda s: s.update(blobs={"heatmap/deepfake": "00"}),
    "a file without a name": lambda s: s.update(blobs={"": "00" * 32}),
}


@pytest.mark.parametrize("name", FRAME_FAULTS)
def test_the_frames_carry_what_was_decided(name: str) -> None:
    fails_only(spoilt(FRAME_FAULTS[name]), "verdict")


def test_what_frames_may_be_like() -> None:
    for change in (
        lambda s: s["frames"].update(last_ms=23_499),
        lambda s: s["frames"].update(judged=560),
        lambda s: s["frames"].update(count=241, judged=241),
        lambda s: s.update(finished_ms=24_000),
    ):
        assert fault(spoilt(change)) is None


def test_a_check_without_a_frame_is_inconclusive() -> None:
    def unseen(statement: Statement) -> None:
        statement["frames"].update(count=0, judged=0, first_ms=0, last_ms=0, kept=[])
        statement["steps"] = statement["light"] = []
        reread(statement, "capture", outcome="inconclusive")
        reread(statement, "challenge", outcome="inconclusive", code="challenge.unfinished")

    assert fault(spoilt(unseen)) is None

    def denied(statement: Statement) -> None:
        unseen(statement)
        reread(statement, "faces", outcome="fail")

    fails_only(spoilt(denied), "verdict")


def test_heat_maps_may_have_any_name_and_are_listed() -> None:
    files = {"traces": "11" * 32, "heatmap/deepfake/7": "22" * 32, "é €": "33" * 32}
    found = spoilt(lambda s: s.update(blobs=files))
    examination = Examination(found.bundle, found.trust)
    assert all(step.state is StepState.HOLDS for step in examination.steps())
    assert examination.files == files


def test_a_recording_takes_no_time() -> None:
    """A clip is pushed as fast as it is read: a rehearsal's frames have the clip's times."""

    def rehearsed(statement: Statement) -> None:
        script(statement)
        statement["challenge"]["commitment"] = opened_commitment(statement).hex()
        rewritten(statement, **replace(REHEARSAL, steps=6).to_json())
        statement["finished_ms"] = statement["started_ms"]

    statement = good_statement()
    rehearsed(statement)
    assert fault(recorded(statement, key=REHEARSAL_KEY, log="rehearsal")) is None


def script(statement: Statement) -> None:
    """A recording's challenge: written beforehand, and without light."""
    del statement["challenge"]["opening"]["challenge"]["light"], statement["light"]
    statement["challenge"]["opening"]["version"] = 1
    statement["challenge"]["opening"]["challenge"]["scripted"] = True
    statement["policy"]["rules"].pop("light", None)


def rewritten_raw(statement: Statement, **rules: Any) -> None:
    statement["policy"]["rules"].update(rules)


@pytest.mark.parametrize("name", VERDICT_FAULTS)
def test_the_verdict_follows_from_steps_readings_and_rules(name: str) -> None:
    fails_only(spoilt(VERDICT_FAULTS[name]), "verdict")


def test_a_scripted_challenge_is_no_check() -> None:
    fails_only(reopened(lambda s: s["challenge"]["opening"]["challenge"].update(scripted=True)), "verdict")


def test_a_rehearsal_has_its_own_log_key_and_rules() -> None:
    def rehearsed(statement: Statement) -> Statement:
        script(statement)
        statement["challenge"]["commitment"] = opened_commitment(statement).hex()
        statement["policy"] = {"rules": replace(REHEARSAL, steps=6).to_json()}
        rewritten(statement)
        return statement

    statement = rehearsed(good_statement())
    assert statement["verdict"]["decision"] == "rehearsed"
    assert fault(recorded(statement, key=REHEARSAL_KEY, log="rehearsal")) is None
    fails_only(recorded(statement), "verdict")


def test_a_check_that_outlived_its_time_may_have_answered_everything() -> None:
    def late(statement: Statement) -> None:
        reread(statement, "challenge", outcome="inconclusive", code=EXPIRED)

    found = spoilt(late)
    assert fault(found) is None
    assert "inconclusive" in found.steps()[3].text


def test_rules_of_ones_own_are_judged_by_themselves_and_said_to_be_unknown() -> None:
    found = spoilt(lambda s: rewritten(s, name="mine", min_fps=20))
    assert fault(found) is None
    assert "not a policy that this version knows" in found.steps()[3].text
    assert "not a policy" not in recorded().steps()[3].text


@pytest.mark.parametrize("name", [*POLICIES])
def test_no_version_of_rules_under_our_name_is_anybody_elses(name: str) -> None:
    fails_only(spoilt(lambda s: rewritten(s, name=name, version=99, min_fps=1, deny=["challenge"])), "verdict")


def test_rules_that_an_earlier_version_decided_by_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = replace(STANDARD, version=0, min_fps=12)
    found = spoilt(lambda s: rewritten(s, version=0, min_fps=12))
    fails_only(found, "verdict")
    monkeypatch.setattr(rules, "EARLIER", {"standard": (earlier.digest().hex(),)})
    assert fault(found) is None
    assert "not a policy" not in found.steps()[3].text


@pytest.mark.parametrize("name", [n for n, policy in POLICIES.items() if policy.steps == 6])
def test_built_in_rules_are_known_by_name(name: str) -> None:
    found = spoilt(lambda s: rewritten(s, **POLICIES[name].to_json()))
    assert fault(found) is None


def test_rounding_of_times_is_granted() -> None:
    assert fault(spoilt(lambda s: s["steps"][1].update(onset_ms=s["steps"][1]["shown_ms"] + 249))) is None


# 5. leaf, 6. inclusion


def test_a_wrong_leaf_key_opens_no_leaf() -> None:
    found = recorded()
    fails_only(Recorded(replace(found.bundle, leaf_key=bytes(32)), found.trust), "inclusion")


@pytest.mark.parametrize(
    "changes",
    [
        {"leaf_index": 3},
        {"leaf_index": 9},
        {"leaf_index": -1},
        {"size": 8},
        {"size": 0},
        {"root": bytes(32)},
        {"path": ()},
    ],
    ids=str,
)
def test_the_leaf_lies_where_the_proof_says(changes: dict[str, Any]) -> None:
    found = recorded()
    assert found.bundle.proof is not None
    fails_only(Recorded(replace(found.bundle, proof=replace(found.bundle.proof, **changes)), found.trust), "inclusion")


def test_a_waiting_record_says_what_it_waits_for() -> None:
    states = {step.name: step.state for step in recorded(anchored=False).steps()}
    waiting = {"leaf", "inclusion", "start", "checkpoint", "chain"}
    assert {name for name, state in states.items() if state is StepState.SKIPPED} == waiting
    assert {name for name, state in states.items() if state is StepState.HOLDS} == set(STEPS) - waiting


# 7. start


def begun(change: Callable[[Statement], object]) -> Recorded:
    """A good verdict behind a start with one change, signed by the right key and logged in its place."""
    statement = start()
    change(statement)
    return recorded(begun=statement)


def with_start(**changes: Any) -> Recorded:
    found = recorded()
    assert found.bundle.start is not None
    return Recorded(replace(found.bundle, start=replace(found.bundle.start, **changes)), found.trust)


START_FAULTS: dict[str, Callable[[Statement], object]] = {
    "another commitment": lambda s: s.update(commitment="00" * 32),
    "another check": lambda s: s["check"].update(id="chk_2"),
    "another subject": lambda s: s["check"].update(subject="user-43"),
    "another purpose": lambda s: s["check"].update(purpose="payment"),
    "another origin": lambda s: s["check"].update(origin=""),
    "another policy": lambda s: s.update(policy=rules_of(STRICT)),
    "other rules under the same digest": lambda s: s["policy"]["rules"].update(min_fps=1),
    "another time": lambda s: s.update(started_ms=2, expires_ms=180_002),
    "another time to live": lambda s: s.update(expires_ms=180_002),
    "no time to live": lambda s: s.pop("expires_ms"),
    "another record": lambda s: s.update(record_id="sta_2"),
    "another version": lambda s: s.update(version=2),
    "a version that is true": lambda s: s.update(version=True),
}


def rules_of(policy: Policy) -> Statement:
    return {
        "name": policy.name,
        "version": policy.version,
        "digest": policy.digest().hex(),
        "rules": policy.to_json(),
    }


@pytest.mark.parametrize("name", START_FAULTS)
def test_the_start_is_that_of_the_verdicts_check(name: str) -> None:
    fails_only(begun(START_FAULTS[name]), "start")


def test_a_verdict_comes_with_its_start() -> None:
    found = recorded()
    fails_only(Recorded(replace(found.bundle, start=None), found.trust), "start")
    waiting = recorded(anchored=False)
    assert fault(Recorded(replace(waiting.bundle, start=None), waiting.trust)) == "start"


def test_a_start_is_signed_as_one_by_the_logs_key() -> None:
    found = recorded()
    assert found.bundle.start is not None
    payload = found.bundle.start.envelope.payload
    for envelope in (
        SigningKey.generate(KeyPurpose.STATEMENTS).sign(payload, PayloadType.START),
        REHEARSAL_KEY.sign(payload, PayloadType.START),
        KEY.sign(payload, PayloadType.VERDICT),
        KEY.sign(payload, PayloadType.RECEIPT),
        KEY.sign(b" " + payload, PayloadType.START),
        replace(found.bundle.start.envelope, payload=payload[:-1] + b" }"),
    ):
        fails_only(with_start(envelope=envelope), "start")


def test_a_start_lies_under_the_verdicts_root() -> None:
    found = recorded()
    assert found.bundle.start is not None
    for changes in (
        {"leaf_key": bytes(32)},
        {"leaf_index": 1},
        {"leaf_index": None},
        {"path": ()},
        {"path": (*found.bundle.start.path, bytes(32))},
    ):
        fails_only(with_start(**changes), "start")


def test_a_start_comes_before_its_verdict() -> None:
    """The same two leaves the other way round: made after the fact."""
    found = recorded()
    bundle, begun = found.bundle, found.bundle.start
    assert begun is not None
    verdict, started = (
        leaf_commitment(bundle.leaf_key, bundle.envelope.payload),
        leaf_commitment(begun.leaf_key, begun.envelope.payload),
    )
    tree = MemoryTree([verdict, started])
    bundle = replace(
        bundle,
        proof=InclusionProof(0, 2, tree.root(), tuple(inclusion_path(0, 2, tree.read))),
        start=replace(begun, leaf_index=1, path=tuple(inclusion_path(1, 2, tree.read))),
        checkpoint=signed_note(CHECKPOINT_KEY, CONTRACT.log_id, 2, tree.root()),
    )
    fails_only(Recorded(bundle, found.trust), "start")


def test_a_start_that_waits_has_no_place_yet() -> None:
    found = recorded(anchored=False)
    assert found.bundle.start is not None
    for changes in ({"leaf_index": 2}, {"path": (bytes(32),)}):
        placed = replace(found.bundle, start=replace(found.bundle.start, **changes))
        assert fault(Recorded(placed, found.trust)) == "start"
    other = replace(found.bundle.start.envelope, payload=b"{}")
    assert fault(Recorded(replace(found.bundle, start=replace(found.bundle.start, envelope=other)), found.trust)) == (
        "start"
    )


def test_a_start_beside_another_record_is_no_bundle_of_ours() -> None:
    alone, good = recorded(start(), kind=PayloadType.START), recorded()
    assert fault(Recorded(replace(alone.bundle, start=good.bundle.start), alone.trust)) == "start"


def test_a_start_by_a_retired_key_counts_where_the_key_was_in_use() -> None:
    """The key changed while the check ran."""
    successor = SigningKey.generate(KeyPurpose.STATEMENTS)
    found = recorded(key=successor)
    assert found.bundle.start is not None
    old = KEY.sign(found.bundle.start.envelope.payload, PayloadType.START)
    bundle = replace(found.bundle, start=replace(found.bundle.start, envelope=old))
    keys = {**TRUSTED, successor.verify_key.key_id: successor.verify_key}
    for until, name in ((3, None), (2, "start")):
        trust = replace(found.trust, keys=keys, retired={KEY.verify_key.key_id: until})
        assert fault(Recorded(bundle, trust)) == name


# 8. checkpoint


@pytest.mark.parametrize("size", [1, 4, 5, 8, 9, 10, 16, 17])
def test_a_pinned_head_vouches_by_a_consistency_proof(size: int) -> None:
    found = recorded().linked(size)
    step = found.steps()[STEPS.index("checkpoint")]
    assert step.state is StepState.HOLDS
    assert fault(found) is None
    if size != 9:
        assert ("extends the pinned one" if size < 9 else "is the beginning of the pinned one") in step.text


@pytest.mark.parametrize("size", [5, 8, 12])
def test_a_consistency_proof_proves_one_log(size: int) -> None:
    found = recorded().linked(size)
    link = found.bundle.consistency
    assert link is not None
    altered: tuple[dict[str, Any], ...] = (
        {"path": link.path[:-1]},
        {"path": (*link.path, bytes(32))},
        {"path": (bytes(32), *link.path[1:])},
        {"size": link.size + 1},
        {"size": 0},
        {"root": bytes(32)},
    )
    for changes in altered:
        bundle = replace(found.bundle, consistency=replace(link, **changes))
        fails_only(Recorded(bundle, found.trust), "checkpoint")
        fails_only(unpinned(Recorded(bundle, found.trust)), "checkpoint")
        changed = replace(link, **changes)
        pinned = replace(found.trust, checkpoints={changed.root: changed.size})
        fails_only(Recorded(bundle, pinned), "checkpoint")


def test_a_consistency_proof_from_a_head_that_nobody_pinned_is_none() -> None:
    found = recorded().linked(5)
    fails_only(Recorded(found.bundle, replace(found.trust, checkpoints={bytes(32): 5})), "checkpoint")
    assert fault(unpinned(found)) is None


def test_a_record_behind_the_pinned_head_needs_somebody_else_to_vouch() -> None:
    """From a pinned head on anybody can go on with leaves of their own."""
    for size, state in ((5, StepState.HOLDS), (4, StepState.SKIPPED)):
        found = recorded().linked(size)
        unsigned = Recorded(replace(found.bundle, checkpoint=None), found.trust)
        assert unsigned.steps()[STEPS.index("checkpoint")].state is state
        assert fault(unsigned) is None
    found = recorded().linked(4)
    stolen = replace(found.trust, retired={KEY.verify_key.key_id: 9}, size_on_chain=None)
    assert fault(Recorded(replace(found.bundle, checkpoint=None), stolen)) == "checkpoint"


def test_a_waiting_record_has_no_consistency_proof() -> None:
    waiting, good = recorded(anchored=False), recorded().linked(5)
    assert fault(Recorded(replace(waiting.bundle, consistency=good.bundle.consistency), waiting.trust)) == "checkpoint"


def test_a_root_nobody_vouches_for_is_no_checkpoint() -> None:
    found = recorded()
    fails_only(Recorded(found.bundle, replace(found.trust, checkpoints={bytes(32): 9})), "checkpoint")


def test_a_root_stands_for_one_size() -> None:
    found = recorded()
    assert found.bundle.proof is not None
    fails_only(Recorded(found.bundle, replace(found.trust, checkpoints={found.bundle.proof.root: 10})), "checkpoint")


@pytest.mark.parametrize(
    ("pinned", "words"),
    [
        ({bytes(32): 8}, "larger than the newest pinned one, of 8 ·"),
        ({bytes(32): 10}, "smaller than the oldest pinned one, of 10"),
        ({bytes(32): 8, b"1" * 32: 10}, "between the pinned ones"),
        ({bytes(32): 9}, "another root than the pinned checkpoint of 9 leaves"),
        ({}, "larger than any pinned one"),
    ],
)
def test_how_a_checkpoint_stands_to_the_pinned_ones_is_said_plainly(pinned: dict[bytes, int], words: str) -> None:
    found = recorded()
    steps = Recorded(found.bundle, replace(found.trust, checkpoints=pinned)).steps()
    assert (steps[-1].name, steps[-1].state) == ("checkpoint", StepState.FAILS)
    assert words in steps[-1].text


def unpinned(found: Recorded, **changes: Any) -> Recorded:
    return Recorded(found.bundle, replace(found.trust, checkpoints=None, **changes))


def test_where_none_is_pinned_the_logs_own_signature_counts_and_is_named() -> None:
    step = unpinned(recorded()).steps()[7]
    assert step.state is StepState.HOLDS
    assert step.text.endswith(f"signed by {CHECKPOINT_KEY.verify_key.key_id}; none is pinned")


@pytest.mark.parametrize("pinned", [True, False])
def test_a_checkpoint_is_signed_by_a_key_for_checkpoints(pinned: bool) -> None:
    """One that is pinned too: a bundle that carries a false signature is no bundle of ours."""
    stranger = SigningKey.generate(KeyPurpose.CHECKPOINTS)
    found = recorded()
    proof = found.bundle.proof
    assert proof is not None
    forged = replace(found.bundle, checkpoint=signed_note(stranger, CONTRACT.log_id, proof.size, proof.root))
    spoilt_record = Recorded(forged, found.trust)
    fails_only(spoilt_record if pinned else unpinned(spoilt_record), "checkpoint")


@pytest.mark.parametrize(
    "note",
    [
        pytest.param(lambda p: signed_note(CHECKPOINT_KEY, bytes(32), p.size, p.root), id="of another log"),
        pytest.param(lambda p: signed_note(CHECKPOINT_KEY, CONTRACT.log_id, 8, p.root), id="of another size"),
        pytest.param(lambda p: signed_note(CHECKPOINT_KEY, CONTRACT.log_id, p.size, bytes(32)), id="of another root"),
    ],
)
def test_a_checkpoint_is_that_of_the_proof(note: Callable[[InclusionProof], CheckpointNote]) -> None:
    found = recorded()
    assert found.bundle.proof is not None
    other = replace(found.bundle, checkpoint=note(found.bundle.proof))
    fails_only(unpinned(Recorded(other, found.trust)), "checkpoint")


def test_a_checkpoint_names_a_log_that_has_a_contract() -> None:
    found = recorded()
    fails_only(unpinned(Recorded(replace(found.bundle, anchor=None), found.trust)), "checkpoint")


def test_a_waiting_record_has_no_checkpoint() -> None:
    found = recorded()
    assert found.bundle.start is not None
    start = replace(found.bundle.start, leaf_index=None, path=())
    steps = Recorded(replace(found.bundle, proof=None, start=start), found.trust).steps()
    assert (steps[-1].name, steps[-1].state) == ("checkpoint", StepState.FAILS)


def test_without_a_pinned_or_signed_checkpoint_the_step_is_skipped_and_says_so() -> None:
    found = recorded()
    statements_only = {KEY.verify_key.key_id: KEY.verify_key}
    for steps in (
        Recorded(replace(found.bundle, checkpoint=None), Trust(TRUSTED)).steps(),
        Recorded(found.bundle, Trust(statements_only)).steps(),
    ):
        assert [step.name for step in steps if step.state is StepState.SKIPPED] == ["checkpoint", "chain"]
        assert all(step.text for step in steps)


def test_a_retired_key_counts_for_what_it_signed_in_its_time() -> None:
    found = recorded()
    for key in (KEY, CHECKPOINT_KEY):
        for until, name in ((4, "inclusion" if key is KEY else "checkpoint"), (9, None)):
            trust = replace(found.trust, retired={key.verify_key.key_id: until})
            assert fault(Recorded(found.bundle, trust)) == name
    waiting = recorded(anchored=False)
    assert fault(Recorded(waiting.bundle, replace(waiting.trust, retired={KEY.verify_key.key_id: 9}))) == "inclusion"


# 9. time stamp


def stamped(found: Recorded, **changes: Any) -> Recorded:
    def stamped_ms(token: bytes, text: bytes) -> int:
        note = found.bundle.checkpoint
        if note is None or text != note.to_text().encode() or token != b"token":
            raise EvidenceError("no time stamp over this")
        return 1_700_000_000_000

    bundle = replace(found.bundle, **{"stamps": (b"token",)} | changes)
    return Recorded(bundle, replace(found.trust, stamped_ms=stamped_ms))


def test_a_time_stamp_says_by_when_the_checkpoint_was_there() -> None:
    step = stamped(recorded()).steps()[8]
    assert (step.name, step.state) == ("time stamp", StepState.HOLDS)
    assert "2023-11-14T22:13:20+00:00" in step.text
    assert fault(stamped(recorded(), stamps=(b"of somebody else", b"token"))) is None


def test_a_false_time_stamp_fails() -> None:
    steps = stamped(recorded(), stamps=(b"false",)).steps()
    assert (steps[-1].name, steps[-1].state) == ("time stamp", StepState.FAILS)
    assert all(step.state is StepState.HOLDS for step in steps[:-1])


def test_a_time_stamp_on_nothing_fails() -> None:
    assert fault(stamped(recorded(), checkpoint=None)) == "time stamp"


def test_without_a_trusted_authority_the_time_stamp_is_skipped() -> None:
    found = recorded()
    steps = Recorded(replace(found.bundle, stamps=(b"token",)), found.trust).steps()
    assert [step.name for step in steps if step.state is StepState.SKIPPED] == ["time stamp"]
    assert fault(recorded()) is None


# 10. chain


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize(
    "contract",
    [
        replace(CONTRACT, chain_id=2),
        replace(CONTRACT, genesis=b"1" * 32),
        replace(CONTRACT, address="0x" + "cd" * 20),
        None,
    ],
    ids=["another chain", "another genesis", "another address", "of another log"],
)
def test_a_bundle_does_not_choose_its_contract(contract: Contract | None, asked: bool) -> None:
    """Whoever deploys a contract of his own gets any root into it, so the trusted one counts, asked or not."""
    found = recorded()
    contracts = {"rehearsal": (CONTRACT,)} if contract is None else {"main": (contract,)}
    trust = replace(found.trust, contracts=contracts)
    fails_only(Recorded(found.bundle, trust if asked else replace(trust, size_on_chain=None)), "chain")


def test_the_capitals_of_an_address_do_not_matter_and_a_log_may_have_had_two_contracts() -> None:
    found = recorded()
    shouted = replace(CONTRACT, address="0x" + "AB" * 20)
    contracts = {"main": (replace(CONTRACT, chain_id=2), shouted)}
    assert fault(Recorded(found.bundle, replace(found.trust, contracts=contracts))) is None


def test_without_trusted_contracts_the_one_of_the_bundle_is_taken() -> None:
    found = recorded()
    assert fault(Recorded(found.bundle, replace(found.trust, contracts=None))) is None


@pytest.mark.parametrize("size", [None, 0, 8, 10])
def test_the_contract_holds_the_root_for_that_size(size: int | None) -> None:
    found = recorded()
    fails_only(Recorded(found.bundle, replace(found.trust, size_on_chain=lambda _: size)), "chain")


def test_a_record_that_was_revoked_on_chain_fails_though_it_stays_in_the_log() -> None:
    found = recorded()
    leaf = leaf_commitment(found.bundle.leaf_key, found.bundle.envelope.payload)
    trust = replace(found.trust, revoked=lambda asked: "at noon: attack-found" if asked == leaf else None)
    fails_only(Recorded(found.bundle, trust), "chain")
    assert fault(Recorded(found.bundle, replace(found.trust, revoked=lambda _: None))) is None


def test_whoever_leaves_the_contract_out_of_a_bundle_does_not_hide_its_revocation() -> None:
    found = recorded()
    silent = replace(found.bundle, anchor=None, checkpoint=None)
    fails_only(Recorded(silent, replace(found.trust, revoked=lambda _: "at noon: attack-found")), "chain")
    assert fault(Recorded(silent, replace(found.trust, revoked=lambda _: None))) is None


def test_revocations_are_asked_of_every_contract_that_the_log_was_in() -> None:
    first, elsewhere, third = (
        replace(CONTRACT, address="0x" + "22" * 20),
        replace(CONTRACT, genesis=b"\x11" * 32),
        replace(CONTRACT, address="0x" + "33" * 20),
    )
    assert CONTRACT.epochs((first, CONTRACT, elsewhere, third)) == (CONTRACT, first, third)
    assert CONTRACT.epochs(()) == (CONTRACT,)


def test_a_node_that_does_not_answer_fails_the_step_with_its_own_words() -> None:
    def down(_: bytes) -> int | None:
        raise MedauthError("no node answers")

    found = recorded()
    steps = Recorded(found.bundle, replace(found.trust, size_on_chain=down)).steps()
    assert (steps[-1].name, steps[-1].state, steps[-1].text) == ("chain", StepState.FAILS, "no node answers")


def test_a_local_chain_says_that_it_proves_nothing() -> None:
    found = recorded()
    assert found.bundle.anchor is not None
    contract = replace(CONTRACT, chain_id=31_337)
    local = replace(found.bundle, anchor=replace(found.bundle.anchor, contract=contract))
    trust = replace(found.trust, contracts={"main": (contract,)})
    assert "proves nothing to outsiders" in Recorded(local, trust).steps()[-1].text
    assert "proves nothing" not in found.steps()[-1].text


# starts


def test_the_start_of_a_check_has_no_challenge_to_open_yet() -> None:
    steps = recorded(start(), kind=PayloadType.START).steps()
    assert [step.name for step in steps if step.state is StepState.SKIPPED] == ["challenge", "verdict", "start"]
    assert not [step for step in steps if step.state is StepState.FAILS]


# any change at all


GOOD = recorded()
FILE = GOOD.bundle.to_bytes()


@given(st.integers(0, 8 * len(FILE) - 1))
@settings(max_examples=200)
def test_a_flipped_bit_of_a_bundle_is_found(bit: int) -> None:
    """But for what nobody signed and no offline verifier can know: where on chain the root is said to stand."""
    data = bytearray(FILE)
    data[bit // 8] ^= 1 << bit % 8
    try:
        bundle = Bundle.from_bytes(bytes(data))
    except MedauthError:
        return
    found = Recorded(bundle, GOOD.trust)
    assert fault(found) is not None or replace(bundle, anchor=None) == replace(GOOD.bundle, anchor=None)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to everything in a statement that is not an object or a list."""
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [found for key, item in enumerate(value) for found in leaves(item, (*path, key))]
    return [path]


PATHS = leaves(good_statement())


@given(st.sampled_from(PATHS), st.none() | st.integers(-5, 10**6) | st.text(max_size=5) | st.lists(st.integers(0, 1)))
@settings(max_examples=60)
def test_a_hostile_statement_by_the_right_key_ends_in_an_answer(path: tuple[Any, ...], value: Any) -> None:
    statement = good_statement()
    at = statement
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    for step in recorded(statement).steps():
        assert step.text
        assert step.state in StepState


def test_the_statement_is_there_once_the_second_step_held() -> None:
    examination = Examination(GOOD.bundle, GOOD.trust)
    assert dict(examination.statement) == {}
    list(examination.steps())
    assert examination.statement == good_statement()


def test_the_example_is_what_it_says() -> None:
    statement = good_statement()
    assert statement["policy"]["digest"] == STANDARD.digest().hex()
    assert statement["verdict"]["decision"] == "live"
    assert [r["outcome"] for r in statement["readings"]] == [Outcome.PASS] * len(statement["readings"])
    assert copy.deepcopy(statement) == statement
