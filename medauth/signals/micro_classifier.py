"""What a short facial movement looks like: negative, positive or surprise, from its flow between onset and apex."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import ModelError
from medauth.signals.face_flow import Grey, dense_flow, optical_strain
from medauth.signals.interface import ModelUse
from medauth.signals.models import Manifest

MAP_PX = 28
"""Side of the map that the net sees, as in Liong et al., "Shallow triple stream three-dimensional CNN" (FG 2019)."""
UNDECIDED = "undecided"


class MovementModel(Protocol):
    """What this module needs of a model: `models.Model` has it."""

    manifest: Manifest

    @property
    def use(self) -> ModelUse:
        """Name and digest."""

    def input_shape(self, name: str = "predict") -> tuple[int, ...]:
        """(1, 28, 28, 3)."""

    def run(self, name: str = "predict", /, **inputs: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """`images` float32 (1, 28, 28, 3) to calibrated `probabilities` (1, classes)."""


def movement_map(onset: Grey, apex: Grey) -> NDArray[np.float32]:
    """Flow right, flow down (working pixels) and strain between two drawings: float32 (28, 28, 3)."""
    flow = dense_flow(onset, apex)
    stacked = np.dstack([flow, optical_strain(flow)])
    return np.asarray(cv2.resize(stacked, (MAP_PX, MAP_PX), interpolation=cv2.INTER_AREA), np.float32)


class MovementClassifier:
    """Names a movement; says *undecided* where the net is not sure enough."""

    def __init__(self, model: MovementModel) -> None:
        shape = (1, MAP_PX, MAP_PX, 3)
        if model.input_shape() != shape or not model.manifest.classes:
            raise ModelError(
                f"model {model.manifest.name} takes {model.input_shape()}",
                expected=f"{shape} and a manifest with classes",
                next_step="use a model trained by `medauth train micro-expression`",
            )
        self._model = model
        self._least = float(model.manifest.calibration.get("least_probability", 0.5))

    @property
    def use(self) -> ModelUse:
        """Name and digest of the net."""
        return self._model.use

    def probabilities(self, onset: Grey, apex: Grey) -> Mapping[str, float]:
        """Calibrated probability by class."""
        found = self._model.run("predict", images=movement_map(onset, apex)[None])["probabilities"]
        return dict(zip(self._model.manifest.classes, map(float, np.asarray(found).reshape(-1)), strict=True))

    def name_of(self, probabilities: Mapping[str, float]) -> str:
        """The most probable class, or `undecided` when it is less probable than the manifest asks for."""
        best = max(probabilities, key=probabilities.__getitem__, default=UNDECIDED)
        return best if probabilities.get(best, 0.0) >= self._least else UNDECIDED
