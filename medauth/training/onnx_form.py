"""A released model as ONNX, from its own file, with the check that ONNX Runtime gives the same answers.

One signature becomes one `.onnx`. Weights stay as they are stored; where the `.tflite` also rounds what flows between
its layers to eight bits, ONNX computes in float32, so that such answers agree to some thousandths only.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.training.export import Arrays, LiteRtModel
from medauth.training.litert_file import take_signature
from medauth.training.manifest import describe_file

OPSET = 17
"""Of ONNX Runtime 1.12 (2022) and newer."""
SAMPLES = 64
TOLERANCE = 0.05
"""Of the largest magnitude an output reaches: eight-bit rounding stays under it, a wrong operator does not."""
_COARSE = 8


def export_onnx(source: Path, target: Path, signature: str = "predict", seed: int = 0) -> dict[str, Any]:
    """Writes one signature and compares it with `source` on seeded noise, smooth and rough.

    Raises `InputError` where the file has no such signature, and where the answers differ by more than `TOLERANCE`.
    """
    from tf2onnx import convert

    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "signature.tflite"
        take_signature(source, signature, alone)
        convert.from_tflite(str(alone), opset=OPSET, output_path=str(partial))
    found = _compared(source, partial, signature, seed)
    worst = max(output["relative"] for output in found.values())
    if not worst <= TOLERANCE:
        partial.unlink()
        raise InputError(f"the ONNX file answers otherwise, by {worst:.3f}", expected=f"at most {TOLERANCE}")
    partial.replace(target)
    return {**describe_file(target), "signature": signature, "opset": OPSET, "n": SAMPLES, "differences": found}


def _compared(source: Path, other: Path, signature: str, seed: int) -> dict[str, dict[str, float]]:
    """By output: its largest difference, absolute and as a share of the largest magnitude it reached."""
    import onnxruntime

    stored = LiteRtModel(source)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(other), options, providers=["CPUExecutionProvider"])
    shapes = {end.name: tuple(end.shape) for end in session.get_inputs()}
    names = [end.name for end in session.get_outputs()]
    differences, reached = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    rng = np.random.default_rng(seed)
    for number in range(SAMPLES):
        inputs = _noise(shapes, rng, smooth=number % 2 == 0)
        expected = stored.call(signature, **inputs)
        for name, got in zip(names, session.run(names, inputs), strict=True):
            differences[name] = max(differences[name], float(np.abs(got - expected[name]).max()))
            reached[name] = max(reached[name], float(np.abs(expected[name]).max()))
    return {
        name: {
            "absolute": round(differences[name], 6),
            "relative": round(differences[name] / (reached[name] or 1.0), 6),
        }
        for name in names
    }


def _noise(shapes: Mapping[str, tuple[int, ...]], rng: np.random.Generator, *, smooth: bool) -> Arrays:
    """Pictures (four dimensions) in 0..255, everything else about 0."""
    return {
        name: _picture(shape, rng, smooth=smooth) if len(shape) == 4 else _values(shape, rng)  # noqa: PLR2004
        for name, shape in shapes.items()
    }


def _picture(shape: tuple[int, ...], rng: np.random.Generator, *, smooth: bool) -> NDArray[np.float32]:
    _, height, width, channels = shape
    if not smooth:
        return rng.uniform(0, 255, shape).astype(np.float32)
    coarse = rng.uniform(0, 255, (_COARSE, _COARSE, channels)).astype(np.float32)
    wide = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(wide, 0, 255).reshape(shape).astype(np.float32)


def _values(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.normal(0.0, 1.0, shape).astype(np.float32)
