"""`medauth evaluate` and `medauth models` as a user types them, on a folder that holds nothing but pictures."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from medauth.cli.export import _crops
from medauth.cli.main import app
from medauth.signals.models import ModelLibrary


def run(tmp_path, *words: object):
    done = CliRunner().invoke(app, ["--data-dir", str(tmp_path / "data"), *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def eyes(tmp_path):
    """Dark pupils on white, and plain lids: enough to see every step, no figure about anybody."""
    rng = np.random.default_rng(5)
    for index in range(4):
        open_eye = np.full((40, 60, 3), 190, np.uint8)
        cv2.ellipse(open_eye, (30, 20), (24, 11), 0, 0, 360, (245, 245, 245), -1)
        cv2.circle(open_eye, (30, 20), 9, (20, 20, 20), -1)
        closed = np.full((40, 60, 3), 180, np.uint8)
        cv2.ellipse(closed, (30, 20), (24, 6), 0, 0, 180, (60, 60, 60), 2)
        for label, picture in (("open", open_eye), ("closed", closed)):
            noisy = np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)
            path = tmp_path / "eyes" / f"person{index}" / label / "a.png"
            path.parent.mkdir(parents=True)
            cv2.imwrite(str(path), noisy)
    (tmp_path / "eyes" / "person0" / "open" / "b.png").write_bytes(b"no picture")
    return tmp_path / "eyes"


def test_report_of_a_folder(tmp_path, eyes) -> None:
    shown = json.loads(run(tmp_path, "evaluate", "signal", "eye_state", "--data", eyes, "-o", tmp_path / "r", "--json"))
    assert shown["judged"] == 8
    assert shown["unusable"] == {"file.unreadable": 1}
    assert shown["figures"]["accuracy"]["groups"] == 4
    assert (tmp_path / "r" / "evaluation.html").stat().st_size > 10_000
    assert "person3/open/a.png,open,person3" in (tmp_path / "r" / "scores.csv").read_text()


def test_unknown_name_lists_the_known_ones(tmp_path, eyes) -> None:
    done = CliRunner().invoke(app, ["evaluate", "signal", "aura", "--data", str(eyes), "--json"])
    assert done.exit_code == 2
    assert "blink" in json.loads(done.output)["error"]["expected"]


def test_models_are_listed_with_digest_terms_and_figures(tmp_path) -> None:
    found = {model["name"]: model for model in json.loads(run(tmp_path, "models", "--json"))}
    assert found["expression"]["state"] == "ok"
    assert found["expression"]["figure"].startswith("test accuracy")
    assert "research" in found["eye_state"]["licence"]


def test_a_broken_manifest_is_listed_beside_the_others(tmp_path, monkeypatch) -> None:
    for name, text in (("torn", "{"), ("odd", '{"name": "odd", "version": "1", "file": 5, "sha256": "0"}')):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "manifest.json").write_text(text)
    monkeypatch.setenv("MEDAUTH_MODELS_DIR", str(tmp_path / "models"))
    found = json.loads(run(tmp_path, "models", "--json"))
    assert [model["name"] for model in found] == ["odd", "torn"]
    assert all("unreadable manifest" in model["state"] for model in found)


def test_an_export_does_not_write_over_the_model(tmp_path) -> None:
    home = tmp_path / "models" / "eye_state"
    shutil.copytree(ModelLibrary().folder("eye_state"), home)
    before = (home / "eye_state.tflite").read_bytes()
    words = ["export", "eye_state", "--to", "litert", "--json", "--out"]
    for target in (home / "eye_state.tflite", home):
        done = CliRunner().invoke(app, [*words, str(target)], env={"MEDAUTH_MODELS_DIR": str(tmp_path / "models")})
        assert done.exit_code == 2
        assert "--out" in json.loads(done.output)["error"]["got"]
    assert (home / "eye_state.tflite").read_bytes() == before


def test_an_eight_bit_export_is_shown_what_a_check_shows(tmp_path) -> None:
    for index, size in enumerate(((40, 60), (90, 33))):
        path = tmp_path / "eyes" / "open" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((*size, 3), (0, 0, 200), np.uint8))
    (tmp_path / "eyes" / "open" / "torn.png").write_bytes(b"")
    crops = _crops(ModelLibrary(), "eye_state", tmp_path / "eyes", "")
    assert crops.shape == (2, 32, 32, 1)
    assert crops == pytest.approx(60, abs=1)  # grey of that red, not its green
