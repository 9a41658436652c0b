"""What a model's raw score means: its probability, and the score from which a policy calls it an attack.

Both are fitted on recorded data and stand in the model's manifest; nothing here is set by hand.
`medauth evaluate thresholds` writes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from medauth.errors import ModelError

FALLBACK = "standard"
"""Policies that ask for other gestures judge attacks as this one does."""
_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Calibration:
    """Raw score in [0, 1] to probability. Without knots and with temperature 1 a score is its own probability."""

    temperature: float = 1.0
    knots: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> Self:
        """As a manifest states it under `calibration`. Raises `ModelError` for a method that is not known."""
        method = stated.get("method", "none")
        if stated.get("in_file", method == "none"):
            return cls()
        if method == "temperature":
            return cls(temperature=usable_temperature(stated))
        if method == "isotonic":
            return cls(knots=tuple((float(raw), float(probability)) for raw, probability in stated["knots"]))
        raise ModelError(
            f"calibration by {method!r}", expected="temperature or isotonic", next_step="calibrate the model again"
        )

    def probability(self, raw: float) -> float:
        """Calibrated; between two knots on the line that joins them."""
        if self.knots:
            return float(np.interp(raw, [x for x, _ in self.knots], [y for _, y in self.knots]))
        return raw if self.temperature == 1.0 else _sigmoid(log_odds(raw) / self.temperature)


def usable_temperature(stated: Mapping[str, Any]) -> float:
    """The temperature of a manifest's `calibration`. Raises `ModelError` for one that turns or flattens every score."""
    found = stated.get("temperature")
    if not isinstance(found, (int, float)) or not 0.0 < found < math.inf:
        raise ModelError(f"temperature {found!r}", expected="above 0", next_step="calibrate the model again")
    return float(found)


def deny_threshold(stated: Mapping[str, Any], policy: str = FALLBACK) -> float:
    """The probability from which an attack is called one, from a manifest's `operating_points`.

    Raises `ModelError` where no evaluation was recorded: a threshold is never made up. One outside 0..1 is refused, too:
    no score would reach it, and the cue would be off without a word.
    """
    point = stated.get(policy) or stated.get(FALLBACK)
    if point is None:
        raise ModelError(
            "a model without recorded operating points",
            expected=f"a threshold for the policy {policy}",
            next_step="medauth evaluate thresholds",
        )
    threshold = point.get("threshold") if isinstance(point, Mapping) else None
    if not isinstance(threshold, (int, float)) or not 0.0 <= threshold <= 1.0:
        raise ModelError(
            f"the threshold {threshold!r} of the policy {policy}",
            expected="a probability, 0 to 1",
            next_step="medauth evaluate thresholds",
        )
    return float(threshold)


def calibrated(stated: Mapping[str, Any], raw: Sequence[float]) -> list[float]:
    """Probabilities of many raw scores."""
    calibration = Calibration.of(stated)
    return [calibration.probability(value) for value in raw]


def log_odds(chance: float, floor: float = _EDGE) -> float:
    """Natural logarithm of chance : 1 - chance, with `chance` kept `floor` off 0 and 1."""
    kept = min(1.0 - floor, max(floor, chance))
    return math.log(kept / (1.0 - kept))


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))
