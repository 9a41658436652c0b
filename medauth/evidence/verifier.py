"""Checks a bundle step by step, with nothing but the bundle and what the verifier trusts.

1. signature   - the statement is signed by a key trusted for this log
2. statement   - its bytes are canonical, and it is the record the bundle names
3. challenge   - the commitment opens to the steps that were asked
4. verdict     - answers keep to their windows and to the frames, the decision follows from the readings under the rules
5. leaf        - the keyed commitment of the record
6. inclusion   - the leaf lies under the bundle's root
7. start       - a verdict's check was begun, with this commitment, by a leaf ahead of the verdict's
8. checkpoint  - the root is pinned, or consistent with a pinned one, or at least signed by the log's key for checkpoints
9. time stamp  - where the bundle carries one: a trusted authority saw that checkpoint by then
10. chain      - the contract, the trusted one where one is named, holds that root for that size, and revoked no such leaf

A step that cannot be done says why it was skipped; a step that fails ends the check. `verifier.mjs` beside this file
does the same steps in a browser; `tests/vectors/bundles.json` holds the two to the same answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from medauth.errors import EvidenceError, MedauthError
from medauth.evidence.asked import require_answers, require_committed, same
from medauth.evidence.begun import require_before, require_begun, require_waiting
from medauth.evidence.bundle import Bundle
from medauth.evidence.commitment import leaf_commitment
from medauth.evidence.filmed import require_files, require_frames
from medauth.evidence.lit import require_light, require_lit
from medauth.evidence.merkle import leaf_hash, verify_inclusion
from medauth.evidence.rotation import require_endorsed
from medauth.evidence.rules import require_rules
from medauth.evidence.signing import KeyPurpose, PayloadType
from medauth.evidence.spoken import require_sound, require_spoken
from medauth.evidence.statement import VERSION, opened_commitment
from medauth.evidence.trust import Trust as Trust  # noqa: PLC0414 - what a verification takes is found here
from medauth.evidence.vouching import Skip, Vouching
from medauth.protocol.canonical import canonical, parse_object
from medauth.protocol.reading import SignalReading
from medauth.protocol.verdict import Reason, decide

PURPOSES: Mapping[str, KeyPurpose] = {"main": KeyPurpose.STATEMENTS, "rehearsal": KeyPurpose.REHEARSALS}
"""Which key signs which log."""


CLAIMED = " - the bundle's own claim: no contract is trusted, and another one may have revoked the record"
"""The contract was asked that the bundle names: its holder may have chosen one that knows of no revocation."""
UNNAMED = ", as the bundle has it: it names no contract, and none is trusted that could be asked"

_RECORDS = (PayloadType.VERDICT, PayloadType.START, PayloadType.TOMBSTONE, PayloadType.KEY)


class StepState(StrEnum):
    """How one step of a verification went."""

    HOLDS = "holds"
    FAILS = "fails"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckedStep:
    """One line of a verification."""

    name: str
    state: StepState
    text: str


class Examination:
    """One bundle under examination; `steps()` does the steps in order."""

    def __init__(self, bundle: Bundle, trust: Trust) -> None:
        self._bundle = bundle
        self._trust = trust
        self._payload = b""
        self._statement: dict[str, Any] = {}

    def steps(self) -> Iterator[CheckedStep]:
        """Yields one line a step; stops after the first that fails."""
        for name, do in (
            ("signature", self._signature),
            ("statement", self._canonical_statement),
            ("challenge", self._challenge),
            ("verdict", self._verdict),
            ("leaf", self._leaf),
            ("inclusion", self._inclusion),
            ("start", self._start),
            ("checkpoint", self._checkpoint),
            *((("time stamp", self._time_stamp),) if self._bundle.stamps else ()),
            ("chain", self._chain),
        ):
            step = _done(name, do)
            yield step
            if step.state is StepState.FAILS:
                return

    @property
    def statement(self) -> Mapping[str, Any]:
        """The statement, once the second step held."""
        return self._statement

    @property
    def files(self) -> Mapping[str, str]:
        """Sealed files beside a verdict, traces and heat maps, by name: the SHA-256 of what they hold."""
        found = self._statement.get("blobs")
        return dict(found) if isinstance(found, dict) else {}

    def _signature(self) -> str:
        """1. A key trusted for this log's purpose, over exactly these bytes and this type."""
        purpose = PURPOSES.get(self._bundle.log)
        if purpose is None:
            raise EvidenceError(f"a log called {self._bundle.log[:40]!r}", expected=" or ".join(PURPOSES))
        kinds = {kind.value: kind for kind in _RECORDS}
        kind = kinds.get(self._bundle.envelope.payload_type, PayloadType.VERDICT)
        self._payload = self._bundle.envelope.verified(self._trust.keys, kind, purpose)
        return f"signed by {self._bundle.envelope.key_id}"

    def _canonical_statement(self) -> str:
        """2. One byte form, so that one digest stands for one statement."""
        statement = parse_object(self._payload)
        if canonical(statement) != self._payload:
            raise EvidenceError("a statement that is not in canonical form", expected="RFC 8785")
        if not same(statement.get("version"), VERSION):
            raise EvidenceError(f"a statement of version {statement.get('version')!r}", expected=str(VERSION))
        if statement.get("record_id") != self._bundle.record_id:
            raise EvidenceError("a statement about another record", expected=self._bundle.record_id)
        if self._bundle.envelope.payload_type == PayloadType.KEY.value:
            self._require_endorsed(statement)
        self._statement = statement
        return f"SHA-256 {hashlib.sha256(self._payload).hexdigest()}"

    def _require_endorsed(self, statement: Mapping[str, Any]) -> None:
        """A key's successor is announced by both; the key of a log signs the announcement itself, too."""
        old = require_endorsed(statement).old
        if old.purpose is PURPOSES[self._bundle.log] and old.key_id != self._bundle.envelope.key_id:
            raise EvidenceError("a key whose successor another one announces", expected=f"a signature by {old.key_id}")

    def _challenge(self) -> str:
        """3. What was asked is what had been committed to, and no step was swapped afterwards."""
        self._only_verdicts()
        challenge = self._statement["challenge"]
        if opened_commitment(self._statement).hex() != challenge["commitment"]:
            raise EvidenceError("the commitment does not open to the challenge", expected=challenge["commitment"])
        steps, colours = require_committed(self._statement), require_lit(self._statement)
        require_sound(self._statement)
        lit = f" and {colours} colours" if colours else ""
        return f"{steps} steps{lit}, as the commitment opens"

    def _verdict(self) -> str:
        """4. Judged again from the stated readings, under the stated rules."""
        self._only_verdicts()
        rehearsals = PURPOSES[self._bundle.log] is KeyPurpose.REHEARSALS
        policy, known = require_rules(self._statement["policy"], rehearsals=rehearsals)
        readings = [SignalReading.from_json(value) for value in self._statement["readings"]]
        require_answers(self._statement, policy, readings)
        require_light(self._statement, policy, readings)
        require_frames(self._statement, policy, readings)
        require_spoken(self._statement, readings)
        require_files(self._statement)
        decision, reasons = decide(policy, readings)
        verdict = self._statement["verdict"]
        if decision.value != verdict["decision"] or not _same_reasons(reasons, verdict["reasons"]):
            raise EvidenceError(f"the readings say {decision.value}", expected=f"{verdict['decision']}, as stated")
        unknown = "" if known else ", which is not a policy that this version knows"
        return f"{decision.value}, by policy {policy.name} v{policy.version}{unknown}"

    def _leaf(self) -> str:
        """5. Only who has the record's key can tell what a leaf commits to; whether it does, inclusion tells."""
        if self._bundle.proof is None:
            raise Skip("nothing to compare the leaf with: the record waits for a checkpoint")
        return f"leaf {leaf_commitment(self._bundle.leaf_key, self._payload).hex()}"

    def _inclusion(self) -> str:
        """6. The leaf's place in the log cannot be changed without changing the root."""
        proof, key_id = self._bundle.proof, self._bundle.envelope.key_id
        if proof is None:
            if key_id in self._trust.retired:
                raise EvidenceError(f"a new record signed by the retired key {key_id}", expected="a key in use")
            raise Skip("the record waits for a checkpoint")
        leaf = leaf_hash(leaf_commitment(self._bundle.leaf_key, self._payload))
        if not verify_inclusion(leaf, proof.leaf_index, proof.size, proof.root, proof.path):
            raise EvidenceError("the leaf does not lie under the root", expected=proof.root.hex())
        self._require_in_use(key_id, proof.leaf_index)
        return f"leaf {proof.leaf_index} of {proof.size} under root {proof.root.hex()}"

    def _start(self) -> str:
        """7. Signed and logged before the verdict: nobody chose the steps after seeing the frames."""
        start, proof = self._bundle.start, self._bundle.proof
        if self._bundle.envelope.payload_type != PayloadType.VERDICT.value:
            if start is not None:
                raise EvidenceError("a start beside a record that is no verdict", expected="none")
            raise Skip("this record holds no verdict")
        if start is None:
            raise EvidenceError("a verdict without the start of its check", expected="the signed start, with its leaf")
        envelope, purpose = start.envelope, PURPOSES[self._bundle.log]
        require_begun(envelope.verified(self._trust.keys, PayloadType.START, purpose), self._statement)
        if proof is None:
            require_waiting(start)
            raise Skip("the signed start fits; its place in the log waits for a checkpoint")
        require_before(start, proof)
        self._require_in_use(envelope.key_id, start.leaf_index)
        return f"{self._statement['start_record_id']} is leaf {start.leaf_index}, ahead of leaf {proof.leaf_index}"

    def _checkpoint(self) -> str:
        """8. A root that somebody vouches for. A pin is the verifier's own; a signature is only the operator's word."""
        if self._bundle.proof is None:
            if self._bundle.checkpoint is not None or self._bundle.consistency is not None:
                raise EvidenceError("a checkpoint without a place in it", expected="a proof of inclusion")
            raise Skip("the record waits for a checkpoint")
        return Vouching(self._bundle, self._trust, self._bundle.proof).text()

    def _time_stamp(self) -> str:
        """9. Somebody other than the operator says that the checkpoint was there by then."""
        if self._bundle.checkpoint is None:
            raise EvidenceError("a time stamp without a checkpoint", expected="the checkpoint that was stamped")
        if self._trust.stamped_ms is None:
            raise Skip("no time stamp authority is trusted")
        text = self._bundle.checkpoint.to_text().encode()
        times, refusals = [], []
        for stamp in self._bundle.stamps:
            try:
                times.append(self._trust.stamped_ms(stamp, text))
            except EvidenceError as refusal:
                refusals.append(refusal)
        if not times:
            raise refusals[0]
        return f"stamped {_utc(min(times))} by an authority that is trusted"

    def _chain(self) -> str:
        """10. The contract accepted the root only with a proof that it extends the one before."""
        proof, anchor = self._bundle.proof, self._bundle.anchor
        if proof is None or anchor is None:
            self._require_standing()
            raise Skip(f"the record is not on chain yet{'' if self._trust.contracts else UNNAMED}")
        contract = anchor.contract
        if self._trust.contracts is not None:
            trusted = self._trust.contracts.get(self._bundle.log, ())
            if not any(contract.same_as(other) for other in trusted):
                raise EvidenceError(
                    f"contract {contract.address} on chain {contract.chain_id} is not a trusted one",
                    expected=" or ".join(f"{c.address} on chain {c.chain_id}" for c in trusted)
                    or f"a trusted contract of log {self._bundle.log}",
                )
        if self._trust.size_on_chain is None:
            raise Skip("no chain was asked; give an RPC address to ask one")
        size = self._trust.size_on_chain(proof.root)
        if size != proof.size:
            raise EvidenceError(
                f"the contract holds {'no such root' if not size else f'it for {size} leaves'}",
                expected=f"root {proof.root.hex()} for {proof.size} leaves",
            )
        self._require_standing()
        note = " - a local chain: it proves nothing to outsiders" if contract.is_local else ""
        claim = CLAIMED if self._trust.contracts is None else ""
        return f"contract {contract.address}, chain {contract.chain_id}, block {anchor.block} as stated{claim}{note}"

    def _require_standing(self) -> None:
        """What was revoked keeps its place in the log: only the contract says that it stands no more."""
        ask = self._trust.revoked
        revoked = ask(leaf_commitment(self._bundle.leaf_key, self._payload)) if ask else None
        if revoked:
            raise EvidenceError(f"the record was revoked {revoked}", expected="a record that still stands")

    def _require_in_use(self, key_id: str, leaf_index: int | None) -> None:
        until = self._trust.retired.get(key_id)
        if until is not None and (leaf_index is None or leaf_index >= until):
            raise EvidenceError(f"leaf {leaf_index}, signed by a retired key", expected=f"one of the first {until}")

    def _only_verdicts(self) -> None:
        if self._bundle.envelope.payload_type != PayloadType.VERDICT.value:
            raise Skip("this record holds no verdict")


def _done(name: str, do: Callable[[], str]) -> CheckedStep:
    try:
        return CheckedStep(name, StepState.HOLDS, do())
    except Skip as skip:
        return CheckedStep(name, StepState.SKIPPED, str(skip))
    except MedauthError as error:
        return CheckedStep(name, StepState.FAILS, str(error))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return CheckedStep(name, StepState.FAILS, f"the statement is malformed: {type(error).__name__} {error}")


def _same_reasons(reasons: Sequence[Reason], stated: list[dict[str, Any]]) -> bool:
    return same([sorted(r.to_json().items()) for r in reasons], [sorted(reason.items()) for reason in stated])


def _utc(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1_000, UTC).isoformat(timespec="seconds")
