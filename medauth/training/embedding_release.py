"""From a trained embedding to a model folder: thresholds from validation persons, figures on persons never seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.training.augmentation import centre_crop
from medauth.training.checkpoint import Progress
from medauth.training.export import Endpoint, LiteRtModel, check_agreement, write_litert
from medauth.training.face_embedding import CHIP_PX, embedding_part
from medauth.training.face_images import Faces, read_pairs
from medauth.training.judging import wilson_rate
from medauth.training.manifest import Manifest, describe_file, describe_training, write_manifest
from medauth.training.release import measure_speed
from medauth.training.verification import (
    accuracy,
    area_between,
    best_threshold,
    equal_error_rate,
    fold_accuracies,
    likeness,
    pair_scores,
    threshold_at,
)

FACE_EMBEDDING = "face_embedding"
Vectors = Mapping[str, NDArray[np.float32]]
VALID_PAIRS, UNSEEN_PAIRS = (7,), (8, 9)
"""Folds of `pairs.csv` whose persons choose the threshold, and those that no training and no choice has seen."""


def release_embedding(
    model: Any, progress: Progress, faces: Mapping[str, Faces], data: Path, models: Path, command: str, plan: Any
) -> Manifest:
    """Write `models/face_embedding/`: weights, manifest, figures."""
    folder = models / FACE_EMBEDDING
    path = folder / f"{FACE_EMBEDDING}.tflite"
    net = embedding_part(model)
    endpoint = embedding_endpoint(net, (1, CHIP_PX, CHIP_PX, 1))
    write_litert(net, [endpoint], path, weights="float16")
    samples = [{"images": image[None]} for image in centre_crop(faces["valid"].images[:32], CHIP_PX)]
    difference = check_agreement(path, [endpoint], samples, 0.01)
    vectors = file_vectors(path, faces)
    metrics = judge_vectors(vectors, data, faces)
    metrics |= {
        "largest_difference_to_keras": round(difference, 5),
        "milliseconds_a_call": measure_speed(path, samples[0]),
    }
    manifest = Manifest(
        name=FACE_EMBEDDING,
        version="1",
        **describe_file(path),
        signatures=LiteRtModel(path).signatures(),
        preprocessing=chip_needs(CHIP_PX, "grey"),
        classes=(),
        calibration={"method": "threshold", "same_person": metrics["thresholds"]},
        training=describe_training(
            command,
            Path(__file__).resolve().parents[2],
            {key: value for part in faces.values() for key, value in part.digests.items()},
            seed=progress.seed,
            epochs=progress.epoch,
            images=len(faces["train"].images),
            persons=faces["train"].persons,
            seconds=round(sum(progress.scores("seconds"))),
            taught=bool(faces["train"].taught.shape[1]),
            plan=asdict(plan),
        ),
        metrics=metrics,
    )
    write_manifest(folder, manifest)
    return manifest


def chip_needs(size_px: int, colour: str) -> dict[str, Any]:
    """Preprocessing of a five-point chip, as a manifest states it."""
    return {"size_px": size_px, "colour": colour, "scale": 1.0, "offset": 0.0, "dtype": "float32", "cut": "five points"}


def embedding_endpoint(net: Any, shape: tuple[int, ...]) -> Endpoint:
    """Signature `predict`: a chip to its embedding."""

    def predict(images: Any) -> dict[str, Any]:
        return {"embedding": net(images, training=False)}

    return Endpoint("predict", predict, {"images": shape})


def file_vectors(path: Path, faces: Mapping[str, Faces]) -> dict[str, NDArray[np.float32]]:
    """Embedding of every face by its path, by the file itself."""
    stored, vectors = LiteRtModel(path), {}
    for part in faces.values():
        for name, image in zip(part.names, centre_crop(part.images, CHIP_PX), strict=True):
            vectors[name] = stored.call("predict", images=image[None])["embedding"][0].copy()
    return vectors


def judge_vectors(vectors: Vectors, data: Path, faces: Mapping[str, Faces]) -> dict[str, Any]:
    """Thresholds from the validation persons; accuracy on pairs of unseen ones; the ten folds; actors of other videos."""
    pairs = [pair for pair in read_pairs(data) if pair[2] in vectors and pair[3] in vectors]
    scores = pair_scores(dict(vectors), pairs)
    folds, same = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    valid, unseen = np.isin(folds, VALID_PAIRS), np.isin(folds, UNSEEN_PAIRS)
    threshold = best_threshold(scores[valid], same[valid])
    right = int(((scores[unseen] >= threshold) == same[unseen]).sum())
    each = fold_accuracies(scores, same, folds)
    rate, at = equal_error_rate(scores[unseen], same[unseen])
    return {
        "unseen": {
            "accuracy": wilson_rate(right, int(unseen.sum())).as_json(),
            "threshold": round(threshold, 4),
            "folds": {
                str(fold): round(accuracy(scores[folds == fold], same[folds == fold], threshold), 4)
                for fold in UNSEEN_PAIRS
            },
            "equal_error_rate": round(rate, 4),
            "equal_error_threshold": round(at, 4),
            "area_under_curve": round(area_between(scores[unseen & same], scores[unseen & ~same]), 4),
        },
        "ten_folds": {
            "mean": round(float(np.mean(each)), 4),
            "deviation": round(float(np.std(each)), 4),
            "pairs": len(pairs),
        },
        "actors": {part: _actors(vectors, faces[part]) for part in ("valid", "test") if part in faces},
        "thresholds": thresholds(vectors, faces["valid"]),
    }


def thresholds(vectors: Vectors, valid: Faces) -> dict[str, Any]:
    """`match` lets 1 in 100 pairs of two persons pass, `stranger` 1 in 5: over all pairs of each set's validation
    persons, the stricter of the two sets."""
    found = {}
    for prefix in sorted({name.split("/")[0] for name in valid.names}):
        _, other = _of_set(vectors, valid, prefix)
        found[prefix] = (threshold_at(other, 0.01), threshold_at(other, 0.2))
    return {
        "match": round(max(match for match, _ in found.values()), 4),
        "stranger": round(max(stranger for _, stranger in found.values()), 4),
        "data": f"validation persons of {', '.join(found)}: false matches 1 % and 20 %",
    }


def _actors(vectors: Vectors, faces: Faces) -> dict[str, Any]:
    same, other = _of_set(vectors, faces, "deepfake")
    return {"area_under_curve": round(area_between(same, other), 4), "same": len(same), "other": len(other)}


def _of_set(vectors: Vectors, faces: Faces, prefix: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    chosen = [index for index, name in enumerate(faces.names) if name.startswith(prefix)]
    return likeness(np.stack([vectors[faces.names[i]] for i in chosen]), faces.person[chosen])
