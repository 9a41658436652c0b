"""A released model in another form: fully eight-bit, from its own weights, with the check that the answers agree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.training.catalogue import CATALOGUE, ModelSpec
from medauth.training.export import LiteRtModel, predict_endpoint, write_litert
from medauth.training.manifest import describe_file
from medauth.training.release import median_ms
from medauth.training.warm_start import start_from_file

_LEAST_AGREEMENT = 0.9
_RANGES, _MOMENTS = 200, 512


@dataclass(frozen=True, slots=True)
class Agreement:
    """How alike two files answer on `n` pictures: share of equal classes, mean and largest difference of a probability."""

    n: int
    same_class: float
    mean_difference: float
    largest_difference: float

    def to_json(self) -> dict[str, Any]:
        """Rounded."""
        return {
            "n": self.n,
            "same_class": round(self.same_class, 4),
            "mean_difference": round(self.mean_difference, 5),
            "largest_difference": round(self.largest_difference, 4),
        }


def export_int8(name: str, source: Path, target: Path, crops: NDArray[np.float32]) -> dict[str, Any]:
    """Weights and activations of the signature `predict` in eight bits; ranges from the first of `crops` (N, S, S, 1), cut
    as a check cuts them, agreement from the rest. Raises `InputError` for a model whose net is not known here, or too few
    pictures, and where the two files answer differently: then nothing is left at `target`, or what lay there before.
    """
    spec = eight_bit_spec(name)
    if len(crops) < _RANGES + _RANGES // 2:
        raise InputError(f"{len(crops)} pictures", expected=f"at least {_RANGES + _RANGES // 2} like those it will see")
    keras.mixed_precision.set_global_policy("float32")
    model = spec.build()
    start_from_file(model, source, crops[:_MOMENTS])
    samples = [{"images": crop[None]} for crop in crops[:_RANGES]]
    trial = target.with_name(f"{target.name}.trial")
    write_litert(
        model, [predict_endpoint(model, 1.0, spec.size_px)], trial, weights="int8_full", representative=samples
    )
    found = agreement(source, trial, crops[_RANGES:])
    if found.same_class < _LEAST_AGREEMENT:
        trial.unlink()
        raise InputError(
            f"the eight-bit file answers alike on {found.same_class:.3f} of {found.n} pictures",
            expected=f"at least {_LEAST_AGREEMENT}",
            next_step="give more pictures, of the kind it will see",
        )
    trial.replace(target)
    speed = {"before": _milliseconds(source, samples[0]), "after": _milliseconds(target, samples[0])}
    return {**describe_file(target), "agreement": found.to_json(), "milliseconds": speed}


def eight_bit_spec(name: str) -> ModelSpec:
    """What is known of the net behind a model. Raises `InputError` for one whose net is not known here."""
    if name not in CATALOGUE:
        raise InputError(
            f"the net of {name} is not known here", expected=", ".join(CATALOGUE), next_step="--to litert or --to onnx"
        )
    return CATALOGUE[name]


def agreement(one: Path, other: Path, crops: NDArray[np.float32]) -> Agreement:
    """Both files on the same crops (N, S, S, 1), by class and by softmax of their logits."""
    first, second = (_answers(path, crops) for path in (one, other))
    difference = np.abs(first - second)
    same = float((first.argmax(axis=1) == second.argmax(axis=1)).mean())
    return Agreement(len(crops), same, float(difference.mean()), float(difference.max()))


def _answers(path: Path, crops: NDArray[np.float32]) -> NDArray[np.float64]:
    model = LiteRtModel(path)
    logits = np.concatenate([model.call("predict", images=crop[None])["logits"] for crop in crops]).astype(np.float64)
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _milliseconds(path: Path, sample: dict[str, NDArray[np.float32]]) -> float:
    model = LiteRtModel(path)
    return round(median_ms(lambda: model.call("predict", images=sample["images"])), 3)
