"""Grad-CAM in the deepfake file: equal to `tf.GradientTape` through the layers, and what it marks matters."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals.models import Model, ModelLibrary

pytest.importorskip("tensorflow", reason="the reference needs the extra `train`")

import keras

from medauth.training.deepfake_export import encode_endpoint, write_deepfake, write_encoder  # after the skip
from medauth.training.deepfake_heat import deletion_falls
from medauth.training.deepfake_net import CHANNELS, build_frame_net, encoder_of
from medauth.training.export import LiteRtModel
from medauth.training.face_bank import CROP_PX
from medauth.training.forged_samples import CELLS
from medauth.training.sequences import LENGTH
from medauth.training.temporal import UNITS, build_head, reference_heat


def shipped() -> Model:
    """The released weights, where there are any."""
    library = ModelLibrary()
    if "deepfake" not in library.names():
        pytest.skip("no deepfake weights are released yet: medauth train deepfake")
    return library.load("deepfake")


def test_the_files_heat_equals_the_gradient_tapes(tmp_path) -> None:
    keras.utils.set_random_seed(3)
    encoder, kernel, bias = encoder_of(build_frame_net())
    head = build_head(kernel, bias)
    head.get_layer("added").set_weights([np.full((UNITS, 1), 0.3, np.float32), np.zeros(1, np.float32)])
    crops = np.random.default_rng(1).integers(0, 255, (LENGTH, CROP_PX, CROP_PX, 3), dtype=np.uint8)
    write_encoder(encoder, (kernel, bias), tmp_path / "encode.tflite")
    write_deepfake(encoder, (kernel, bias), head, 1.3, tmp_path / "deepfake.tflite", crops, tmp_path / "encode.tflite")
    stored = LiteRtModel(tmp_path / "deepfake.tflite")
    maps = np.stack([stored.call("encode", images=crop[None].astype(np.float32))["maps"][0] for crop in crops])[None]
    assert maps.shape == (1, LENGTH, CELLS, CELLS, CHANNELS)
    heat = stored.call("explain", maps=maps)["heat"]
    expected = reference_heat(head, maps)
    assert expected.max() > 0, "a map of nothing would equal anything"
    np.testing.assert_allclose(heat / expected.max(), expected / expected.max(), atol=1e-3)
    assert encode_endpoint(encoder, (kernel, bias)).inputs["images"] == (1, CROP_PX, CROP_PX, 3)


def test_the_hottest_cells_lower_the_score_more_than_random_ones() -> None:
    """Deletion on the shipped weights, on six sequences forged from no person: blobs of colour, a blob pasted in.

    No data set is needed to ask whether the map marks what the score hangs on; the card has the figure on faces.
    """
    model, rng = Runner(shipped()), np.random.default_rng(2)
    falls = np.array([deletion_falls(model, _pasted(rng), rng) for _ in range(6)])
    assert falls[:, 0].mean() > falls[:, 1].mean()


class Runner:
    """A released model, called as the files of a training are."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def call(self, signature: str, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return {name: np.asarray(value) for name, value in self._model.run(signature, **inputs).items()}


def _pasted(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Sixteen pictures of soft blobs with a sharper, brighter disc in the middle."""
    coarse = rng.uniform(60, 200, (9, 9, 3)).astype(np.float32)
    picture = cv2.resize(coarse, (CROP_PX, CROP_PX), interpolation=cv2.INTER_CUBIC)
    cv2.circle(picture, (CROP_PX // 2, CROP_PX // 2), CROP_PX // 4, (200, 190, 180), 2)
    frames = picture + rng.normal(0, 3, (LENGTH, CROP_PX, CROP_PX, 3))
    return np.clip(frames, 0, 255).astype(np.uint8)
