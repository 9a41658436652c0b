"""The expression by the shape of the mesh alone, as a member of an ensemble: it looks at no pixel."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from medauth.errors import ModelError
from medauth.protocol.observation import LANDMARK_COUNT, FaceTrack
from medauth.signals.head_pose import in_head_frame
from medauth.signals.models import Model

_EVERY = np.arange(LANDMARK_COUNT, dtype=np.intp)


class LandmarkEmotionModel:
    """A `TrackModel`: its `predict` takes `images` (1, 478, 3) in the head frame to `probabilities`."""

    repeatable = True

    def __init__(self, model: Model) -> None:
        self._model = model
        self.name, self.sha256 = model.use.name, model.use.sha256
        if model.input_shape() != (1, LANDMARK_COUNT, 3):
            raise ModelError(f"model {self.name} takes {model.input_shape()}", expected=f"(1, {LANDMARK_COUNT}, 3)")

    def probabilities_of(self, image: NDArray[np.uint8], track: FaceTrack) -> Mapping[str, float] | None:
        del image
        shape = in_head_frame(track, _EVERY).astype(np.float32)[None]
        answer = np.asarray(self._model.run("predict", images=shape)["probabilities"], np.float64).reshape(-1)
        return dict(zip(self._model.manifest.classes, answer.tolist(), strict=True))
