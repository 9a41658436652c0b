"""T13: the verdict recomputed from sealed frames, in another process; what does not follow from the frames is named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import medauth
from medauth.evaluation.rehearsal import FRANCK
from medauth.evidence.archive import KeepFrames
from medauth.evidence.commitment import leaf_commitment
from medauth.evidence.sealing import seal
from medauth.evidence.signing import KeyPurpose, PayloadType
from medauth.evidence.statement import statement_digest
from medauth.evidence.verifier import CheckedStep, StepState
from medauth.protocol.canonical import canonical, parse_object
from medauth.replaying import replayer
from medauth.sensing import source_of
from medauth.service.disclosure import opened

pytestmark = pytest.mark.media
REPLAY = """
import sys, medauth
from medauth.replaying import replayer
from pathlib import Path
with medauth.open(medauth.Settings(data_dir=Path(sys.argv[1]))) as auth:
    step = replayer(auth).replay(sys.argv[2])
print(step.state.value, step.text)
"""


def rehearsed(folder: Path, clip: Path, keep: KeepFrames) -> str:
    with medauth.open(medauth.Settings(data_dir=folder, rehearsal=True, keep_frames=keep)) as auth:
        return str(auth.rehearse(FRANCK.steps).run(source(clip)).evidence_id)


def source(clip: Path) -> Any:
    return source_of(clip, start_ms=FRANCK.start_ms, end_ms=FRANCK.end_ms)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> tuple[Path, str]:
    """A rehearsal with every frame kept."""
    folder = tmp_path_factory.mktemp("replay")
    return folder, rehearsed(folder, clip, KeepFrames.ALL)


@pytest.fixture
def auth(recorded: tuple[Path, str]) -> Iterator[medauth.Medauth]:
    with medauth.open(medauth.Settings(data_dir=recorded[0])) as auth:
        yield auth


def test_the_verdict_follows_from_the_frames_in_another_process(recorded: tuple[Path, str]) -> None:
    command = [sys.executable, "-c", REPLAY, str(recorded[0]), recorded[1]]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert printed.startswith("holds")
    assert "rehearsed" in printed


@pytest.fixture
def restated(auth: medauth.Medauth, recorded: tuple[Path, str]) -> Iterator[Callable[..., CheckedStep]]:
    """Signs the statement again with something changed, as an operator who lies would, and replays it."""
    record_id = recorded[1]
    row = auth.store.record(record_id)
    keys, envelope = opened(row, auth.keyring)
    engine = auth.store._engine

    def put(envelope_bytes: bytes, sha256: bytes, leaf: bytes) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE records SET sealed_envelope=?, sealed_envelope_sha256=?, leaf=? WHERE record_id=?",
                (envelope_bytes, sha256, leaf, record_id),
            )

    def change(edit: Callable[[dict[str, Any]], object]) -> CheckedStep:
        statement: dict[str, Any] = parse_object(envelope.payload)
        edit(statement)
        payload = canonical(statement)
        signed = auth.keyring.signing_key(KeyPurpose.REHEARSALS).sign(payload, PayloadType.VERDICT)
        sealed = seal(keys.seal, signed.to_bytes(), record_id=record_id, name="envelope")
        put(sealed, statement_digest(sealed), leaf_commitment(keys.leaf, payload))
        return replayer(auth).replay(record_id)

    yield change
    put(row.sealed_envelope, row.sealed_envelope_sha256, row.leaf)


def reading(statement: dict[str, Any], signal: str) -> dict[str, Any]:
    return next(reading for reading in statement["readings"] if reading["signal"] == signal)


def test_a_reading_that_the_frames_do_not_give_is_named(restated: Callable[..., CheckedStep]) -> None:
    step = restated(lambda s: reading(s, "emotion").update(score_ppm=reading(s, "emotion")["score_ppm"] - 101))
    assert step.state is StepState.FAILS
    assert step.text.startswith("emotion: score")


def test_a_reading_within_the_tolerance_holds(restated: Callable[..., CheckedStep]) -> None:
    assert restated(
        lambda s: reading(s, "emotion").update(score_ppm=reading(s, "emotion")["score_ppm"] - 99)
    ).state is (StepState.HOLDS)


def test_another_verdict_another_model_and_a_missing_reading_are_named(restated: Callable[..., CheckedStep]) -> None:
    for edit, named in (
        (lambda s: s["verdict"].update(decision="live"), "the frames say rehearsed"),
        (lambda s: s["models"].update(expression="00" * 32), "model expression here is"),
        (lambda s: s["models"].update(other="00" * 32), "model other here is missing"),
        (lambda s: s["readings"].pop(), "identity"),
        (lambda s: s["steps"][0].update(outcome="no_response"), "challenge: steps"),
        (lambda s: s["frames"]["kept"][3].__setitem__(1, s["frames"]["kept"][3][1] + 1), "digest chain"),
    ):
        step = restated(edit)
        assert step.state is StepState.FAILS
        assert named in step.text, step.text


def test_the_command_audits_and_replays(recorded: tuple[Path, str]) -> None:
    command = [sys.executable, "-c", "from medauth.cli.main import run; run()", "--data-dir", str(recorded[0])]
    command += ["audit", recorded[1], "--replay", "--offline", "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    last = json.loads(done.stdout)["steps"][-1]
    assert (last["name"], last["state"]) == ("replay", "holds")


def test_without_all_frames_it_says_which_are_missing_and_what_keeps_them(tmp_path: Path, clip: Path) -> None:
    record_id = rehearsed(tmp_path, clip, KeepFrames.KEY)
    with medauth.open(medauth.Settings(data_dir=tmp_path)) as auth:
        step = replayer(auth).replay(record_id)
        (start,) = [row for row in auth.store.records("rehearsal") if row.kind == "start"]
        assert replayer(auth).replay(start.record_id).state is StepState.SKIPPED
    assert step.state is StepState.SKIPPED
    assert "frames (1-" in step.text
    assert "MEDAUTH_KEEP_FRAMES=all" in step.text
