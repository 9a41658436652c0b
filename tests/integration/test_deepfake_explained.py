"""Grad-CAM in the deepfake file: equal to `tf.GradientTape` through the layers, and what it marks matters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.signals.models import Model, ModelLibrary

pytest.importorskip("tensorflow", reason="the reference needs the extra `train`")

from medauth.training.deepfake_export import encode_endpoint, write_deepfake, write_encoder  # after the skip
from medauth.training.deepfake_net import CELLS, build_encoder, frame_direction, pool_weights
from medauth.training.export import LiteRtModel
from medauth.training.linear_head import CHANNELS, LinearHead
from medauth.training.mobilenet import BLOCKS, EXPANSION, FIRST, STEM
from medauth.training.sequences import LENGTH
from medauth.training.temporal import UNITS, build_head, reference_heat


def shipped() -> Model:
    """The released weights, where there are any."""
    library = ModelLibrary()
    if "deepfake" not in library.names():
        pytest.skip("no deepfake weights are released yet: medauth train deepfake")
    return library.load("deepfake")


def random_backbone() -> dict[str, NDArray[Any]]:
    """Tensors of a MobileNetV2 that was never trained, under Keras' names."""
    rng, found = np.random.default_rng(0), {}

    def add(name: str, shape: tuple[int, ...], *, depthwise: bool = False) -> None:
        channels = shape[2] if depthwise else shape[3]
        norm = "bn_Conv1" if name == "Conv1" else f"{name}_BN"
        fan_in = shape[0] * shape[1] * (1 if depthwise else shape[2])
        kernel = rng.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
        found[f"{name}/{'depthwise_kernel' if depthwise else 'kernel'}"] = kernel
        for part, value in (("gamma", 1), ("beta", 0.1), ("moving_mean", 0), ("moving_variance", 1)):
            found[f"{norm}/{part}"] = np.full(channels, value, np.float32)

    add("Conv1", (3, 3, 3, STEM))
    add("expanded_conv_depthwise", (3, 3, STEM, 1), depthwise=True)
    add("expanded_conv_project", (1, 1, STEM, FIRST))
    channels = FIRST
    for number, wanted, _ in BLOCKS:
        wide = channels * EXPANSION
        add(f"block_{number}_expand", (1, 1, channels, wide))
        add(f"block_{number}_depthwise", (3, 3, wide, 1), depthwise=True)
        add(f"block_{number}_project", (1, 1, wide, wanted))
        channels = wanted
    return found


def test_the_files_heat_equals_the_gradient_tapes(tmp_path) -> None:
    rng = np.random.default_rng(3)
    mean, spread = np.full(864, 0.5, np.float32), np.ones(864, np.float32)
    fitted = LinearHead(mean, spread, rng.normal(0, 0.05, (CHANNELS, 864)).astype(np.float32), 0.1, 0.01)
    encoder, direction = build_encoder(random_backbone(), fitted), frame_direction(fitted)
    head = build_head(*direction)
    head.get_layer("added").set_weights([np.full((UNITS, 1), 0.3, np.float32), np.zeros(1, np.float32)])
    crops = np.random.default_rng(1).integers(0, 255, (LENGTH, 112, 112, 3), dtype=np.uint8)
    write_encoder(encoder, direction, tmp_path / "encode.tflite")
    write_deepfake(encoder, direction, head, 1.3, tmp_path / "deepfake.tflite", crops, tmp_path / "encode.tflite")
    stored = LiteRtModel(tmp_path / "deepfake.tflite")
    maps = np.stack([stored.call("encode", images=crop[None].astype(np.float32))["maps"][0] for crop in crops])[None]
    assert maps.shape == (1, LENGTH, CELLS, CELLS, CHANNELS)
    heat = stored.call("explain", maps=maps)["heat"]
    expected = reference_heat(head, pool_weights(), maps)
    assert expected.max() > 0, "a map of nothing would equal anything"
    np.testing.assert_allclose(heat / expected.max(), expected / expected.max(), atol=1e-3)
    assert encode_endpoint(encoder, direction).inputs["images"] == (1, 112, 112, 3)


def test_the_hottest_cells_move_the_score_more_than_random_ones() -> None:
    """Deletion on the shipped weights: the hottest fifth of the cells blanked to the maps' mean, against a random fifth.

    The crops are noise over a gradient; no data set is needed to ask whether the map marks what the score hangs on.
    """
    model = shipped()
    rng = np.random.default_rng(2)
    hottest, chance = [], []
    for _ in range(6):
        crops = rng.normal(0, 25, (LENGTH, 112, 112, 3)) + np.linspace(60, 190, 112)[None, :, None, None]
        images = np.clip(crops, 0, 255).astype(np.float32)
        maps = np.stack([model.run("encode", images=image[None])["maps"][0] for image in images])[None]
        found = model.run("explain", maps=maps)
        before, heat = float(found["logit"][0, 0]), np.asarray(found["heat"])
        hottest.append(abs(before - _without(model, maps, _top(heat))))
        chance.append(np.mean([abs(before - _without(model, maps, _top(rng.random(heat.shape)))) for _ in range(3)]))
    assert np.mean(hottest) > np.mean(chance)


def _top(values: NDArray[Any]) -> NDArray[Any]:
    """The largest fifth of the cells of each frame: bool [1, 16, 7, 7]."""
    return np.asarray(values > np.quantile(values, 0.8, axis=(2, 3), keepdims=True))


def _without(model: Model, maps: NDArray[Any], blanked: NDArray[Any]) -> float:
    mean = maps.mean(axis=(2, 3), keepdims=True)
    changed = np.where(blanked[..., None], mean, maps).astype(np.float32)
    return float(model.run("explain", maps=changed)["logit"][0, 0])
