"""Does anybody who votes with the expression net make it better? Each member and some together, on labelled tiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.metrics import wilson_rate
from medauth.signals.emotion_landmarks import LandmarkEmotionModel
from medauth.signals.emotion_reader import joined
from medauth.signals.emotion_services import NAMES
from medauth.signals.models import Model, ModelLibrary, prepare_image
from medauth.training.datasets import JUDGED, load_expressions
from medauth.training.landmark_faces import meshes_of, track_of

Answers = Sequence[Mapping[str, float] | None]
PIXELS = ("expression_student", "expression_mobilenet", "expression_robust", "fer_mini_xception")
MESH = "expression_landmarks"
TOGETHER: tuple[Mapping[str, float], ...] = (
    {},
    *({name: 1.0} for name in (*PIXELS, MESH)),
    {MESH: 0.3},
    {"expression_student": 0.5, "fer_mini_xception": 0.3},
    {"expression_student": 0.5, "expression_mobilenet": 0.5, "expression_robust": 0.5, MESH: 0.5},
)
"""Weights beside ours, which is 1; the first is ours alone. Some of many; none was chosen by its figure."""


def judge_ensembles(
    data: Path, work: Path, models: ModelLibrary, split: str, report: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Accuracy over the seven classes with a majority label, and how many pictures each ensemble mends and spoils."""
    faces = load_expressions(data, split)
    meshes = meshes_of(faces, work, split, report)
    agreed = faces.majority >= 0
    tiles, truth = faces.images[agreed], faces.majority[agreed]
    ours = _by_pixels(models.load("expression"), tiles)
    answers: dict[str, Answers] = {name: _by_pixels(models.load(name), tiles) for name in PIXELS}
    answers[MESH] = _by_mesh(LandmarkEmotionModel(models.load(MESH)), meshes[agreed])
    own = np.array([[row[name] for name in faces.classes] for row in ours], np.float32)
    alone = own[:, : len(JUDGED)].argmax(axis=1) == truth
    found = []
    for weights in TOGETHER:
        chosen = np.array([_joint(faces.classes, own[k], weights, answers, k) for k in range(len(truth))])
        right = chosen == truth
        row = {
            "members": dict(weights),
            "accuracy": wilson_rate(int(right.sum()), len(truth)).as_json(),
            "mended": int((right & ~alone).sum()),
            "spoiled": int((alone & ~right).sum()),
        }
        report(f"{row['members'] or 'expression alone'}: {wilson_rate(int(right.sum()), len(truth))}, "
               f"mended {row['mended']}, spoiled {row['spoiled']}")  # fmt: skip
        found.append(row)
    return found


def _joint(
    classes: Sequence[str],
    own: NDArray[np.float32],
    weights: Mapping[str, float],
    answers: Mapping[str, Answers],
    k: int,
) -> int:
    heard = [(answer, weight) for name, weight in weights.items() if (answer := answers[name][k])]
    return int(joined(classes, own, heard)[: len(JUDGED)].argmax())


def _by_pixels(model: Model, tiles: NDArray[np.uint8]) -> list[dict[str, float]]:
    """A tile is the face as FER2013 cut it, which all of these were trained on."""
    side, names = int(model.input_shape()[1]), [NAMES.get(name, name) for name in model.manifest.classes]
    found = []
    for tile in tiles:
        face = tile if tile.shape[0] == side else cv2.resize(tile, (side, side), interpolation=cv2.INTER_LINEAR)
        shares = model.run("predict", images=prepare_image(np.asarray(face, np.uint8), model.manifest))["probabilities"]
        found.append(dict(zip(names, np.asarray(shares, np.float64).ravel().tolist(), strict=True)))
    return found


def _by_mesh(model: LandmarkEmotionModel, meshes: NDArray[np.float32]) -> Answers:
    blank = np.zeros((1, 1, 3), np.uint8)
    return [model.probabilities_of(blank, track_of(mesh)) if np.isfinite(mesh[0, 0]) else None for mesh in meshes]
