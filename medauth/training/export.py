"""Keras net to `.tflite` with several signatures, and the check that nothing changed on the way.

The way that works with Keras 3 is a SavedModel by `ExportArchive`, then `from_saved_model`; other ways lose the
weights without an error (see ENVIRONMENT.md, trap 3), so every file is compared with the net it came from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.errors import ModelError

Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Endpoint:
    """One signature of the file: a function of tensors, and the shape of each float32 input by name."""

    name: str
    function: Callable[..., dict[str, Any]]
    inputs: dict[str, tuple[int, ...]]


def predict_endpoint(model: Any, temperature: float, size_px: int) -> Endpoint:
    """Signature `predict`: one image to logits and to probabilities calibrated by `temperature`."""

    def predict(images: Any) -> dict[str, Any]:
        logits = model(images, training=False)
        return {"logits": logits, "probabilities": keras.ops.softmax(logits / temperature, axis=-1)}

    return Endpoint("predict", predict, {"images": (1, size_px, size_px, model.input_shape[-1])})


def explain_endpoint(model: Any, last_layer: str, size_px: int) -> Endpoint:
    """Signature `explain`: Grad-CAM of a direction `target` (one-hot, or a difference) in the space of logits.

    Between `last_layer` and the logits lie only mean pooling and one dense layer. The gradient of a logit is then the
    dense layer's column, spread evenly over the map, so Grad-CAM needs no tape and no slow operator.
    """
    to_map = keras.Model(model.input, model.get_layer(last_layer).output)
    kernel = model.get_layer("logits").kernel

    def explain(images: Any, target: Any) -> dict[str, Any]:
        activations = to_map(images, training=False)
        cells = activations.shape[1] * activations.shape[2]
        channel_weights = keras.ops.matmul(target, keras.ops.transpose(kernel)) / cells
        weighted = activations * keras.ops.reshape(channel_weights, (1, 1, 1, -1))
        return {"heat": keras.ops.relu(keras.ops.sum(weighted, axis=-1))}

    inputs = {"images": (1, size_px, size_px, model.input_shape[-1]), "target": (1, model.output_shape[-1])}
    return Endpoint("explain", explain, inputs)


def gradient_heat(model: Any, last_layer: str, images: NDArray[np.float32], target: NDArray[np.float32]) -> Any:
    """Grad-CAM by `tf.GradientTape`, the reference that `explain` must equal: float32 [N, h, w]."""
    import tensorflow as tf

    both = keras.Model(model.input, [model.get_layer(last_layer).output, model.output])
    with tf.GradientTape() as tape:
        activations, logits = both(tf.constant(images), training=False)
        score = tf.reduce_sum(logits * target, axis=-1)
    gradient = tape.gradient(score, activations)
    weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(activations * weights, axis=-1)).numpy()


def write_litert(
    model: Any,
    endpoints: list[Endpoint],
    path: Path,
    *,
    weights: str = "float16",
    representative: Sequence[Arrays] = (),
) -> None:
    """Write `endpoints` of `model` into one `.tflite`.

    `weights`: "float32"; "float16", computed in float32; "int8", per channel, with activations quantised on the fly (a
    quarter of the time and size, no calibration images needed); or "int8_full", activations too, by ranges seen on
    `representative` inputs of the one endpoint. Inputs and outputs stay float32 in every case.
    """
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track(model)
    for endpoint in endpoints:
        spec = [tf.TensorSpec(shape, tf.float32, name) for name, shape in endpoint.inputs.items()]
        archive.add_endpoint(endpoint.name, endpoint.function, input_signature=spec)
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=[endpoint.name for endpoint in endpoints]
        )
        if weights != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if weights == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if weights == "int8_full":
            if len(endpoints) != 1 or not representative:
                raise ModelError("ranges of activations", expected="one endpoint and representative inputs")
            wanted = endpoints[0].inputs
            converter.representative_dataset = lambda: ({k: s[k] for k in wanted} for s in representative)
        content = converter.convert()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(path)


class LiteRtModel:
    """A `.tflite` file run with one thread, signature by signature."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(path), num_threads=1)
        self._runners = {name: self._interpreter.get_signature_runner(name) for name in self.signatures()}

    def signatures(self) -> dict[str, Any]:
        """Names of the signatures with their inputs and outputs."""
        return dict(self._interpreter.get_signature_list())

    def call(self, signature: str, **inputs: NDArray[np.float32]) -> Arrays:
        """Run one signature on inputs by name."""
        return dict(self._runners[signature](**inputs))


def check_agreement(path: Path, endpoints: list[Endpoint], samples: list[Arrays], tolerance: float) -> float:
    """Largest difference between the file and the functions it was made from; refuses more than `tolerance`.

    `samples` hold an array for every input that any endpoint names.
    """
    stored, worst = LiteRtModel(path), 0.0
    for endpoint in endpoints:
        for sample in samples:
            inputs = {name: sample[name] for name in endpoint.inputs}
            expected = {name: np.asarray(value) for name, value in endpoint.function(**inputs).items()}
            got = stored.call(endpoint.name, **inputs)
            worst = max(worst, *(float(np.abs(got[name] - expected[name]).max()) for name in expected))
    if not worst <= tolerance:
        raise ModelError(f"{path.name} differs from its net by {worst:.3g}", expected=f"at most {tolerance:.3g}")
    return worst
