"""What an analysis gathers beside its signals: where the deepfake net looked, where the face was, how it moved.

Heat maps are taken a few times a second, not in every frame; of the frames that look most painted a few are kept to be
shown. Nothing here enters a reading.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import FaceTrack, Observation
from medauth.report.movement_moments import MovementLog
from medauth.signals.face_motion import FaceMotion
from medauth.signals.interface import Explainable, HeatMap, Marks, Trace

PAINTED = "deepfake"
HEAT_EVERY_MS = 200.0
MOST_FRAMES = 6
_APART_MS = 1_000.0
_TURNED_DEG = 35.0


@runtime_checkable
class JudgesSingly(Explainable, Protocol):
    """A signal that can judge one frame by itself."""

    def single(self, image: NDArray[np.uint8], track: FaceTrack) -> float | None:
        """Probability that this frame was painted; None where the model gives no such answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One glance at where the net looked. `single` is what it thinks of this frame by itself, 0 to 1."""

    t_ms: float
    single: float
    heat: NDArray[np.float32]
    place: NDArray[np.float64]
    """(2, 3): from pixels of the frame to pixels of the crop of `side` pixels."""
    side: int


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A frame worth showing."""

    t_ms: float
    single: float
    heat_map: HeatMap


@dataclass(frozen=True, slots=True)
class FacePlace:
    """Where the face was in one frame: left, top, right, bottom in pixels."""

    t_ms: float
    box: tuple[int, int, int, int]


class LookingOver:
    """An `Onlooker` of one recording."""

    def __init__(self, *, heat: bool = True) -> None:
        self.motion = FaceMotion()
        self.movements = MovementLog()
        self.looks: list[Look] = []
        self.places: list[FacePlace] = []
        self._heat = heat
        self._last_ms = -HEAT_EVERY_MS
        self._kept: list[Painted] = []

    def see(self, observation: Observation, explainable: Mapping[str, Explainable]) -> None:
        track, t_ms = observation.track, observation.frame.t_ms
        if track is None:
            return
        self.motion.add(t_ms, track)
        self.movements.add(t_ms, track)
        self.places.append(FacePlace(t_ms, _box(track)))
        if t_ms - self._last_ms < HEAT_EVERY_MS - 0.5 or abs(track.pose.yaw) > _TURNED_DEG:
            return
        self._last_ms = t_ms
        self._look(t_ms, observation.frame.image, track, explainable.get(PAINTED))

    def singles(self) -> list[float]:
        """What the net thinks of each frame that it looked at, by itself."""
        return [look.single for look in self.looks]

    def frames(self) -> list[Painted]:
        """The frames that look most painted, a second apart, by time."""
        return sorted(self._kept, key=lambda kept: kept.t_ms)

    def marks(self) -> Marks:
        """Curves of motion, for the plot."""
        curves = self.motion.curves().items()
        return Marks(tuple(Trace(name, "thousandths of the eye distance", *curve) for name, curve in curves))

    def motion_rows(self) -> list[tuple[float, ...]]:
        """Time in ms, then how far brows, nose and mouth are from where they were around that second, in thousandths of
        the distance between the outer eye corners."""
        parts = list(self.motion.curves().values())
        return [(round(t), *(round(values[k], 2) for _, values in parts)) for k, t in enumerate(parts[0][0])]

    def _look(self, t_ms: float, image: NDArray[np.uint8], track: FaceTrack, signal: Explainable | None) -> None:
        if not isinstance(signal, JudgesSingly):
            return
        chance = signal.single(image, track)
        if chance is None:
            return
        heat_map = signal.explained(image, track, f"fake, frame at {t_ms / 1000:.1f} s") if self._heat else None
        if heat_map is None or heat_map.place is None:
            self.looks.append(Look(t_ms, chance, np.zeros((1, 1), np.float32), np.zeros((2, 3)), 1))
            return
        self.looks.append(Look(t_ms, chance, heat_map.heat, heat_map.place, len(heat_map.picture)))
        self._keep(Painted(t_ms, chance, heat_map))

    def _keep(self, found: Painted) -> None:
        """The strongest of each second, and of those the strongest few."""
        near = [kept for kept in self._kept if abs(kept.t_ms - found.t_ms) < _APART_MS]
        if any(kept.single >= found.single for kept in near):
            return
        rest = [kept for kept in self._kept if kept not in near]
        self._kept = heapq.nlargest(MOST_FRAMES, [*rest, found], key=lambda kept: kept.single)


def _box(track: FaceTrack) -> tuple[int, int, int, int]:
    (left, top), (right, bottom) = track.landmarks[:, :2].min(axis=0), track.landmarks[:, :2].max(axis=0)
    return round(float(left)), round(float(top)), round(float(right)), round(float(bottom))
