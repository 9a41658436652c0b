"""What is signed about a check: its start, and its verdict with all that led to it.

A hash proves integrity, not truth. So the verdict's statement holds everything another person needs to judge again: the
challenge and its opening, what was asked and what came, every reading, the rules and models by digest, and the digest
chain over the frames.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medauth.errors import EvidenceError
from medauth.protocol.canonical import Json, canonical
from medauth.protocol.ceremony import StepResult
from medauth.protocol.challenge import Challenge
from medauth.protocol.light import ColourShown
from medauth.protocol.policy import Policy
from medauth.protocol.reading import SignalReading
from medauth.protocol.verdict import Decision, Reason

VERSION = 1


@dataclass(frozen=True, slots=True)
class CheckIdentity:
    """Whom a check is about and why: fixed by the server when the check was created."""

    check_id: str
    subject: str
    purpose: str
    origin: str


@dataclass(frozen=True, slots=True)
class KeptFrame:
    """A frame whose sealed bytes are retained: its number, its time in microseconds and the SHA-256 of its JPEG."""

    index: int
    t_us: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class FrameSummary:
    """All frames of a check by digest, and which of them are retained."""

    count: int
    chain: bytes
    first_ms: int
    last_ms: int
    judged: int
    kept: Sequence[KeptFrame]

    def to_json(self) -> dict[str, Json]:
        """As it stands in the statement."""
        return {
            "count": self.count,
            "chain": self.chain.hex(),
            "first_ms": self.first_ms,
            "last_ms": self.last_ms,
            "judged": self.judged,
            "kept": [[frame.index, frame.t_us, frame.sha256.hex()] for frame in self.kept],
        }


@dataclass(frozen=True, slots=True)
class KeptSound:
    """A piece of sound whose sealed bytes are retained."""

    index: int
    frames_before: int
    t_us: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class SoundSummary:
    """All sound of a check by digest, and which pieces are retained. There is one where digits were asked for."""

    count: int
    samples: int
    chain: bytes
    kept: Sequence[KeptSound]

    def to_json(self) -> dict[str, Json]:
        """As it stands in the statement."""
        return {
            "count": self.count,
            "samples": self.samples,
            "chain": self.chain.hex(),
            "kept": [[one.index, one.frames_before, one.t_us, one.sha256.hex()] for one in self.kept],
        }


def start_statement(
    identity: CheckIdentity,
    policy: Policy,
    *,
    record_id: str,
    commitment: bytes,
    client: bytes,
    started_ms: int,
    expires_ms: int,
) -> dict[str, Json]:
    """What is signed when a check starts, so that a check that was dropped shows too. `client` is a `client_commitment`."""
    return {
        "version": VERSION,
        "record_id": record_id,
        "check": _identity_json(identity),
        "policy": _policy_json(policy),
        "commitment": commitment.hex(),
        "client": client.hex(),
        "started_ms": started_ms,
        "expires_ms": expires_ms,
    }


def verdict_statement(
    identity: CheckIdentity,
    policy: Policy,
    challenge: Challenge,
    *,
    record_id: str,
    start_record_id: str,
    steps: Sequence[StepResult],
    readings: Sequence[SignalReading],
    models: Mapping[str, str],
    frames: FrameSummary,
    decision: Decision,
    reasons: Sequence[Reason],
    software: Mapping[str, str],
    blobs: Mapping[str, str],
    started_ms: int,
    finished_ms: int,
    colours: Sequence[ColourShown] = (),
    sound: SoundSummary | None = None,
) -> dict[str, Json]:
    """What is signed when a check ends. `models` map names to SHA-256, `blobs` sealed files to the SHA-256 of their
    plain contents, `software` names to versions. `colours` that the screen was asked to show stand in it where the
    challenge holds any, `sound` where it asks for digits.
    """
    opening = challenge.opening()
    light: dict[str, Json] = {"light": [colour.to_json() for colour in colours]} if challenge.light else {}
    return {
        "version": VERSION,
        "record_id": record_id,
        "start_record_id": start_record_id,
        "check": _identity_json(identity),
        "policy": _policy_json(policy),
        "challenge": {"commitment": challenge.commitment().hex(), "opening": opening},
        "steps": [step.to_json() for step in steps],
        **light,
        **({} if sound is None else {"sound": sound.to_json()}),
        "readings": [reading.to_json() for reading in readings],
        "models": dict(models),
        "frames": frames.to_json(),
        "blobs": dict(blobs),
        "verdict": {"decision": decision.value, "reasons": [dict(r.to_json()) for r in reasons]},
        "software": dict(software),
        "started_ms": started_ms,
        "finished_ms": finished_ms,
    }


def statement_digest(payload: bytes) -> bytes:
    """SHA-256 of the canonical statement: the evidence digest."""
    return hashlib.sha256(payload).digest()


def opened_commitment(statement: Mapping[str, Json]) -> bytes:
    """The commitment recomputed from the opening that a statement reveals. Raises `EvidenceError`."""
    challenge = statement.get("challenge")
    opening = challenge.get("opening") if isinstance(challenge, dict) else None
    if not isinstance(opening, dict):
        raise EvidenceError("a statement without the opening of its challenge", expected="challenge.opening")
    return hashlib.sha256(canonical(opening)).digest()


def _identity_json(identity: CheckIdentity) -> dict[str, Json]:
    return {
        "id": identity.check_id,
        "subject": identity.subject,
        "purpose": identity.purpose,
        "origin": identity.origin,
    }


def _policy_json(policy: Policy) -> dict[str, Json]:
    return {"name": policy.name, "version": policy.version, "digest": policy.digest().hex(), "rules": policy.to_json()}
