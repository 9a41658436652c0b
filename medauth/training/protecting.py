"""A picture that looks the same and that expression readers misread: against the reading of faces that nobody agreed to.

Several nets are attacked at once, each step through another cut of the face (Athalye et al., "Synthesizing Robust
Adversarial Examples", ICML 2018), so that the change does not hang on one net or one crop, and a net that was never asked
is misled more often. It is the picture that is bent, not the crop: the gradient goes back through the cut. How well it
works is measured on each picture and said; nobody should rely on more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.adversarial import Floats
from medauth.evaluation.jpeg import through_jpeg
from medauth.protocol.observation import FaceTrack
from medauth.signals.emotion_reader import FACE_PX, MEMBER_BOX, EmotionModel, TrackModel, asked
from medauth.signals.face_crop import FaceBox, crop_face, face_matrix
from medauth.training.attacked_model import Reader

Picture = NDArray[np.uint8]
JPEG_QUALITIES = (90, 75)
_CUTS = 4
"""Cuts of the face a step and net."""
_FINER = 3
_LEANINGS = np.array([0.114, 0.587, 0.299], np.float32)
"""Of grey on blue, green and red (ITU-R BT.601)."""


@dataclass(frozen=True, slots=True)
class Protection:
    """How strong: at most `epsilon` grey levels a pixel, in `steps` steps."""

    epsilon: float = 8.0
    steps: int = 30
    seed: int = 0


def protected(image: Picture, track: FaceTrack, readers: Sequence[Reader], how: Protection) -> Picture:
    """`image` (h, w, 3) uint8 BGR, no value moved by more than epsilon, bent away from what the readers see in it."""
    rng = np.random.default_rng(how.seed)
    plain = image.astype(np.float32)
    moved, length = plain.copy(), 2.5 * how.epsilon / how.steps
    truth = int(np.mean([_seen(reader, image, track) for reader in readers], axis=0).argmax())
    for _ in range(how.steps):
        total = np.zeros(image.shape[:2], np.float32)
        for reader in readers:
            slope = _picture_slope(reader, moved, track, truth, rng)
            total += slope / max(float(np.abs(slope).sum()), 1e-12)
        moved = moved + np.float32(length) * np.sign(total)[..., None]
        moved = np.clip(np.clip(moved, plain - how.epsilon, plain + how.epsilon), 0, 255)
    return np.asarray(np.rint(moved), np.uint8)


def readings(
    image: Picture, track: FaceTrack, models: Sequence[EmotionModel | TrackModel]
) -> Mapping[str, tuple[str, float]]:
    """What each model names, as the product would ask it, and how sure it is."""
    face = crop_face(image, track.landmarks, FACE_PX, MEMBER_BOX, track.quality.size_px, colour=True)
    found = {}
    for model in models:
        answer = asked(model, image, face, track) or {"": 0.0}
        name = max(answer, key=answer.__getitem__)
        found[model.name] = (name, float(answer[name]))
    return found


def as_sent(image: Picture) -> Mapping[str, Picture]:
    """The picture as it is, and as services compress it."""
    return {"as it is": image, **{f"JPEG {quality}": through_jpeg(image, quality) for quality in JPEG_QUALITIES}}


def _seen(reader: Reader, image: Picture, track: FaceTrack) -> NDArray[np.float64]:
    size_px, box = int(reader.model.manifest.preprocessing["size_px"]), FaceBox.of(reader.model.manifest.preprocessing)
    face = crop_face(image, track.landmarks, size_px, box, track.quality.size_px)
    return np.asarray(np.exp(reader.answers(face[None, ..., None].astype(np.float32))[0]))


def _picture_slope(
    reader: Reader, picture: Floats, track: FaceTrack, truth: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """(h, w): by how much each pixel's grey raises the reader's loss, over some cuts of the face."""
    size_px, box = int(reader.model.manifest.preprocessing["size_px"]), FaceBox.of(reader.model.manifest.preprocessing)
    grey = picture @ _LEANINGS
    cuts = [Cut.random(track, size_px, box, grey.shape, rng) for _ in range(_CUTS)]
    faces = np.stack([cut.forth(grey) for cut in cuts])[..., None].astype(np.float32)
    slopes = reader.slope(np.full(len(cuts), truth, np.int64))(faces)[..., 0]
    return np.asarray(np.sum([cut.back(slope) for cut, slope in zip(cuts, slopes, strict=True)], axis=0), np.float32)


class Cut:
    """A face cut out of a grey picture, bilinear and averaged: a linear map, and its transpose."""

    def __init__(self, matrix: NDArray[np.float64], size_px: int, shape: tuple[int, ...]) -> None:
        """`matrix` (2, 3) takes pixels of the picture to pixels of the cut."""
        self._size_px, self._shape = size_px, shape
        inverse = cv2.invertAffineTransform(matrix)
        at = (np.arange(size_px * _FINER) + 0.5) / _FINER - 0.5
        x, y = np.meshgrid(at, at)
        across = np.clip(inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2], 0, shape[1] - 1.001)
        down = np.clip(inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2], 0, shape[0] - 1.001)
        left, top = np.floor(across).astype(np.intp), np.floor(down).astype(np.intp)
        self._places = np.stack([(top + dy) * shape[1] + left + dx for dy in (0, 1) for dx in (0, 1)])
        fx, fy = across - left, down - top
        self._shares = np.stack([(fy if dy else 1 - fy) * (fx if dx else 1 - fx) for dy in (0, 1) for dx in (0, 1)])

    @classmethod
    def random(
        cls, track: FaceTrack, size_px: int, box: FaceBox, shape: tuple[int, ...], rng: np.random.Generator
    ) -> Cut:
        """Where the model expects the face, a few percent aside, larger or smaller and turned, as other readers cut it."""
        shaken = FaceBox(
            box.eyes_x + rng.uniform(-0.03, 0.03),
            box.eyes_y + rng.uniform(-0.03, 0.03),
            box.outer_eyes * float(np.exp(rng.uniform(-0.1, 0.1))),
        )
        matrix = face_matrix(track.landmarks, size_px, shaken, track.quality.size_px)
        turn = cv2.getRotationMatrix2D((size_px / 2, size_px / 2), float(rng.uniform(-3, 3)), 1.0)
        matrix = np.column_stack([turn[:, :2] @ matrix[:, :2], turn[:, :2] @ matrix[:, 2] + turn[:, 2]])
        return cls(matrix, size_px, shape)

    def forth(self, grey: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cut (size_px, size_px)."""
        fine = (grey.ravel()[self._places] * self._shares).sum(axis=0)
        return np.asarray(fine.reshape(self._size_px, _FINER, self._size_px, _FINER).mean(axis=(1, 3)), np.float32)

    def back(self, slope: NDArray[np.float32]) -> NDArray[np.float32]:
        """The picture's slope (h, w) from the cut's."""
        fine = np.repeat(np.repeat(slope, _FINER, axis=0), _FINER, axis=1) / _FINER**2
        total = np.bincount(
            self._places.ravel(), (self._shares * fine).ravel(), minlength=self._shape[0] * self._shape[1]
        )
        return np.asarray(total.reshape(self._shape), np.float32)
