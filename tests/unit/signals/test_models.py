"""Models by their manifest: no weights and no LiteRT, a stand-in for the interpreter where one is needed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medauth.errors import ModelError
from medauth.signals import models
from medauth.signals.calibration import Calibration, deny_threshold
from medauth.signals.models import Manifest, Model, ModelLibrary, prepare_image, read_manifest

CONTENT = b"not really a model"


def write_model(folder: Path, **changes: Any) -> Path:
    home = folder / "smile"
    home.mkdir(parents=True)
    (home / "smile.tflite").write_bytes(CONTENT)
    manifest = {
        "name": "smile",
        "version": "1",
        "file": "smile.tflite",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "classes": ["no", "yes"],
        "signatures": {"predict": {"inputs": ["images"], "outputs": ["probabilities"]}},
        **changes,
    }
    (home / "manifest.json").write_text(json.dumps(manifest))
    return home


class PlainInterpreter:
    """Doubles its input, and like a `.tflite` without signatures it knows tensors by number only."""

    def __init__(self) -> None:
        self._held = np.zeros((1, 2), np.float32)

    def get_signature_list(self) -> Mapping[str, Any]:
        return {}

    def get_input_details(self) -> list[dict[str, Any]]:
        return [{"index": 7, "shape": np.array([1, 2])}]

    def get_output_details(self) -> list[dict[str, Any]]:
        return [{"index": 9}]

    def set_tensor(self, index: int, value: Any) -> None:
        if index != 7 or value.shape != (1, 2):
            raise ValueError("Cannot set tensor: Dimension mismatch")
        self._held = value

    def invoke(self) -> None:
        self._held = self._held * 2

    def get_tensor(self, index: int) -> Any:
        assert index == 9
        return self._held


class NamedInterpreter(PlainInterpreter):
    """Has the signatures `predict` and `explain`."""

    def get_signature_list(self) -> Mapping[str, Any]:
        return {"predict": {}, "explain": {}}

    def get_signature_runner(self, name: str) -> Any:
        class Runner:
            def __call__(self, **inputs: Any) -> Mapping[str, Any]:
                return {name: inputs["images"] + 1}

            def get_input_details(self) -> Mapping[str, Any]:
                return {"images": {"shape": np.array([1, 3])}}

        return Runner()


def use_interpreter(monkeypatch: pytest.MonkeyPatch, interpreter: PlainInterpreter) -> None:
    monkeypatch.setattr(models, "_interpreter", lambda *_: interpreter)


def test_unknown_model_says_which_there_are(tmp_path: Path) -> None:
    write_model(tmp_path)
    with pytest.raises(ModelError, match=r"no model 'frown'.*smile.*next step"):
        ModelLibrary([tmp_path]).load("frown")


def test_altered_file_is_refused(tmp_path: Path) -> None:
    (write_model(tmp_path) / "smile.tflite").write_bytes(CONTENT + b"!")
    with pytest.raises(ModelError, match=r"SHA-256.*next step"):
        ModelLibrary([tmp_path]).load("smile")


def test_missing_file_names_the_script(tmp_path: Path) -> None:
    (write_model(tmp_path) / "smile.tflite").unlink()
    with pytest.raises(ModelError, match="fetch_models"):
        ModelLibrary([tmp_path]).load("smile")


def test_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    write_model(tmp_path)
    with pytest.raises(ModelError, match="LiteRT cannot read"):
        ModelLibrary([tmp_path]).load("smile")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"name": 1}', "\x00", '{"name": "a", "version": "1", "file": "b"}', "[" * 200_000]
)
def test_malformed_manifest_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(ModelError, match="unreadable manifest"):
        read_manifest(path)


@pytest.mark.parametrize("change", [{"file": 5}, {"calibration": None}, {"classes": "yes"}, {"operating_points": []}])
def test_a_manifest_of_other_types_is_refused_where_it_is_read(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=f"{next(iter(change))} of another type"):
        read_manifest(write_model(tmp_path, **change) / "manifest.json")


def test_a_use_states_what_turns_answers_into_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_interpreter(monkeypatch, PlainInterpreter())
    points = [{"standard": {"threshold": value}} for value in (0.7, 0.99)]
    for folder, stated in zip(("one", "other"), points, strict=True):
        write_model(tmp_path / folder, operating_points=stated)
    write_model(tmp_path / "judged", operating_points=points[0], metrics={"accuracy": 0.8})
    one, other, judged = (ModelLibrary([tmp_path / n]).load("smile").use for n in ("one", "other", "judged"))
    assert one.sha256 == other.sha256
    assert one.settings_sha256 != other.settings_sha256
    assert one == judged  # figures about a model change no verdict


def test_manifest_cannot_reach_out_of_its_folder(tmp_path: Path) -> None:
    home = write_model(tmp_path, file="../../etc/passwd")
    with pytest.raises(ModelError, match="beside the manifest"):
        read_manifest(home / "manifest.json")


def test_first_folder_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_interpreter(monkeypatch, PlainInterpreter())
    write_model(tmp_path / "own", version="2")
    write_model(tmp_path / "shipped")
    assert ModelLibrary([tmp_path / "own", tmp_path / "shipped"]).load("smile").manifest.version == "2"


def test_plain_model_runs_by_the_names_of_its_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_interpreter(monkeypatch, PlainInterpreter())
    write_model(tmp_path)
    model = ModelLibrary([tmp_path]).load("smile")
    found = model.run("predict", images=np.array([[1, 2]], np.float32))
    assert found["probabilities"].tolist() == [[2, 4]]
    assert model.signatures() == ("predict",)
    assert model.input_shape() == (1, 2)
    assert model.use.sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_signatures_of_the_file_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    use_interpreter(monkeypatch, NamedInterpreter())
    model = Model(Manifest("m", "1", "f", "0"), b"")
    assert model.signatures() == ("predict", "explain")
    assert model.run("explain", images=np.zeros(1))["explain"].tolist() == [1]
    assert model.input_shape() == (1, 3)


def test_what_a_model_cannot_do_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    use_interpreter(monkeypatch, NamedInterpreter())
    with pytest.raises(ModelError, match="cannot dance"):
        Model(Manifest("m", "1", "f", "0"), b"").run("dance")


def test_input_that_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_interpreter(monkeypatch, PlainInterpreter())
    write_model(tmp_path)
    with pytest.raises(ModelError, match=r"\(1, 3\).*expected: input of shape \(1, 2\)"):
        ModelLibrary([tmp_path]).load("smile").run("predict", images=np.zeros((1, 3), np.float32))


def test_pictures_are_scaled_as_the_manifest_says() -> None:
    manifest = Manifest("m", "1", "f", "0", preprocessing={"scale": 2 / 255, "offset": -1.0})
    prepared = prepare_image(np.array([[0, 255]], np.uint8), manifest)
    assert prepared.shape == (1, 1, 2, 1)
    assert prepared.dtype == np.float32
    assert prepared.ravel() == pytest.approx([-1, 1], abs=1e-5)


def test_temperature_counts_only_outside_the_file() -> None:
    inside = Manifest("m", "1", "f", "0", calibration={"temperature": 1.7})
    outside = Manifest("m", "1", "f", "0", calibration={"temperature": 1.7, "in_file": False})
    assert (inside.temperature, outside.temperature) == (1.0, 1.7)


@pytest.mark.parametrize("temperature", [0, -1.5, float("nan"), float("inf"), "1.3", None])
def test_a_temperature_that_turns_or_flattens_scores_is_refused(temperature: Any) -> None:
    stated = {"method": "temperature", "temperature": temperature, "in_file": False}
    with pytest.raises(ModelError, match="above 0"):
        _ = Manifest("m", "1", "f", "0", calibration=stated).temperature
    with pytest.raises(ModelError, match="above 0"):
        Calibration.of(stated)


@pytest.mark.parametrize("threshold", [float("nan"), 1.01, -0.1, "0.5", None])
def test_a_threshold_that_no_score_reaches_is_refused(threshold: Any) -> None:
    with pytest.raises(ModelError, match="0 to 1"):
        deny_threshold({"standard": {"threshold": threshold}})


def test_repository_manifests_are_well_formed() -> None:
    for name in ModelLibrary().names():
        folder = next(folder for folder in models.SHIPPED if (folder / name).is_dir())
        manifest = read_manifest(folder / name / "manifest.json")
        assert manifest.name == name
        assert len(manifest.sha256) == 64
