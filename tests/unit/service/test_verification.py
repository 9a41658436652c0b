"""A check begins and ends here: once, together with its leaf, and counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from medauth.errors import CeremonyError, InputError, NotFound, TooManyFailures
from medauth.evidence.commitment import leaf_commitment
from medauth.evidence.sealing import unseal
from medauth.evidence.signing import Envelope, KeyPurpose, PayloadType
from medauth.evidence.statement import CheckIdentity, FrameSummary
from medauth.evidence.verifier import PURPOSES
from medauth.protocol.attempts import MOST_OPEN
from medauth.protocol.challenge import Challenge
from medauth.protocol.policy import REHEARSAL, STANDARD, Policy
from medauth.protocol.verdict import Decision
from medauth.service.verification import Conclusion, StartedCheck, new_identity
from medauth.store.interface import MAIN_LOG, REHEARSAL_LOG, CheckState, LeafKind
from medauth.store.keyring import FileKeyring
from tests.unit.checks import STEPS, Server, memory_server

FRAMES = FrameSummary(1, bytes(32), 0, 0, 1, ())
REHEARSED = replace(REHEARSAL, steps=len(STEPS))


@pytest.fixture
def server(tmp_path: Path, keyring: FileKeyring) -> Iterator[Server]:
    server = memory_server(tmp_path, keyring)
    yield server
    server.close()


def begin(
    server: Server,
    check_id: str = "chk_1",
    *,
    policy: Policy = STANDARD,
    subject: str = "user-42",
    client: str = "client-1",
    scripted: bool | None = None,
) -> StartedCheck:
    challenge = Challenge(check_id, STEPS, bytes(32), policy.rehearsal if scripted is None else scripted)
    identity = CheckIdentity(check_id, subject, "login", "https://example.org")
    return server.verification().begin(identity, policy, challenge, client)


def conclusion(decision: Decision, *, prompted: bool = True) -> Conclusion:
    return Conclusion(decision, (), (), (), FRAMES, {}, prompted=prompted)


def end(server: Server, check: StartedCheck, decision: Decision, *, prompted: bool = True) -> int:
    verification = server.verification()
    server.wall.ms += 1
    prepared = verification.prepare(check, conclusion(decision, prompted=prompted))
    return verification.commit(check, prepared).leaf_index


def fail(server: Server, count: int, **who: str) -> None:
    """So many failures, as fast as the delays allow."""
    for _ in range(count):
        number = server.store.leaf_count(MAIN_LOG)
        end(server, begin(server, f"chk_f{number}", **who), Decision.NOT_LIVE)  # type: ignore[arg-type]


def test_a_start_is_on_record_before_the_first_frame(server: Server) -> None:
    check = begin(server)
    row = server.store.record(check.start_record_id)
    assert (row.kind, row.leaf_index, row.outcome, row.log) == (LeafKind.START, 0, "started", MAIN_LOG)
    keys = server.keyring.unwrap(row.record_id, row.wrapped_key)
    envelope = Envelope.from_bytes(unseal(keys.seal, row.sealed_envelope, record_id=row.record_id, name="envelope"))
    payload = envelope.verified(server.keyring.trusted(), PayloadType.START, KeyPurpose.STATEMENTS)
    assert row.leaf == leaf_commitment(keys.leaf, payload)
    stated = json.loads(payload)
    assert stated["commitment"] == check.challenge.commitment().hex()
    assert stated["expires_ms"] - stated["started_ms"] == 180_000
    assert stated["policy"]["digest"] == STANDARD.digest().hex()
    assert "opening" not in payload.decode()


def test_the_receipt_is_signed_and_says_by_when_the_leaf_is_anchored(server: Server) -> None:
    check = begin(server)
    payload = check.receipt.verified(server.keyring.trusted(), PayloadType.RECEIPT, KeyPurpose.STATEMENTS)
    receipt = json.loads(payload)
    row = server.store.record(check.start_record_id)
    assert (receipt["leaf_index"], receipt["leaf"]) == (row.leaf_index, row.leaf.hex())
    assert receipt["max_merge_delay_s"] == 60


def test_the_check_on_record_holds_no_name(server: Server) -> None:
    begin(server, subject="alice@example.org", client="203.0.113.9")
    row = server.store.check("chk_1")
    assert b"alice" not in row.subject_tag
    assert row.subject_tag == server.keyring.tag("subject", "alice@example.org")
    assert row.client_tag == server.keyring.tag("client", "203.0.113.9")
    assert server.store.check("chk_1").state is CheckState.OPEN


def test_what_was_begun_shows_neither_challenge_nor_keys(server: Server) -> None:
    check = begin(server)
    assert "Step(" not in repr(check)
    assert check.keys.seal.hex() not in repr(check)
    assert repr(check.keys.seal) not in repr(check)


@pytest.mark.parametrize(("policy", "scripted"), [(STANDARD, True), (REHEARSED, False)], ids=["check", "rehearsal"])
def test_a_scripted_challenge_is_for_rehearsals_alone(server: Server, policy: Policy, scripted: bool) -> None:
    with pytest.raises(CeremonyError, match="scripted"):
        begin(server, policy=policy, scripted=scripted)
    with pytest.raises(NotFound):
        server.store.check("chk_1")


def test_a_rehearsal_has_a_log_and_a_key_of_its_own(server: Server) -> None:
    check = begin(server, policy=REHEARSED)
    end(server, check, Decision.REHEARSED)
    assert server.store.leaf_count(MAIN_LOG) == 0
    assert [row.log for row in server.store.records(REHEARSAL_LOG)] == [REHEARSAL_LOG] * 2
    purpose = PURPOSES[REHEARSAL_LOG]
    assert check.receipt.key_id == server.keyring.signing_key(purpose).verify_key.key_id
    assert check.receipt.key_id != server.keyring.signing_key(KeyPurpose.STATEMENTS).verify_key.key_id


def test_a_zero_character_that_not_every_database_keeps_is_refused() -> None:
    for given in (("a\0", "login", ""), ("a", "\0", ""), ("a", "login", "\0")):
        with pytest.raises(InputError):
            new_identity(*given)


def test_a_subject_that_cannot_be_written_down_is_refused_before_anything_is_recorded(server: Server) -> None:
    with pytest.raises(InputError):
        begin(server, subject="\ud800")
    with pytest.raises(NotFound):
        server.store.check("chk_1")


def test_two_commits_of_one_check_are_one_record(server: Server) -> None:
    check, verification = begin(server), server.verification()
    prepared = verification.prepare(check, conclusion(Decision.LIVE))
    first, again = verification.commit(check, prepared), verification.commit(check, prepared)
    assert first == again
    assert server.store.leaf_count(MAIN_LOG) == 2


def test_fifty_commits_at_once_are_one_record(server: Server) -> None:
    """T7."""
    check, verification = begin(server), server.verification()
    prepared = verification.prepare(check, conclusion(Decision.LIVE))
    with ThreadPoolExecutor(50) as pool:
        recorded = list(pool.map(lambda _: verification.commit(check, prepared), range(50)))
    assert len(set(recorded)) == 1
    assert server.store.leaf_count(MAIN_LOG) == 2


@pytest.mark.parametrize("state", [CheckState.ABANDONED, CheckState.EXPIRED])
def test_a_check_that_was_closed_elsewhere_is_not_committed(server: Server, state: CheckState) -> None:
    check, verification = begin(server), server.verification()
    prepared = verification.prepare(check, conclusion(Decision.LIVE))
    server.store.close_check("chk_1", state, 0)
    with pytest.raises(CeremonyError, match="closed"):
        verification.commit(check, prepared)
    with pytest.raises(NotFound):
        server.blobs.read(check.record_id, "traces")
    assert server.store.leaf_count(MAIN_LOG) == 1


def test_abandoning_a_finished_check_takes_nothing_from_it(server: Server) -> None:
    check = begin(server)
    end(server, check, Decision.LIVE)
    server.verification().abandon(check)
    assert server.store.check("chk_1").state is CheckState.FINISHED
    assert server.blobs.read(check.record_id, "traces")


def test_abandoning_a_prepared_check_leaves_no_files(server: Server) -> None:
    check, verification = begin(server), server.verification()
    verification.prepare(check, conclusion(Decision.LIVE))
    verification.abandon(check)
    with pytest.raises(NotFound):
        server.blobs.read(check.record_id, "traces")
    assert server.store.check("chk_1").state is CheckState.ABANDONED


# Failures (T6)


def test_after_five_failures_a_pause_is_due_and_then_over(server: Server) -> None:
    fail(server, 5)
    with pytest.raises(TooManyFailures, match="30 s"):
        begin(server, "chk_next")
    server.wall.ms += 29_000
    with pytest.raises(TooManyFailures):
        begin(server, "chk_next")
    server.wall.ms += 1_001
    begin(server, "chk_next")


def test_a_refused_start_leaves_no_trace(server: Server) -> None:
    fail(server, 5)
    before = server.store.leaf_count(MAIN_LOG)
    with pytest.raises(TooManyFailures):
        begin(server, "chk_next")
    assert server.store.leaf_count(MAIN_LOG) == before


@pytest.mark.parametrize("who", [{"subject": "another"}, {"client": "elsewhere"}], ids=str)
def test_nobody_is_locked_out_by_somebody_elses_failures(server: Server, who: dict[str, str]) -> None:
    fail(server, 5)
    begin(server, "chk_next", **who)  # type: ignore[arg-type]


def test_a_live_check_clears_the_count(server: Server) -> None:
    fail(server, 4)
    end(server, begin(server, "chk_live"), Decision.LIVE)
    fail(server, 4)
    begin(server, "chk_next")


def test_a_dropped_check_counts_as_a_failure(server: Server) -> None:
    for number in range(5):
        server.wall.ms += 1
        server.verification().abandon(begin(server, f"chk_{number}"))
    with pytest.raises(TooManyFailures):
        begin(server, "chk_next")


@pytest.mark.parametrize(("prompted", "counts"), [(True, True), (False, False)])
def test_breaking_off_counts_once_a_prompt_was_known(server: Server, prompted: bool, counts: bool) -> None:
    """Or whoever dislikes a prompt hides the face and asks for another, as often as it takes."""
    for number in range(5):
        end(server, begin(server, f"chk_{number}"), Decision.INCONCLUSIVE, prompted=prompted)
    if counts:
        with pytest.raises(TooManyFailures):
            begin(server, "chk_next")
    else:
        begin(server, "chk_next")


def test_rehearsals_count_for_nothing(server: Server) -> None:
    for number in range(6):
        end(server, begin(server, f"chk_{number}", policy=REHEARSED), Decision.NOT_LIVE)
    begin(server, "chk_next")


def test_ids_cannot_be_guessed(server: Server) -> None:
    ids = {begin(server, f"chk_{number}", subject=f"user-{number}").record_id for number in range(20)}
    assert len(ids) == 20
    assert all(len(record_id) == len("evd_") + 26 for record_id in ids)


def test_many_starts_at_once_are_no_way_around_the_delay(server: Server) -> None:
    def start(number: int) -> bool:
        try:
            begin(server, f"chk_{number}")
        except TooManyFailures:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        started = sum(pool.map(start, range(16)))
    assert 0 < started <= MOST_OPEN
    begin(server, "chk_elsewhere", client="client-2")


def test_a_check_that_was_never_prompted_is_no_failure(server: Server) -> None:
    for number in range(8):
        server.verification().abandon(begin(server, f"chk_{number}"), prompted=False)
    begin(server, "chk_after")
