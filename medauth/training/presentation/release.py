"""From the net to `models/presentation_attack/`: head, temperature, operating points, file, figures, manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.calibration import calibration_error, fit_temperature, reliability, softmax
from medauth.evaluation.metrics import Trials, by_group, detection_figures, threshold_at_bpcer
from medauth.signals.models import ModelLibrary
from medauth.signals.presentation_attack import PresentationTuning, log_odds, trimmed_mean
from medauth.training.checkpoint import Progress
from medauth.training.export import check_agreement, explain_endpoint, gradient_heat, predict_endpoint, write_litert
from medauth.training.figures import draw_confusion, draw_detection, draw_history, draw_reliability
from medauth.training.manifest import Manifest, describe_file, describe_training, write_manifest
from medauth.training.presentation.course import Faces
from medauth.training.presentation.folds import (
    CHOICES,
    SCALES,
    Crops,
    Folds,
    HeadChoice,
    as_trials,
    check_scores,
    choose,
    fit_without,
    leave_one_out,
    make_crops,
    make_examples,
    views_of,
)
from medauth.training.presentation.head import Head, pooled_features
from medauth.training.presentation.judge import judge_clips, judge_heat, judge_held_out, simulate_held_out
from medauth.training.presentation.net import CLASSES, CROP_PX, LAST_CONVOLUTION
from medauth.training.presentation.sets import StoredFace, digest_of
from medauth.training.release import describe_signatures, measure_speed

NAME = "presentation_attack"
_TARGETS = {"standard": 0.01, "strict": 0.05}  # of bona fide checks refused, by policy
_FIGURE_TARGETS = (0.01, 0.05, 0.1)
_LEAST_PICTURES = 4  # of one actor, to stand for a check
_LOGIT_TOLERANCE, _HEAT_TOLERANCE = 0.02, 1e-3
_SAMPLES = 16
_ABOVE = 1e-4


@dataclass(frozen=True)
class Fitted:
    """The head that is released, and what the folds without each group say of it."""

    head: Head
    choice: HeadChoice
    temperature: float
    folds: Folds
    crops: Crops


def fit(faces: Faces, model: Any, folder: Path, seed: int) -> Fitted:
    """Fit heads for all folds and for release; the temperature comes from crops that their fold left out."""
    crops = make_crops(faces.natural, faces.recorded, seed, folder / "crops.npz")
    examples, views = make_examples(model, crops)
    folds = leave_one_out(examples, views, crops)
    choice = choose(examples, views, crops, set())
    truth = np.repeat(crops.labels, 2)
    temperature = fit_temperature(folds.logits.reshape(-1, len(CLASSES)), truth)
    return Fitted(fit_without(examples, set(), choice), choice, temperature, folds, crops)


def release(
    fitted: Fitted, model: Any, faces: Faces, progress: Progress, models: Path, command: str, note: str = ""
) -> Manifest:
    """Write the model's folder; every figure is that of the file or of the folds."""
    folder = models / NAME
    path = folder / f"{NAME}.tflite"
    model.get_layer("logits").set_weights([fitted.head.kernel.astype(np.float32), fitted.head.bias.astype(np.float32)])
    differences = write_file(model, fitted.temperature, path, fitted.crops)
    points = operating_points(fitted, model, faces.valid)
    metrics = {**differences, "leave_one_group_out": group_figures(fitted, thresholds_of(points))}
    metrics["milliseconds_a_call"] = measure_speed(path, _samples(fitted.crops)[0])
    _draw(fitted, progress, folder)
    manifest = _manifest(fitted, faces, progress, path, metrics, points, command, note)
    write_manifest(folder, manifest)
    return manifest


def judge(data: Path, models: Path) -> dict[str, Any]:
    """Judge the released file on held-out people, unseen clips and by deletion; write `judged.json` beside it."""
    model = ModelLibrary([models]).load(NAME)
    thresholds, people = thresholds_of(model.manifest.operating_points), simulate_held_out(data)
    found = {
        "held_out_people": judge_held_out(model, people, thresholds),
        "natural_clips": judge_clips(model, data, thresholds),
        "heat_maps": judge_heat(model, people),
    }
    (models / NAME / "judged.json").write_text(json.dumps(found, indent=1) + "\n")
    return found


def write_file(model: Any, temperature: float, path: Path, crops: Crops) -> dict[str, float]:
    """Write both signatures into one file and compare them with the net and with `tf.GradientTape`."""
    predict = predict_endpoint(model, temperature, CROP_PX)
    explain = explain_endpoint(model, LAST_CONVOLUTION, CROP_PX)
    write_litert(model, [predict, explain], path, weights="float16")
    samples = _samples(crops)
    logits = check_agreement(path, [predict], samples, _LOGIT_TOLERANCE)
    check_agreement(path, [explain], samples, _HEAT_TOLERANCE)
    tape = max(
        float(np.abs(explain.function(**sample)["heat"] - gradient_heat(model, LAST_CONVOLUTION, **sample)).max())
        for sample in samples
    )
    return {"largest_logit_difference_to_keras": round(logits, 5), "largest_heat_difference_to_tape": round(tape, 7)}


def operating_points(fitted: Fitted, model: Any, valid: Sequence[StoredFace]) -> dict[str, Any]:
    """Thresholds by policy from living validation faces that stand for checks: an actor's pictures, a set-up's crops.

    A set-up is scored by the head that never saw it; the actors were in no training.
    """
    checks = [
        _strength(scores)
        for scores in _by_group(
            check_scores(fitted.folds.logits, fitted.temperature)[fitted.crops.labels == 0],
            fitted.crops.groups[fitted.crops.labels == 0],
            1,
        )
    ]
    views = np.stack([views_of(face.picture(), (face.box.x, face.box.y), face.box.width) for face in valid])
    features = pooled_features(model, views.reshape(-1, *views.shape[2:])).reshape(len(valid), 2, -1)
    scores = check_scores(fitted.head.logits(features), fitted.temperature)
    checks += [_strength(part) for part in _by_group(scores, np.array([f.group for f in valid]), _LEAST_PICTURES)]
    living = np.array(checks)
    return {
        policy: {
            "threshold": _finite(threshold_at_bpcer(living, np.zeros(len(living), bool), target), living),
            "bpcer_target": target,
            "bona_fide_checks": len(living),
            "from": "medauth train presentation-attack",
        }
        for policy, target in _TARGETS.items()
    }


def _finite(threshold: float, living: NDArray[np.float64]) -> float:
    """With few checks a small target allows no alarm at all: then just above the highest score that was seen."""
    return round(min(threshold, float(living.max()) + _ABOVE), 6)


def thresholds_of(points: Mapping[str, Any]) -> dict[str, float]:
    """By policy, from a manifest's operating points."""
    return {policy: float(point["threshold"]) for policy, point in points.items()}


def group_figures(fitted: Fitted, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """AUC and error rates of single frames, over all set-ups and for each; each judged by the fold without it."""
    trials = as_trials(check_scores(fitted.folds.logits, fitted.temperature), fitted.crops)
    groups = by_group(trials, _FIGURE_TARGETS)
    areas = [entry["auc"] for entry in groups.values()]
    return {
        "groups": groups,
        "mean_auc": round(float(np.mean(areas)), 4),
        "lowest_auc": round(min(areas), 4),
        "pooled": detection_figures(trials, _FIGURE_TARGETS, thresholds),
        "chosen": {group: asdict(choice) for group, choice in fitted.folds.choices.items()},
        "choices": len(CHOICES),
        "checks": _group_checks(trials),
    }


def _group_checks(trials: Trials) -> dict[str, Any]:
    """The trimmed score of all frames of a set-up, living and attack, as one check each."""
    found = {}
    for group in np.unique(trials.groups):
        part = trials.select(trials.groups == group)
        live, attack = _strength(part.scores[~part.attack]), _strength(part.scores[part.attack])
        found[str(group)] = {"live": round(live, 4), "attack": round(attack, 4)}
    return found


def _strength(scores: NDArray[np.float64]) -> float:
    """Score of a check from the scores of its frames, as the signal computes it."""
    tuning = PresentationTuning()
    odds = trimmed_mean([log_odds(float(score), tuning.clip) for score in scores], tuning.trim)
    return float(1 / (1 + np.exp(-odds)))


def _by_group(scores: NDArray[np.float64], groups: NDArray[np.str_], least: int) -> list[NDArray[np.float64]]:
    parts = [scores[groups == group] for group in np.unique(groups)]
    return [part for part in parts if len(part) >= least]


def _samples(crops: Crops) -> list[dict[str, NDArray[np.float32]]]:
    directions = np.eye(len(CLASSES), dtype=np.float32)
    step = max(1, len(crops.views) // _SAMPLES)
    return [
        {"images": views[:1].astype(np.float32), "target": directions[at % len(directions)][None]}
        for at, views in enumerate(crops.views[::step])
    ]


def _draw(fitted: Fitted, progress: Progress, folder: Path) -> None:
    logits, truth = fitted.folds.logits.reshape(-1, len(CLASSES)), np.repeat(fitted.crops.labels, 2)
    raw, calibrated = softmax(logits), softmax(logits, fitted.temperature)
    draw_reliability(reliability(raw, truth), reliability(calibrated, truth), folder / "reliability.png")
    trials = as_trials(check_scores(fitted.folds.logits, fitted.temperature), fitted.crops)
    draw_detection(trials, f"{NAME}, each set-up left out", folder / "roc_groups.png")
    matrix = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(matrix, (truth, logits.argmax(axis=1)), 1)
    draw_confusion(matrix, CLASSES, f"{NAME}, each set-up left out, single crops", folder / "confusion.png")
    history = [{**entry, "accuracy": entry["score"]} for entry in progress.history]
    draw_history(history, folder / "history.png", judged="mean AUC on simulated attacks")


def _manifest(
    fitted: Fitted,
    faces: Faces,
    progress: Progress,
    path: Path,
    metrics: dict[str, Any],
    points: dict[str, Any],
    command: str,
    note: str,
) -> Manifest:
    logits, truth = fitted.folds.logits.reshape(-1, len(CLASSES)), np.repeat(fitted.crops.labels, 2)
    sources = sorted({face.source for face in faces.natural})
    digests = {source: digest_of([f for f in faces.natural if f.source == source]) for source in sources}
    digests |= {"spoof_selfrec": digest_of(faces.recorded), "validation": digest_of(faces.valid)}
    error: Callable[[float], float] = lambda t: round(calibration_error(softmax(logits, t), truth), 4)  # noqa: E731
    return Manifest(
        name=NAME,
        version="1",
        **describe_file(path),
        signatures=describe_signatures(path),
        preprocessing={
            "size_px": CROP_PX,
            "colour": "BGR",
            "scale": 1.0,
            "offset": 0.0,
            "dtype": "float32",
            "face_widths": list(SCALES),
        },
        classes=CLASSES,
        calibration={
            "method": "temperature",
            "temperature": round(fitted.temperature, 4),
            "in_file": True,
            "data": "spoof_selfrec, each crop by the head without its set-up",
            "error_before": error(1.0),
            "error_after": error(fitted.temperature),
        },
        training=describe_training(
            command,
            Path(__file__).resolve().parents[3],
            digests,
            seed=progress.seed,
            epochs=progress.epoch,
            images=len(faces.natural) + len(faces.recorded),
            seconds=round(sum(progress.scores("seconds"))),
            plan=progress.plan,
            head=asdict(fitted.choice),
            note=note,
        ),
        metrics=metrics,
        operating_points=points,
    )
