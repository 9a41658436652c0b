"""How probable a live person is, for risk engines: a number beside the verdict, which decides nothing.

A logistic model over the scores of the readings. What confirms can only raise it and what attacks can only lower it: its
weights have no sign to get wrong. It is a function of the readings alone, so it stands in no statement: whoever has them
computes it again. The person at the camera is never told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medauth.errors import ConfigError
from medauth.protocol.canonical import Json
from medauth.protocol.reading import PPM, SignalReading, to_ppm

MILLI = 1_000
PRIOR = 0.5
"""Share of live people that the number assumes. `at_prior` moves it to another one."""


@dataclass(frozen=True, slots=True)
class LivenessModel:
    """Weights in thousandths of a nat at a full score. `usual` is taken for a score that is missing, in millionths.

    `least_ppm` bounds both ends: nobody knows more than the number of people in the run can show.
    """

    version: int
    intercept_milli: int
    confirm: Mapping[str, int]
    attack: Mapping[str, int]
    usual: Mapping[str, int]
    least_ppm: int

    def __post_init__(self) -> None:
        weights = (*self.confirm.values(), *self.attack.values())
        if min(weights, default=0) < 0 or {*self.confirm, *self.attack} != set(self.usual):
            raise ConfigError(
                "a liveness model that falls with a confirm score or rises with an attack score",
                expected="weights of 0 or more, and a usual score for each",
                next_step="fit it by `medauth evaluate fusion`",
            )
        if set(self.confirm) & set(self.attack) or not 0 < self.least_ppm < PPM // 2:
            raise ConfigError("a liveness model that is certain, or of two minds", expected="one side for each signal")

    def probability_ppm(self, readings: Iterable[SignalReading]) -> int | None:
        """In millionths; None where no reading has a score. Of several scores of one signal the worse counts."""
        scores: dict[str, int] = {}
        for reading in readings:
            if reading.score_ppm is not None and reading.signal in self.usual:
                worse = max if reading.signal in self.attack else min
                scores[reading.signal] = worse(reading.score_ppm, scores.get(reading.signal, reading.score_ppm))
        return self.of_scores(scores) if scores else None

    def of_scores(self, scores: Mapping[str, int]) -> int:
        """The same, from scores by signal; those missing count as usual."""
        nats = self.intercept_milli / MILLI
        for sign, weights in ((1, self.confirm), (-1, self.attack)):
            for signal, weight in weights.items():
                nats += sign * weight / MILLI * scores.get(signal, self.usual[signal]) / PPM
        return min(PPM - self.least_ppm, max(self.least_ppm, to_ppm(1 / (1 + math.exp(-nats)))))

    def to_json(self) -> dict[str, Json]:
        """For the record of a run."""
        return {
            "version": self.version,
            "intercept_milli": self.intercept_milli,
            "confirm": dict(self.confirm),
            "attack": dict(self.attack),
            "usual": dict(self.usual),
            "least_ppm": self.least_ppm,
        }


def at_prior(probability_ppm: int, live: float) -> int:
    """What the number becomes where the share `live` of all checks is of live people (Bayes' rule on the odds)."""
    odds = probability_ppm / (PPM - probability_ppm) * (live / (1 - live)) / (PRIOR / (1 - PRIOR))
    return to_ppm(odds / (1 + odds))
