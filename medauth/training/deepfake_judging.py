"""Figures of the deepfake net: single frames by source and kind, sequences, natural clips; intervals over persons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.metrics import Trials, area_under_curve, resampled, wilson_rate
from medauth.signals.deepfake import check_logit
from medauth.training.degrading import compress, rescale
from medauth.training.encoded import Encoded, Runner, encode_crops
from medauth.training.forged_samples import KINDS
from medauth.training.frame_exam import Exam
from medauth.training.sequences import LENGTH

Image = NDArray[np.uint8]
Change = Callable[[Image], Image]

CHANGES: dict[str, Change] = {
    "as they are": lambda image: image,
    "JPEG 50": lambda image: compress(image, 50),
    "half resolution": lambda image: rescale(image, 0.5),
    "blur of 1.2 pixels": lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), 1.2), np.uint8),
}
_BANDS = (("below 0.35", 0.0, 0.35), ("0.35 to 0.5", 0.35, 0.5), ("above 0.5", 0.5, 9.0))


@dataclass(frozen=True)
class Scored:
    """Frame logits float64 [N] with what each picture is: `kind` "real" or how it was forged, `person`, `id_shift` (NaN: none)."""

    logits: NDArray[np.float64]
    kind: NDArray[np.str_]
    person: NDArray[np.str_]
    id_shift: NDArray[np.float64]
    pair: NDArray[np.str_]


def area_json(scores: NDArray[np.float64], fake: NDArray[np.bool_], groups: NDArray[np.str_]) -> dict[str, Any]:
    """Area under the ROC curve, numbers of real and fake, and the interval over `groups`."""
    trials = Trials(scores, fake, np.where(fake, "fake", "real"), groups)
    return {
        "auc": round(area_under_curve(scores, fake), 4),
        "interval95": resampled(trials, lambda t: area_under_curve(t.scores, t.attack)),
        "real": int((~fake).sum()),
        "fake": int(fake.sum()),
        "groups": len(np.unique(groups)),
    }


def score_exam(model: Runner, exam: Exam, change: Change) -> Scored:
    """What the file says of every crop, changed by `change`."""
    crops = np.stack([change(np.ascontiguousarray(crop)) for crop in exam.images])
    logits = encode_crops(model, crops)[1].astype(np.float64)
    return Scored(logits, np.array(KINDS)[exam.kinds], exam.persons, exam.id_shift, exam.pairs)


def dataset_figures(scored: Scored) -> dict[str, Any]:
    """Over all pictures, and by how much of another person a fake shows, beside the real faces of its pairs."""
    fake = scored.kind != "real"
    figures: dict[str, Any] = {"all": area_json(scored.logits, fake, scored.person)}
    for name, low, high in _BANDS:
        within = fake & (scored.id_shift > low) & (scored.id_shift <= high)
        keep = within | (~fake & np.isin(scored.pair, scored.pair[within]))
        if within.any():
            figures[f"id_shift {name}"] = area_json(scored.logits[keep], fake[keep], scored.person[keep])
    return figures


def blend_figures(scored: Scored) -> dict[str, Any]:
    """By species, each against the real faces."""
    found = {}
    for species in ("self_blend", "swap", "animated"):
        keep = (scored.kind == species) | (scored.kind == "real")
        found[species] = area_json(scored.logits[keep], scored.kind[keep] == species, scored.person[keep])
    return found


def sequence_figures(scores: NDArray[np.float64], encoded: Encoded) -> dict[str, Any]:
    """By species of sequence, each against all real ones."""
    found = {"all": area_json(scores, encoded.fake, encoded.persons)}
    for code, species in ((1, "dataset_fake"), (2, "forged"), (3, "animated")):
        keep = ~encoded.fake | (encoded.kinds == code)
        found[species] = area_json(scores[keep], encoded.fake[keep], encoded.persons[keep])
    return found


def windows_of(vectors: NDArray[np.float32], every: int = 4) -> NDArray[np.float32]:
    """All windows of 16 in vectors [T, 64], `every` frames apart: [W, 16, 64]."""
    starts = range(0, max(1, len(vectors) - LENGTH + 1), every)
    return np.stack([vectors[at : at + LENGTH] for at in starts if at + LENGTH <= len(vectors)])


def alarm_figures(clips: Sequence[tuple[str, NDArray[np.float64]]], points: dict[str, float]) -> dict[str, Any]:
    """False alarms on natural clips, whole ones, by operating point; `clips` are names and chances of a fake by window."""
    checks = {name: check_chance(chances) for name, chances in clips}
    values = np.array(list(checks.values()))
    return {
        "points": {
            name: {"threshold": round(point, 4), **wilson_rate(int((values >= point).sum()), len(values)).as_json()}
            for name, point in points.items()
        },
        "by_clip": {name: round(value, 4) for name, value in checks.items()},
    }


def check_chance(chances: NDArray[np.float64]) -> float:
    """A check's probability of its windows', as the signal computes it."""
    bounded = np.clip(chances, 3.4e-4, 1 - 3.4e-4)
    return float(1 / (1 + np.exp(-check_logit(np.log(bounded / (1 - bounded)).tolist()))))


def recording_figures(
    chances: NDArray[np.float64], persons: NDArray[np.str_], points: dict[str, float]
) -> dict[str, Any]:
    """Real recordings that would be called fake at each operating point, with the interval over people."""
    real = np.zeros(len(chances), bool)
    trials = Trials(chances, real, np.full(len(chances), "real"), persons)
    return {
        name: {
            "hits": int((chances >= point).sum()),
            "n": len(chances),
            "people": len(np.unique(persons)),
            "interval95": resampled(trials, lambda t, at=point: float((t.scores >= at).mean())),  # type: ignore[misc]
        }
        for name, point in points.items()
    }
