"""The last layer of the net, fitted anew on recorded and simulated presentations: what the folds differ in.

Six set-ups are too few to move the convolutions: they would learn the rooms. The features come from simulation alone;
recorded attacks only say how to weigh them. A softmax regression with a penalty on the weights (Bishop 2006, 4.3.4)
takes a fraction of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
_STEPS = 60
_SETTLED = 1e-4


@dataclass(frozen=True)
class Examples:
    """`features` float64 [N, F], `labels` int64 [N], `weights` float64 [N], `groups` one text each."""

    features: Features
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]
    groups: NDArray[np.str_]

    def at(self, keep: NDArray[np.bool_]) -> Examples:
        """Those where `keep` holds."""
        return Examples(self.features[keep], self.labels[keep], self.weights[keep], self.groups[keep])


@dataclass(frozen=True)
class Head:
    """Logits = features @ `kernel` [F, C] + `bias` [C]."""

    kernel: NDArray[np.float64]
    bias: NDArray[np.float64]

    def logits(self, features: Features) -> NDArray[np.float32]:
        """Float32 [N, C]."""
        return np.asarray(features @ self.kernel + self.bias, np.float32)


def fit_head(examples: Examples, penalty: float, classes: int = 3) -> Head:
    """The head that makes the labels likeliest, less `penalty` x mean weight x squared coefficients.

    Features are scaled to unit variance for the fit, so that the penalty means the same for all of them.
    """
    share = examples.weights / examples.weights.sum()
    mean = share @ examples.features
    scale = np.sqrt(share @ (examples.features - mean) ** 2) + 1e-6
    inputs = np.column_stack([(examples.features - mean) / scale, np.ones(len(share))])
    ridge = np.append(np.full(inputs.shape[1] - 1, penalty), 1e-6)
    coefficients = _climb(inputs, np.eye(classes)[examples.labels], share, ridge)
    kernel = coefficients[:-1] / scale[:, None]
    return Head(kernel, coefficients[-1] - mean @ kernel)


def pooled_features(model: Any, crops: NDArray[np.uint8], batch: int = 64) -> Features:
    """Outputs of the layer `pool`, float64 [N, F], of uint8 [N, S, S, 3], in batches of one size."""
    import keras

    net = keras.Model(model.input, model.get_layer("pool").output)
    padded = np.concatenate([crops, np.zeros((-len(crops) % batch, *crops.shape[1:]), np.uint8)])
    parts = [net.predict_on_batch(padded[at : at + batch].astype(np.float32)) for at in range(0, len(padded), batch)]
    return np.asarray(np.concatenate(parts)[: len(crops)], np.float64)


def _climb(
    inputs: NDArray[np.float64], targets: NDArray[np.float64], share: NDArray[np.float64], ridge: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Coefficients float64 [F + 1, C] of the softmax regression.

    The second derivatives are never more than half of `inputs`' weighted products (Boehning 1992), so that one matrix,
    inverted once, serves all steps; momentum (Nesterov) makes up for their caution.
    """
    bound = 0.5 * inputs.T @ (share[:, None] * inputs) + np.diag(ridge)
    inverse = np.linalg.inv(bound)
    found = ahead = np.zeros((inputs.shape[1], targets.shape[1]))
    for step in range(1, _STEPS):
        rise = inputs @ ahead
        raised = np.exp(rise - rise.max(axis=1, keepdims=True))
        chances = raised / raised.sum(axis=1, keepdims=True)
        slope = inputs.T @ (share[:, None] * (chances - targets)) + ridge[:, None] * ahead
        before, found = found, ahead - inverse @ slope
        ahead = found + step / (step + 3) * (found - before)
        if np.abs(found - before).max() < _SETTLED:
            break
    return np.asarray(found)
