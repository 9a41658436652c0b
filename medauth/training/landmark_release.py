"""The landmark net, from training to a model folder: file, manifest, card, and its figure beside the net that sees pixels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from medauth.training.checkpoint import load_progress
from medauth.training.datasets import JUDGED, LabelledImages, load_expressions
from medauth.training.export import Endpoint, LiteRtModel, check_agreement, write_litert
from medauth.training.figures import draw_confusion, draw_history
from medauth.training.judging import fit_temperature, wilson_rate
from medauth.training.landmark_faces import meshes_of
from medauth.training.landmark_net import POINTS, Floats, LandmarkLessons, LandmarkSet, build_landmark_model
from medauth.training.loop import TrainingPlan, train_on
from medauth.training.manifest import Manifest, describe_file, describe_training, write_manifest
from medauth.training.release import file_logits, judge_logits, median_ms

NAME = "expression_landmarks"
PLAN = TrainingPlan(
    epochs=16, full_size_epochs=16, peak_rate=1e-3, weight_decay=0.05, precision="float32", average_decay=0.999
)
_FLOOR = 1e-3


def make_landmarks(
    data: Path, work: Path, models: Path, plan: TrainingPlan, report: Callable[[str], None], *, judge_test: bool
) -> Manifest:
    """Train on `emotion_ferplus` (or a prepared set), judge, and write `models/expression_landmarks`."""
    names = ("train", "valid", *(("test",) if judge_test else ()))
    faces = {name: load_expressions(data, name) for name in names}
    sets = {name: LandmarkSet.of(part, meshes_of(part, work, name, report)) for name, part in faces.items()}
    shapes = sets["train"].shapes
    build = partial(build_landmark_model, shapes.mean(axis=0), shapes.std(axis=0) + _FLOOR)
    net = train_on(build, LandmarkLessons(sets["train"], sets["valid"], plan.seed), plan, work, report)
    return _release(net, sets, faces, work, models, plan)


def _release(
    net: Any,
    sets: dict[str, LandmarkSet],
    faces: dict[str, LabelledImages],
    work: Path,
    models: Path,
    plan: TrainingPlan,
) -> Manifest:
    folder, progress = models / NAME, load_progress(work)
    assert progress is not None, "train_on always leaves a state"
    valid = sets["valid"]
    agreed = valid.data.majority >= 0
    logits = np.asarray(net.predict(valid.shapes[agreed], batch_size=256, verbose=0), np.float32)
    temperature = fit_temperature(logits, valid.data.majority[agreed])
    path = folder / f"{NAME}.tflite"
    difference = write_file(net, temperature, path, valid.shapes[:64])
    metrics: dict[str, Any] = {"largest_logit_difference_to_keras": round(difference, 5)}
    for name in list(sets)[1:]:
        found = judge_logits(file_logits(path, sets[name].shapes), sets[name].data, temperature, len(JUDGED))
        metrics[name] = found.figures | {
            "mesh_found": wilson_rate(len(sets[name].shapes), len(faces[name].images)).as_json(),
            "pixels_on_the_same": _pixels(models, sets[name]),
        }
        draw_confusion(found.matrix, JUDGED, f"{NAME}, {name}", folder / f"confusion_{name}.png")
    file = LiteRtModel(path)
    metrics["milliseconds_a_call"] = {
        "predict": round(median_ms(lambda: file.call("predict", images=valid.shapes[:1])), 3)
    }
    draw_history(progress.history, folder / "history.png")
    digests = {key: value for part in faces.values() for key, value in part.digests.items()}
    manifest = Manifest(
        name=NAME,
        version="1",
        **describe_file(path),
        signatures=file.signatures(),
        preprocessing={"points": POINTS, "frame": "head", "unit": "distances between the outer eye corners"},
        classes=valid.data.classes,
        calibration={"method": "temperature", "temperature": round(temperature, 4), "in_file": True},
        training=describe_training(
            f"medauth train landmarks --data DIR --epochs {plan.epochs} --seed {plan.seed}",
            Path(__file__).resolve().parents[2],
            digests,
            seed=plan.seed,
            epochs=progress.epoch,
            images=len(sets["train"].shapes),
            seconds=round(sum(progress.scores("seconds"))),
        ),
        metrics=metrics,
    )
    write_manifest(folder, manifest)
    return manifest


def write_file(net: Any, temperature: float, path: Path, samples: Floats) -> float:
    """Write the `.tflite`; largest difference of an answer to the Keras net on `samples` (n, 478, 3)."""

    def predict(images: Any) -> dict[str, Any]:
        logits = net(images, training=False)
        return {"logits": logits, "probabilities": keras.ops.softmax(logits / temperature, axis=-1)}

    endpoint = Endpoint("predict", predict, {"images": (1, POINTS, 3)})
    write_litert(net, [endpoint], path, weights="float16")
    return check_agreement(path, [endpoint], [{"images": sample[None]} for sample in samples], 0.05)


def _pixels(models: Path, judged: LandmarkSet) -> dict[str, Any]:
    """The accuracy of `expression`, which sees pixels, on those of the same pictures that have a majority label."""
    path = models / "expression" / "expression.tflite"
    if not path.is_file():
        return {}
    agreed = judged.data.select(judged.data.majority >= 0)
    logits = file_logits(path, agreed.images[..., None].astype(np.float32))
    return wilson_rate(int((logits[:, : len(JUDGED)].argmax(1) == agreed.majority).sum()), len(logits)).as_json()
