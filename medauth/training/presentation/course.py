"""What the net learns from: simulated attacks on many people. All folds share it, since it has seen no recorded attack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.calibration import softmax
from medauth.evaluation.metrics import area_under_curve
from medauth.training.batches import Batch, BatchPlan
from medauth.training.loop import TrainingPlan, evaluate, train_on
from medauth.training.presentation.lessons import Mixture, Presentations, simulated_set
from medauth.training.presentation.net import CROP_PX, build_presentation_model
from medauth.training.presentation.sets import LEARNED_FOLDS, StoredFace, load_clips, load_dfdc, load_lfw, load_recorded

SIMULATED = TrainingPlan(
    epochs=8,
    full_size_epochs=8,
    warmup_epochs=0.5,
    peak_rate=2e-3,
    average_decay=0.99,
    batches=BatchPlan(size_px=CROP_PX),
)
BATCHES_AN_EPOCH = 48
_VALID_FACES = 96
_VALID_SEED = 3


@dataclass(frozen=True)
class Faces:
    """Everything that is learned from, and the living faces that simulated validation is made of."""

    natural: list[StoredFace]
    recorded: list[StoredFace]
    valid: list[StoredFace]


@dataclass(frozen=True)
class Course:
    """Lessons of one part of the course; see `loop.Lessons`."""

    presentations: Presentations
    crops: NDArray[np.float32]
    truth: NDArray[np.int64]

    def count(self, epoch: int) -> int:
        """Batches in `epoch`."""
        del epoch
        return self.presentations.count

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of `epoch`."""
        return self.presentations.epoch(epoch)

    def judge(self, model: Any) -> dict[str, float]:
        """Area under the ROC curve on simulated attacks on unseen actors: prints, replays, and their mean as score."""
        attack = attack_scores(evaluate(model, self.crops))
        areas = {}
        for name, label in _ATTACKS.items():
            here = (self.truth == 0) | (self.truth == label)
            areas[name] = area_under_curve(attack[here], self.truth[here] > 0)
        return {"score": float(np.mean(list(areas.values()))), **areas}


_ATTACKS = {"simulated_print": 1, "simulated_replay": 2}


def attack_scores(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float64]:
    """Probability float64 [N] that a crop shows an attack, from logits [N, 3]."""
    return np.asarray(1.0 - softmax(logits, temperature)[:, 0])


def load_faces(data: Path) -> Faces:
    """Read every set; some seconds."""
    natural = [*load_lfw(data, ("selfblend_train", *LEARNED_FOLDS)), *load_dfdc(data, "train"), *load_clips(data)]
    return Faces(natural, load_recorded(data), load_dfdc(data, "valid"))


def learn_simulated(faces: Faces, folder: Path, plan: TrainingPlan, report: Callable[[str], None] = print) -> Any:
    """The net after simulation alone."""
    presentations = Presentations(faces.natural, Mixture(), seed=plan.seed, batches=BATCHES_AN_EPOCH)
    return train_on(build_presentation_model, Course(presentations, *_valid(faces)), plan, folder / "simulated", report)


def _valid(faces: Faces) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    crops, truth = simulated_set(faces.valid[:_VALID_FACES], seed=_VALID_SEED)
    return crops.astype(np.float32), truth
