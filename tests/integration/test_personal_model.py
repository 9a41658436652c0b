"""A head for one person from a dozen real pictures: what it learned, where it is heard, and what is refused."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from medauth.capture.video_file import VideoFile
from medauth.cli.main import app
from medauth.config import Settings
from medauth.ensemble import members
from medauth.errors import ModelError
from medauth.protocol.challenge import Challenge
from medauth.protocol.policy import policy_named
from medauth.protocol.random_steps import draw_steps
from medauth.sensing import observer
from medauth.signals.emotion_personal import PersonalEmotionModel
from medauth.signals.interface import models_of
from medauth.signals.models import ModelLibrary

pytestmark = pytest.mark.media
runner = CliRunner()
POLICY = policy_named("strict")
SMILES_S = (2.0, 3.0, 19.0, 46.0, 49.0, 55.0)
REST_S = (6.0, 9.0, 12.0, 22.0, 25.0, 33.0)


@pytest.fixture(scope="module")
def captures(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A man who, say his own labels, looks sad at rest: the shipped net calls it neutral."""
    folder = tmp_path_factory.mktemp("captures")
    for label, times in (("happy", SMILES_S), ("sadness", REST_S)):
        (folder / label).mkdir()
        for at in times:
            frame = next(iter(VideoFile(clip, start_ms=1000 * at, end_ms=1000 * at + 200).frames()))
            cv2.imwrite(str(folder / label / f"{at}.png"), np.asarray(frame.image))
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def trained(captures: Path, name: str = "me") -> str:
    result = runner.invoke(app, ["train", "personal", str(captures), "--name", name], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def digest_of(home: Path, name: str = "me") -> str:
    return hashlib.sha256((home / "models" / name / "head.json").read_bytes()).hexdigest()


def expression(clip: Path, start: float, end: float) -> Any:
    words = ["analyze", str(clip), "--start", str(start), "--end", str(end), "--no-heat", "--no-video", "--json"]
    result = runner.invoke(app, [*words, "--out", "out"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_dozen_pictures_teach_it_one_face(
    clip: Path, captures: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = trained(captures)
    assert "happiness 6, sadness 6" in said
    own, shipped = re.findall(r"(?:this head|the shipped net) ([\d.]+)", said)
    assert float(own) > float(shipped) + 0.25
    assert (home / "models" / "me" / "head.json").stat().st_mode & 0o077 == 0
    assert expression(clip, 17, 17.8)["summary"]["expression"] == "neutral"
    monkeypatch.setenv("MEDAUTH_EMOTION_MODELS", "me=8")
    later = expression(clip, 17, 17.8)
    assert later["summary"]["expression"] == "sadness", "seconds that it was never shown"
    assert f"personal-{digest_of(home)[:12]}" in later["models"]
    assert expression(clip, 85, 87)["summary"]["expression"] == "happiness"


def test_it_is_never_heard_under_standard(captures: Path, home: Path) -> None:
    trained(captures)
    settings = Settings(data_dir=home, emotion_models="me")
    assert members(settings, ModelLibrary(), "standard") == ()
    assert [one.model.sha256 for one in members(settings, ModelLibrary(), "strict")] == [digest_of(home)]


def test_a_record_holds_its_digest_and_not_whose_it_is(clip: Path, captures: Path, home: Path) -> None:
    """What a check under `strict` states of its models, and what an analysis leaves on disk."""
    trained(captures, "jane-doe")
    settings = Settings(data_dir=home, emotion_models="jane-doe=4")
    challenge = Challenge("check", draw_steps(POLICY.actions, POLICY.steps, frozenset(POLICY.required)), bytes(32))
    watching = observer(settings, ModelLibrary(), challenge, POLICY.name)
    stated = models_of(watching.marks().values())
    watching.close()
    assert stated[f"personal-{digest_of(home, 'jane-doe')[:12]}"] == digest_of(home, "jane-doe")
    assert "jane" not in json.dumps(stated)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDAUTH_EMOTION_MODELS", "jane-doe=4")
        expression(clip, 17, 17.4)
    assert b"jane" not in Path("out/analysis.json").read_bytes()


def test_too_few_pictures_are_refused_with_their_counts(captures: Path, home: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    for label, keep in (("happy", 6), ("sadness", 3)):
        (few / label).mkdir(parents=True)
        for path in sorted((captures / label).iterdir())[:keep]:
            (few / label / path.name).write_bytes(path.read_bytes())
    result = runner.invoke(app, ["train", "personal", str(few)])
    assert result.exit_code != 0
    assert "sadness 3" in str(result.exception)
    assert not (home / "models").exists()


@pytest.mark.parametrize("name", ["http", "rekognition", "expression", "../me", "Me"])
def test_a_name_that_would_be_taken_for_something_else_is_refused(name: str, tmp_path: Path, home: Path) -> None:
    result = runner.invoke(app, ["train", "personal", str(tmp_path), "--name", name])
    assert "--name" in str(result.exception)
    assert not (home / "models").exists()


def test_another_folder_name_is_no_expression(captures: Path, home: Path, tmp_path: Path) -> None:
    (tmp_path / "odd" / "grumpy").mkdir(parents=True)
    (tmp_path / "odd" / "grumpy" / "1.png").write_bytes(next((captures / "happy").iterdir()).read_bytes())
    result = runner.invoke(app, ["train", "personal", str(tmp_path / "odd")])
    assert "grumpy" in str(result.exception)


def test_a_head_of_another_net_or_a_broken_one_is_refused(captures: Path, home: Path) -> None:
    trained(captures)
    path = home / "models" / "me" / "head.json"
    general = ModelLibrary().load("expression")
    stated = json.loads(path.read_text())
    path.write_text(json.dumps(stated | {"model_sha256": "0" * 64}))
    with pytest.raises(ModelError, match="another expression model"):
        PersonalEmotionModel.read(path.parent, general)
    huge = [10**400] * len(stated["bias"])
    not_a_number = [[float("nan")] * len(row) for row in stated["weights"]]
    for wrong in ({"bias": [0.0]}, {"bias": huge}, {"weights": not_a_number}):
        path.write_text(json.dumps(stated | wrong))
        with pytest.raises(ModelError, match="no head"):
            PersonalEmotionModel.read(path.parent, general)
    for text in ("{}", "[" * 100_000):
        path.write_text(text)
        with pytest.raises(ModelError, match="no head"):
            PersonalEmotionModel.read(path.parent, general)
