"""A shipped classifier as an attacker sees it: the file for its answers, its graph for gradients, and what counts as right.

Classes are gathered into groups where only the group matters: of a picture held to a camera it is enough that it is
called paper or screen. The loss is the cross-entropy of the true group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.evaluation.adversarial import Floats
from medauth.evaluation.folders import Item
from medauth.evaluation.judges import BONA_FIDE, CropJudge
from medauth.evaluation.still import Onlooker
from medauth.signals.face_crop import FaceBox, crop_face
from medauth.signals.models import Model, ModelLibrary
from medauth.signals.presentation_crop import cut_square, face_box
from medauth.training.differentiable import DifferentiableFile

Crop = Callable[[Item], list[Floats]]
BATCH = 64
"""Rows a gradient at most; padded to a power of two, since odd numbers of rows are unsafe on some CPUs."""


@dataclass(slots=True)
class Reader:
    """One model: `groups` by name are the outputs that count as this answer, `crops` what it is shown of an item, in grey
    levels 0..255 whatever scale the model itself wants."""

    model: Model
    graph: DifferentiableFile
    groups: Mapping[str, tuple[int, ...]]
    signature: str
    crops: Crop
    _slope: Any = field(default=None, init=False)

    def group_of(self, label: str) -> int:
        """Index of the group that a label of the data belongs to. Raises `InputError`."""
        names = tuple(self.groups)
        if label in names:
            return names.index(label)
        if len(names) == 2:  # noqa: PLR2004 - a detector: anything that is not the first is the second
            return 0 if label in BONA_FIDE else 1
        raise InputError(f"a label {label!r}", expected=", ".join(names))

    @property
    def _scaling(self) -> tuple[np.float32, np.float32]:
        preprocessing = self.model.manifest.preprocessing
        return np.float32(preprocessing.get("scale", 1.0)), np.float32(preprocessing.get("offset", 0.0))

    def answers(self, images: Floats) -> NDArray[np.float64]:
        """Log of the share of each group (n, groups), by the file itself, row by row, as a check runs it."""
        scale, offset = self._scaling
        rows = [self.model.run(self.signature, images=image[None] * scale + offset) for image in images]
        return np.stack([_grouped(_logits_of(row), self.groups) for row in rows])

    def slope(self, truth: NDArray[np.int64]) -> Callable[[Floats], Floats]:
        """The gradient of the loss for rows whose true groups are `truth`."""
        import tensorflow as tf

        wanted = np.eye(len(self.groups), dtype=np.float32)[truth]
        traced = self._traced()

        def gradient(images: Floats) -> Floats:
            parts = []
            for at in range(0, len(images), BATCH):
                some, targets = images[at : at + BATCH], wanted[at : at + BATCH]
                short = max(2, 1 << (len(some) - 1).bit_length()) - len(some)
                rows, truths = (np.concatenate([a, np.repeat(a[:1], short, axis=0)]) for a in (some, targets))
                parts.append(traced(tf.constant(rows), tf.constant(truths)).numpy()[: len(some)])
            return np.asarray(np.concatenate(parts), np.float32)

        return gradient

    def _traced(self) -> Any:
        import tensorflow as tf

        if self._slope is None:
            members, (scale, offset) = [list(indices) for indices in self.groups.values()], self._scaling

            @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow ships no types
            def slope(images: Any, targets: Any) -> Any:
                with tf.GradientTape() as tape:
                    tape.watch(images)
                    logits = _both_logits(tf, self.graph(images * scale + offset))
                    log_shares = tf.nn.log_softmax(logits)
                    grouped = tf.stack(
                        [tf.reduce_logsumexp(tf.gather(log_shares, part, axis=1), axis=1) for part in members], axis=1
                    )
                    loss = -tf.reduce_sum(targets * grouped)
                return tape.gradient(loss, images)

            self._slope = slope
        return self._slope


def reader_for(name: str, models: ModelLibrary, onlooker: Onlooker) -> Reader:
    """The reader of a model by its name. Raises `InputError` for one that classifies no picture."""
    model = models.load(name)
    content = (models.folder(name) / model.manifest.file).read_bytes()
    classes = model.manifest.classes
    if name == "deepfake" or "encode" in model.signatures():
        groups = {"real": (0,), "fake": (1,)}
        return Reader(model, DifferentiableFile(content, "encode"), groups, "encode", _aligned(model, onlooker))
    if "predict" not in model.signatures() or not classes:
        raise InputError(f"{name} classifies no picture", expected="a model with classes and the signature predict")
    graph = DifferentiableFile(content, "predict")
    if "face_widths" in model.manifest.preprocessing:
        live = classes.index("live")
        attack = tuple(index for index in range(len(classes)) if index != live)
        return Reader(model, graph, {"live": (live,), "attack": attack}, "predict", _squares(model, onlooker))
    judge = CropJudge(name, models, onlooker)
    alone = {label: (index,) for index, label in enumerate(classes)}
    return Reader(model, graph, alone, "predict", lambda item: [_in_levels(judge.prepared(item)[0], model)])


def _aligned(model: Model, onlooker: Onlooker) -> Crop:
    box, size_px = FaceBox.of(model.manifest.preprocessing), int(model.manifest.preprocessing["size_px"])

    def crops(item: Item) -> list[Floats]:
        image, track = onlooker.still(item)
        face = crop_face(image, track.landmarks, size_px, box, track.quality.size_px, colour=True)
        return [face.astype(np.float32)]

    return crops


def _squares(model: Model, onlooker: Onlooker) -> Crop:
    """The face alone, and the face with its surroundings: two rows an item."""
    size_px = int(model.manifest.preprocessing["size_px"])

    def crops(item: Item) -> list[Floats]:
        image, track = onlooker.still(item)
        x, y, width = face_box(track.landmarks)
        squares = [
            cut_square(image, (x, y), scale * width, size_px) for scale in model.manifest.preprocessing["face_widths"]
        ]
        return [square.astype(np.float32) for square in squares]

    return crops


def _in_levels(prepared: Floats, model: Model) -> Floats:
    scale, offset = (
        float(model.manifest.preprocessing.get(key, default)) for key, default in (("scale", 1), ("offset", 0))
    )
    return np.asarray(np.rint((prepared - offset) / scale), np.float32)


def _logits_of(output: Mapping[str, Any]) -> NDArray[np.float64]:
    """(classes,): the file's logits; of a single one, 0 for *no*; else the log of its probabilities."""
    if "logits" in output:
        return np.asarray(output["logits"], np.float64).reshape(-1)
    if "logit" in output:
        return np.array([0.0, float(np.asarray(output["logit"]).reshape(-1)[0])])
    shares = np.asarray(output["probabilities"], np.float64).reshape(-1)
    return np.asarray(np.log(np.maximum(shares, 1e-9)))


def _both_logits(tf: Any, output: Mapping[str, Any]) -> Any:
    """`_logits_of` for tensors."""
    if "logits" in output:
        return output["logits"]
    if "logit" in output:
        logit = tf.reshape(output["logit"], (-1, 1))
        return tf.concat([tf.zeros_like(logit), logit], axis=1)
    return tf.math.log(tf.maximum(next(iter(output.values())), 1e-9))


def _grouped(logits: NDArray[np.float64], groups: Mapping[str, tuple[int, ...]]) -> NDArray[np.float64]:
    shifted = logits - logits.max()
    log_shares = shifted - np.log(np.exp(shifted).sum())
    return np.array([np.logaddexp.reduce(log_shares[list(part)]) for part in groups.values()])
