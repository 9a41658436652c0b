"""The object an app holds while one person is being checked."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event

from medauth.capture.interface import CapturedFrame
from medauth.errors import CaptureError, CeremonyError, CheckExpired, InputError, NotFound, StoreError
from medauth.evidence.archive import FILE, KeepFrames, frames_in
from medauth.evidence.commitment import FrameChain
from medauth.evidence.sealing import unseal
from medauth.evidence.signing import Envelope, KeyPurpose, PayloadType
from medauth.protocol.canonical import canonical, parse_object
from medauth.protocol.ceremony import Phase
from medauth.protocol.observation import HINTS, CaptureProblem
from medauth.protocol.policy import REHEARSAL
from medauth.protocol.reading import Outcome
from medauth.protocol.verdict import Decision
from medauth.session import RELAX_HINT
from medauth.store.interface import MAIN_LOG, REHEARSAL_LOG, CheckState
from medauth.store.keyring import FileKeyring
from tests.unit.checks import IMAGE, STEPS, Clip, Server, memory_server

REHEARSED = replace(REHEARSAL, steps=len(STEPS))


@pytest.fixture
def server(tmp_path: Path, keyring: FileKeyring) -> Iterator[Server]:
    server = memory_server(tmp_path, keyring)
    yield server
    server.close()


def statement(server: Server, record_id: str) -> dict[str, Any]:
    row = server.store.record(record_id)
    keys = server.keyring.unwrap(record_id, row.wrapped_key)
    envelope = Envelope.from_bytes(unseal(keys.seal, row.sealed_envelope, record_id=record_id, name="envelope"))
    purpose = KeyPurpose.REHEARSALS if row.log == REHEARSAL_LOG else KeyPurpose.STATEMENTS
    return parse_object(envelope.verified(server.keyring.trusted(), PayloadType.VERDICT, purpose))


def traces(server: Server, record_id: str) -> Any:
    keys = server.keyring.unwrap(record_id, server.store.record(record_id).wrapped_key)
    return json.loads(unseal(keys.seal, server.blobs.read(record_id, "traces"), record_id=record_id, name="traces"))


def kept_frames(server: Server, record_id: str) -> dict[int, bytes]:
    keys = server.keyring.unwrap(record_id, server.store.record(record_id).wrapped_key)
    indices = [index for index, *_ in statement(server, record_id)["frames"]["kept"]]
    return dict(frames_in(keys.seal, server.blobs.read(record_id, FILE), record_id=record_id, indices=indices))


@contextmanager
def broken(server: Server, table: str, times: int) -> Iterator[None]:
    """The database refuses so many writes to a table."""
    left = [times]

    def refuse(_c: object, _u: object, sql: str, _p: object, _x: object, _m: object) -> None:
        if left[0] and sql.startswith((f"INSERT INTO {table}", f"UPDATE {table}")):
            left[0] -= 1
            raise StoreError("the disk is full")

    event.listen(server.store._engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(server.store._engine, "before_cursor_execute", refuse)


@contextmanager
def full_disk(at_bytes: int) -> Iterator[None]:
    """No file can grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# A whole check


def test_a_person_who_does_as_asked_is_live(server: Server) -> None:
    check = server.check().until_done()
    verdict = check.session.finish()
    assert verdict.is_live
    assert verdict.decision is Decision.LIVE
    assert (verdict.check_id, verdict.policy, verdict.evidence_id) == ("chk_1", "standard", check.record_id)
    row = server.store.record(check.record_id)
    assert (row.outcome, row.leaf_index) == ("live", 1)
    assert server.store.check("chk_1").state is CheckState.FINISHED
    stated = statement(server, check.record_id)
    assert stated["verdict"]["decision"] == "live"
    assert stated["models"] == {"expression": "00" * 32}
    assert [step["outcome"] for step in stated["steps"]] == ["answered"] * 3


def test_what_a_signal_denies_is_not_live(server: Server) -> None:
    check = server.check()
    check.others[0].outcome = Outcome.FAIL
    verdict = check.until_done().session.finish()
    assert verdict.decision is Decision.NOT_LIVE
    assert [reason.code for reason in verdict.reasons] == ["identity.stated"]


def test_a_check_finished_before_its_end_is_inconclusive(server: Server) -> None:
    check = server.check().until_prompt()
    verdict = check.session.finish()
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "challenge.unfinished" in [reason.code for reason in verdict.reasons]


def test_a_check_without_a_frame_is_inconclusive(server: Server) -> None:
    assert server.check().session.finish().decision is Decision.INCONCLUSIVE


def test_a_source_is_run_to_the_end_of_the_check_and_released(server: Server) -> None:
    check = server.check()
    clip = Clip(10_000, server.clock)
    seen: list[Phase] = []

    def on_progress(progress: Any, _: object) -> None:
        from tests.unit.protocol.performer import answer

        if (
            progress.prompt is not None
            and progress.phase is Phase.SHOWN
            and not check.person.planned[progress.steps_done :]
        ):
            answer(check.person, progress.prompt)
        seen.append(progress.phase)

    assert check.session.run(clip, on_progress).is_live
    assert seen[-1] is Phase.DONE
    assert clip.released
    assert len(seen) < 1_000


def test_a_source_that_ends_early_is_inconclusive(server: Server) -> None:
    clip = Clip(20, server.clock)
    assert server.check().session.run(clip).decision is Decision.INCONCLUSIVE


def test_a_source_that_breaks_is_released_and_the_check_stays_open(server: Server) -> None:
    check = server.check()
    clip = Clip(20, server.clock, error=CaptureError("unplugged"))
    with pytest.raises(CaptureError):
        check.session.run(clip)
    assert clip.released
    assert server.store.check("chk_1").state is CheckState.OPEN
    assert check.until_done().session.finish().is_live


# Nothing is known before its time


def test_the_commitment_published_before_the_first_frame_opens_to_the_challenge(server: Server) -> None:
    """T5."""
    check = server.check()
    published = check.session.commitment
    receipt = json.loads(check.session.receipt.payload)
    assert receipt["commitment"] == published.hex()
    check.until_done().session.finish()
    challenge = statement(server, check.record_id)["challenge"]
    assert challenge["commitment"] == published.hex()
    import hashlib

    assert hashlib.sha256(canonical(challenge["opening"])).digest() == published


def test_no_prompt_is_known_before_the_step_ahead_of_it_closed(server: Server) -> None:
    """T5."""
    check, seen = server.check(), []
    while True:
        progress = check.frame()
        if progress.prompt is not None:
            assert progress.prompt.index == progress.steps_done
            assert progress.prompt.step == STEPS[progress.steps_done]
            seen.append(progress.prompt.index)
        if progress.done:
            break
    assert sorted(set(seen)) == [0, 1, 2]
    assert check.session.prompt is None
    assert check.movements.prompts == [0, 1, 2]


def test_the_receipt_says_nothing_of_the_challenge(server: Server) -> None:
    receipt = json.loads(server.check().session.receipt.payload)
    assert set(receipt) == {
        "version",
        "check_id",
        "log",
        "leaf",
        "leaf_index",
        "commitment",
        "issued_ms",
        "max_merge_delay_s",
    }


# Used once


def test_the_verdict_is_given_once_and_again_the_same(server: Server) -> None:
    session = server.check().until_done().session
    assert session.finish() is session.finish()
    assert server.store.leaf_count(MAIN_LOG) == 2


def test_fifty_that_finish_at_once_get_one_verdict(server: Server) -> None:
    """T7."""
    session = server.check().until_done().session
    with ThreadPoolExecutor(50) as pool:
        verdicts = list(pool.map(lambda _: session.finish(), range(50)))
    assert len({id(verdict) for verdict in verdicts}) == 1
    assert server.store.leaf_count(MAIN_LOG) == 2
    assert len(list(server.store.records(MAIN_LOG))) == 2


def test_no_frame_is_taken_after_the_end(server: Server) -> None:
    check = server.check().until_done()
    check.session.finish()
    with pytest.raises(CeremonyError, match="ended"):
        check.frame()


def test_closing_ends_a_check_without_a_verdict(server: Server) -> None:
    check = server.check().until_prompt()
    check.session.close()
    check.session.close()
    assert server.store.check("chk_1").state is CheckState.ABANDONED
    assert check.face.closed == 1
    with pytest.raises(CeremonyError):
        check.session.finish()
    with pytest.raises(CeremonyError):
        check.frame()
    with pytest.raises(NotFound):
        server.store.record(check.record_id)
    assert not list((server.folder / "evidence" / "staging").iterdir())


def test_leaving_a_with_block_closes_the_check(server: Server) -> None:
    check = server.check()
    with pytest.raises(ZeroDivisionError), check.session:
        raise ZeroDivisionError
    assert server.store.check("chk_1").state is CheckState.ABANDONED


def test_a_with_block_keeps_the_verdict(server: Server) -> None:
    check = server.check()
    with check.session as session:
        verdict = check.until_done().session.finish()
    assert session.finish() is verdict
    assert server.store.check("chk_1").state is CheckState.FINISHED


# Time


def test_a_check_expires_and_says_so(server: Server) -> None:
    check = server.check()
    assert check.frame(179_900).phase is not Phase.EXPIRED
    assert check.frame(200).phase is Phase.EXPIRED
    with pytest.raises(CheckExpired, match="180 s"):
        check.frame()
    assert check.session.finish().decision is Decision.INCONCLUSIVE


def test_who_answered_and_finishes_after_the_time_is_not_live(server: Server) -> None:
    """Whoever was there then need not be there now."""
    check = server.check().until_done()
    server.clock.ms += 180_000
    verdict = check.session.finish()
    assert verdict.decision is Decision.INCONCLUSIVE
    assert [reason.code for reason in verdict.reasons] == ["challenge.expired"]


def test_a_clock_that_goes_back_stands_still(server: Server) -> None:
    check = server.check().until_prompt()
    before_ms = server.clock.ms
    check.frame(-4_000)
    check.frame(-10_000)
    server.clock.ms = before_ms
    assert check.until_done().session.finish().is_live
    results = statement(server, check.record_id)["steps"]
    assert results[0]["onset_ms"] - results[0]["shown_ms"] >= 250


def test_a_clients_time_counts_nothing_in_a_check(server: Server) -> None:
    check = server.check()
    server.clock.ms += 100
    check.session.push(IMAGE, media_ms=170_000)
    check.session.push(IMAGE, media_ms=float("nan"))
    assert check.session.finish().decision is Decision.INCONCLUSIVE
    assert statement(server, check.record_id)["frames"]["last_ms"] == 100


@pytest.mark.parametrize("media_ms", [None, float("nan"), float("inf"), -float("inf"), 1e300, "soon"])
def test_a_rehearsal_needs_its_clips_own_time(server: Server, media_ms: Any) -> None:
    session = server.check(policy=REHEARSED).session
    with pytest.raises(InputError, match="time"):
        session.push(IMAGE, media_ms=media_ms)
    assert session.push(IMAGE, media_ms=40.0).phase is Phase.PAUSE


def test_a_rehearsal_is_rehearsed_never_live_and_has_a_log_of_its_own(server: Server) -> None:
    from tests.unit.protocol.performer import answer

    check, media_ms, known = server.check(policy=REHEARSED), 7_000.0, -1
    while True:
        media_ms += 40
        progress = check.session.push(IMAGE, media_ms=media_ms)
        if progress.prompt is not None and progress.prompt.index > known:
            known = progress.prompt.index
            answer(check.person, progress.prompt)
        if progress.done:
            break
    verdict = check.session.finish()
    assert verdict.decision is Decision.REHEARSED
    assert not verdict.is_live
    assert server.store.leaf_count(MAIN_LOG) == 0
    assert server.store.leaf_count(REHEARSAL_LOG) == 2


# Frames


@pytest.mark.parametrize(
    "frame", [None, 7, "jpeg", [[1]], bytearray(b"x"), object()], ids=lambda frame: type(frame).__name__
)
def test_what_is_no_frame_is_refused_and_the_check_goes_on(server: Server, frame: Any) -> None:
    check = server.check()
    with pytest.raises(InputError):
        check.session.push(frame)
    assert check.until_done().session.finish().is_live


def test_a_frame_that_cannot_be_read_is_not_counted(server: Server) -> None:
    check = server.check()
    with pytest.raises(InputError):
        check.session.push(b"not a picture")
    verdict = check.until_done().session.finish()
    assert verdict.is_live
    frames = statement(server, check.record_id)["frames"]
    assert frames["kept"][0][0] == 0


def test_frames_come_as_arrays_as_jpeg_or_as_captured(server: Server) -> None:
    session = server.check(keep=KeepFrames.ALL).session
    for frame in (np.ones((4, 4, 3), np.uint8), b"jpeg bytes", CapturedFrame(None, jpeg=b"captured")):
        server.clock.ms += 33
        session.push(frame)
    record_id = session.finish().evidence_id
    assert list(kept_frames(server, record_id).values())[1:] == [b"jpeg bytes", b"captured"]


def test_the_chain_over_all_frames_can_be_computed_from_kept_ones(server: Server) -> None:
    check = server.check(keep=KeepFrames.ALL).until_done()
    check.session.finish()
    frames = statement(server, check.record_id)["frames"]
    chain = FrameChain("chk_1")
    for _, t_us, digest in frames["kept"]:
        chain.add(bytes.fromhex(digest), t_us / 1_000)
    assert chain.head.hex() == frames["chain"]
    assert chain.count == frames["count"] == frames["judged"] == len(kept_frames(server, check.record_id))


def test_key_frames_are_those_at_which_something_happened(server: Server) -> None:
    check = server.check().until_done()
    check.session.finish()
    frames = statement(server, check.record_id)["frames"]
    closed = [step["closed_ms"] for step in statement(server, check.record_id)["steps"]]
    kept_ms = [t_us // 1_000 for _, t_us, _ in frames["kept"]]
    assert frames["kept"][0][0] == 0
    assert len(kept_ms) == 1 + 3 * len(STEPS)
    assert all(any(abs(ms - at) <= 1 for ms in kept_ms) for at in closed)
    assert set(kept_frames(server, check.record_id)) == {index for index, *_ in frames["kept"]}


def test_no_frame_is_kept_where_none_is_wanted(server: Server) -> None:
    check = server.check(keep=KeepFrames.NONE).until_done()
    check.session.finish()
    assert statement(server, check.record_id)["frames"]["kept"] == []
    with pytest.raises(NotFound):
        server.blobs.read(check.record_id, FILE)


# What the person is told


@pytest.mark.parametrize("problem", list(CaptureProblem))
def test_the_person_gets_one_hint(server: Server, problem: CaptureProblem) -> None:
    check = server.check()
    check.face.problem = problem
    assert check.frame().hint == HINTS[problem]


def test_a_face_that_does_not_come_to_rest_is_asked_to_relax(server: Server) -> None:
    from medauth.protocol.challenge import Action
    from tests.unit.protocol.performer import Gesture

    check = server.check()
    check.person.plan(Gesture(Action.SMILE, 0, 100, 10_000))
    hints = {check.frame().hint for _ in range(40)}
    assert hints == {"", RELAX_HINT}


def test_progress_never_tells_whether_a_step_was_right(server: Server) -> None:
    check = server.check()
    assert set(type(check.frame()).__dataclass_fields__) == {"phase", "prompt", "hint", "steps_done", "steps", "light"}


# Trouble


def test_traces_without_a_value_are_stated_as_nothing(server: Server) -> None:
    check = server.check().until_done()
    check.session.finish()
    assert traces(server, check.record_id)["emotion"][0]["values_milli"] == [500, None, None]


@pytest.mark.parametrize("table", ["checks", "records", "blobs", "leaves", "nodes", "logs"])
def test_a_database_that_fails_loses_nothing_and_doubles_nothing(server: Server, table: str) -> None:
    check = server.check().until_done()
    with broken(server, table, 2):
        for _ in range(2):
            with pytest.raises(StoreError):
                check.session.finish()
            with pytest.raises(CeremonyError, match="ended"):
                check.frame()
        verdict = check.session.finish()
    assert verdict.is_live
    assert server.store.leaf_count(MAIN_LOG) == 2
    assert traces(server, check.record_id)


def test_a_failure_is_counted_though_its_first_count_failed(server: Server) -> None:
    check = server.check()
    check.others[0].outcome = Outcome.FAIL
    check.until_done()
    with broken(server, "failures", 1):
        with pytest.raises(StoreError):
            check.session.finish()
        assert check.session.finish().decision is Decision.NOT_LIVE
    tags = server.keyring.tag("subject", "user-42"), server.keyring.tag("client", "client-1")
    assert len(server.store.failures_since(*tags, 0)) == 1
    assert server.store.leaf_count(MAIN_LOG) == 2


def test_closing_after_a_lost_answer_keeps_what_was_recorded(server: Server) -> None:
    """The commit came through, its answer did not: the files are the record's."""
    check = server.check().until_done()
    with broken(server, "failures", 1), broken_delete(server), pytest.raises(StoreError):
        check.session.finish()
    check.session.close()
    assert server.store.check("chk_1").state is CheckState.FINISHED
    assert kept_frames(server, check.record_id)


@contextmanager
def broken_delete(server: Server) -> Iterator[None]:
    def refuse(_c: object, _u: object, sql: str, _p: object, _x: object, _m: object) -> None:
        if sql.startswith("DELETE FROM failures"):
            raise StoreError("gone away")

    event.listen(server.store._engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(server.store._engine, "before_cursor_execute", refuse)


def test_closing_can_be_tried_again(server: Server) -> None:
    check = server.check().until_prompt()
    with broken(server, "checks", 1):
        with pytest.raises(StoreError):
            check.session.close()
        check.session.close()
    assert server.store.check("chk_1").state is CheckState.ABANDONED
    assert check.face.closed == 1


def test_a_frame_that_cannot_be_kept_stays_in_the_chain(server: Server) -> None:
    check = server.check(keep=KeepFrames.ALL)
    for _ in range(5):
        check.frame()

    def until_full() -> None:
        while True:
            check.frame()

    with full_disk(1_000), pytest.raises(StoreError, match="evidence folder"):
        until_full()
    check.until_done()
    assert check.session.finish().is_live
    frames = statement(server, check.record_id)["frames"]
    assert frames["count"] == len(frames["kept"]) + 1
    assert len(kept_frames(server, check.record_id)) == len(frames["kept"])


def test_a_full_disk_at_the_end_is_survived(server: Server) -> None:
    check = server.check(keep=KeepFrames.NONE).until_done()
    with full_disk(10), pytest.raises(StoreError):
        check.session.finish()
    assert check.session.finish().is_live
    assert traces(server, check.record_id)
