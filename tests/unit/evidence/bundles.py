"""A record that holds in every step, taken apart so that one thing at a time can be spoilt before it is signed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from medauth.evidence.bundle import Anchor, Bundle, ConsistencyProof, Contract, InclusionProof, StartProof
from medauth.evidence.commitment import leaf_commitment
from medauth.evidence.merkle import MemoryTree, consistency_proof, inclusion_path
from medauth.evidence.note import signed_note
from medauth.evidence.signing import KeyPurpose, PayloadType, SigningKey
from medauth.evidence.statement import CheckIdentity, FrameSummary, KeptFrame, start_statement, verdict_statement
from medauth.evidence.verifier import CheckedStep, Examination, Trust
from medauth.protocol.canonical import Json, canonical
from medauth.protocol.ceremony import StepOutcome, StepResult
from medauth.protocol.challenge import Action, Challenge, scripted_step
from medauth.protocol.light import Colour, ColourShown, LightSequence, TimedColour
from medauth.protocol.performance import Measured
from medauth.protocol.policy import STANDARD
from medauth.protocol.reading import Outcome, SignalReading
from medauth.protocol.response import challenge_reading
from medauth.protocol.verdict import decide

KEY = SigningKey(KeyPurpose.STATEMENTS, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
REHEARSAL_KEY = SigningKey(KeyPurpose.REHEARSALS, Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
CHECKPOINT_KEY = SigningKey(KeyPurpose.CHECKPOINTS, Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34))))
TRUSTED = {key.verify_key.key_id: key.verify_key for key in (KEY, REHEARSAL_KEY, CHECKPOINT_KEY)}
LEAF_KEY = bytes(range(64, 96))
START_LEAF_KEY, START_INDEX = bytes(range(96, 128)), 2
IDENTITY = CheckIdentity("chk_1", "user-42", "login", "https://example.org")
STEPS = tuple(
    scripted_step(action, outcome, pause_ms=800)
    for action, outcome in (
        (Action.BLINK, 1),
        (Action.SMILE, 0),
        (Action.TURN_LEFT, 1),
        (Action.OPEN_MOUTH, 1),
        (Action.LOOK_UP, 0),
        (Action.CLOSER, 0),
    )
)
LIGHT = LightSequence(
    1,
    tuple(
        TimedColour(colour, 700)
        for colour in (Colour.WHITE, Colour.BLUE, Colour.ROSE, Colour.GREEN, Colour.CYAN, Colour.MAGENTA)
    ),
)
COLOURS = tuple(ColourShown(n, timed.colour, 3_900 + 700 * n, 20) for n, timed in enumerate(LIGHT.colours))
CHALLENGE = Challenge(IDENTITY.check_id, STEPS, bytes(range(32)), light=LIGHT)
CONTRACT = Contract(1, bytes(32), "0x" + "ab" * 20, b"\x07" * 32)
ANCHOR = Anchor(CONTRACT, b"\x08" * 32, 10)

Statement = dict[str, Any]


def answered(index: int) -> StepResult:
    """The last step closes at 23.5 s; between the first two the screen shows its colours."""
    step, shown = STEPS[index], 5_000 + 3_200 * index if index else 1_000
    closed = shown + (2_500 if index == len(STEPS) - 1 else 2_200)
    measured = Measured(step.target, step.hold_min_ms + 50, fits=True)
    return StepResult(index, step, StepOutcome.ANSWERED, closed, shown, shown + 500, step.action, measured)


def readings() -> tuple[SignalReading, ...]:
    named = dict.fromkeys(STANDARD.deny + STANDARD.confirm)
    others = [SignalReading(name, Outcome.PASS, f"{name}.fine", "Fine.", 1) for name in named if name != "challenge"]
    return (*others, challenge_reading([answered(n) for n in range(len(STEPS))], len(STEPS)))


def good_statement() -> Statement:
    """A verdict's statement in which everything follows from everything."""
    decision, reasons = decide(STANDARD, readings())
    statement: Statement = verdict_statement(
        IDENTITY,
        STANDARD,
        CHALLENGE,
        record_id="evd_1",
        start_record_id="sta_1",
        steps=[answered(n) for n in range(len(STEPS))],
        readings=readings(),
        models={"expression": "00" * 32},
        frames=FrameSummary(700, bytes(32), 0, 24_000, 699, (KeptFrame(0, 0, bytes(32)),)),
        decision=decision,
        reasons=reasons,
        software={"medauth": "0.1.0"},
        blobs={},
        started_ms=1,
        finished_ms=24_001,
        colours=COLOURS,
    )
    return copy.deepcopy(statement)


def start() -> Statement:
    return start_statement(
        IDENTITY,
        STANDARD,
        record_id="sta_1",
        commitment=CHALLENGE.commitment(),
        client=bytes(32),
        started_ms=1,
        expires_ms=180_001,
    )


def start_for(verdict: Mapping[str, Any]) -> Statement:
    """The start that fits a verdict's statement, as far as that says what a verdict says."""
    begun = start()
    with suppress(KeyError, TypeError, AttributeError):
        begun |= {name: copy.deepcopy(verdict[name]) for name in ("check", "policy", "started_ms")}
        begun["record_id"], begun["commitment"] = verdict["start_record_id"], verdict["challenge"]["commitment"]
        begun["expires_ms"] = begun["started_ms"] + begun["policy"]["rules"]["timing"]["session_max_ms"]
    return begun


@dataclass
class Recorded:
    """A bundle and what its verifier trusts."""

    bundle: Bundle
    trust: Trust
    tree: MemoryTree = field(default_factory=MemoryTree)

    def linked(self, size: int) -> Recorded:
        """With a consistency proof to another head, which alone is pinned; beyond the log it grows by leaves of others."""
        assert self.bundle.proof is not None
        smaller, larger = sorted((size, self.bundle.proof.size))
        while self.tree.size < larger:
            self.tree.append(bytes([self.tree.size]) * 32)
        head = ConsistencyProof(size, self.tree.root(size), tuple(consistency_proof(smaller, larger, self.tree.read)))
        trust = replace(self.trust, checkpoints={head.root: head.size})
        return Recorded(replace(self.bundle, consistency=head), trust, self.tree)

    def steps(self) -> list[CheckedStep]:
        return list(Examination(self.bundle, self.trust).steps())


def recorded(
    statement: Mapping[str, Any] | bytes | None = None,
    *,
    key: SigningKey = KEY,
    log: str = "main",
    kind: PayloadType = PayloadType.VERDICT,
    anchored: bool = True,
    begun: Mapping[str, Any] | None = None,
) -> Recorded:
    """Signs a statement and puts it into a log of nine leaves; a verdict behind the start of its check, `begun` or the one
    that fits it.
    """
    statement = good_statement() if statement is None else statement
    payload = statement if isinstance(statement, bytes) else canonical(statement)
    started = canonical(begun or start_for(statement if isinstance(statement, Mapping) else good_statement()))
    tree = MemoryTree([bytes([n]) * 32 for n in range(START_INDEX)])
    tree.append(leaf_commitment(START_LEAF_KEY, started))
    tree.append(bytes([3]) * 32)
    index = tree.append(leaf_commitment(LEAF_KEY, payload))
    for n in range(5, 9):
        tree.append(bytes([n]) * 32)
    proof = InclusionProof(index, tree.size, tree.root(), tuple(inclusion_path(index, tree.size, tree.read)))
    name = json_text(statement, "record_id") if isinstance(statement, Mapping) else "evd_1"
    envelope = key.sign(payload, kind)
    bundle = Bundle(log, name, envelope, LEAF_KEY, None, None)
    if kind is PayloadType.VERDICT:
        place = inclusion_path(START_INDEX, tree.size, tree.read) if anchored else ()
        signed = StartProof(key.sign(started, PayloadType.START), START_LEAF_KEY, START_INDEX, tuple(place))
        bundle = replace(bundle, start=signed if anchored else replace(signed, leaf_index=None))
    if anchored:
        note = signed_note(CHECKPOINT_KEY, CONTRACT.log_id, tree.size, tree.root())
        bundle = replace(bundle, proof=proof, anchor=ANCHOR, checkpoint=note)
    heads = {tree.root(): tree.size}
    return Recorded(bundle, Trust(TRUSTED, heads, heads.get, {log: (CONTRACT,)}), tree)


def json_text(statement: Mapping[str, Json], name: str) -> str:
    return str(statement[name])


def spoilt(change: Callable[[Statement], object]) -> Recorded:
    """The good statement with one change, signed by the right key all the same."""
    statement = good_statement()
    change(statement)
    return recorded(statement)
