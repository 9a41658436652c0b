"""One face to the probabilities of its expressions: the shipped model alone, or an ensemble that votes with it.

The members of an ensemble are named in Settings, weighed there, and stated with their digests wherever one was heard.
What a member does not know or does not answer changes nothing: the others' weights are shared anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import FaceTrack
from medauth.signals.face_crop import FaceBox, crop_face
from medauth.signals.interface import ModelUse
from medauth.signals.models import JudgingModel, prepare_image


class EmotionModel(Protocol):
    """A member of an ensemble. Entry points of the group `medauth.emotion_models` are callables without arguments that
    return one."""

    name: str
    sha256: str
    """Of what it runs: weights, or for a service the address that is asked."""
    repeatable: bool
    """The same face always gets the same answer: only then is it heard in checks, whose frames are judged again."""

    def probabilities(self, face: NDArray[np.uint8]) -> Mapping[str, float] | None:
        """By the names of our classes, for an upright face (192, 192, 3) uint8 BGR; None: no answer now.

        Called in the thread of the analysis: what may take long must give up by itself.
        """


@runtime_checkable
class TrackModel(Protocol):
    """A member that is shown the frame and the mesh on it, not the cut face. See `EmotionModel`."""

    name: str
    sha256: str
    repeatable: bool

    def probabilities_of(self, image: NDArray[np.uint8], track: FaceTrack) -> Mapping[str, float] | None:
        """By the names of our classes, for the face of a frame (height, width, 3) uint8 BGR; None: no answer now."""


@dataclass(frozen=True, slots=True)
class Member:
    """A model and the weight of its voice; the shipped model's is 1."""

    model: EmotionModel | TrackModel
    weight: float


FACE_PX = 192
"""Side of the face that members are shown: enough for any expression net, and no more than that."""
MEMBER_BOX = FaceBox(eyes_x=0.5, eyes_y=0.4, outer_eyes=0.42)
"""A little room around the face: other models cut for themselves."""


class EmotionReader:
    """The shipped model and whoever votes with it."""

    def __init__(self, model: JudgingModel, members: Sequence[Member] = ()) -> None:
        self.model = model
        self.classes = model.manifest.classes
        self._members = tuple(members)
        self._box = FaceBox.of(model.manifest.preprocessing)
        self._size_px = model.input_shape()[1]

    @property
    def uses(self) -> tuple[ModelUse, ...]:
        """Every model that may be heard."""
        return (self.model.use, *(ModelUse(m.model.name, m.model.sha256) for m in self._members))

    def face(self, image: NDArray[np.uint8], track: FaceTrack) -> NDArray[np.uint8]:
        """The grey face (side, side) uint8 as the shipped model sees it."""
        return crop_face(image, track.landmarks, self._size_px, self._box, track.quality.size_px)

    def look(self, image: NDArray[np.uint8], track: FaceTrack) -> NDArray[np.float32]:
        """Calibrated probabilities (classes,) float32 of the face of a frame (height, width, 3) uint8 BGR."""
        own = self._own(self.face(image, track))
        if not self._members:
            return own
        shown = crop_face(image, track.landmarks, FACE_PX, MEMBER_BOX, track.quality.size_px, colour=True)
        answers = [(asked(member.model, image, shown, track), member.weight) for member in self._members]
        return joined(self.classes, own, [(answer, weight) for answer, weight in answers if answer])

    def _own(self, face: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = self.model.run("predict", images=prepare_image(face, self.model.manifest))
        probabilities = np.asarray(found["probabilities"], np.float32).reshape(-1)
        temperature = self.model.manifest.temperature
        if temperature != 1.0:
            probabilities = np.power(np.maximum(probabilities, 1e-9), np.float32(1.0 / temperature))
        return np.asarray(probabilities / probabilities.sum(), np.float32)


def asked(
    model: EmotionModel | TrackModel, image: NDArray[np.uint8], face: NDArray[np.uint8], track: FaceTrack
) -> Mapping[str, float] | None:
    """What a member answers, given the frame, the face cut out of it for members, and the mesh."""
    return model.probabilities_of(image, track) if isinstance(model, TrackModel) else model.probabilities(face)


def joined(
    classes: Sequence[str], own: NDArray[np.float32], answers: Sequence[tuple[Mapping[str, float], float]]
) -> NDArray[np.float32]:
    """Weighted mean of our probabilities (weight 1) and the members'. Where a member does not know a class, ours stands.

    A member's answer counts by its shape alone: what is negative or no number is taken for 0, and it is scaled to what
    we give the classes that it knows.
    """
    total, weights = own.astype(np.float64), 1.0
    for answer, weight in answers:
        given = np.array([float(answer.get(name, np.nan)) for name in classes])
        known = np.isfinite(given)
        given = np.where(known, np.maximum(given, 0.0), 0.0)
        if given.sum() <= 0:
            continue
        share = float(own[known].sum())
        total = total + weight * np.where(known, given / given.sum() * share, own)
        weights += weight
    return np.asarray(total / weights / (total / weights).sum(), np.float32)
