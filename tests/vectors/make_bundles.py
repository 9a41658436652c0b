"""Writes bundles.json: bundles that hold and bundles with one named defect, for the verifiers in Python and JavaScript.

Keys, ids and times are fixed, so the file never changes by itself. What each case comes to is what `verifier.py` says;
that a defect fails at the step it is listed under is asserted here. `python -m tests.vectors.make_bundles --check` fails
where the committed file differs.

To keep the file small a text may stand as `{"first": 9, "then": "…", "last": 7}`: the first 9 characters of the same text
of the case `live`, then these, then its last 7. `bundle` is the file; where it says `@payload`, `payload` goes, in base64.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medauth.errors import InputError
from medauth.evidence.bundle import Bundle, InclusionProof
from medauth.evidence.commitment import leaf_commitment
from medauth.evidence.merkle import MemoryTree, inclusion_path
from medauth.evidence.note import NoteSignature, signed_note
from medauth.evidence.rotation import rotation_statement
from medauth.evidence.signing import KeyPurpose, PayloadType, SigningKey
from medauth.evidence.statement import opened_commitment
from medauth.evidence.trust import TrustFile
from medauth.evidence.verifier import Examination, StepState, Trust
from medauth.protocol.canonical import canonical
from medauth.protocol.policy import REHEARSAL, STANDARD, Policy
from medauth.protocol.reading import SignalReading
from medauth.protocol.response import EXPIRED
from medauth.protocol.verdict import decide
from tests.unit.evidence import spoken_records
from tests.unit.evidence.bundles import (
    CHECKPOINT_KEY,
    CONTRACT,
    KEY,
    REHEARSAL_KEY,
    TRUSTED,
    Statement,
    good_statement,
    recorded,
    start,
)

TARGET = Path(__file__).with_name("bundles.json")
STRANGER = SigningKey(KeyPurpose.STATEMENTS, Ed25519PrivateKey.from_private_bytes(bytes(range(3, 35))))
STRANGERS_NOTES = SigningKey(KeyPurpose.CHECKPOINTS, Ed25519PrivateKey.from_private_bytes(bytes(range(4, 36))))

Case = dict[str, Any]
Change = Callable[[Statement], object]

GOOD, WAITING = recorded().bundle, recorded(anchored=False).bundle
assert GOOD.proof is not None
assert GOOD.anchor is not None
assert GOOD.checkpoint is not None
ROOT, SIZE = GOOD.proof.root, GOOD.proof.size
CONTRACTS = {"main": (CONTRACT,), "rehearsal": (CONTRACT,)}
LOCAL = replace(CONTRACT, chain_id=31_337)


# Trust files


def roots() -> dict[bytes, int]:
    """The roots of all cases, so that a case fails where it should and not for want of a pin."""
    return {**dict.fromkeys(PINNED, SIZE), ROOT: SIZE}


PINNED: list[bytes] = []


def trust_files() -> dict[str, TrustFile]:
    keys = list(TRUSTED.values())
    retired, head = {KEY.verify_key.key_id: 4}, {ROOT: SIZE}
    heads = {f"the head of {size}": _head(size) for size in (4, 5, 12)}
    return {
        "pinned": TrustFile.of(keys, roots(), CONTRACTS),
        **{name: TrustFile.of(keys, pinned, CONTRACTS) for name, pinned in heads.items()},
        "keys alone": TrustFile.of(keys, {}),
        "one key alone": TrustFile.of([KEY.verify_key], {}),
        "an older checkpoint": TrustFile.of(keys, {bytes(32): SIZE - 1}, CONTRACTS),
        "a newer checkpoint": TrustFile.of(keys, {bytes(32): SIZE + 1}, CONTRACTS),
        "another root": TrustFile.of(keys, {bytes(32): SIZE}, CONTRACTS),
        "another size": TrustFile.of(keys, {ROOT: SIZE + 1}, CONTRACTS),
        "another contract": TrustFile.of(keys, head, {"main": (replace(CONTRACT, address="0x" + "cd" * 20),)}),
        "another log's contract": TrustFile.of(keys, head, {"rehearsal": (CONTRACT,)}),
        "a local contract": TrustFile.of(keys, head, {"main": (CONTRACT, LOCAL)}),
        "a retired key": TrustFile.of(keys, head, CONTRACTS, retired=retired),
        "a retired key alone": TrustFile.of([KEY.verify_key], {}, retired={KEY.verify_key.key_id: SIZE}),
        "a retired key and a contract": TrustFile.of(
            [KEY.verify_key], {}, CONTRACTS, retired={KEY.verify_key.key_id: SIZE}
        ),
        "a retired checkpoint key": TrustFile.of(
            keys, head, CONTRACTS, retired={CHECKPOINT_KEY.verify_key.key_id: SIZE - 1}
        ),
    }


def _head(size: int) -> dict[bytes, int]:
    found = recorded().linked(size).bundle.consistency
    assert found is not None
    return {found.root: found.size}


# Cases


def case(name: str, bundle: Bundle | bytes, fails: str | None = None, **more: Any) -> Case:
    """`fails` is the step; "" for a file that is refused before any step."""
    file = bundle if isinstance(bundle, bytes) else bundle.to_bytes()
    if isinstance(bundle, Bundle) and bundle.proof is not None and fails != "inclusion":
        PINNED.append(bundle.proof.root)
    return {"name": name, "bundle": file.decode(), "trust": "pinned", "on_chain": True, "fails": fails} | more


def spoilt(name: str, fails: str | None, change: Change, **more: Any) -> Case:
    statement = good_statement()
    change(statement)
    return case(name, recorded(statement).bundle, fails, **more)


def envelope(**changes: Any) -> Bundle:
    return replace(GOOD, envelope=replace(GOOD.envelope, **changes))


def proof(**changes: Any) -> Bundle:
    assert GOOD.proof is not None
    return replace(GOOD, proof=replace(GOOD.proof, **changes))


def flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def restated(statement: Statement) -> Statement:
    """The verdict that follows from what the statement says now."""
    policy = Policy.from_json(statement["policy"]["rules"])
    decision, reasons = decide(policy, [SignalReading.from_json(value) for value in statement["readings"]])
    statement["verdict"] = {"decision": decision.value, "reasons": [dict(r.to_json()) for r in reasons]}
    return statement


def ruled(statement: Statement, **rules: Any) -> None:
    """Other rules, with a digest that fits them."""
    statement["policy"]["rules"].update(rules)
    policy = Policy.from_json(statement["policy"]["rules"])
    statement["policy"] |= {"digest": policy.digest().hex(), "name": policy.name, "version": policy.version}
    restated(statement)


def reread(statement: Statement, name: str, **changes: Any) -> None:
    for value in statement["readings"]:
        if value["signal"] == name:
            value.update(changes)
    restated(statement)


def reopened(statement: Statement) -> Statement:
    """A commitment that fits the challenge as it was changed."""
    statement["challenge"]["commitment"] = opened_commitment(statement).hex()
    return statement


def unlit(statement: Statement) -> Statement:
    """A challenge as it was before there was light, or is without: no word of it, and of the first version."""
    del statement["challenge"]["opening"]["challenge"]["light"], statement["light"]
    statement["challenge"]["opening"]["version"] = 1
    return reopened(statement)


def ruled_before(statement: Statement) -> Statement:
    """What version 2 of `standard` decided."""
    unlit(statement)["policy"]["rules"].pop("light")
    ruled(statement, version=2, deny=["challenge", "faces", "identity", "presentation_attack"])
    return statement


def rehearsed() -> Statement:
    statement = good_statement()
    unlit(statement)
    statement["challenge"]["opening"]["challenge"]["scripted"] = True
    reopened(statement)
    statement["policy"] = {"rules": replace(REHEARSAL, steps=6).to_json()}
    ruled(statement)
    return statement


def worded(statement: Statement, **rules: Any) -> Statement:
    """Rules that no policy may have, under a name of their own and with a digest that fits all the same."""
    stated = statement["policy"]
    stated["rules"].update({"name": "mine"} | rules)
    digest = hashlib.sha256(canonical(stated["rules"])).hexdigest()
    stated |= {"digest": digest, "name": stated["rules"]["name"]}
    return statement


def without_challenge(statement: Statement) -> Statement:
    reasons = statement["verdict"]["reasons"]
    statement["verdict"]["reasons"] = [reason for reason in reasons if reason["signal"] != "challenge"]
    return worded(statement, confirm=[name for name in STANDARD.confirm if name != "challenge"])


def nameless(statement: Statement, check_id: Any) -> Statement:
    """What should be a text is the same on both sides, and none."""
    statement["check"]["id"] = statement["challenge"]["opening"]["check_id"] = check_id
    return reopened(statement)


def aimless(statement: Statement) -> Statement:
    """What was asked is missing on both sides."""
    for step in (statement["steps"][0], statement["challenge"]["opening"]["challenge"]["steps"][0]):
        del step["target"]
    return reopened(statement)


def unfinished(statement: Statement) -> Statement:
    """A check that outlived its time, whose steps need not all be answered."""
    reread(statement, "challenge", outcome="inconclusive", code=EXPIRED)
    return statement


def back_in_time(statement: Statement) -> Statement:
    """The last step closes before the one ahead of it; nothing else about it is wrong."""
    nothing = dict.fromkeys(("shown_ms", "onset_ms", "gesture", "amount", "held_ms"))
    statement["steps"][5] |= {"outcome": "unseen", "closed_ms": 1_000} | nothing
    reread(statement, "challenge", outcome="inconclusive")
    return statement


def cut_short(statement: Statement) -> None:
    """Somebody left while the screen showed its colours."""
    del statement["steps"][1:], statement["light"][3:]
    reread(statement, "challenge", outcome="inconclusive", code="challenge.unfinished")


def seen_too_soon(statement: Statement) -> None:
    """Colours that were never shown, and are said to have been followed."""
    cut_short(statement)
    statement["readings"] = [value for value in statement["readings"] if value["signal"] != "light"]
    statement["readings"].append(statement["readings"][1] | {"signal": "light"})
    restated(statement)


def repeated(statement: Statement) -> None:
    """A colour twice in a row, in the challenge and on the screen."""
    statement["challenge"]["opening"]["challenge"]["light"]["colours"][2]["colour"] = "blue"
    statement["light"][2]["colour"] = "blue"
    reopened(statement)


def flickering(statement: Statement) -> None:
    """Rules of one's own with more than three changes a second."""
    stated = statement["policy"]["rules"]
    worded(statement, light=stated["light"] | {"shortest_ms": 333})


def nobody_came(statement: Statement) -> None:
    statement["frames"].update(count=0, judged=0, first_ms=0, last_ms=0, kept=[])
    statement["steps"] = statement["light"] = []
    reread(statement, "capture", outcome="inconclusive")
    reread(statement, "challenge", outcome="inconclusive", code="challenge.unfinished")


def endorsed(**changes: Any) -> Statement:
    """An announcement that both keys endorse, whatever it says."""
    said = {name: value for name, value in announced().items() if name != "endorsements"} | changes
    text = canonical(said)
    return said | {"endorsements": {"old": KEY.endorse(text).hex(), "new": STRANGER.endorse(text).hex()}}


def announced(old: SigningKey = KEY, new: SigningKey = STRANGER) -> Statement:
    return rotation_statement(old, new, record_id="key_1", rotated_ms=1)


def rotation(name: str, statement: Statement, fails: str | None = None, **more: Any) -> Case:
    return case(name, recorded(statement, kind=PayloadType.KEY).bundle, fails, **more)


def rotations() -> list[Case]:
    tokens = [SigningKey(KeyPurpose.TOKENS, Ed25519PrivateKey.from_private_bytes(bytes([n] * 32))) for n in (5, 6)]
    good, by_another = announced(), announced(STRANGER, KEY)
    swapped = good["endorsements"] | {"old": good["endorsements"]["new"], "new": good["endorsements"]["old"]}
    capitals = {name: digits.upper() for name, digits in good["endorsements"].items()}
    return [
        rotation("rotation", good),
        rotation("rotation-of-a-key-for-tokens", announced(*tokens)),
        rotation("rotation-endorsed-the-other-way-round", good | {"endorsements": swapped}, "statement"),
        rotation("rotation-endorsed-in-capitals", good | {"endorsements": capitals}, "statement"),
        rotation("rotation-changed-after-its-endorsement", good | {"rotated_ms": 2}, "statement"),
        rotation("rotation-to-itself", announced(KEY, KEY), "statement"),
        rotation("rotation-announced-by-another-key", by_another, "statement"),
        rotation("rotation-with-a-claimed-id", endorsed(new=good["new"] | {"key_id": "ed25519:0"}), "statement"),
        rotation("rotation-of-a-key-for-nothing", endorsed(purpose="anything"), "statement"),
    ]


def holding() -> list[Case]:
    witness = NoteSignature("witness.example", b"\x01\x02\x03\x04", bytes(72))
    assert GOOD.checkpoint is not None
    witnessed = replace(GOOD.checkpoint, signatures=(witness, *GOOD.checkpoint.signatures))
    assert GOOD.anchor is not None
    return [
        case("live", GOOD),
        case("layout-of-its-own", json.dumps(json.loads(GOOD.to_bytes()), indent=2, ensure_ascii=True).encode()),
        case("no-chain-asked", GOOD, on_chain=False),
        case("nothing-pinned", GOOD, trust="keys alone"),
        case("no-key-for-checkpoints", GOOD, trust="one key alone"),
        case("no-checkpoint-in-the-bundle", replace(GOOD, checkpoint=None)),
        case("witnessed-checkpoint", replace(GOOD, checkpoint=witnessed), trust="keys alone"),
        case("waiting", recorded(anchored=False).bundle),
        case("local-chain", replace(GOOD, anchor=replace(GOOD.anchor, contract=LOCAL)), trust="a local contract"),
        case("time-stamp-that-nobody-reads", replace(GOOD, stamps=(b"\x30\x00",))),
        case("start", recorded(start(), kind=PayloadType.START).bundle),
        spoilt("with-heat-maps", None, lambda s: s.update(blobs={"traces": "11" * 32, "heatmap/é/7": "22" * 32})),
        spoilt("nobody-came", None, nobody_came),
        case("rehearsal", recorded(rehearsed(), key=REHEARSAL_KEY, log="rehearsal").bundle),
        spoilt("rules-of-ones-own", None, lambda s: ruled(s, name="mine", min_fps=20)),
        spoilt("decided-by-version-2", None, ruled_before),
        spoilt("colours-not-all-shown", None, cut_short),
        spoilt("not-live", None, lambda s: reread(s, "identity", outcome="fail")),
        spoilt("inconclusive", None, lambda s: reread(s, "challenge", outcome="inconclusive", code=EXPIRED)),
        spoilt("a-cue-missing", None, lambda s: (s["readings"].pop(0), restated(s))),
        spoilt(
            "a-reading-twice", None, lambda s: (s["readings"].append(s["readings"][1] | {"code": "x"}), restated(s))
        ),
        spoilt("every-kind-of-character", None, lambda s: s["check"].update(subject='é€😀\u2028"\\/\x00\x1f\x7f ￿')),
        spoilt("keys-in-the-order-of-code-units", None, lambda s: s["software"].update({"😀": "1", "￿": "2", "": "3"})),
    ]


def unsigned() -> list[Case]:
    name = "signature"
    return [
        case("key-of-a-stranger", recorded(key=STRANGER).bundle, name),
        case("key-id-claimed", recorded(key=STRANGER).bundle.to_bytes().replace(*_ids()), name),
        case("key-for-rehearsals", recorded(key=REHEARSAL_KEY).bundle, name),
        case("log-nobody-knows", recorded(log="shadow").bundle, name),
        case("receipt-for-a-record", recorded(kind=PayloadType.RECEIPT).bundle, name),
        case("payload-flipped", envelope(payload=flipped(GOOD.envelope.payload)), name),
        case("signature-flipped", envelope(signature=flipped(GOOD.envelope.signature)), name),
        case("signature-cut", envelope(signature=GOOD.envelope.signature[:63]), name),
        case("type-exchanged", envelope(payload_type=PayloadType.START.value), name),
    ]


def _ids() -> tuple[bytes, bytes]:
    return STRANGER.verify_key.key_id.encode(), KEY.verify_key.key_id.encode()


def misstated() -> list[Case]:
    name, good = "statement", canonical(good_statement())
    return [
        case("statement-with-a-space", recorded(b" " + good).bundle, name),
        case("statement-with-a-key-twice", recorded(good[:-1] + b',"version":1}').bundle, name),
        case("statement-with-a-float", recorded(good.replace(b'"version":1}', b'"version":1.0}')).bundle, name),
        case(
            "statement-with-a-huge-number", recorded(b'{"record_id":"evd_1","version":9007199254740993}').bundle, name
        ),
        case("statement-with-half-a-character", recorded(b'{"record_id":"\\ud800","version":1}').bundle, name),
        case("statement-that-is-a-list", recorded(b"[]").bundle, name),
        case("statement-that-is-no-text", recorded(b'{"version":"\xff"}').bundle, name),
        case("statement-after-a-byte-order-mark", recorded(b"\xef\xbb\xbf" + good).bundle, name),
        case("statement-too-deep", recorded(b'{"a":' * 40 + b"1" + b"}" * 40).bundle, name),
        spoilt("another-version", name, lambda s: s.update(version=2)),
        case("another-record", replace(GOOD, record_id="evd_2"), name),
    ]


CHALLENGES: Mapping[str, Change] = {
    "a-nonce-of-one-byte": lambda s: (s["challenge"]["opening"].update(nonce="00"), reopened(s)),
    "a-nonce-of-33-bytes": lambda s: (s["challenge"]["opening"].update(nonce="00" * 33), reopened(s)),
    "a-nonce-in-capitals": lambda s: (s["challenge"]["opening"].update(nonce="AB" * 32), reopened(s)),
    "no-nonce": lambda s: (s["challenge"]["opening"].pop("nonce"), reopened(s)),
    "another-commitment": lambda s: s["challenge"].update(commitment="00" * 32),
    "no-opening": lambda s: s["challenge"].pop("opening"),
    "another-action-done": lambda s: s["steps"][1].update(action="raise_brows"),
    "other-bounds-done": lambda s: s["steps"][2].update(accepted=[0, 360]),
    "a-step-more-than-asked": lambda s: s["steps"].append(dict(s["steps"][0], index=6)),
    "of-another-check": lambda s: (s["challenge"]["opening"].update(check_id="chk_2"), reopened(s)),
    "of-a-check-without-a-name": lambda s: nameless(s, check_id=[]),
    "steps-without-a-target": aimless,
    "another-colour-shown": lambda s: s["light"][2].update(colour="green"),
    "a-colour-more-than-asked": lambda s: s["light"].append(dict(s["light"][5], index=6)),
    "a-colour-of-another-number": lambda s: s["light"][2].update(index=3),
    "a-colour-with-more-in-it": lambda s: s["light"][2].update(hue=1),
    "a-round-trip-without-end": lambda s: s["light"][2].update(round_trip_ms=10_001),
    "no-word-of-the-colours-shown": lambda s: s.pop("light"),
    "colours-that-no-challenge-holds": lambda s: (
        s["challenge"]["opening"]["challenge"].pop("light"),
        s["challenge"]["opening"].update(version=1),
        reopened(s),
    ),
    "colours-in-a-challenge-of-the-first-version": lambda s: (s["challenge"]["opening"].update(version=1), reopened(s)),
    "a-light-sequence-with-more-in-it": lambda s: (
        s["challenge"]["opening"]["challenge"]["light"].update(loop=True),
        reopened(s),
    ),
    "a-light-sequence-of-nothing": lambda s: (
        s["challenge"]["opening"]["challenge"].update(light={"before_step": 1, "colours": []}),
        s.update(light=[]),
        reopened(s),
    ),
    "a-colour-nobody-knows": lambda s: (
        s["challenge"]["opening"]["challenge"]["light"]["colours"][2].update(colour="mauve"),
        reopened(s),
    ),
}
VERDICTS: Mapping[str, Change] = {
    "another-decision": lambda s: s["verdict"].update(decision="inconclusive"),
    "another-reason": lambda s: s["verdict"]["reasons"].pop(),
    "a-reading-that-denies": lambda s: s["readings"][1].update(outcome="fail"),
    "a-reading-with-more-in-it": lambda s: s["readings"][1].update(weight=1),
    "a-later-version-of-a-known-name": lambda s: ruled(s, version=7, min_fps=1),
    "a-check-under-the-name-of-rehearsals": lambda s: ruled(s, name="rehearsal"),
    "no-frames": lambda s: s["frames"].update(count=0, judged=0, first_ms=0, last_ms=0, kept=[]),
    "no-word-about-frames": lambda s: s.pop("frames"),
    "something-more-about-frames": lambda s: s["frames"].update(skipped=1),
    "more-frames-judged-than-came": lambda s: s["frames"].update(judged=701),
    "frames-that-go-back-in-time": lambda s: s["frames"].update(first_ms=24_001),
    "one-frame-at-two-times": lambda s: s["frames"].update(count=1, judged=1),
    "no-chain-over-the-frames": lambda s: s["frames"].update(chain=""),
    "a-kept-frame-that-never-came": lambda s: s["frames"]["kept"][0].__setitem__(0, 700),
    "a-kept-frame-twice": lambda s: s["frames"]["kept"].append(s["frames"]["kept"][0]),
    "a-kept-frame-after-the-last": lambda s: s["frames"]["kept"][0].__setitem__(1, 24_001_001),
    "a-kept-frame-without-a-digest": lambda s: s["frames"]["kept"][0].__setitem__(2, "00"),
    "a-kept-frame-with-more-in-it": lambda s: s["frames"]["kept"][0].append(1),
    "an-answer-after-the-last-frame": lambda s: s["frames"].update(last_ms=23_498),
    "a-clear-view-with-too-few-frames-judged": lambda s: s["frames"].update(judged=559),
    "a-clear-view-by-too-few-frames-a-second": lambda s: s["frames"].update(count=240, judged=240),
    "finished-before-it-started": lambda s: s.update(started_ms=24_002),
    "finished-before-its-last-frame": lambda s: s.update(finished_ms=23_999),
    "a-heat-map-without-a-digest": lambda s: s.update(blobs={"heatmap/deepfake": "00"}),
    "a-heat-map-without-a-name": lambda s: s.update(blobs={"": "00" * 32}),
    "files-that-are-a-list": lambda s: s.update(blobs=[]),
    "rules-that-do-not-fit-their-digest": lambda s: s["policy"]["rules"].update(min_fps=1),
    "lenient-rules-under-a-known-name": lambda s: ruled(s, min_fps=1, deny=["challenge"]),
    "rules-of-ones-own-that-do-not-fit-their-digest": lambda s: worded(s)["policy"].update(digest="00" * 32),
    "rules-that-draw-too-few-bits": lambda s: worded(s, actions=[step["action"] for step in s["steps"]]),
    "rules-without-a-challenge": without_challenge,
    "rules-with-an-action-twice": lambda s: worded(s, actions=[*s["policy"]["rules"]["actions"], "blink"]),
    "rules-with-an-action-nobody-knows": lambda s: worded(s, actions=[*s["policy"]["rules"]["actions"], "wink"]),
    "rules-that-ask-for-more-than-everything": lambda s: worded(s, min_judged_ppm=1_000_001),
    "rules-with-a-flag-for-a-number": lambda s: worded(s, min_fps=True),
    "rules-of-a-rehearsal": lambda s: ruled(s, rehearsal=True, name="mine"),
    "a-rehearsal-among-checks": lambda s: (s.pop("light"), s.update(rehearsed())),
    "a-reading-without-a-reason": lambda s: s["readings"].append({"signal": "x", "outcome": "pass", "code": "y"}),
    "a-reading-of-another-kind": lambda s: s["readings"].append(s["readings"][0] | {"signal": "x", "outcome": "maybe"}),
    "a-step-back-in-time": back_in_time,
    "rules-that-draw-more-steps": lambda s: ruled(s, steps=8, name="mine"),
    "a-scripted-challenge": lambda s: (s["challenge"]["opening"]["challenge"].update(scripted=True), reopened(s)),
    "a-step-not-answered": lambda s: s["steps"][0].update(outcome="wrong_amount"),
    "a-step-without-an-outcome": lambda s: (s["steps"][0].pop("outcome"), unfinished(s)),
    "an-answer-too-early": lambda s: s["steps"][1].update(onset_ms=s["steps"][1]["shown_ms"] + 248),
    "an-answer-by-another-gesture": lambda s: s["steps"][2].update(gesture="turn_right"),
    "an-answer-too-far": lambda s: s["steps"][2].update(amount=61),
    "an-answer-not-held": lambda s: s["steps"][1].update(held_ms=149),
    "an-answer-without-an-onset": lambda s: s["steps"][2].update(onset_ms=None),
    "a-prompt-without-its-pause": lambda s: s["steps"][0].update(shown_ms=798, onset_ms=1_200),
    "a-colour-ahead-of-its-time": lambda s: s["light"][2].update(shown_ms=s["light"][1]["shown_ms"] + 698),
    "colours-while-a-step-is-on": lambda s: s["light"][0].update(shown_ms=3_198),
    "a-step-while-the-colours-are-on": lambda s: s["steps"][1].update(shown_ms=8_098, onset_ms=8_400),
    "a-step-ahead-of-the-colours": lambda s: s["light"].pop(),
    "a-colour-twice-in-a-row": repeated,
    "colours-ahead-of-the-first-step": lambda s: (
        s["challenge"]["opening"]["challenge"]["light"].update(before_step=0),
        reopened(s),
    ),
    "a-colour-for-longer-than-drawn": lambda s: (
        s["challenge"]["opening"]["challenge"]["light"]["colours"][5].update(lasts_ms=1_101),
        reopened(s),
    ),
    "no-colours-under-rules-with-light": unlit,
    "colours-under-rules-without": lambda s: (s["policy"]["rules"].pop("light"), worded(s)),
    "rules-with-more-than-three-changes-a-second": flickering,
    "light-that-passes-by-some-colours": seen_too_soon,
    "closed-in-another-order": lambda s: s["steps"][0].update(closed_ms=23_000),
}


STARTS: Mapping[str, Change] = {
    "with-another-commitment": lambda s: s.update(commitment="00" * 32),
    "of-another-check": lambda s: s["check"].update(id="chk_2"),
    "about-another-subject": lambda s: s["check"].update(subject="user-43"),
    "under-other-rules": lambda s: s["policy"]["rules"].update(min_fps=1),
    "at-another-time": lambda s: s.update(started_ms=2, expires_ms=180_002),
    "with-another-time-to-live": lambda s: s.update(expires_ms=180_002),
    "of-another-record": lambda s: s.update(record_id="sta_2"),
    "of-another-version": lambda s: s.update(version=2),
    "without-rules": lambda s: s.pop("policy"),
}


def begun(name: str, change: Change) -> Case:
    statement = start()
    change(statement)
    return case(f"start-{name}", recorded(begun=statement).bundle, "start")


def starting(**changes: Any) -> Bundle:
    assert GOOD.start is not None
    return replace(GOOD, start=replace(GOOD.start, **changes))


def begun_afterwards() -> Bundle:
    """The leaves of start and verdict the other way round."""
    assert GOOD.start is not None
    leaves = [(GOOD.leaf_key, GOOD.envelope.payload), (GOOD.start.leaf_key, GOOD.start.envelope.payload)]
    tree = MemoryTree(leaf_commitment(*leaf) for leaf in leaves)
    first, second = (tuple(inclusion_path(index, 2, tree.read)) for index in range(2))
    return replace(
        starting(leaf_index=1, path=second),
        proof=InclusionProof(0, 2, tree.root(), first),
        checkpoint=signed_note(CHECKPOINT_KEY, CONTRACT.log_id, 2, tree.root()),
    )


def starts() -> list[Case]:
    name, waiting = "start", recorded(anchored=False).bundle
    assert GOOD.start is not None
    payload, path = GOOD.start.envelope.payload, GOOD.start.path
    waiting_start = recorded(start(), kind=PayloadType.START).bundle
    return [
        *(begun(key, change) for key, change in STARTS.items()),
        case("start-left-out", replace(GOOD, start=None), name),
        case("start-left-out-of-a-record-that-waits", replace(waiting, start=None), name),
        case("start-signed-by-a-stranger", starting(envelope=STRANGER.sign(payload, PayloadType.START)), name),
        case("start-signed-as-a-verdict", starting(envelope=KEY.sign(payload, PayloadType.VERDICT)), name),
        case("start-with-a-space", starting(envelope=KEY.sign(b" " + payload, PayloadType.START)), name),
        case("start-with-the-leaf-key-of-another", starting(leaf_key=bytes(32)), name),
        case("start-in-another-place", starting(leaf_index=1), name),
        case("start-without-a-place", starting(leaf_index=None), name),
        case("start-with-a-path-cut", starting(path=path[:-1]), name),
        case("start-behind-its-verdict", begun_afterwards(), name, trust="keys alone"),
        case("start-beside-a-start", replace(waiting_start, start=GOOD.start), name),
        case("start-placed-though-it-waits", replace(GOOD, proof=None, checkpoint=None), name),
        case("start-by-a-key-retired-before-it", GOOD, "inclusion", trust="a retired key"),
    ]


def linking() -> list[Case]:
    """Bundles with a consistency proof to the head of 5 or 12 leaves, which the trust file pins."""
    name, before, after = "checkpoint", linked(5), linked(12)
    assert before.consistency is not None
    path = before.consistency.path
    cases = {
        "path-cut": replace(before.consistency, path=path[:-1]),
        "path-with-more": replace(before.consistency, path=(*path, bytes(32))),
        "path-altered": replace(before.consistency, path=(bytes(32), *path[1:])),
        "of-nothing": replace(before.consistency, size=0),
        "from-a-head-nobody-pinned": linked(4).consistency,
    }
    unsigned = replace(linked(4), checkpoint=None)
    waiting = recorded(anchored=False).bundle
    return [
        case("consistent-with-an-older-head", before, trust="the head of 5"),
        case("consistent-with-a-newer-head", after, trust="the head of 12"),
        case("consistent-though-nothing-is-pinned", before, trust="keys alone"),
        case("newer-than-the-pinned-head-and-unsigned", unsigned, trust="the head of 4"),
        *(
            case(f"consistency-{key}", replace(before, consistency=link), name, trust="the head of 5")
            for key, link in cases.items()
        ),
        case("consistency-of-what-waits", replace(waiting, consistency=before.consistency), name, trust="keys alone"),
        case(
            "inconsistent-though-nothing-is-pinned",
            replace(before, consistency=cases["path-cut"]),
            name,
            trust="keys alone",
        ),
    ]


def linked(size: int) -> Bundle:
    return recorded().linked(size).bundle


def misjudged() -> list[Case]:
    challenges = [spoilt(f"challenge-{name}", "challenge", change) for name, change in CHALLENGES.items()]
    return challenges + [spoilt(f"verdict-{name}", "verdict", change) for name, change in VERDICTS.items()]


def spoken() -> list[Case]:
    """Checks by voice, as the tests of the verifier in Python spoil them."""
    faults = {"challenge": spoken_records.CHALLENGE_FAULTS, "verdict": spoken_records.VERDICT_FAULTS}
    found = [case("spoken", recorded(spoken_records.spoken_statement()).bundle)]
    for step, changes in faults.items():
        for name, change in changes.items():
            statement = spoken_records.spoken_statement()
            change(statement)
            found.append(case(f"spoken-{name.replace(' ', '-')}", recorded(statement).bundle, step))
    return found


def misplaced() -> list[Case]:
    assert GOOD.proof is not None
    inclusion, checkpoint, chain = "inclusion", "checkpoint", "chain"
    notes = {
        "signed-by-a-stranger": signed_note(STRANGERS_NOTES, CONTRACT.log_id, SIZE, ROOT),
        "of-another-log": signed_note(CHECKPOINT_KEY, bytes(32), SIZE, ROOT),
        "of-another-size": signed_note(CHECKPOINT_KEY, CONTRACT.log_id, SIZE - 1, ROOT),
        "of-another-root": signed_note(CHECKPOINT_KEY, CONTRACT.log_id, SIZE, bytes(32)),
    }
    return [
        case("leaf-key-of-another-record", replace(GOOD, leaf_key=bytes(32)), inclusion),
        case("index-of-the-neighbour", proof(leaf_index=3), inclusion),
        case("index-beyond-the-log", proof(leaf_index=9), inclusion),
        case("index-of-53-bits", proof(leaf_index=2**53 - 2, size=2**53 - 1), inclusion),
        case("path-cut", proof(path=GOOD.proof.path[:-1]), inclusion),
        case("root-of-another-log", proof(root=bytes(32)), inclusion),
        case("signed-after-the-key-retired", GOOD, inclusion, trust="a retired key"),
        case("waiting-though-the-key-retired", recorded(anchored=False).bundle, inclusion, trust="a retired key"),
        *(case(f"checkpoint-{name}", replace(GOOD, checkpoint=note), checkpoint) for name, note in notes.items()),
        case("checkpoint-without-a-contract", replace(GOOD, anchor=None), checkpoint),
        case("checkpoint-without-a-proof", replace(GOOD, proof=None, start=WAITING.start), checkpoint),
        case("checkpoint-newer-than-the-pinned", GOOD, checkpoint, trust="an older checkpoint"),
        case("checkpoint-older-than-the-pinned", GOOD, checkpoint, trust="a newer checkpoint"),
        case("checkpoint-beside-the-pinned", GOOD, checkpoint, trust="another root"),
        case("checkpoint-pinned-for-another-size", GOOD, checkpoint, trust="another size"),
        case("retired-key-nobody-vouches-for", GOOD, checkpoint, trust="a retired key alone"),
        case("retired-key-and-no-chain-asked", GOOD, checkpoint, trust="a retired key and a contract", on_chain=False),
        case("retired-key-and-the-contract-asked", GOOD, None, trust="a retired key and a contract"),
        case("checkpoint-by-a-retired-key", GOOD, checkpoint, trust="a retired checkpoint key"),
        case("time-stamp-on-nothing", replace(GOOD, checkpoint=None, stamps=(b"\x30\x00",)), "time stamp"),
        case("contract-of-the-bundles-choice", GOOD, chain, trust="another contract"),
        case("contract-of-another-log", GOOD, chain, trust="another log's contract", on_chain=False),
        case("root-not-on-chain", GOOD, chain, on_chain=0),
        case("another-size-on-chain", GOOD, chain, on_chain=SIZE - 1),
    ]


REFUSED: Mapping[str, tuple[str, Any]] = {
    "two-signatures": ("envelope/signatures", [{"keyid": "a", "sig": ""}] * 2),
    "seventeen-time-stamps": ("time_stamps", ["AA=="] * 17),
    "a-short-address": ("anchor/address", "0x" + "ab" * 19),
    "a-number-for-a-text": ("log", 7),
    "a-flag-for-a-number": ("anchor/block", True),
    "a-negative-index": ("proof/leaf_index", -1),
    "a-short-root": ("proof/root", "ab" * 31),
    "a-path-that-is-none": ("proof/path", {}),
    "a-list-for-an-anchor": ("anchor", []),
    "a-note-of-one-line": ("checkpoint", "medauth"),
    "a-note-with-a-leading-zero": ("checkpoint", GOOD.checkpoint.to_text().replace("\n9\n", "\n09\n")),
    "a-note-with-a-line-more": ("checkpoint", GOOD.checkpoint.to_text().replace("\n\n", "\nmore\n\n")),
    "a-note-with-a-hyphen": ("checkpoint", GOOD.checkpoint.to_text().replace("\u2014", "-")),
    "a-note-with-a-hint-alone": ("checkpoint", GOOD.checkpoint.body.decode() + "\n\u2014 a AAAAAA==\n"),
    "a-start-without-its-key": ("start/leaf_key", ""),
    "a-start-as-text": ("start", "sta_1"),
    "a-start-with-a-negative-index": ("start/leaf_index", -1),
    "a-start-with-more-in-it": ("start/weight", 1),
    "a-head-without-a-size": ("consistency", {"root": "00" * 32, "path": []}),
    "a-head-of-a-short-root": ("consistency", {"size": 1, "root": "00" * 31, "path": []}),
    "a-huge-note": ("checkpoint", GOOD.checkpoint.to_text() + "\u2014 a AAAAAAAA\n" * 1_300),
}


def _changed(path: str, value: Any) -> bytes:
    file = json.loads(GOOD.to_bytes())
    *above, name = path.split("/")
    at = file
    for key in above:
        at = at[key]
    at[name] = value
    return canonical(file)


def refused_trust() -> dict[str, Any]:
    """Trust files that are none; `good` is one."""
    good = json.loads(TrustFile.of(TRUSTED.values(), {ROOT: SIZE}, CONTRACTS).to_bytes())
    key = good["keys"][0]
    return {
        "good": good,
        "another-format": good | {"format": "x"},
        "something-more": good | {"weight": 1},
        "no-keys": {name: value for name, value in good.items() if name != "keys"},
        "a-key-twice": good | {"keys": [key, key]},
        "a-key-id-claimed": good | {"keys": [key | {"key_id": "ed25519:" + "0" * 32}]},
        "a-key-for-nothing": good | {"keys": [key | {"purpose": "anything"}]},
        "a-key-that-never-counted": good | {"keys": [key | {"until_size": 0}]},
        "a-checkpoint-of-nothing": good | {"checkpoints": [{"root": ROOT.hex(), "size": 0}]},
        "a-checkpoint-twice": good | {"checkpoints": good["checkpoints"] * 2},
        "a-contract-nowhere": good | {"contracts": [good["contracts"][0] | {"address": "0x"}]},
        "an-authority-by-name": good | {"time_stamp_authorities": ["me"]},
    }


def refused() -> list[Case]:
    file, root = GOOD.to_bytes(), ROOT.hex().encode()
    return [
        case("refused-something-more", file[:-1] + b',"weight":1}', ""),
        case("refused-a-key-twice", file[:-1] + b',"log":"main"}', ""),
        case("refused-an-escaped-key-twice", file[:-1] + b',"l\\u006fg":"main"}', ""),
        case("refused-a-float", file.replace(b'"leaf_index":4', b'"leaf_index":4.0'), ""),
        case("refused-an-exponent", file.replace(b'"leaf_index":4', b'"leaf_index":4e0'), ""),
        case("refused-hex-in-capitals", file.replace(root, root.upper()), ""),
        case("refused-another-format", file.replace(b"bundle v1", b"bundle v2"), ""),
        case("refused-base64-in-another-spelling", file.replace(b'==","sig', b'","sig').replace(b'=="}]', b'="}]'), ""),
        case("refused-a-note-without-its-end", file.replace(b'=\\n"', b'="'), ""),
        case("refused-text", b"a bundle", ""),
        *(case(f"refused-{name}", _changed(*change), "") for name, change in REFUSED.items()),
    ]


# The file


def outcome(case: Case, trust: TrustFile) -> list[list[str]] | None:
    """What Python says: name and state of each step; None for a file that is no bundle."""
    try:
        bundle = Bundle.from_bytes(case["bundle"].encode())
    except InputError:
        return None
    return [
        [step.name, step.state.value]
        for step in Examination(bundle, Trust.of(trust, size_on_chain=asked(case))).steps()
    ]


def asked(case: Case) -> Callable[[bytes], int | None] | None:
    """A contract that holds every root for the size in the bundle, or for the one that `on_chain` says."""
    held = case["on_chain"]
    if held is False:
        return None
    bundle = Bundle.from_bytes(case["bundle"].encode())
    size = bundle.proof.size if bundle.proof else 0
    return lambda _: size if held is True else int(held)


def shortened(text: str, like: str) -> str | dict[str, Any]:
    """The text, or where it differs from another one."""
    if text == like:
        return {"first": len(like), "then": "", "last": 0}
    shorter = min(len(text), len(like))
    first = next((at for at in range(shorter) if text[at] != like[at]), shorter)
    last = next((at for at in range(shorter - first) if text[-1 - at] != like[-1 - at]), shorter - first)
    found = {"first": first, "then": text[first : len(text) - last], "last": last}
    return found if first + last > len(text) // 2 else text


def expanded(text: str | Mapping[str, Any], like: str) -> str:
    """The inverse of `shortened`."""
    if isinstance(text, str):
        return text
    return like[: text["first"]] + str(text["then"]) + like[len(like) - text["last"] :]


def packed(file: str) -> tuple[str, str]:
    """The file with its payload taken out, where that is text of its own."""
    try:
        payload = str(json.loads(file)["envelope"]["payload"])
        statement = base64.b64decode(payload, validate=True).decode()
    except (ValueError, KeyError, TypeError):
        return file, ""
    if base64.b64encode(statement.encode()).decode() != payload:
        return file, ""
    return file.replace(payload, "@payload"), statement


def unpacked(case: Case, live: Case) -> str:
    """The bundle's file, from a case as it is written down."""
    payload = expanded(case.get("payload", ""), live["payload"])
    file = expanded(case["bundle"], live["bundle"])
    return file.replace("@payload", base64.b64encode(payload.encode()).decode())


def written(case: Case, live: tuple[str, str]) -> Case:
    file, payload = packed(case["bundle"])
    if case["name"] != "live":
        found = {"bundle": shortened(file, live[0]), "payload": shortened(payload, live[1])}
    else:
        found = {"bundle": file, "payload": payload}
    return case | {name: value for name, value in found.items() if value}


def build() -> dict[str, Any]:
    PINNED.clear()
    cases = [
        *holding(),
        *rotations(),
        *unsigned(),
        *misstated(),
        *misjudged(),
        *spoken(),
        *misplaced(),
        *starts(),
        *linking(),
        *refused(),
    ]
    trust = trust_files()
    for one in cases:
        steps = one["steps"] = outcome(one, trust[one["trust"]])
        fails = one.pop("fails")
        failed = "" if steps is None else next((name for name, state in steps if state == StepState.FAILS), None)
        assert failed == fails, (one["name"], failed, fails)
    live = packed(cases[0]["bundle"])
    files = [one["bundle"] for one in cases]
    cases = [written(one, live) for one in cases]
    assert [unpacked(one, cases[0]) for one in cases] == files
    return {
        "about": "bundles for verifier.py and verifier.mjs; made by make_bundles.py; named after their defect",
        "trust": {name: json.loads(file.to_bytes()) for name, file in trust.items()},
        "refused_trust": refused_trust(),
        "count": len(cases),
        "cases": cases,
    }


def main() -> int:
    text = json.dumps(build(), indent=1) + "\n"
    if "--check" not in sys.argv:
        TARGET.write_text(text)
        return 0
    if TARGET.read_text() == text:
        return 0
    print(f"{TARGET.name} differs from what its script makes; next step: run the script and commit the file")  # noqa: T201
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
