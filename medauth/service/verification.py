"""A check begins and ends here: its start and its verdict each become a signed, sealed record with a leaf in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from medauth.errors import CeremonyError, InputError, NotFound, TooManyFailures
from medauth.evidence.commitment import RecordKeys, client_commitment
from medauth.evidence.sealing import seal
from medauth.evidence.signing import Envelope, KeyPurpose, PayloadType
from medauth.evidence.statement import (
    CheckIdentity,
    FrameSummary,
    SoundSummary,
    start_statement,
    statement_digest,
    verdict_statement,
)
from medauth.protocol.attempts import DAY_MS, MOST_OPEN, wait_ms
from medauth.protocol.canonical import Json, canonical
from medauth.protocol.ceremony import StepResult
from medauth.protocol.challenge import Challenge
from medauth.protocol.light import ColourShown
from medauth.protocol.policy import Policy
from medauth.protocol.reading import SignalReading
from medauth.protocol.verdict import Decision, Reason
from medauth.service.records import appended, new_id, purpose_of, sealed_record
from medauth.store.interface import (
    MAIN_LOG,
    REHEARSAL_LOG,
    BlobStore,
    BlobWriter,
    CheckRow,
    CheckState,
    Keyring,
    LeafKind,
    NewPrint,
    NewRecord,
    RecordStore,
)

_MAX_TEXT = 256
TRACES = "traces"
"""The name under which a check's traces are sealed."""


@dataclass(frozen=True, slots=True)
class StartedCheck:
    """A check that was begun: what the server keeps until its end."""

    identity: CheckIdentity
    policy: Policy
    challenge: Challenge = field(repr=False)
    client: str
    log: str
    start_record_id: str
    record_id: str
    keys: RecordKeys
    started_ms: int
    receipt: Envelope
    """Signed: leaf index, commitment to the challenge, and by when the leaf will be anchored."""
    blobs: BlobWriter


@dataclass(frozen=True, slots=True)
class Conclusion:
    """All that was found out in a check, ready to be stated."""

    decision: Decision
    reasons: Sequence[Reason]
    steps: Sequence[StepResult]
    readings: Sequence[SignalReading]
    frames: FrameSummary
    models: Mapping[str, str]
    traces: Mapping[str, Json] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """PNGs that explain it, by the name they are sealed under."""
    prompted: bool = True
    """Whether the person got to know any of the challenge."""
    colours: Sequence[ColourShown] = ()
    """What the screen was asked to show, and when."""
    remembered: NewPrint | None = field(default=None, repr=False)
    """By what its film is known again."""
    sound: SoundSummary | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A verdict that is signed and sealed, and only has to be committed."""

    record: NewRecord
    sha256: str
    decision: Decision
    failed: bool
    """Counts as a failure: not live, or broken off once a prompt was known."""
    remembered: NewPrint | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record that is in the mirror and the log."""

    record_id: str
    sha256: str
    leaf_index: int


class Verification:
    """The two ends of a check, over ports."""

    def __init__(
        self,
        records: RecordStore,
        blobs: BlobStore,
        keyring: Keyring,
        *,
        now_ms: Callable[[], int],
        software: Mapping[str, str],
        max_merge_delay_s: int,
    ) -> None:
        self._records = records
        self._blobs = blobs
        self._keyring = keyring
        self._now_ms = now_ms
        self._software = software
        self._max_merge_delay_s = max_merge_delay_s

    def begin(self, identity: CheckIdentity, policy: Policy, challenge: Challenge, client: str) -> StartedCheck:
        """Commits the start with its leaf and signs the receipt. Raises `TooManyFailures`, `StoreError`."""
        if challenge.scripted != policy.rehearsal:
            raise CeremonyError("a scripted challenge under rules for checks", expected="a challenge that was drawn")
        log, purpose = _log_of(policy)
        now = self._now_ms()
        if not policy.rehearsal:
            self._refuse_after_failures(identity, client, now)
        start_id, expires = new_id("sta"), now + policy.timing.session_max_ms
        subject_tag, client_tag = self._tags(identity, client)
        statement = start_statement(
            identity,
            policy,
            record_id=start_id,
            commitment=challenge.commitment(),
            client=client_commitment(identity.check_id, client_tag),
            started_ms=now,
            expires_ms=expires,
        )
        keys = RecordKeys.generate()
        record = self._record(statement, PayloadType.START, keys, LeafKind.START, "started", log, now)
        row = CheckRow(
            check_id=identity.check_id,
            log=log,
            subject_tag=subject_tag,
            client_tag=client_tag,
            purpose=identity.purpose,
            policy=policy.name,
            commitment=challenge.commitment(),
            started_ms=now,
            expires_ms=expires,
        )
        most_open = None if policy.rehearsal else MOST_OPEN
        leaf_index = appended(
            lambda signed: self._records.begin_check(row, signed, most_open=most_open),
            record,
            keys,
            self._records,
            self._keyring,
        )
        receipt = self._receipt(record, leaf_index, challenge, purpose)
        record_id = new_id("evd")
        return StartedCheck(
            identity=identity,
            policy=policy,
            challenge=challenge,
            client=client,
            log=log,
            start_record_id=start_id,
            record_id=record_id,
            keys=RecordKeys.generate(),
            started_ms=now,
            receipt=receipt,
            blobs=self._blobs.writer(record_id),
        )

    def prepare(self, check: StartedCheck, conclusion: Conclusion) -> Prepared:
        """States, signs and seals the verdict, and makes its files durable. Raises `StoreError`; may be tried again."""
        # A clock that was set back meanwhile must not end the check before its own last frame.
        filmed_ms = 0 if check.policy.rehearsal else conclusion.frames.last_ms
        now = max(self._now_ms(), check.started_ms + filmed_ms)
        files = {TRACES: canonical(conclusion.traces), **conclusion.pictures}
        for name, content in files.items():
            check.blobs.replace(name, seal(check.keys.seal, content, record_id=check.record_id, name=name))
        statement = verdict_statement(
            check.identity,
            check.policy,
            check.challenge,
            record_id=check.record_id,
            start_record_id=check.start_record_id,
            steps=conclusion.steps,
            colours=conclusion.colours,
            sound=conclusion.sound,
            readings=conclusion.readings,
            models=conclusion.models,
            frames=conclusion.frames,
            decision=conclusion.decision,
            reasons=conclusion.reasons,
            software=self._software,
            blobs={name: statement_digest(content).hex() for name, content in files.items()},
            started_ms=check.started_ms,
            finished_ms=now,
        )
        outcome, sha256 = conclusion.decision.value, statement_digest(canonical(statement)).hex()
        record = self._record(statement, PayloadType.VERDICT, check.keys, LeafKind.VERDICT, outcome, check.log, now)
        failed = conclusion.decision is not Decision.LIVE and (
            conclusion.prompted or conclusion.decision is not Decision.INCONCLUSIVE
        )
        published = replace(record, blobs=check.blobs.publish())
        return Prepared(published, sha256, conclusion.decision, failed, conclusion.remembered)

    def commit(self, check: StartedCheck, prepared: Prepared) -> Recorded:
        """Commits a prepared verdict; safe to call again after a `StoreError`.

        The record's id was fixed at the start, so a second try finds out whether the first one came through.
        """
        record = prepared.record
        counted = False
        try:
            index = appended(
                lambda signed: self._records.conclude_check(
                    check.identity.check_id, signed, record.created_ms, prepared.remembered
                ),
                record,
                check.keys,
                self._records,
                self._keyring,
            )
        except CeremonyError:
            index = self._committed_before(check, record)
            counted = record.created_ms in self._failures(check, record.created_ms)
        if not counted and (prepared.failed or prepared.decision is Decision.LIVE):
            self._count(check, failed=prepared.failed, now=record.created_ms)
        return Recorded(check.record_id, prepared.sha256, index)

    def abandon(self, check: StartedCheck, *, prompted: bool = True) -> None:
        """Closes a check that will not be finished; its start stays in the log and shows. It counts as a failure once the
        person knew any of the challenge: a camera that could not be opened is no attempt."""
        now, ends_ms = self._now_ms(), check.started_ms + check.policy.timing.session_max_ms
        # Nobody signs when a check was dropped: the mirror says when its time was over, which its start did sign.
        if self._records.close_check(check.identity.check_id, CheckState.ABANDONED, ends_ms) and prompted:
            self._count(check, failed=True, now=now)
        elif self._is_recorded(check):
            return
        check.blobs.discard()

    def _is_recorded(self, check: StartedCheck) -> bool:
        """A commit may have come through although its answer was lost: the files are the record's then."""
        try:
            self._records.record(check.record_id)
        except NotFound:
            return False
        return True

    def _committed_before(self, check: StartedCheck, record: NewRecord) -> int:
        try:
            return self._records.record(record.record_id).leaf_index
        except NotFound:
            check.blobs.discard()
            raise CeremonyError(
                f"check {check.identity.check_id} is closed", expected="an open check", next_step="start a new check"
            ) from None

    def _record(
        self,
        statement: dict[str, Json],
        payload_type: PayloadType,
        keys: RecordKeys,
        kind: LeafKind,
        outcome: str,
        log: str,
        now: int,
    ) -> NewRecord:
        return sealed_record(
            statement, payload_type, kind, keyring=self._keyring, keys=keys, log=log, outcome=outcome, created_ms=now
        )

    def _receipt(self, record: NewRecord, leaf_index: int, challenge: Challenge, purpose: KeyPurpose) -> Envelope:
        receipt: dict[str, Json] = {
            "version": 1,
            "check_id": record.check_id,
            "log": record.log,
            "leaf": record.leaf.hex(),
            "leaf_index": leaf_index,
            "commitment": challenge.commitment().hex(),
            "issued_ms": record.created_ms,
            "max_merge_delay_s": self._max_merge_delay_s,
        }
        return self._keyring.signing_key(purpose).sign(canonical(receipt), PayloadType.RECEIPT)

    def _tags(self, identity: CheckIdentity, client: str) -> tuple[bytes, bytes]:
        return self._keyring.tag("subject", identity.subject), self._keyring.tag("client", client)

    def _refuse_after_failures(self, identity: CheckIdentity, client: str, now: int) -> None:
        """Checks that are open, or were dropped, count as if they had failed: else a person could look at the first
        prompt, drop the check and try again.
        """
        tags = self._tags(identity, client)
        dropped = [min(expires, now) for expires in self._records.open_checks(*tags, now - DAY_MS)]
        wait = wait_ms(sorted([*self._records.failures_since(*tags, now - DAY_MS), *dropped]), now)
        if wait:
            raise TooManyFailures(
                "too many failed checks from here",
                expected=f"a pause of {-(-wait // 1_000)} s",
                next_step="try again after the pause, or from another device",
            )

    def _count(self, check: StartedCheck, *, failed: bool, now: int) -> None:
        """Counts a failure, or clears the count after a live check."""
        if check.policy.rehearsal:
            return
        tags = self._tags(check.identity, check.client)
        if failed:
            self._records.record_failure(*tags, now)
        else:
            self._records.clear_failures(*tags)

    def _failures(self, check: StartedCheck, since_ms: int) -> Sequence[int]:
        return self._records.failures_since(*self._tags(check.identity, check.client), since_ms)


def new_identity(subject: str, purpose: str, origin: str) -> CheckIdentity:
    """Whom a new check is about, under an id of its own. Raises `InputError` for what is no text of a usable length."""
    given: tuple[tuple[str, object, int], ...] = (
        ("subject", subject, 1),
        ("purpose", purpose, 1),
        ("origin", origin, 0),
    )
    for name, value, least in given:
        if not isinstance(value, str) or not least <= len(value) <= _MAX_TEXT:
            raise InputError(
                f"a {name} that is empty, too long or no text", expected=f"{least} to {_MAX_TEXT} characters"
            )
        if "\0" in value:
            raise InputError(f"a {name} with a zero character", expected="text that a database can keep")
    return CheckIdentity(new_id("chk"), subject, purpose, origin)


def _log_of(policy: Policy) -> tuple[str, KeyPurpose]:
    """A rehearsal has a log and a key of its own, so that nothing of it can pass for a check."""
    log = REHEARSAL_LOG if policy.rehearsal else MAIN_LOG
    return log, purpose_of(log)
