"""The deepfake net's eye: the lower blocks of MobileNetV2, trained on from somebody's weights, for fine traces.

What pasting leaves is fine texture and edges. So the picture keeps its resolution, the first convolution is given what a
fixed high-pass filter leaves beside the colours (as in steganalysis; Fridrich and Kodovsky 2012), every layer is trained,
and the net ends at a sixteenth of the side, before its maps tell objects apart.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.training.face_bank import CROP_PX
from medauth.training.mobilenet import Weights, folded, grow

LAST = 9  # the last block that is used
LAST_CONVOLUTION = "last_convolution"
CLASSES = ("real", "fake")
CHANNELS = 64
"""Length of a frame's vector: the means of as many maps."""
_GAIN = 6.0  # what is left of a picture without its blur is a few grey levels


def build_encoder() -> Any:
    """Float32 [N, 144, 144, 3] BGR 0..255 -> maps [N, 9, 9, 64] and their means, the vector [N, 64]."""
    images = keras.Input((CROP_PX, CROP_PX, 3), name="images", dtype="float32")
    scaled = keras.layers.Rescaling(1 / 255, name="scale")(images)
    traces = HighPass(_GAIN / 255, name="traces")(images)
    x = grow(keras.layers.Concatenate(name="colours_and_traces")([scaled, traces]), last=LAST)
    x = keras.layers.Conv2D(CHANNELS, 1, kernel_initializer="he_normal", name="mix")(x)
    maps = keras.layers.ReLU(name=LAST_CONVOLUTION)(x)
    vector = keras.layers.GlobalAveragePooling2D(name="vector")(maps)
    return keras.Model(images, [maps, vector], name="encoder")


def build_frame_net() -> Any:
    """The encoder with what it is trained by: logits [N, 1 + 81] of a fake and of the pasted part's edge by cell."""
    encoder = build_encoder()
    maps, vector = encoder.output
    fake = keras.layers.Dense(1, name="fake")(keras.layers.Dropout(0.2)(vector))
    edges = keras.layers.Flatten(name="cells")(keras.layers.Conv2D(1, 1, name="edge")(maps))
    return keras.Model(encoder.input, keras.layers.Concatenate(name="answers")([fake, edges]), name="frames")


def load_backbone(net: Any, weights: Weights) -> None:
    """Give the blocks of `net` the weights of a trained MobileNetV2.

    It was trained on RGB: its first kernel is turned around. The high-passed channels begin at zero, so that the net
    begins where the trained one stood.
    """
    kernel, bias = folded("Conv1", weights)
    net.get_layer("Conv1").set_weights([np.concatenate([kernel[:, :, ::-1], np.zeros_like(kernel)], axis=2), bias])
    for layer in net.layers:
        if layer.name.startswith(("expanded_conv_", "block_")) and layer.weights:
            layer.set_weights(folded(layer.name, weights))


def encoder_of(net: Any) -> tuple[Any, NDArray[np.float32], float]:
    """The encoder of a trained frame net, and the kernel (64,) and bias that make a frame's logit of its vector."""
    encoder = keras.Model(net.input, [net.get_layer(name).output for name in (LAST_CONVOLUTION, "vector")])
    kernel, bias = net.get_layer("fake").get_weights()
    return encoder, np.asarray(kernel[:, 0], np.float32), float(bias[0])


@keras.saving.register_keras_serializable(package="medauth")
class HighPass(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """What a 3x3 binomial blur takes away, `gain` times, bounded to -1..1."""

    def __init__(self, gain: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gain = gain

    def call(self, images: Any) -> Any:
        """Float32 [N, H, W, C] to the same shape."""
        line = np.array([0.25, 0.5, 0.25], np.float32)
        kernel = -np.outer(line, line)
        kernel[1, 1] += 1.0
        kernels = np.repeat(kernel[:, :, None, None], images.shape[-1], axis=2) * np.float32(self.gain)
        kept = keras.ops.depthwise_conv(images, keras.ops.cast(kernels, images.dtype), padding="same")
        return keras.ops.clip(kept, -1.0, 1.0)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Unchanged."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Everything needed to build the layer again."""
        return {**super().get_config(), "gain": self.gain}
