"""A few labelled pictures of one person to a head on the shipped expression net, judged with each picture left out.

Multinomial logistic regression on top of the net's own answer, with a penalty that pulls the correction to nothing
(offsets as in any generalised linear model: McCullagh & Nelder 1989). Pictures of one second of film are nearly the same
picture, and leaving one of them out leaves its twin in: the printed figure is then too good, which is why pictures taken
at different moments are asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.evaluation.folders import read_folder
from medauth.evaluation.metrics import Rate, wilson_rate
from medauth.evaluation.still import Onlooker, Unusable
from medauth.signals.emotion_personal import Head, features_of
from medauth.signals.emotion_reader import EmotionReader
from medauth.signals.emotion_services import NAMES

Floats = NDArray[np.float64]
LEAST_CLASSES, LEAST_EACH = 2, 4
_HOLD = 2.0
"""Strength of the pull to no correction, in pictures."""
_ROUNDS, _RATE = 400, 0.5


@dataclass(frozen=True, slots=True)
class Captures:
    """Features (n, features) and classes (n,) of the pictures that could be used, and why others could not."""

    features: Floats
    labels: NDArray[np.int64]
    unusable: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Judged:
    """Each picture judged by a head that was fitted without it, and by the shipped net."""

    personal: Rate
    general: Rate
    counts: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """For the head's file."""
        return {
            "left_one_out": {"personal": self.personal.as_json(), "general": self.general.as_json()},
            "pictures": dict(self.counts),
        }


def read_captures(folder: Path, reader: EmotionReader, on_item: Callable[[], None] = lambda: None) -> Captures:
    """Folders named after expressions. Raises `InputError` for another name, or for too few pictures."""
    rows, labels, unusable = list[Floats](), list[int](), Counter[str]()
    with Onlooker() as onlooker:
        for item in read_folder(folder).items:
            label = NAMES.get(item.label.lower(), item.label.lower())
            if label not in reader.classes:
                raise InputError(f"a folder called {item.label!r}", expected=", ".join(reader.classes))
            try:
                image, track = onlooker.still(item)
            except Unusable as problem:
                unusable[problem.code] += 1
            else:
                rows.append(features_of(reader, image, track))
                labels.append(reader.classes.index(label))
            on_item()
    counts = Counter(labels)
    if len(counts) < LEAST_CLASSES or min(counts.values()) < LEAST_EACH:
        told = ", ".join(f"{reader.classes[k]} {n}" for k, n in sorted(counts.items())) or "none"
        raise InputError(
            f"too few usable pictures ({told}; unusable: {sum(unusable.values())})",
            expected=f"at least {LEAST_CLASSES} expressions with {LEAST_EACH} pictures each",
            next_step="take them at different moments, in the light and at the distance of later use",
        )
    return Captures(np.stack(rows), np.array(labels, np.int64), dict(unusable))


def fit_head(features: Floats, labels: NDArray[np.int64], classes: int) -> Head:
    """The head that explains the labels best, held near no correction; only classes that were shown are moved."""
    shown = np.zeros(classes)
    shown[np.unique(labels)] = 1.0
    centre, scale = features.mean(axis=0), features.std(axis=0) + 0.5
    inputs, own = (features - centre) / scale, features[:, :classes]
    wanted = np.eye(classes)[labels]
    balance = (len(labels) / (shown.sum() * np.bincount(labels, minlength=classes).clip(1)))[labels][:, None]
    weights, bias = np.zeros((classes, features.shape[1])), np.zeros(classes)
    for _ in range(_ROUNDS):
        raised = own + inputs @ weights.T + bias
        shares = np.exp(raised - raised.max(axis=1, keepdims=True))
        error = balance * (shares / shares.sum(axis=1, keepdims=True) - wanted)
        weights -= _RATE * shown[:, None] * (error.T @ inputs + _HOLD * weights) / len(labels)
        bias -= _RATE * shown * (error.sum(axis=0) + 0.1 * _HOLD * bias) / len(labels)
    plain = weights / scale
    return Head(plain, bias - plain @ centre)


def judge_head(captures: Captures, classes: Sequence[str]) -> Judged:
    """Leave one picture out at a time."""
    every = np.arange(len(captures.labels))
    right = 0
    for left_out in every:
        rest = every != left_out
        head = fit_head(captures.features[rest], captures.labels[rest], len(classes))
        right += int(head.probabilities(captures.features[~rest])[0].argmax() == captures.labels[left_out])
    plain = captures.features[:, : len(classes)].argmax(axis=1) == captures.labels
    counts = Counter(classes[int(label)] for label in captures.labels)
    return Judged(wilson_rate(right, len(every)), wilson_rate(int(plain.sum()), len(every)), dict(counts))
