"""Why a face is read as it is: at the height of each expression, which movements it shows against its rest.

The expression comes from the net, the movements from the mesh: two ways of looking at one moment, which a reader may hold
against each other. Rest is this person's own, where the recording shows it, else that of people in general, and it is said
which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from medauth.protocol.observation import FaceTrack
from medauth.signals.face_measures import measure_face
from medauth.signals.head_pose import Floats
from medauth.signals.interface import Marks
from medauth.signals.movements_seen import Movements, movements_of

_TURNED_DEG = 20.0
"""A head turned further hides one side of the face."""
_NAMED = 0.5
_LEAST_REST = 12
"""Frames of a resting face that make a rest."""
_NEAR_MS = 120.0
_MOST_MOMENTS = 7


@dataclass(frozen=True, slots=True)
class Moment:
    """The height of one expression."""

    t_ms: float
    expression: str
    probability: float
    movements: Movements

    def to_json(self) -> dict[str, Any]:
        """As `analysis.json` holds it; amounts in spreads of resting faces, the person's right and left."""
        seen = [
            {
                "unit": one.unit.number,
                "name": one.unit.name,
                "right": round(one.right, 2),
                "left": round(one.left, 2),
                "alone": one.side,
            }
            for one in self.movements.seen
        ]
        return {
            "time_ms": round(self.t_ms),
            "expression": self.expression,
            "probability": round(self.probability, 3),
            "text": self.movements.text,
            "units": seen,
            "not_seen": list(self.movements.missing(self.expression)),
            "movements_read_as": self.movements.reading,
            "against": self.movements.against,
        }


class MovementLog:
    """Fed every face of a recording."""

    def __init__(self) -> None:
        self._times_ms: list[float] = []
        self._measures: list[Floats] = []

    def add(self, t_ms: float, track: FaceTrack) -> None:
        """Takes in the face of one frame."""
        if abs(track.pose.yaw) <= _TURNED_DEG:
            self._times_ms.append(t_ms)
            self._measures.append(measure_face(track))

    def moments(self, emotion: Marks | None) -> list[Moment]:
        """At most seven, by time: the height of every expression that the net named, of a picture the one it shows."""
        if emotion is None or not self._times_ms:
            return []
        courses = {trace.name: np.array(trace.values) for trace in emotion.traces}
        times = np.array(next((trace.times_ms for trace in emotion.traces), ()))
        if not len(times):
            return []
        rest = self._rest(times, courses)
        single = len(self._times_ms) == 1
        found = []
        for name, values in courses.items():
            height = int(values.argmax())
            at = int(np.abs(np.array(self._times_ms) - times[height]).argmin())
            near = abs(self._times_ms[at] - times[height]) <= _NEAR_MS
            wanted = name == _likeliest(courses) if single else name != "neutral" and values[height] >= _NAMED
            if wanted and near:
                movements = movements_of(self._measures[at], rest)
                found.append(Moment(float(times[height]), name, float(values[height]), movements))
        strongest = sorted(found, key=lambda moment: -moment.probability)[:_MOST_MOMENTS]
        return sorted(strongest, key=lambda moment: moment.t_ms)

    def _rest(self, times: Floats, courses: Mapping[str, Floats]) -> Floats | None:
        """Median of the frames that the net calls neutral; None where there are too few to know this face at rest."""
        neutral = courses.get("neutral")
        if neutral is None:
            return None
        chance = np.interp(self._times_ms, times, neutral)
        still = [row for row, value in zip(self._measures, chance, strict=True) if value >= _NAMED]
        return np.asarray(np.median(still, axis=0)) if len(still) >= _LEAST_REST else None


def _likeliest(courses: Mapping[str, Floats]) -> str:
    return max(courses, key=lambda name: float(courses[name][0]))
