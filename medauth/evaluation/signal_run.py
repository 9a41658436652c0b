"""Judges every item of a folder and works the figures out: nothing is trained, tuned or remembered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.evaluation.calibration import binary_calibration_error, binary_reliability
from medauth.evaluation.folders import Folder, Item
from medauth.evaluation.judges import BONA_FIDE, Answer, Judge
from medauth.evaluation.metrics import Trials, by_group, detection_figures, rate_json, resampled
from medauth.evaluation.still import Unusable

TARGETS = (0.01, 0.05, 0.10)
"""Shares of bona fide presentations that may be called attacks, at which the attacks' rate is given."""


@dataclass(frozen=True, slots=True)
class Row:
    """One item and what came of it; `problem` is set where it could not be judged."""

    item: Item
    answer: Answer | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SignalReport:
    """One evaluation: rows, figures, and what was judged by what."""

    name: str
    folder: Folder
    split: str
    models: Mapping[str, str]
    rows: Sequence[Row]
    figures: Mapping[str, Any]
    trials: Mapping[str, Trials] = field(default_factory=dict)
    """By what was detected: for the plots."""
    matrix: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()

    @property
    def unusable(self) -> Mapping[str, int]:
        """How many items could not be judged, by reason."""
        return dict(Counter(row.problem for row in self.rows if row.answer is None).most_common())

    @property
    def judged(self) -> int:
        """How many could."""
        return sum(row.answer is not None for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """For programs: everything but the rows."""
        return {
            "format": "medauth evaluation v1",
            "name": self.name,
            "models": dict(self.models),
            "data": {
                "folder": self.folder.path.name,
                "sha256": self.folder.sha256,
                "split": self.split,
                "items": len(self.rows),
                "unlabelled": self.folder.unlabelled,
            },
            "judged": self.judged,
            "unusable": dict(self.unusable),
            "figures": dict(self.figures),
        }


def evaluate(
    name: str, judge: Judge, folder: Folder, split: str = "", on_item: Callable[[Item], None] | None = None
) -> SignalReport:
    """Every item once. Raises `InputError` where none could be judged."""
    rows = []
    for item in folder.items:
        rows.append(_judged(judge, item))
        if on_item is not None:
            on_item(item)
    usable = [row for row in rows if row.answer is not None]
    if not usable:
        reasons = ", ".join(f"{n} {code}" for code, n in Counter(row.problem for row in rows).most_common(4))
        raise InputError(f"none of {len(rows)} items could be judged: {reasons}", expected="pictures of faces")
    fixed = {
        policy: float(point["threshold"])
        for manifest in judge.manifests
        for policy, point in manifest.operating_points.items()
    }
    shared: dict[str, Any] = {
        "name": name,
        "folder": folder,
        "split": split,
        "models": {use.name: use.sha256 for use in judge.models},
        "rows": rows,
    }
    if judge.classes:
        return SignalReport(**shared, **_classified(usable, judge.classes))
    trials = detection_trials(usable)
    return SignalReport(**shared, figures=_detected(trials, fixed), trials={name: trials})


def detection_trials(rows: Sequence[Row]) -> Trials:
    """Scores with the labels as species; a row whose group is not known is a group of its own."""
    labels = np.array([row.item.label.lower() for row in rows])
    return Trials(
        scores=np.array([row.answer.score for row in rows if row.answer], np.float64),
        attack=np.array([label not in BONA_FIDE for label in labels], bool),
        species=labels,
        groups=_groups(rows),
    )


def _judged(judge: Judge, item: Item) -> Row:
    try:
        return Row(item, judge.answer(item))
    except Unusable as reason:
        return Row(item, problem=reason.code)


def _groups(rows: Sequence[Row]) -> NDArray[np.str_]:
    return np.array([row.item.group or f"#{index}" for index, row in enumerate(rows)])


def _detected(trials: Trials, fixed: Mapping[str, float]) -> dict[str, Any]:
    figures = detection_figures(trials, TARGETS, fixed)
    if trials.grouped:
        figures["by_group"] = by_group(trials, TARGETS)
    figures["calibration_error"] = round(binary_calibration_error(trials.scores, trials.attack), 4)
    figures["reliability"] = binary_reliability(trials.scores, trials.attack)
    return figures


def _classified(rows: Sequence[Row], classes: tuple[str, ...]) -> dict[str, Any]:
    """Accuracy, recalls and confusion over the classes that occur, and each of them detected against the rest."""
    known = {name.lower(): index for index, name in enumerate(classes)}
    kept = [row for row in rows if row.item.label.lower() in known]
    if not kept:
        raise InputError(
            f"labels {', '.join(sorted({row.item.label for row in rows})[:6])}",
            expected=f"some of {', '.join(classes)}",
        )
    truth = np.array([known[row.item.label.lower()] for row in kept])
    shown = np.unique(truth)
    chances = np.array([[row.answer.probabilities[name] for name in classes] for row in kept])  # type: ignore[union-attr, index]
    chosen = shown[chances[:, shown].argmax(axis=1)]
    right, groups = (chosen == truth), _groups(kept)
    hits = Trials(right.astype(np.float64), np.zeros(len(kept), bool), truth.astype(str), groups)
    trials = {classes[i]: Trials(chances[:, i], truth == i, np.full(len(kept), classes[i]), groups) for i in shown}
    figures: dict[str, Any] = {
        "labels_not_known": len(rows) - len(kept),
        "accuracy": rate_json(hits, lambda t: t.scores > 0),
        "mean_recall": {"value": round(_mean_recall(hits), 4), "interval95": resampled(hits, _mean_recall)},
        "recall": {classes[i]: rate_json(hits.select(truth == i), lambda t: t.scores > 0) for i in shown},
        "against_the_rest": {name: detection_figures(part, (0.05,), {}) for name, part in trials.items()},
    }
    matrix = np.bincount(truth * len(classes) + chosen, minlength=len(classes) ** 2).reshape(len(classes), -1)
    names = tuple(classes[i] for i in shown)
    return {"figures": figures, "trials": trials, "matrix": matrix[np.ix_(shown, shown)], "classes": names}


def _mean_recall(hits: Trials) -> float:
    return float(np.mean([hits.scores[hits.species == name].mean() for name in np.unique(hits.species)]))
