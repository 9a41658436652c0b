"""Heads over 16 frames: the LSTM that is released, Grad-CAM through it, and a small 3-D CNN to compare it with."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from medauth.training.deepfake_net import CHANNELS
from medauth.training.sequences import LENGTH

UNITS = 8
RUN = 8
"""Frames in a row that are looked at as one: four fifths of a second, about as long as a movement lasts."""
_STILL = 1e-3  # mean square of a movement that is none: what the noise of a camera moves


def build_head(frame_kernel: NDArray[np.float32], frame_bias: float) -> Any:
    """Vectors float32 [N, 16, 64] -> logit of fake [N, 1].

    The highest mean over `RUN` frames in a row of what the frame net says, with `frame_kernel` (64,) and `frame_bias`, plus
    what an LSTM adds that follows that answer and how far the vector moved since the last frame: a few hundred sequences
    teach it what flickers, and not the 64 numbers of each person. It begins at the frame net's answer and learns the rest.
    """
    vectors = keras.Input((LENGTH, CHANNELS), name="vectors", dtype="float32")
    frame = keras.layers.Dense(1, name="frame")
    answers = frame(vectors)
    runs = keras.layers.AveragePooling1D(RUN, strides=1, name="runs")(answers)
    highest = keras.layers.GlobalMaxPooling1D(name="highest")(runs)
    frame.set_weights([frame_kernel.reshape(-1, 1), np.array([frame_bias], np.float32)])
    frame.trainable = False
    followed = keras.layers.Concatenate(name="followed")([answers, Movement(name="movement")(vectors)])
    x = keras.layers.BatchNormalization(name="standardise")(followed)
    x = keras.layers.LSTM(UNITS, name="lstm")(x)
    x = keras.layers.Dropout(0.3, name="forget_units")(x)
    added = keras.layers.Dense(1, kernel_initializer="zeros", name="added")(x)
    scaled = keras.layers.Dense(1, kernel_initializer="ones", name="scaled")(highest)
    return keras.Model(vectors, keras.layers.Add(name="logit")([scaled, added]), name="head")


@keras.saving.register_keras_serializable(package="medauth")
class Movement(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """How far each vector lies from the one before, as the logarithm of the mean square: [N, T, C] to [N, T, 1].

    The first is compared with itself.
    """

    def call(self, vectors: Any) -> Any:
        """See the class."""
        return moved(vectors, keras.ops.concatenate([vectors[:, :1], vectors[:, :-1]], axis=1))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """One number a frame."""
        return (*shape[:-1], 1)


def moved(vectors: Any, before: Any) -> Any:
    """Logarithm of the mean square of `vectors` - `before` over the last axis, which it keeps."""
    return keras.ops.log(keras.ops.mean(keras.ops.square(vectors - before), axis=-1, keepdims=True) + _STILL)


def explain_maps(head: Any, maps: Any) -> dict[str, Any]:
    """Grad-CAM through the head: maps [1, 16, 9, 9, 64] of the last convolution -> heat [1, 16, 9, 9].

    The LSTM runs cell by cell over unstacked frames: slicing would put an
    operator into the gradient that LiteRT has not.
    """
    import tensorflow as tf

    parts = tf.unstack(maps, axis=1)
    with tf.GradientTape() as tape:
        tape.watch(parts)
        logit = _by_cells(head, [_pooled(part) for part in parts])
    gradients = tape.gradient(logit, parts)
    heat = [_heat(part, gradient) for part, gradient in zip(parts, gradients, strict=True)]
    return {"heat": tf.stack(heat, axis=1), "logit": logit}


def reference_heat(head: Any, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same by `tf.GradientTape` through the layers as they are: what `explain` must equal."""
    import tensorflow as tf

    inputs = tf.constant(maps)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        logit = head(tf.reduce_mean(inputs, axis=(2, 3)), training=False)
    weights = tf.reduce_mean(tape.gradient(logit, inputs), axis=(2, 3), keepdims=True)
    return np.asarray(tf.nn.relu(tf.reduce_sum(inputs * weights, axis=-1)).numpy(), np.float32)


def _pooled(maps: Any) -> Any:
    """Vector [1, 64] of one frame's maps [1, 9, 9, 64]."""
    import tensorflow as tf

    return tf.reshape(tf.reduce_mean(maps, axis=(1, 2)), (1, CHANNELS))


def _heat(maps: Any, gradient: Any) -> Any:
    """Grad-CAM (Selvaraju et al. 2017): maps weighed by the mean of their gradient, what speaks against left out."""
    import tensorflow as tf

    weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(maps * weights, axis=-1))


def _by_cells(head: Any, frames: list[Any]) -> Any:
    """The head's logit [1, 1] from 16 vectors [1, C]."""
    frame, norm, lstm = (head.get_layer(name) for name in ("frame", "standardise", "lstm"))
    highest = _highest([frame(x) for x in frames])
    factor = norm.gamma / keras.ops.sqrt(norm.moving_variance + norm.epsilon)
    offset = norm.beta - norm.moving_mean * factor
    state = [keras.ops.zeros((1, UNITS)), keras.ops.zeros((1, UNITS))]
    for x, before in zip(frames, (frames[0], *frames), strict=False):
        followed = keras.ops.concatenate([frame(x), moved(x, before)], axis=-1)
        _, state = lstm.cell(followed * factor + offset, state, training=False)
    return head.get_layer("scaled")(highest) + head.get_layer("added")(state[0])


def _highest(answers: list[Any]) -> Any:
    """The highest mean [1, 1] of `RUN` answers [1, 1] in a row."""
    import tensorflow as tf

    runs = [sum(answers[at : at + RUN]) / RUN for at in range(len(answers) - RUN + 1)]
    return tf.reduce_max(tf.stack(runs, axis=0), axis=0)


def build_volume(side: int = 56) -> Any:
    """A small 3-D CNN on the pictures themselves: float32 [N, 16, side, side, 3] 0..255 -> logit [N, 1]."""
    images = keras.Input((LENGTH, side, side, 3), name="images", dtype="float32")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scale")(images)
    for channels, stride in ((16, (1, 2, 2)), (32, (2, 2, 2)), (48, (2, 2, 2)), (64, (2, 2, 2))):
        x = keras.layers.Conv3D(channels, 3, strides=stride, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.95)(x))
    x = keras.layers.Dropout(0.3)(keras.layers.GlobalAveragePooling3D()(x))
    return keras.Model(images, keras.layers.Dense(1, dtype="float32", name="logit")(x), name="volume")
