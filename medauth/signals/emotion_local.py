"""A model file of `models/` as a member of an ensemble: one of the lighter nets, another's net, or one of one's own."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import ModelError
from medauth.signals.emotion_reader import MEMBER_BOX
from medauth.signals.emotion_services import NAMES
from medauth.signals.face_crop import FaceBox
from medauth.signals.models import Model, prepare_image


class LocalEmotionModel:
    """Any model whose `predict` takes a grey face and gives probabilities of classes that we know."""

    repeatable = True

    def __init__(self, model: Model) -> None:
        self._model = model
        self.name, self.sha256 = model.use.name, model.use.sha256
        self._classes = tuple(NAMES.get(name, name) for name in model.manifest.classes)
        shape = model.input_shape() if "predict" in model.signatures() else ()
        if len(shape) != 4 or shape[3] != 1 or "neutral" not in self._classes:  # noqa: PLR2004 - batch, h, w, channels
            raise ModelError(
                f"model {self.name} reads no expressions", expected="a model of grey faces with a class `neutral`"
            )
        self._size_px = shape[1]
        self._box = FaceBox.of(model.manifest.preprocessing)

    def probabilities(self, face: NDArray[np.uint8]) -> Mapping[str, float] | None:
        part = cv2.cvtColor(_as_trained(face, self._box), cv2.COLOR_BGR2GRAY)
        small = cv2.resize(part, (self._size_px, self._size_px), interpolation=cv2.INTER_AREA)
        images = prepare_image(np.asarray(small, np.uint8), self._model.manifest)
        answer = np.asarray(self._model.run("predict", images=images)["probabilities"], np.float64).reshape(-1)
        answer = np.maximum(answer, 1e-9) ** (1 / self._model.manifest.temperature)
        return dict(zip(self._classes, (answer / answer.sum()).tolist(), strict=True))


def _as_trained(face: NDArray[np.uint8], box: FaceBox) -> NDArray[np.uint8]:
    """The part of a member's face in which eyes lie where the model expects them."""
    share = MEMBER_BOX.outer_eyes / box.outer_eyes
    left, top = MEMBER_BOX.eyes_x - share * box.eyes_x, MEMBER_BOX.eyes_y - share * box.eyes_y
    first_x, first_y = max(0, round(left * len(face))), max(0, round(top * len(face)))
    side = max(1, round(share * len(face)))
    return face[first_y : first_y + side, first_x : first_x + side]
