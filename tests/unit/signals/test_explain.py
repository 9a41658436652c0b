"""Explainers on models whose reasons are known, and the overlay that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.report.heat import heat_png, overlaid, relative_heat
from medauth.signals.explain import GradCam, Shap, covered
from medauth.signals.interface import HeatMap, ModelUse


class CornerModel:
    """Says "bright corner" by how bright the upper left quarter is."""

    def __init__(self, *signatures: str) -> None:
        self._signatures = signatures
        self.targets: list[NDArray[Any]] = []

    def signatures(self) -> tuple[str, ...]:
        return self._signatures

    def run(self, name: str = "predict", /, **inputs: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        images = inputs["images"]
        if name == "explain":
            self.targets.append(inputs["target"])
            return {"heat": images[:, ::8, ::8, 0]}
        half = images.shape[1] // 2
        chance = float(images[0, :half, :half].mean()) / 255
        return {"probabilities": np.array([[1 - chance, chance]], np.float32)}


def picture() -> NDArray[np.float32]:
    image = np.full((1, 24, 24, 1), 20, np.float32)
    image[0, :12, :12] = 230
    return image


def heat_map(heat: NDArray[np.float32], grey: bool = True) -> HeatMap:
    shape = (48, 48) if grey else (48, 48, 3)
    return HeatMap("emotion", "step-1.happiness", "Grad-CAM", heat, np.full(shape, 90, np.uint8), ModelUse("m", "0"))


def test_grad_cam_asks_the_file_for_the_class() -> None:
    model = CornerModel("predict", "explain")
    heat = GradCam().heat(model, picture(), 1)
    assert model.targets[0].tolist() == [[0.0, 1.0]]
    assert heat.shape == (3, 3)


def test_grad_cam_needs_the_signature() -> None:
    assert GradCam().can_explain(CornerModel("predict", "explain"))
    assert not GradCam().can_explain(CornerModel("predict"))
    assert Shap().can_explain(CornerModel("predict"))


def test_covered_patches_take_the_mean_colour() -> None:
    shown = np.ones((4, 4))
    shown[0, 0] = 0
    image = covered(picture(), shown)
    assert (image[0, :6, :6] == picture().mean()).all()
    assert (image[0, 6:] == picture()[0, 6:]).all()


def test_overlay_colours_the_hot_place_and_leaves_the_rest() -> None:
    heat = np.zeros((6, 6), np.float32)
    heat[0, 0] = 3.0
    drawn = overlaid(heat_map(heat), 120)
    assert (drawn[60:, 60:] == 90).all()
    assert np.abs(drawn[5, 5].astype(int) - 90).max() > 60


def test_no_heat_leaves_the_picture_alone() -> None:
    assert relative_heat(np.zeros((6, 6), np.float32), 48).max() == 0
    assert (overlaid(heat_map(np.zeros((6, 6), np.float32), grey=False), 48) == 90).all()


def test_picture_has_room_for_bar_and_caption() -> None:
    png = heat_png(heat_map(np.ones((6, 6), np.float32)))
    drawn = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape[0] > 320
    assert drawn.shape[1] > 320
    bar = drawn[12:308, 332:348].reshape(-1, 3)
    assert len(np.unique(bar, axis=0)) > 100
