"""From faces to a model folder: draw movements, train, calibrate on validation persons, judge on persons never seen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.action_units import CLASSES
from medauth.signals.micro_classifier import MAP_PX
from medauth.training.export import Endpoint, LiteRtModel, check_agreement, write_litert
from medauth.training.figures import draw_confusion, draw_history, draw_reliability
from medauth.training.judging import (
    bootstrap_mean_recall,
    calibration_error,
    confusion_matrix,
    fit_temperature,
    reliability,
    softmax,
    wilson_rate,
)
from medauth.training.manifest import Manifest, describe_file, describe_training, write_manifest
from medauth.training.micro_faces import list_stills, read_stills
from medauth.training.micro_loop import MicroPlan, movement_logits, train_movements
from medauth.training.micro_synthesis import MovementMaps, draw_movements
from medauth.training.release import measure_speed

NAME = "micro_expression"
_STILLS = {"train": 700, "valid": 100, "test": 250}
_COPIES = {"valid": 3, "test": 3}
_SEEDS = {"train": 1, "valid": 2, "test": 3}
_AMPLITUDES = ((0.5, 1.0), (1.0, 2.0), (2.0, 3.0))


def make_micro_model(
    data: Path, work: Path, models: Path, plan: MicroPlan, command: str, report: Callable[[str], None]
) -> Manifest:
    """Everything behind `medauth train micro-expression`. What is drawn is kept in `work` for a run that goes on."""
    listed = {split: list_stills(data, split)[:most] for split, most in _STILLS.items()}
    maps = {split: _maps(split, listed[split], plan, work, report) for split in listed}
    model, progress = train_movements(maps["train"], maps["valid"], plan, work, report)
    temperature = fit_temperature(movement_logits(model, maps["valid"].maps), maps["valid"].labels)
    path = models / NAME / f"{NAME}.tflite"
    difference = _write(model, temperature, path, maps["valid"])
    metrics: dict[str, Any] = {"largest_logit_difference_to_keras": round(difference, 5)}
    for split in ("valid", "test"):
        metrics[split] = _judge(path, maps[split], temperature, split, models / NAME)
    sample = {"images": maps["valid"].maps[:1]}
    metrics["milliseconds_a_call"] = measure_speed(path, sample)
    draw_history(progress.history, models / NAME / "history.png")
    digest = {
        split: hashlib.sha256("".join(d for _, d in files).encode()).hexdigest() for split, files in listed.items()
    }
    manifest = Manifest(
        name=NAME,
        version="1",
        **describe_file(path),
        signatures=LiteRtModel(path).signatures(),
        preprocessing={
            "size_px": MAP_PX,
            "channels": ["flow right", "flow down", "strain"],
            "scale": 1.0,
            "offset": 0.0,
        },
        classes=CLASSES,
        calibration={
            "method": "temperature",
            "temperature": round(temperature, 4),
            "in_file": True,
            "data": f"valid, {len(maps['valid'].labels)} drawn movements on {_STILLS['valid']} persons",
            "least_probability": 0.5,
        },
        training=describe_training(
            command,
            Path(__file__).resolve().parents[2],
            {f"faces_lfw {split} (sha256 of the files' sha256)": value for split, value in digest.items()},
            seed=plan.seed,
            epochs=progress.epoch,
            images=len(maps["train"].labels),
            seconds=round(sum(progress.scores("seconds"))),
            plan=asdict(plan),
            note="",
        ),
        metrics=metrics,
    )
    write_manifest(models / NAME, manifest)
    return manifest


def _maps(
    split: str, files: list[tuple[Path, str]], plan: MicroPlan, work: Path, report: Callable[[str], None]
) -> MovementMaps:
    """Drawn once for a seed and kept: drawing takes as long as training."""
    copies = _COPIES.get(split, plan.copies)
    kept = work / f"maps-{split}-{plan.seed}-{len(files)}-{copies}.npz"
    if not kept.exists():
        report(f"drawing {split}: {copies} movements on each of {len(files)} faces")
        drawn = draw_movements(read_stills(files), copies, 1000 * plan.seed + _SEEDS[split])
        work.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name("partial.npz")
        np.savez(partial, **asdict(drawn))
        partial.replace(kept)
    with np.load(kept) as stored:
        return MovementMaps(stored["maps"], stored["labels"], stored["amplitudes"])


def _write(model: Any, temperature: float, path: Path, valid: MovementMaps) -> float:
    def predict(images: Any) -> dict[str, Any]:
        import keras

        logits = model(images, training=False)
        return {"logits": logits, "probabilities": keras.ops.softmax(logits / temperature, axis=-1)}

    endpoint = Endpoint("predict", predict, {"images": (1, MAP_PX, MAP_PX, 3)})
    write_litert(model, [endpoint], path, weights="float16")
    return check_agreement(path, [endpoint], [{"images": valid.maps[i : i + 1]} for i in range(32)], 0.02)


def _judge(path: Path, drawn: MovementMaps, temperature: float, split: str, folder: Path) -> dict[str, Any]:
    """Figures of the file itself; draws confusion matrix and reliability diagram."""
    file = LiteRtModel(path)
    logits = np.concatenate([file.call("predict", images=one[None])["logits"] for one in drawn.maps])
    truth, chosen = drawn.labels, logits.argmax(axis=1)
    matrix = confusion_matrix(truth, chosen, len(CLASSES))
    raw, calibrated = softmax(logits), softmax(logits, temperature)
    draw_confusion(matrix, CLASSES, f"drawn movements, {split}", folder / f"confusion_{split}.png")
    draw_reliability(reliability(raw, truth), reliability(calibrated, truth), folder / f"reliability_{split}.png")
    recall, interval = bootstrap_mean_recall(truth, chosen)
    return {
        "accuracy": _rate(chosen == truth),
        "mean_recall": {"value": round(recall, 4), "interval95": interval, "n": len(truth)},
        "recall": {name: _rate(chosen[truth == index] == index) for index, name in enumerate(CLASSES)},
        "by_amplitude": {
            f"{low} to {high} px": _rate((chosen == truth)[_between(drawn, low, high)]) for low, high in _AMPLITUDES
        },
        "calibration_error_before": round(calibration_error(raw, truth), 4),
        "calibration_error_after": round(calibration_error(calibrated, truth), 4),
        "confusion": matrix.tolist(),
    }


def _rate(hits: NDArray[np.bool_]) -> dict[str, Any]:
    return wilson_rate(int(hits.sum()), len(hits)).as_json()


def _between(drawn: MovementMaps, low: float, high: float) -> NDArray[np.bool_]:
    return np.asarray((drawn.amplitudes >= low) & (drawn.amplitudes < high))
