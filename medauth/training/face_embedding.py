"""The face embedding: a small residual net whose outputs lie near each other for one person and apart for two.

Two lessons at once. Persons: the large margin cosine loss (Wang et al., "CosFace", CVPR 2018). And, where a stronger net
was added (`medauth models add face-api`), what it says of the same face (distillation: Hinton et al., 2015): some
thousand persons with a picture or two each teach little of what may differ between two pictures of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.training.augmentation import Distortion, augment, centre_crop
from medauth.training.batches import Batch, BatchPlan, shuffled
from medauth.training.face_images import Faces
from medauth.training.layers import FusedBatchNormalization, Standardise
from medauth.training.verification import area_between, likeness

CHIP_PX = 64
STORED_PX, REACH = 80, 1.25
"""Chips are kept with a margin, so that shifted and shrunk copies show face rather than filling."""
LENGTH = 128
SCALE, MARGIN, TAUGHT_WEIGHT = 24.0, 0.2, 12.0

# Cameras, light and the mesh's own jitter: what must not make another person of one.
FACE_DISTORTION = Distortion(
    rotation_deg=8.0,
    scale=0.1,
    shear=0.06,
    shift=0.035,
    gamma=0.5,
    contrast=0.3,
    brightness=25.0,
    blur_chance=0.3,
    shrink_chance=0.3,
    jpeg_chance=0.25,
    noise_chance=0.25,
    cutout_chance=0.3,
    cutout_side=0.35,
)


def build_embedding_model(persons: int, widths: tuple[int, ...] = (16, 48, 96, 192)) -> Any:
    """The net in training: float32 [N, 64, 64, 1] grey 0..255 -> [N, 128 + persons], embedding and cosines to persons."""
    images = keras.Input((CHIP_PX, CHIP_PX, 1), name="images", dtype="float32")
    x = Standardise(name="standardise")(images)
    x = _convolve(x, widths[0], 5, stride=2)
    for index, width in enumerate(widths):
        if index:
            x = _convolve(x, width, 3, stride=2)
        x = keras.layers.Add()([x, _convolve(_convolve(x, width, 3), width, 3)])
    x = keras.layers.Flatten(name="places")(x)
    x = keras.layers.Dropout(0.2, name="dropout")(x)
    x = keras.layers.Dense(LENGTH, use_bias=False, name="project")(x)
    x = keras.layers.BatchNormalization(momentum=0.97, dtype="float32", name="level")(x)
    embedding = keras.layers.UnitNormalization(dtype="float32", name="embedding")(x)
    cosines = PersonCosines(persons, dtype="float32", name="persons")(embedding)
    joined = keras.layers.Concatenate(dtype="float32", name="both")([embedding, cosines])
    return keras.Model(images, joined, name="face_embedding")


def embedding_part(model: Any) -> Any:
    """What is released: [N, 64, 64, 1] -> [N, 128] of length 1."""
    return keras.Model(model.input, model.get_layer("embedding").output, name="face_embedding")


@keras.saving.register_keras_serializable(package="medauth")
class PersonCosines(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Cosine of an embedding to a learnt direction of each person: [N, D] -> [N, persons]."""

    def __init__(self, persons: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.persons = persons

    def build(self, shape: Any) -> None:
        """One direction a person."""
        self.directions = self.add_weight(
            shape=(shape[-1], self.persons), initializer="glorot_normal", name="directions"
        )

    def call(self, embedding: Any) -> Any:
        """Directions count with length 1."""
        return keras.ops.matmul(embedding, keras.ops.normalize(self.directions, axis=0))

    def get_config(self) -> dict[str, Any]:
        """Everything needed to build the layer again."""
        return {**super().get_config(), "persons": self.persons}


@keras.saving.register_keras_serializable(package="medauth")
class EmbeddingLoss(keras.losses.Loss):  # type: ignore[misc]  # keras ships no types
    """Margin loss over persons plus the distance to what was taught. Targets [N, 128 + persons]; nothing taught = zeros."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """[N] losses."""
        taught, person = y_true[:, :LENGTH], y_true[:, LENGTH:]
        embedding, cosines = y_pred[:, :LENGTH], y_pred[:, LENGTH:]
        logits = SCALE * (cosines - MARGIN * person)
        told_apart = keras.ops.categorical_crossentropy(person, logits, from_logits=True)
        return told_apart + TAUGHT_WEIGHT * (1.0 - keras.ops.sum(taught * embedding, axis=-1))


def face_batches(data: Faces, plan: BatchPlan, *, seed: int, epoch: int) -> Iterator[Batch]:
    """One shuffled epoch in full batches; the same seed and epoch give the same batches."""

    def make(chosen: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        images = augment(data.images[chosen], plan.size_px, rng, plan.distortion)
        return Batch(images, _targets(data, chosen), np.ones(len(chosen), np.float32))

    return shuffled(len(data.images), plan.size, make, seed=seed, epoch=epoch)


def _targets(data: Faces, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
    targets = np.zeros((len(chosen), LENGTH + data.persons), np.float32)
    targets[:, : data.taught.shape[1]] = data.taught[chosen]
    targets[np.arange(len(chosen)), LENGTH + data.person[chosen]] = 1.0
    return targets


def judge_embedding(model: Any, valid: Faces) -> dict[str, float]:
    """Area under the ROC curve over all pairs of the validation faces, the two sets apart; `score` is their mean."""
    vectors = embed(embedding_part(model), valid)
    areas = {}
    for prefix in sorted({name.split("/")[0] for name in valid.names}):
        inside = np.array([name.startswith(prefix) for name in valid.names])
        areas[f"area_{prefix}"] = area_between(*likeness(vectors[inside], valid.person[inside]))
    return {"score": float(np.mean(list(areas.values()))), **areas}


def embed(net: Any, faces: Faces, batch: int = 64) -> NDArray[np.float32]:
    """Embeddings float32 [N, 128], in batches of one size (oneDNN is unsafe with odd ones)."""
    images = centre_crop(faces.images, CHIP_PX)
    padded = np.concatenate([images, np.zeros((-len(images) % batch, *images.shape[1:]), np.float32)])
    parts = [net.predict_on_batch(padded[at : at + batch]) for at in range(0, len(padded), batch)]
    return np.asarray(np.concatenate(parts)[: len(images)], np.float32)


def _convolve(x: Any, width: int, window: int, stride: int = 1) -> Any:
    x = keras.layers.Conv2D(width, window, strides=stride, padding="same", use_bias=False)(x)
    return keras.layers.ReLU()(FusedBatchNormalization(momentum=0.97)(x))
