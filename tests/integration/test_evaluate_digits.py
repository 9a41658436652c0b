"""`medauth evaluate digits` over digits that a program says and one portrait whose mouth follows them (simulated)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medauth.cli.main import app
from medauth.evaluation.lips_and_sound import KINDS
from medauth.evaluation.spoken_digits import CONDITIONS

pytestmark = pytest.mark.media
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one speaker."""
    pytest.importorskip("pocketsphinx", reason="no recogniser: pip install 'medauth[speech]'")
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("no voice: apt-get install espeak-ng")
    folder = tmp_path_factory.mktemp("digits")
    (folder / "en-us").mkdir()
    for digit, word in enumerate(WORDS):
        target = folder / "en-us" / f"{digit}.wav"
        subprocess.run([program, "-v", "en-us", "-s", "140", "-w", str(target), word], check=True)
    return folder


def test_digits_are_heard_and_lips_held_against_their_sound(recordings: Path, tmp_path: Path) -> None:
    line = ["--data-dir", str(tmp_path), "evaluate", "digits", str(recordings), "--sequences", "4", "--most-faces", "2"]
    outcome = CliRunner().invoke(app, [*line, "--json"])
    assert outcome.exit_code == 0, outcome.output
    told = json.loads(outcome.stdout)
    heard = {one["condition"]: one for one in told["heard"]}
    assert set(heard) == set(CONDITIONS)
    assert all(one["right"] + one["unsure"] + one["other"] == 4 for one in heard.values())
    assert heard["clean"]["right"] >= 1
    lips = {one["kind"]: one["score"] for one in told["lips"] if one["person"] == told["lips"][0]["person"]}
    assert set(lips) == set(KINDS)
    assert lips["own sound"] > lips["400 ms late"]
    assert lips["still mouth"] is None
