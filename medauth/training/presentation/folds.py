"""Leave one set-up out: what the net makes of cameras, screens and people it never saw.

Each fold fits the head without one group of `spoof_selfrec`. Its penalty, and how much recorded pictures weigh beside
simulated ones, are chosen by leaving out one of the groups that remain, so the judged group has no say in anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.calibration import softmax
from medauth.evaluation.metrics import Trials, area_under_curve
from medauth.signals.presentation_attack import log_odds
from medauth.signals.presentation_crop import cut_square
from medauth.training.presentation.camera import Picture
from medauth.training.presentation.head import Examples, Head, fit_head, pooled_features
from medauth.training.presentation.lessons import retake, simulate
from medauth.training.presentation.net import CLASSES, CROP_PX
from medauth.training.presentation.sets import GROUPS, StoredFace

SCALES = (0.8, 1.6)  # sides of the two crops in widths of the face
PENALTIES = (3e-3, 3e-2)
RECORDED_SHARES = (0.5,)
SIMULATED_A_CLASS = 640
_CLIP = 6.0
_SIMULATED = "simulated"


@dataclass(frozen=True)
class HeadChoice:
    """What a fold chooses by its own groups."""

    penalty: float
    recorded_share: float


CHOICES = tuple(HeadChoice(*pair) for pair in product(PENALTIES, RECORDED_SHARES))


@dataclass(frozen=True)
class Crops:
    """Pictures to fit heads on and to judge them by, before any net has seen them.

    `views` uint8 [N, 2, S, S, 3] are recorded faces as a check would cut them, `retaken` uint8 [N, S, S, 3] the same
    through another camera, `simulated` uint8 [M, S, S, 3]; labels int64, groups one text for each of N.
    """

    views: NDArray[np.uint8]
    retaken: NDArray[np.uint8]
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    simulated: NDArray[np.uint8]
    simulated_labels: NDArray[np.int64]


@dataclass(frozen=True)
class Folds:
    """Logits float32 [N, 2, C] of each recorded face by the head that never saw its group, and what each fold chose."""

    logits: NDArray[np.float32]
    choices: dict[str, HeadChoice]


def make_crops(natural: Sequence[StoredFace], recorded: Sequence[StoredFace], seed: int, cache: Path | None) -> Crops:
    """Cut and simulate; kept in the file `cache`, since it takes a minute."""
    if cache is not None and cache.exists():
        with np.load(cache) as arrays:
            return Crops(**arrays)
    rng = np.random.default_rng((seed, 5))
    labels = np.repeat(np.arange(len(CLASSES)), SIMULATED_A_CLASS)
    by_source = {source: [f for f in natural if f.source == source] for source in sorted({f.source for f in natural})}
    sources = list(by_source.values())
    bases = [
        sources[at % len(sources)][int(rng.integers(len(sources[at % len(sources)])))] for at in range(len(labels))
    ]
    crops = Crops(
        views=np.stack([views_of(face.picture(), (face.box.x, face.box.y), face.box.width) for face in recorded]),
        retaken=np.stack([retake(face, rng) for face in recorded]),
        labels=np.array([CLASSES.index(face.kind) for face in recorded], np.int64),
        groups=np.array([face.group for face in recorded]),
        simulated=np.stack([simulate(face, CLASSES[label], rng) for face, label in zip(bases, labels, strict=True)]),
        simulated_labels=labels,
    )
    if cache is not None:
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, **vars(crops))
    return crops


def views_of(picture: Picture, centre: tuple[float, float], width: float) -> NDArray[np.uint8]:
    """Both crops of a face as a check cuts them, uint8 [2, S, S, 3]."""
    return np.stack([cut_square(picture, centre, scale * width, CROP_PX) for scale in SCALES])


def make_examples(model: Any, crops: Crops) -> tuple[Examples, NDArray[np.float64]]:
    """Examples for heads (views, retaken, simulated, in this order), and the features [N, 2, F] of the views alone."""
    views = pooled_features(model, crops.views.reshape(-1, *crops.views.shape[2:]))
    retaken, simulated = pooled_features(model, crops.retaken), pooled_features(model, crops.simulated)
    labels = np.concatenate([np.repeat(crops.labels, 2), crops.labels, crops.simulated_labels])
    groups = np.concatenate([np.repeat(crops.groups, 2), crops.groups, np.full(len(simulated), _SIMULATED)])
    examples = Examples(np.concatenate([views, retaken, simulated]), labels, np.ones(len(labels)), groups)
    return examples, views.reshape(len(crops.labels), 2, -1)


def fit_without(examples: Examples, left_out: set[str], choice: HeadChoice) -> Head:
    """The head without some groups; every group and class that remains weighs the same."""
    kept = examples.at(~np.isin(examples.groups, list(left_out)))
    weights = np.empty(len(kept.labels))
    for group, label in {*zip(kept.groups.tolist(), kept.labels.tolist(), strict=True)}:
        here = (kept.groups == group) & (kept.labels == label)
        share = 1 - choice.recorded_share if group == _SIMULATED else choice.recorded_share / len(GROUPS)
        weights[here] = share / here.sum()
    return fit_head(Examples(kept.features, kept.labels, weights, kept.groups), choice.penalty)


def leave_one_out(examples: Examples, views: NDArray[np.float64], crops: Crops) -> Folds:
    """Judge each group by a head that was fitted, and chosen, without it."""
    logits = np.empty((*views.shape[:2], len(CLASSES)), np.float32)
    choices = {}
    for group in GROUPS:
        choices[group] = choose(examples, views, crops, {group})
        here = crops.groups == group
        logits[here] = fit_without(examples, {group}, choices[group]).logits(views[here])
    return Folds(logits, choices)


def choose(examples: Examples, views: NDArray[np.float64], crops: Crops, left_out: set[str]) -> HeadChoice:
    """The choice with the best mean area under the curve over groups left out in turn, besides those of `left_out`."""

    def mean_area(choice: HeadChoice) -> float:
        areas = []
        for group in sorted(set(GROUPS) - left_out):
            here = crops.groups == group
            head = fit_without(examples, left_out | {group}, choice)
            areas.append(area_under_curve(check_scores(head.logits(views[here])), crops.labels[here] > 0))
        return float(np.mean(areas))

    return max(CHOICES, key=mean_area)


def check_scores(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float64]:
    """The signal's score of single frames, float64 [N]: mean log-odds of both crops, from logits [N, 2, C]."""
    live = softmax(logits.reshape(-1, logits.shape[-1]), temperature)[:, 0].reshape(logits.shape[:2])
    odds = np.vectorize(lambda share: log_odds(1.0 - share, _CLIP))(live)
    return np.asarray(1.0 / (1.0 + np.exp(-odds.mean(axis=1))))


def as_trials(scores: NDArray[np.float64], crops: Crops) -> Trials:
    """Recorded faces for the metrics of ISO/IEC 30107-3."""
    species = np.where(crops.labels > 0, "screen_replay", "bona_fide")
    return Trials(scores, crops.labels > 0, species, crops.groups)
