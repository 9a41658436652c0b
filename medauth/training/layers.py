"""Keras layers of our own: standardisation inside the model, and batch normalisation that is not slow on a CPU."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="medauth")
class Standardise(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Zero mean and unit variance for each image, so that exposure and contrast do not matter.

    Input and output are float32 [N, H, W, 1]; any scale of grey values gives the same output.
    """

    def __init__(self, floor: float = 4.0, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **{k: v for k, v in kwargs.items() if k != "dtype"})
        self.floor = floor  # grey levels: below this deviation an image is flat and stays flat

    def call(self, images: Any) -> Any:
        """Float32 [N, H, W, 1] in grey levels 0..255 to standardised values."""
        mean = keras.ops.mean(images, axis=(1, 2, 3), keepdims=True)
        centred = images - mean
        variance = keras.ops.mean(keras.ops.square(centred), axis=(1, 2, 3), keepdims=True)
        return centred / keras.ops.maximum(keras.ops.sqrt(variance), self.floor)

    def get_config(self) -> dict[str, Any]:
        """Everything needed to build the layer again."""
        return {**super().get_config(), "floor": self.floor}


@keras.saving.register_keras_serializable(package="medauth")
class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # keras ships no types
    """Batch normalisation through TensorFlow's fused operator while training on that backend.

    Keras 3 computes moments and normalisation as separate elementwise passes; on two CPU cores the fused operator
    made the expression net train 1.3 times as fast (195 against 255 images a second, bfloat16, November 2026).
    Elsewhere, and at inference, this is the Keras layer with the same weights.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """[N, H, W, C] in, the same shape out; updates the moving statistics when training."""
        if not training or keras.config.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        scale, offset = (keras.ops.cast(value, "float32") for value in (self.gamma, self.beta))
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, scale, offset, epsilon=self.epsilon, is_training=True
        )[:3]
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
        return outputs


def convolution(x: Any, channels: int, *, stride: int, activate: bool = True, kernel: int = 3) -> Any:
    """A convolution, evened out by its batch, and rectified where `activate` says so."""
    x = keras.layers.Conv2D(
        channels, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal"
    )(x)
    x = FusedBatchNormalization(momentum=0.98)(x)
    return keras.layers.ReLU()(x) if activate else x
