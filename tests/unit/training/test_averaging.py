from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.training.averaging import MovingAverage


def weights(value: float) -> list[NDArray[np.float32]]:
    return [np.full((2, 3), value, np.float32), np.full(4, value, np.float32)]


def test_early_updates_have_a_short_memory():
    average = MovingAverage(weights(0.0), decay=0.999)
    average.update(weights(1.0))
    assert average.weights[0][0, 0] == pytest.approx(1 - 2 / 11)


def test_late_updates_use_the_decay():
    average = MovingAverage(weights(0.0), decay=0.9, updates=10_000)
    average.update(weights(1.0), steps=2)
    assert average.weights[1][0] == pytest.approx(1 - 0.9**2)


def test_the_weights_given_are_not_changed():
    given = weights(0.0)
    MovingAverage(given, decay=0.5).update(weights(1.0))
    assert given[0].max() == 0


def test_saving_and_loading_keeps_everything(tmp_path: Path):
    average = MovingAverage(weights(0.25), decay=0.5)
    average.update(weights(1.0), steps=7)
    average.save(tmp_path / "average.npz")
    again = MovingAverage.load(tmp_path / "average.npz", decay=0.5)
    assert again.updates == 7
    assert all(np.array_equal(a, b) for a, b in zip(average.weights, again.weights, strict=True))


def test_another_net_is_refused():
    with pytest.raises(ValueError, match="shorter"):
        MovingAverage(weights(0.0), decay=0.5).update(weights(1.0)[:1])
