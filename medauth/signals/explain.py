"""Explainers: which places of a picture speak for an answer. Grad-CAM from the model file itself, SHAP as an extra.

Grad-CAM (Selvaraju et al., ICCV 2017) is the signature `explain` of a model file, so a server needs no framework for it
(about 3 ms a picture). SHAP (Lundberg & Lee, NeurIPS 2017) covers patches of the picture in many combinations and asks
the model about each: it needs no gradient and explains every classifier here, for some hundred calls a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from medauth.errors import MissingTool

Array = NDArray[Any]


class Answering(Protocol):
    """What an explainer needs of a model: `models.Model` has it."""

    def signatures(self) -> tuple[str, ...]:
        """`predict`, perhaps `explain`."""

    def run(self, name: str = "predict", /, **inputs: Array) -> Mapping[str, Array]:
        """Outputs by name."""


class Explainer(Protocol):
    """Port: a picture and a class to a heat map."""

    name: str

    def can_explain(self, model: Answering) -> bool:
        """Whether it has what it takes for this model."""

    def heat(self, model: Answering, images: NDArray[np.float32], index: int) -> NDArray[np.float32]:
        """(h, w) float32, 0 or more, for class `index`; `images` (1, side, side, channels) as the model takes them."""


class GradCam:
    """The gradient of the class's logit, pooled, weighs the last convolution's map: computed inside the model file."""

    name = "Grad-CAM"

    def can_explain(self, model: Answering) -> bool:
        return "explain" in model.signatures()

    def heat(self, model: Answering, images: NDArray[np.float32], index: int) -> NDArray[np.float32]:
        classes = _probabilities(model, images).shape[-1]
        target = np.zeros((1, classes), np.float32)
        target[0, index] = 1.0
        return np.asarray(model.run("explain", images=images, target=target)["heat"][0], dtype=np.float32)


class Shap:
    """Shapley values of square patches, covered by the picture's mean, by SHAP's permutation explainer.

    Needs the extra `explain`. `patches` a side; `rounds` of permutations, each `2 * patches**2 + 1` calls of the model.
    """

    name = "SHAP"

    def __init__(self, patches: int = 6, rounds: int = 4, seed: int = 0) -> None:
        self._patches = patches
        self._rounds = rounds
        self._seed = seed

    def can_explain(self, model: Answering) -> bool:
        return "predict" in model.signatures()

    def heat(self, model: Answering, images: NDArray[np.float32], index: int) -> NDArray[np.float32]:
        explain = _load_shap().PermutationExplainer(
            lambda masks: self._log_odds(model, images, masks, index), np.zeros((1, self._patches**2)), seed=self._seed
        )
        calls = self._rounds * (2 * self._patches**2 + 1)
        found = explain(np.ones((1, self._patches**2)), max_evals=calls, silent=True)
        values = np.asarray(found.values, np.float32).reshape(self._patches, self._patches)
        return np.maximum(values, 0.0)

    def _log_odds(self, model: Answering, images: NDArray[np.float32], masks: Array, index: int) -> NDArray[np.float64]:
        """Of the class, for each row of `masks` (n, patches**2): 1 shows a patch, 0 covers it."""
        chances = [_probabilities(model, covered(images, mask.reshape(self._patches, -1)))[0, index] for mask in masks]
        clipped = np.clip(np.array(chances, np.float64), 1e-6, 1 - 1e-6)
        return np.asarray(np.log(clipped / (1 - clipped)))


def covered(images: NDArray[np.float32], shown: Array) -> NDArray[np.float32]:
    """(1, side, side, channels) with every patch where `shown` (p, p) is 0 replaced by the picture's mean colour."""
    side = images.shape[1]
    rows = np.minimum(np.arange(side) * shown.shape[0] // side, shown.shape[0] - 1)
    columns = np.minimum(np.arange(images.shape[2]) * shown.shape[1] // images.shape[2], shown.shape[1] - 1)
    visible = (shown[np.ix_(rows, columns)] > 0)[None, :, :, None]
    return np.where(visible, images, images.mean(axis=(1, 2), keepdims=True)).astype(np.float32)


def _probabilities(model: Answering, images: NDArray[np.float32]) -> Array:
    return model.run("predict", images=images)["probabilities"]


def _load_shap() -> Any:
    try:
        import shap
    except ImportError as error:
        raise MissingTool(
            "SHAP is not installed", expected="the extra `explain`", next_step="pip install 'medauth[explain]'"
        ) from error
    return shap
