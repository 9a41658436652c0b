"""From the trained deepfake nets to their folder: calibrate, fix the operating point, export, judge the file, write it down."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.calibration import binary_calibration_error, binary_reliability, fit_temperature
from medauth.training.checkpoint import Progress, load_progress
from medauth.training.deepfake import (
    ENCODE,
    TrainedFrames,
    Workshop,
    encoded_people,
    encoded_sequences,
    finish_frames,
    train_frames,
    train_head,
)
from medauth.training.deepfake_export import write_deepfake
from medauth.training.deepfake_heat import judge_heat
from medauth.training.deepfake_judging import (
    CHANGES,
    alarm_figures,
    blend_figures,
    check_chance,
    dataset_figures,
    recording_figures,
    score_exam,
    sequence_figures,
    windows_of,
)
from medauth.training.deepfake_net import CLASSES
from medauth.training.deepfake_points import operating_points
from medauth.training.deepfake_volume import compare_volume
from medauth.training.encoded import Encoded, encode_crops
from medauth.training.export import LiteRtModel
from medauth.training.face_bank import BOX, CROP_PX, SOURCES, centre
from medauth.training.figures import draw_history, draw_reliability
from medauth.training.manifest import Manifest, describe_file, describe_training, write_manifest
from medauth.training.release import median_ms
from medauth.training.sequence_lessons import head_logits
from medauth.training.sequences import Footage

_REPOSITORY = Path(__file__).resolve().parents[2]


def make_deepfake(shop: Workshop, models: Path, command: str, *, judge_test: bool, note: str = "") -> Manifest:
    """Train what is not trained yet and write `models/deepfake/`. The test splits are read only with `judge_test`."""
    frames = finish_frames(shop, train_frames(shop))
    clips = shop.clips()
    train, valid = (encoded_sequences(shop, frames, split, clips) for split in ("train", "valid"))
    head = train_head(shop, frames, train, valid)
    logits = head_logits(head, valid.vectors)
    temperature = _temperature(logits, valid)
    chances = _sigmoid(logits / temperature)
    strangers = natural_clips(shop, frames, train, valid, clips)
    most = max(check_chance(chances) for _, chances in strangers)
    people = encoded_people(shop, frames, "valid")
    assert not people.fake.any()
    points = operating_points(_sigmoid(head_logits(head, people.vectors) / temperature), people.persons, most)
    folder = models / "deepfake"
    path = folder / "deepfake.tflite"
    crops = shop.sequences("valid", clips)[0].images[0]
    difference = write_deepfake(frames.encoder, frames.direction, head, temperature, path, crops, shop.folder / ENCODE)
    metrics: dict[str, Any] = {
        "largest_difference_to_keras": round(difference, 5),
        "valid": {
            "sequences": sequence_figures(logits, valid),
            "frames_alone": sequence_figures(valid.frames.astype(np.float64), valid),
            "calibration_error_before": round(binary_calibration_error(_sigmoid(logits), valid.fake), 4),
            "calibration_error_after": round(binary_calibration_error(chances, valid.fake), 4),
        },
        "milliseconds_a_call": _speeds(path, crops),
        "natural_clips": alarm_figures(strangers, {name: point["threshold"] for name, point in points.items()}),
    }
    draw_reliability(
        binary_reliability(_sigmoid(logits), valid.fake),
        binary_reliability(chances, valid.fake),
        folder / "reliability_valid.png",
    )
    history = [{**entry, "accuracy": entry["score"]} for entry in _frame_progress(shop).history]
    draw_history(history, folder / "history.png", "validation: mean area under the curve")
    sequences = [shop.sequences(split, clips) for split in ("train", "valid")]
    compare_volume(shop, sequences[0], sequences[1], folder)
    judge_heat(LiteRtModel(path), sequences[1][0], folder)
    if judge_test:
        metrics["test"] = judge_test_splits(shop, frames, head, clips, temperature, points)
    manifest = _manifest(shop, path, temperature, points, len(valid.fake), len(train.fake), metrics, command, note)
    write_manifest(folder, manifest)
    return manifest


def judge_test_splits(
    shop: Workshop,
    frames: TrainedFrames,
    head: Any,
    clips: list[Footage],
    temperature: float,
    points: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Everything that is measured on people of the test splits."""
    exam, runner = shop.exam("test"), frames.runner
    dataset = exam.sources == SOURCES[1]
    found: dict[str, Any] = {"dataset": {}, "blends": {}}
    for name, change in CHANGES.items():
        found["dataset"][name] = dataset_figures(score_exam(runner, exam.select(dataset), change))
        found["blends"][name] = blend_figures(score_exam(runner, exam.select(~dataset), change))
        shop.report(f"{name}: {json.dumps(found['dataset'][name]['all'])} {json.dumps(found['blends'][name])}")
    test = encoded_sequences(shop, frames, "test", clips)
    logits = head_logits(head, test.vectors)
    found["sequences"] = sequence_figures(logits, test)
    found["calibration_error"] = round(binary_calibration_error(_sigmoid(logits / temperature), test.fake), 4)
    people = encoded_people(shop, frames, "test")
    found["recordings"] = recording_figures(
        _sigmoid(head_logits(head, people.vectors) / temperature),
        people.persons,
        {name: point["threshold"] for name, point in points.items()},
    )
    found["sequences_by_frames_alone"] = sequence_figures(test.frames.astype(np.float64), test)
    return found


def natural_clips(
    shop: Workshop, frames: TrainedFrames, train: Encoded, valid: Encoded, clips: list[Footage]
) -> list[tuple[str, NDArray[np.float64]]]:
    """Names of natural clips, and by window the chance of a fake by a head that was trained without any of them."""
    strangers = train.select(~np.isin(train.persons, [clip.person for clip in clips]))
    head = train_head(shop, frames, strangers, valid, "head-without-clips")
    temperature = _temperature(head_logits(head, valid.vectors), valid)
    return [
        (
            clip.person,
            _sigmoid(head_logits(head, windows_of(encode_crops(frames.runner, centre(clip.images))[0])) / temperature),
        )
        for clip in clips
    ]


def _manifest(
    shop: Workshop,
    path: Path,
    temperature: float,
    points: dict[str, dict[str, Any]],
    judged: int,
    sequences: int,
    metrics: dict[str, Any],
    command: str,
    note: str,
) -> Manifest:
    head, trained = load_progress(shop.folder / "head"), _frame_progress(shop)
    assert head is not None, "training always leaves a state"
    digests = shop.bank("train").digests() | {f"valid: {k}": v for k, v in shop.bank("valid").digests().items()}
    return Manifest(
        name="deepfake",
        version="1",
        **describe_file(path),
        signatures=LiteRtModel(path).signatures(),
        preprocessing={
            "size_px": CROP_PX,
            "colour": "bgr",
            "scale": 1.0,
            "offset": 0.0,
            "dtype": "float32",
            "face": {"eyes_x": BOX.eyes_x, "eyes_y": BOX.eyes_y, "outer_eyes": BOX.outer_eyes},
        },
        classes=CLASSES,
        calibration={
            "method": "temperature",
            "temperature": round(temperature, 4),
            "in_file": True,
            "data": f"valid, {judged} sequences",
        },
        training=describe_training(
            command,
            _REPOSITORY,
            digests,
            seed=shop.plan.seed,
            images=trained.epoch * shop.plan.shards.each_epoch * 2 * shop.plan.shards.samples.pairs,
            frame_epochs=trained.epoch,
            history=trained.history,
            sequences=sequences,
            head_epochs=head.epoch,
            plan=asdict(shop.plan),
            note=note,
        ),
        metrics=metrics,
        operating_points=points,
    )


def _frame_progress(shop: Workshop) -> Progress:
    progress = load_progress(shop.folder / "frames")
    assert progress is not None, "training always leaves a state"
    return progress


def _temperature(logits: NDArray[np.float64], valid: Encoded) -> float:
    pairs = np.stack([np.zeros_like(logits), logits], axis=1).astype(np.float32)
    return fit_temperature(pairs, valid.fake.astype(np.int64))


def _speeds(path: Path, crops: NDArray[np.uint8]) -> dict[str, float]:
    model = LiteRtModel(path)
    images = crops.astype(np.float32)
    found = [model.call("encode", images=image[None]) for image in images]
    vectors = np.concatenate([f["vector"] for f in found])[None]
    maps = np.concatenate([f["maps"] for f in found])[None]
    return {
        "encode": round(median_ms(lambda: model.call("encode", images=images[:1])), 3),
        "score": round(median_ms(lambda: model.call("score", vectors=vectors)), 3),
        "explain": round(median_ms(lambda: model.call("explain", maps=maps), 100), 3),
    }


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-values)), dtype=np.float64)
