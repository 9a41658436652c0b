"""The net that names short movements: a very small CNN over flow and strain between onset and apex."""

from __future__ import annotations

from typing import Any

import keras

from medauth.evaluation.action_units import CLASSES
from medauth.signals.micro_classifier import MAP_PX


@keras.saving.register_keras_serializable(package="medauth")
class Strength(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Divides a map by its own root mean square, so that weak and strong movements look alike.

    float32 [N, H, W, 3] in and out; below `floor` (working pixels) a map is noise and stays small.
    """

    def __init__(self, floor: float = 0.05, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **{key: value for key, value in kwargs.items() if key != "dtype"})
        self.floor = floor

    def call(self, maps: Any) -> Any:
        """The maps at a common strength."""
        square = keras.ops.mean(keras.ops.square(maps), axis=(1, 2, 3), keepdims=True)
        return maps / keras.ops.maximum(keras.ops.sqrt(square), self.floor)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to build the layer again."""
        return {**super().get_config(), "floor": self.floor}


def build_micro_model(classes: int = len(CLASSES), channels: tuple[int, ...] = (16, 32, 32)) -> Any:
    """Return the untrained net: float32 [N, 28, 28, 3] (flow right, flow down, strain) -> float32 [N, classes] logits.

    Where something moves matters as much as how, so the last map is read place by place, not averaged.
    """
    maps = keras.Input((MAP_PX, MAP_PX, 3), name="images", dtype="float32")
    x = Strength(name="strength")(maps)
    for count in channels:
        x = keras.layers.Conv2D(count, 3, padding="same", kernel_initializer="he_normal")(x)
        x = keras.layers.MaxPooling2D(2)(keras.layers.ReLU()(x))
    x = keras.layers.Dropout(0.4, name="dropout")(keras.layers.Flatten()(x))
    return keras.Model(maps, keras.layers.Dense(classes, dtype="float32", name="logits")(x), name="micro_expression")
