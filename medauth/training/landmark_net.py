"""Expression from the shape of the mesh alone: no pixel is looked at, so neither light nor skin can matter.

Input are the 478 points of the face mesh in the head's own frame; a small dense net over them. Training faces are shown
mirrored, turned by a few degrees and with every point a little aside, as the mesh itself errs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.signals.head_pose import in_head_frame
from medauth.training.batches import Batch, shuffled
from medauth.training.datasets import LabelledImages, class_weights
from medauth.training.landmark_faces import track_of
from medauth.training.loop import judge

Floats = NDArray[np.float32]
POINTS = 478
_BATCH = 64
_TURN_DEG, _SHAKE, _STRETCH = 5.0, 0.008, 0.04
_POWER = 0.2


@dataclass(frozen=True)
class LandmarkSet:
    """Shapes float32 [N, 478, 3] in the head frame with their labels; `data` has as many rows."""

    shapes: Floats
    data: LabelledImages

    @classmethod
    def of(cls, data: LabelledImages, meshes: Floats) -> LandmarkSet:
        """The rows whose mesh was found."""
        seen = np.isfinite(meshes[:, 0, 0])
        every = np.arange(POINTS, dtype=np.intp)
        shapes = [in_head_frame(track_of(mesh), every) for mesh in meshes[seen]]
        return cls(np.stack(shapes).astype(np.float32), data.select(seen))


@dataclass(frozen=True)
class LandmarkLessons:
    """`Lessons` of the loop over shapes."""

    train: LandmarkSet
    valid: LandmarkSet
    seed: int

    def count(self, epoch: int) -> int:  # noqa: ARG002  # as the port has it
        """See `Lessons`."""
        return len(self.train.shapes) // _BATCH

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """See `Lessons`."""
        weights, mirror = class_weights(self.train.data.soft, _POWER), mirror_order(self.train.shapes)

        def make(chosen: NDArray[np.int64], rng: np.random.Generator) -> Batch:
            targets = self.train.data.soft[chosen]
            shapes = disturbed(self.train.shapes[chosen], mirror, rng)
            return Batch(shapes, targets, (targets @ weights).astype(np.float32))

        return shuffled(len(self.train.shapes), _BATCH, make, seed=self.seed, epoch=epoch)

    def judge(self, model: Any) -> dict[str, float]:
        """See `Lessons`; the score is the accuracy."""
        logits = np.asarray(model.predict(self.valid.shapes, batch_size=256, verbose=0), np.float32)
        figures = judge(logits, self.valid.data)
        return {"score": figures["accuracy"], **figures}


def build_landmark_model(mean: Floats, spread: Floats, classes: int = 8) -> Any:
    """The untrained net: float32 [N, 478, 3] in eye distances -> logits; `mean`, `spread` (478, 3) of the training shapes."""
    shapes = keras.Input((POINTS, 3), name="images", dtype="float32")
    x = keras.layers.Flatten()(shapes)
    offset, scale = (-mean / spread).ravel(), (1.0 / spread).ravel()
    x = keras.layers.Normalization(mean=-offset / scale, variance=1.0 / scale**2, name="standardise")(x)
    for width, drop in ((192, 0.4), (96, 0.3)):
        x = keras.layers.Dense(width, activation="gelu")(x)
        x = keras.layers.Dropout(drop)(x)
    return keras.Model(shapes, keras.layers.Dense(classes, name="logits")(x), name="expression_landmarks")


def mirror_order(shapes: Floats) -> NDArray[np.intp]:
    """For each point the one at its place in the mirror, from the mean of many faces."""
    mean = shapes.mean(axis=0)
    even = mean * np.array([-1, 1, 1], np.float32)
    return np.asarray(np.linalg.norm(even[:, None] - mean[None], axis=-1).argmin(axis=1), np.intp)


def disturbed(shapes: Floats, mirror: NDArray[np.intp], rng: np.random.Generator) -> Floats:
    """Some mirrored, all turned, stretched and shaken a little."""
    flipped = shapes[:, mirror] * np.array([-1, 1, 1], np.float32)
    made = np.where(rng.random((len(shapes), 1, 1)) < 0.5, flipped, shapes)  # noqa: PLR2004 - every other one
    turns = np.deg2rad(rng.uniform(-_TURN_DEG, _TURN_DEG, (len(shapes), 3)))
    made = np.einsum("npc,ncd->npd", made, _small_turns(turns))
    made = made * np.exp(rng.uniform(-_STRETCH, _STRETCH, (len(shapes), 1, 3)))
    return np.asarray(made + rng.normal(0.0, _SHAKE, made.shape), np.float32)


def _small_turns(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3, 3): turns about x, y and z by a few degrees, to first order in each."""
    x, y, z = angles.T
    turn = np.tile(np.eye(3), (len(angles), 1, 1))
    turn[:, 0, 1], turn[:, 1, 0] = z, -z
    turn[:, 0, 2], turn[:, 2, 0] = -y, y
    turn[:, 1, 2], turn[:, 2, 1] = x, -x
    return turn
