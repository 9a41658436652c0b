"""Pictures bent against the shipped nets by their own gradients, and a portrait that expression readers misread."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from medauth.capture.video_file import VideoFile
from medauth.cli.main import app
from medauth.errors import ModelError
from medauth.signals.models import ModelLibrary

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
pytestmark = [pytest.mark.train, pytest.mark.media, pytest.mark.filterwarnings("ignore")]
runner = CliRunner()
LIBRARY = ModelLibrary()
NETS = [
    ("expression", "predict"),
    ("expression_student", "predict"),
    ("presentation_attack", "predict"),
    ("deepfake", "encode"),
]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def faces_at_rest(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames of a face at rest, in a folder named so."""
    folder = tmp_path_factory.mktemp("faces")
    (folder / "neutral").mkdir()
    frames = [f.image for f in VideoFile(clip, start_ms=31_000, end_ms=36_000).frames() if f.image is not None]
    for number, image in enumerate(frames[::8]):
        cv2.imwrite(str(folder / "neutral" / f"{number}.png"), np.asarray(image))
    return folder


def differentiable(name: str, signature: str) -> Any:
    from medauth.training.differentiable import DifferentiableFile

    model = LIBRARY.load(name)
    return DifferentiableFile((LIBRARY.folder(name) / model.manifest.file).read_bytes(), signature)


@pytest.mark.parametrize(("name", "signature"), NETS)
def test_the_graph_answers_like_the_file(name: str, signature: str) -> None:
    import tensorflow as tf

    model, graph = LIBRARY.load(name), differentiable(name, signature)
    images = np.random.default_rng(0).uniform(0, 255, (4, *model.input_shape(signature)[1:])).astype(np.float32)
    ours = {key: value.numpy() for key, value in graph(tf.constant(images)).items()}
    files = [model.run(signature, images=image[None]) for image in images]
    for key, value in ours.items():
        theirs = np.concatenate([np.asarray(row[key]) for row in files])
        assert np.abs(value - theirs).max() < 0.02 * (1 + np.abs(theirs).max()), key


def test_the_gradient_is_what_a_small_step_changes() -> None:
    import tensorflow as tf

    graph = differentiable("presentation_attack", "predict")
    images = tf.constant(np.random.default_rng(1).uniform(0, 255, (2, 96, 96, 3)).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(images)
        first = graph(images)["logits"][:, 0]
    slope = tape.gradient(first, images)
    step = 20.0 * slope / tf.norm(tf.reshape(slope, (2, -1)), axis=1)[:, None, None, None]
    change = (graph(images + step)["logits"][:, 0] - graph(images - step)["logits"][:, 0]).numpy()
    foreseen = 2 * tf.reduce_sum(slope * step, axis=(1, 2, 3)).numpy()
    assert change == pytest.approx(foreseen, rel=0.25)


def test_a_graph_with_a_loop_is_refused() -> None:
    with pytest.raises(ModelError, match="WHILE"):
        differentiable("deepfake", "score")


def test_an_attack_turns_what_noise_of_the_same_size_does_not(faces_at_rest: Path, tmp_path: Path) -> None:
    words = ["evaluate", "adversarial", "expression", "--data", str(faces_at_rest), "--epsilon", "4", "--steps", "10"]
    result = runner.invoke(app, [*words, "--out", str(tmp_path / "out"), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    right = {row["attack"].split(",")[0]: row["accuracy"]["value"] for row in found["rows"]}
    assert right["none"] > 0.7
    assert right["noise"] > right["none"] - 0.15
    assert right["PGD"] <= right["FGSM"] + 0.05
    assert right["PGD"] < right["none"] - 0.5
    assert json.loads((tmp_path / "out" / "adversarial.json").read_text()) == found
    shown = cv2.imread(str(next((tmp_path / "out").glob("bent-1-neutral-as-*.png"))), cv2.IMREAD_GRAYSCALE)
    assert shown is not None
    plain, moved = shown[::4, :192:4].astype(int), shown[::4, 192:384:4].astype(int)
    assert 0 < np.abs(plain - moved).max() <= 4


def test_a_protected_portrait_looks_the_same_and_is_misread(faces_at_rest: Path) -> None:
    picture = min((faces_at_rest / "neutral").iterdir())
    words = ["evaluate", "adversarial", "--protect", str(picture), "--out", "kept.png", "--json"]
    result = runner.invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    before, after = cv2.imread(str(picture)), cv2.imread("kept.png")
    assert before is not None
    assert after is not None
    assert 0 < np.abs(before.astype(int) - after).max() <= 8
    assert found["before"]["expression"][0] == "neutral"
    assert found["after"]["as it is"]["expression"][0] != "neutral"
    assert found["after"]["JPEG 75"]["expression"][0] != "neutral"


def test_protection_is_counted_beside_noise_for_nets_that_were_attacked_and_not(faces_at_rest: Path) -> None:
    words = ["evaluate", "adversarial", "--protect", str(faces_at_rest), "--against", "expression", "--limit", "6"]
    result = runner.invoke(app, [*words, "--steps", "12", "--out", "found", "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found == json.loads(Path("found/protection.json").read_text())
    assert found["pictures"] == 6
    assert found["attacked"] == ["expression"]
    turned = {(row["picture"], row["sent"]): row["turned"] for row in found["rows"]}
    assert {sent for _, sent in turned} == {"as it is", "JPEG 75", "half as large", "half as large, JPEG 75"}
    assert turned["plain", "as it is"]["expression"]["hits"] == 0, "the same picture is read the same"
    assert turned["noise", "as it is"]["expression"]["value"] < 0.5
    assert turned["protected", "as it is"]["expression"]["value"] > 0.8
    assert turned["protected", "JPEG 75"]["expression"]["value"] > 0.8
    assert {"expression_mobilenet", "expression_robust", "expression_landmarks"} <= set(turned["noise", "JPEG 75"])
    assert 25 < found["face_psnr_db"]["median"] < 45
    assert 0.5 < found["face_ssim"]["median"] < 1
    assert not list(Path("found").glob("*.png")), "no face is left on the disk"


def test_a_folder_without_pictures_protects_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    words = ["evaluate", "adversarial", "--protect", str(tmp_path / "empty"), "--json"]
    result = runner.invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 2
    assert "holds no picture" in json.loads(result.stdout)["error"]["got"]


def test_a_picture_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    words = ["evaluate", "adversarial", "expression", "--protect", str(tmp_path / "nobody.png"), "--json"]
    result = runner.invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    assert error["got"] == f"{tmp_path / 'nobody.png'} cannot be read: is it there, and may you read it?"
    assert error["expected"] == "a picture of one face, or a folder of them"


def test_a_detector_has_two_sides(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "spoof_selfrec"
    words = ["evaluate", "adversarial", "presentation_attack", "--data", str(folder), "--limit", "24", "--epsilon", "8"]
    result = runner.invoke(app, [*words, "--steps", "10", "--out", str(tmp_path), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    assert set(rows[0]["by_group"]) == {"live", "attack"}
    assert rows[-1]["by_group"]["attack"]["value"] < rows[0]["by_group"]["attack"]["value"]


def test_without_data_or_picture_it_says_what_it_wants() -> None:
    result = runner.invoke(app, ["evaluate", "adversarial", "--json"], catch_exceptions=False)
    assert result.exit_code == 2
    assert "--protect" in json.loads(result.stdout)["error"]["got"]


def test_without_tensorflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medauth.training.commands.find_spec", lambda _name: None)
    result = runner.invoke(app, ["evaluate", "adversarial", "--protect", "x.jpg", "--json"], catch_exceptions=False)
    assert result.exit_code != 0
    assert "medauth[train]" in json.dumps(json.loads(result.stdout)["error"])
