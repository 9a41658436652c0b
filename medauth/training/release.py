"""From a trained net to a model folder: calibrate on validation data, export, judge the file itself, write it down."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.training.augmentation import augment, centre_crop
from medauth.training.catalogue import ModelSpec
from medauth.training.checkpoint import Progress
from medauth.training.datasets import LabelledImages
from medauth.training.export import (
    Arrays,
    LiteRtModel,
    check_agreement,
    explain_endpoint,
    predict_endpoint,
    write_litert,
)
from medauth.training.figures import draw_confusion, draw_history, draw_reliability
from medauth.training.judging import (
    bootstrap_mean_recall,
    calibration_error,
    chosen_classes,
    confusion_matrix,
    fit_temperature,
    reliability,
    softmax,
    wilson_rate,
)
from medauth.training.litert_file import join_signatures
from medauth.training.loop import evaluate
from medauth.training.manifest import Manifest, describe_file, describe_training, write_manifest

_AGREEMENT = {"float32": 1e-4, "float16": 0.02, "int8": 0.5, "int8_full": 2.0}
"""Largest difference of a logit; with all in eight bits single ones stray further, and the figures of the file say how
much that matters."""


@dataclass(frozen=True)
class Judgement:
    """Figures of one file on one split, ready for a manifest; `matrix` int64 [C, C] over the judged classes."""

    figures: dict[str, Any]
    matrix: NDArray[np.int64]
    raw_bins: list[dict[str, float]]
    calibrated_bins: list[dict[str, float]]


def release(
    spec: ModelSpec,
    model: Any,
    progress: Progress,
    data: Path,
    models: Path,
    command: str,
    *,
    judge_test: bool,
    note: str = "",
) -> Manifest:
    """Write `models/<name>/`: weights, manifest and pictures. The test split is read only with `judge_test`."""
    folder = models / spec.name
    path = folder / f"{spec.name}.tflite"
    splits = {name: spec.load(data, name) for name in ("train", "valid", *(("test",) if judge_test else ()))}
    valid = splits["valid"]
    temperature = calibrate(spec, model, valid)
    difference = write_file(spec, model, temperature, path, sample_inputs(spec, valid))
    metrics: dict[str, Any] = {"largest_logit_difference_to_keras": round(difference, 5)}
    for name in list(splits)[1:]:
        logits = file_logits(path, centre_crop(splits[name].images, spec.size_px))
        judgement = judge_logits(logits, splits[name], temperature, spec.judged)
        metrics[name] = judgement.figures
        _draw(spec, judgement, name, folder)
    metrics["milliseconds_a_call"] = measure_speed(path, sample_inputs(spec, valid)[0])
    draw_history(progress.history, folder / "history.png")
    digests = {key: value for part in splits.values() for key, value in part.digests.items()}
    manifest = Manifest(
        name=spec.name,
        version=spec.version,
        **describe_file(path),
        signatures=describe_signatures(path),
        preprocessing=spec.preprocessing,
        classes=valid.classes,
        calibration={
            "method": "temperature",
            "temperature": round(temperature, 4),
            "in_file": True,
            "data": f"valid, {int((valid.majority >= 0).sum())} images with a majority label"
            + (f", {spec.calibration_copies} distorted copies each" if spec.calibration_copies else ""),
            "dependable": dependable_classes(metrics["valid"]["recall"]),
        },
        training=describe_training(
            command,
            Path(__file__).resolve().parents[2],
            digests,
            seed=progress.seed,
            epochs=progress.epoch,
            images=len(splits["train"].images),
            seconds=round(sum(progress.scores("seconds"))),
            plan=asdict(spec.plan),
            note=note,
        ),
        metrics=metrics,
    )
    write_manifest(folder, manifest)
    return manifest


def calibrate(spec: ModelSpec, model: Any, valid: LabelledImages) -> float:
    """Temperature fitted on the images of `valid` that have a majority label.

    A net that makes no mistake on them gives no temperature: `spec.calibration_copies` distorts them as in training.
    """
    agreed = valid.select(valid.majority >= 0)
    if not spec.calibration_copies:
        return fit_temperature(evaluate(model, centre_crop(agreed.images, spec.size_px)), agreed.majority)
    rng = np.random.default_rng(spec.plan.seed)
    distortion = spec.plan.batches.distortion
    copies = [augment(agreed.images, spec.size_px, rng, distortion) for _ in range(spec.calibration_copies)]
    logits = np.concatenate([evaluate(model, copy) for copy in copies])
    return fit_temperature(logits, np.tile(agreed.majority, spec.calibration_copies))


def dependable_classes(recall: dict[str, dict[str, Any]], least: float = 0.8) -> list[str]:
    """Classes whose absence from the answer means something: the lower end of their recall is `least` or more."""
    return [name for name, rate in recall.items() if rate["interval95"][0] >= least]


def write_file(spec: ModelSpec, model: Any, temperature: float, path: Path, samples: list[Arrays]) -> float:
    """Write the `.tflite` and return the largest difference of a logit to the Keras net."""
    predict = predict_endpoint(model, temperature, spec.size_px)
    if spec.explained_layer is None:
        write_litert(model, [predict], path, weights=spec.frame_weights, representative=samples)
        return check_agreement(path, [predict], samples, _AGREEMENT[spec.frame_weights])
    explain = explain_endpoint(model, spec.explained_layer, spec.size_px)
    with tempfile.TemporaryDirectory() as folder:
        frame, heat = Path(folder, "frame.tflite"), Path(folder, "heat.tflite")
        write_litert(model, [predict], frame, weights=spec.frame_weights, representative=samples)
        # A net that is small enough to run in eight bits has heat that float16 changes by more than the tolerance.
        write_litert(model, [explain], heat, weights="float32" if spec.frame_weights == "int8_full" else "float16")
        path.parent.mkdir(parents=True, exist_ok=True)
        join_signatures(frame, heat, path)
    check_agreement(path, [explain], samples, 1e-3)
    return check_agreement(path, [predict], samples, _AGREEMENT[spec.frame_weights])


def sample_inputs(spec: ModelSpec, data: LabelledImages, count: int = 128) -> list[Arrays]:
    """Inputs for every signature, made from the first images of `data`."""
    images = centre_crop(data.images[:count], spec.size_px)
    directions = np.eye(len(data.classes), dtype=np.float32)
    return [{"images": images[i : i + 1], "target": directions[i % len(directions)][None]} for i in range(len(images))]


def file_logits(path: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits float32 [N, C] of a `.tflite`, image by image, as a check will run it."""
    model = LiteRtModel(path)
    return np.concatenate([model.call("predict", images=image[None])["logits"] for image in images])


def judge_logits(logits: NDArray[np.float32], data: LabelledImages, temperature: float, judged: int) -> Judgement:
    """Accuracy (argmax over the first `judged` classes, and over all), mean recall, recalls, calibration error.

    Only images on which the labellers agreed count.
    """
    agreed = data.majority >= 0
    truth, shown = data.majority[agreed], logits[agreed]
    chosen = chosen_classes(shown, judged)
    free = chosen_classes(shown, shown.shape[1])
    recall, interval = bootstrap_mean_recall(truth, chosen)
    matrix = confusion_matrix(truth, chosen, judged)
    raw, calibrated = softmax(shown), softmax(shown, temperature)
    figures = {
        "accuracy": wilson_rate(int((chosen == truth).sum()), len(truth)).as_json(),
        "accuracy_all_outputs": wilson_rate(int((free == truth).sum()), len(truth)).as_json(),
        "mean_recall": {"value": round(recall, 4), "interval95": interval, "n": len(truth)},
        "recall": {
            name: wilson_rate(int(matrix[i, i]), int(matrix[i].sum())).as_json()
            for i, name in enumerate(data.classes[:judged])
        },
        "calibration_error_before": round(calibration_error(raw, truth), 4),
        "calibration_error_after": round(calibration_error(calibrated, truth), 4),
        "confusion": matrix.tolist(),
    }
    return Judgement(figures, matrix, reliability(raw, truth), reliability(calibrated, truth))


def describe_signatures(path: Path) -> dict[str, Any]:
    """Names of the signatures with their inputs and outputs, as the file tells them."""
    return LiteRtModel(path).signatures()


def measure_speed(path: Path, sample: Arrays) -> dict[str, float]:
    """Median CPU milliseconds of one call of each signature with one thread."""
    model = LiteRtModel(path)
    speeds = {}
    for name, signature in model.signatures().items():
        inputs = {key: sample[key] for key in signature["inputs"]}
        speeds[name] = round(median_ms(partial(model.call, name, **inputs)), 3)
    return speeds


def median_ms(call: Callable[[], Any], rounds: int = 300) -> float:
    """Median CPU time of `call` on this thread in milliseconds, after 20 calls to warm up."""
    for _ in range(20):
        call()
    times = []
    for _ in range(rounds):
        started = time.thread_time()
        call()
        times.append(time.thread_time() - started)
    return float(np.median(times)) * 1e3


def _draw(spec: ModelSpec, judgement: Judgement, split: str, folder: Path) -> None:
    names = list(judgement.figures["recall"])
    draw_confusion(judgement.matrix, names, f"{spec.name}, {split}", folder / f"confusion_{split}.png")
    draw_reliability(judgement.raw_bins, judgement.calibrated_bins, folder / f"reliability_{split}.png")
