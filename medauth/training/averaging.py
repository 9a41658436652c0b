"""Exponential moving average of weights: the averaged net is better and steadier than the last one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Weights = Sequence[NDArray[np.float32]]


class MovingAverage:
    """Averages the arrays of a model with decay `decay` a step; early steps use a shorter memory."""

    def __init__(self, weights: Weights, *, decay: float, updates: int = 0) -> None:
        self.weights = [np.array(array, dtype=np.float32) for array in weights]
        self.decay = decay
        self.updates = updates

    def update(self, weights: Weights, *, steps: int = 1) -> None:
        """Take in the weights reached `steps` steps after the last call."""
        self.updates += steps
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates)) ** steps
        for average, current in zip(self.weights, weights, strict=True):
            np.add(average, np.float32(1 - decay) * (current - average), out=average)

    def save(self, path: Path) -> None:
        """Write the averaged arrays and the number of updates to an `.npz` file."""
        with path.open("wb") as file:
            np.savez(file, *self.weights, updates=np.array(self.updates))

    @classmethod
    def load(cls, path: Path, *, decay: float) -> MovingAverage:
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            weights = [arrays[f"arr_{index}"] for index in range(len(arrays.files) - 1)]
            return cls(weights, decay=decay, updates=int(arrays["updates"]))
