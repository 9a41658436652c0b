"""What judges one item: a signal of the product over frames, or a classifying model over a crop.

Which judge and which of its labels count as what is found by name. A signal that is wired into the product can be
evaluated without a word here; `SUBJECTS` only says how labels of some are called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.evaluation.folders import Item
from medauth.evaluation.still import Onlooker, Unusable, read_picture
from medauth.protocol.reading import PPM
from medauth.sensing import signals
from medauth.signals.calibration import FALLBACK
from medauth.signals.face_crop import FaceBox, crop_face
from medauth.signals.interface import ModelUse, Signal
from medauth.signals.models import Manifest, ModelLibrary, prepare_image

BONA_FIDE = frozenset(
    {"live", "real", "bona_fide", "bonafide", "genuine", "natural", "none", "no_blink", "no_event", "neutral", "open"}
)
"""Labels of presentations without what a signal looks for; every other label is a species of it."""
_CROP_PX = 100
"""A picture no larger than this shows nothing but the face or eye."""
_EYE_MARGIN = 1.25
"""Collections of eye crops show a quarter more around the eye than the crop that the blink signal cuts."""
_NOTHING_SEEN = (".none_seen", ".none", ".nothing_seen")


@dataclass(frozen=True, slots=True)
class Answer:
    """`score` in 0..1 says how likely the looked-for thing is; a classifier answers with `probabilities` by class too."""

    score: float
    probabilities: Mapping[str, float] | None = None


class Judge(Protocol):
    """Answers for one item at a time. Raises `Unusable`."""

    classes: tuple[str, ...]
    """Of a classifier; none for a detector."""

    @property
    def models(self) -> tuple[ModelUse, ...]:
        """Model files that answered."""

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """Their manifests, for recorded thresholds."""

    def answer(self, item: Item) -> Answer:
        """The answer for one item."""


@dataclass(frozen=True, slots=True)
class Subject:
    """How a name is evaluated: by a classifier, with the class that counts as found, or by the signal of that name."""

    model: str = ""
    positive: str = ""


SUBJECTS: Mapping[str, Subject] = {
    "expression": Subject(model="expression"),
    "eye_state": Subject(model="eye_state", positive="closed"),
}


def judge_for(name: str, models: ModelLibrary, onlooker: Onlooker, model: str = "") -> Judge:
    """The judge of a signal or model by its name. Raises `InputError` that lists what there is."""
    subject = SUBJECTS.get(name, Subject())
    chosen = model or subject.model or (name if name in models.names() and not _is_signal(name, models) else "")
    if chosen:
        return CropJudge(chosen, models, onlooker, subject.positive)
    if not _is_signal(name, models):
        wired = [signal.name for signal in signals(models, FALLBACK)]
        raise InputError(
            f"no signal or model is called {name!r}", expected=", ".join(sorted({*SUBJECTS, *wired, *models.names()}))
        )
    return SignalJudge(name, models, onlooker)


def _is_signal(name: str, models: ModelLibrary) -> bool:
    return name in {signal.name for signal in signals(models, FALLBACK)}


class SignalJudge:
    """Runs one signal of the product, fresh for each item, over what the face track sees."""

    classes: tuple[str, ...] = ()

    def __init__(self, name: str, models: ModelLibrary, onlooker: Onlooker) -> None:
        self._name = name
        self._library = models
        self._onlooker = onlooker
        self._models: tuple[ModelUse, ...] = self._fresh().marks().models

    @property
    def models(self) -> tuple[ModelUse, ...]:
        return self._models

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        return tuple(self._library.load(use.name).manifest for use in self._models)

    def answer(self, item: Item) -> Answer:
        signal = self._fresh()
        signal.start(None)
        problem = ""
        for observation in self._onlooker.observations(item):
            signal.update(observation)
            problem = f"capture.{observation.problem.value}" if observation.problem else problem
        reading = signal.reading()
        if reading.score_ppm is not None:
            return Answer(reading.score_ppm / PPM)
        if reading.code.endswith(_NOTHING_SEEN):
            return Answer(0.0)
        raise Unusable(problem or reading.code)

    def _fresh(self) -> Signal:
        return next(signal for signal in signals(self._library, FALLBACK) if signal.name == self._name)


class CropJudge:
    """Runs a classifier, `model`, on crops: small pictures as they are, in larger ones on the face that the face track finds."""

    def __init__(self, name: str, models: ModelLibrary, onlooker: Onlooker, positive: str = "") -> None:
        self.model = models.load(name)
        self._onlooker = onlooker
        self._positive = positive
        manifest = self.model.manifest
        self.classes = manifest.classes
        if not self.classes:
            raise InputError(f"model {name} has no classes", expected="a classifier, or the name of a signal")
        self._size_px = int(self.model.input_shape()[1])
        self._eyes = "eye" in manifest.preprocessing
        self._box = FaceBox.of(manifest.preprocessing)

    @property
    def models(self) -> tuple[ModelUse, ...]:
        return (self.model.use,)

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        return (self.model.manifest,)

    def answer(self, item: Item) -> Answer:
        if item.is_clip:
            raise Unusable("file.is_a_clip")
        output = self.model.run(images=self.prepared(item))
        found = dict(zip(self.classes, map(float, _probabilities(output)), strict=True))
        return Answer(found[self._positive] if self._positive else max(found.values()), found)

    def prepared(self, item: Item) -> NDArray[np.float32]:
        """The crop as the model takes it. Raises `Unusable`."""
        return prepare_image(self._crop(item), self.model.manifest)

    def _crop(self, item: Item) -> NDArray[np.uint8]:
        image = read_picture(item)
        if self._eyes:
            return _middle(image, self._size_px, _EYE_MARGIN)
        if max(image.shape[:2]) <= _CROP_PX:
            return _middle(image, self._size_px, 1.0)
        seen, track = self._onlooker.still(item)
        return crop_face(seen, track.landmarks, self._size_px, self._box, track.quality.size_px)


def _probabilities(output: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    named = output["probabilities"] if "probabilities" in output else next(iter(output.values()))
    return np.asarray(named[0], dtype=np.float64)


def _middle(image: NDArray[np.uint8], size_px: int, margin: float) -> NDArray[np.uint8]:
    """The picture as a grey square, cut down to its middle where it shows more than the model is to see."""
    side = round(size_px * margin)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if grey.shape != (side, side):
        grey = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA)
    at = (side - size_px) // 2
    return np.ascontiguousarray(grey[at : at + size_px, at : at + size_px], dtype=np.uint8)
