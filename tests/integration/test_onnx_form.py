"""Released models as ONNX: ONNX Runtime answers as LiteRT does. Needs the extras `train` and `onnx`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medauth.errors import InputError
from medauth.signals.models import ModelLibrary

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
pytest.importorskip("tf2onnx", reason="the extra `onnx` is not installed")
pytest.importorskip("tensorflow", reason="the extra `train` is not installed")

from medauth.training.onnx_form import TOLERANCE, _compared, export_onnx  # noqa: E402 - after the skips

OURS = ("expression", "eye_state", "micro_expression", "presentation_attack")


def file_of(name: str) -> Path:
    library = ModelLibrary()
    return library.folder(name) / library.load(name).manifest.file


@pytest.mark.parametrize("name", OURS)
def test_onnx_runtime_gives_the_same_probabilities(name: str, tmp_path: Path) -> None:
    found = export_onnx(file_of(name), tmp_path / "model.onnx")
    assert set(found["differences"]) == {"logits", "probabilities"}
    assert found["differences"]["probabilities"]["absolute"] < 0.02
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert [end.name for end in graph.input] == ["images"]


def test_heat_maps_can_be_had_too(tmp_path: Path) -> None:
    found = export_onnx(file_of("expression"), tmp_path / "heat.onnx", "explain")
    assert found["differences"]["heat"]["relative"] < 1e-3


def test_a_signature_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="predict"):
        export_onnx(file_of("eye_state"), tmp_path / "none.onnx", "guess")
    assert not list(tmp_path.iterdir())


def test_a_file_that_answers_otherwise_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export_onnx(file_of("eye_state"), path)
    model = onnx.load(path)
    largest = max(model.graph.initializer, key=lambda tensor: np.prod(tensor.dims))
    values = onnx.numpy_helper.to_array(largest)
    largest.CopyFrom(onnx.numpy_helper.from_array(np.zeros_like(values), largest.name))
    onnx.save(model, path)
    found = _compared(file_of("eye_state"), path, "predict", seed=0)
    assert max(output["relative"] for output in found.values()) > TOLERANCE
