"""Which facial movements a live face shows, in words that can be read: they wait a moment before they come and go.

A single look is unsure: landmarks tremble, and a length near its threshold would have its words blink. So lengths are
smoothed, words appear when a movement has lasted, stay a little after it, and name one side only when that was so all the
while. Rest is this person's own as soon as they were seen at rest often enough, and that of other people until then.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from medauth.protocol.observation import FaceTrack
from medauth.report.smoothing import Exponential
from medauth.signals.face_measures import measure_face
from medauth.signals.head_pose import Floats
from medauth.signals.movements_seen import SeenUnit, movements_of

_SMOOTHING_MS = 200.0
_LASTS_MS, _STAYS_MS = 300.0, 700.0
"""Words appear after a movement of so long, and go so long after it."""
_TURNED_DEG = 20.0
"""A head turned further hides one side of the face."""
_AT_REST = 0.5
"""From this probability of `neutral` on a face counts as resting."""
_LEAST_REST, _MOST_REST = 12, 300
"""Looks at a resting face that make a rest, and that are remembered."""


@dataclass(frozen=True, slots=True)
class LiveMovements:
    """What a face does now, from the brows down; `own_rest`: against this face at rest, not against other people's."""

    words: tuple[str, ...] = ()
    own_rest: bool = False


@dataclass(slots=True)
class _Lasting:
    """One action unit that is seen for a while; `sides` by time, "" for both."""

    unit: SeenUnit
    since_ms: float
    last_ms: float
    sides: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=64))

    def words(self) -> str:
        """Of one side only if no look of the last while saw both."""
        sides = {side for at, side in self.sides if self.last_ms - at <= _LASTS_MS}
        side = f"{next(iter(sides))} side alone: " if len(sides) == 1 and sides != {""} else ""
        return f"{side}{self.unit.unit.words} (AU {self.unit.unit.number})"


class MovementWatch:
    """Fed the face of every look, in one thread."""

    def __init__(self) -> None:
        self._rest: deque[Floats] = deque(maxlen=_MOST_REST)
        self._smooth = Exponential(_SMOOTHING_MS)
        self._lasting: dict[int, _Lasting] = {}
        self._own_rest = False

    def look(self, t_ms: float, track: FaceTrack, neutral: float) -> LiveMovements:
        """What it shows now; `neutral` is how probably its expression is none."""
        own_rest = len(self._rest) >= _LEAST_REST
        if own_rest != self._own_rest:
            self._own_rest = own_rest
            self._lasting.clear()  # what was told against other people is not so against this one
        if abs(track.pose.yaw) <= _TURNED_DEG:
            measures = measure_face(track)
            if neutral >= _AT_REST:
                self._rest.append(measures)
            smooth = self._smooth.feed(t_ms, measures.astype(np.float32)).astype(np.float64)
            rest = np.median(self._rest, axis=0) if own_rest else None
            self._note(t_ms, movements_of(smooth, rest).seen)
        self._forget(t_ms)
        shown = [(number, one) for number, one in self._lasting.items() if one.last_ms - one.since_ms >= _LASTS_MS]
        return LiveMovements(tuple(one.words() for _, one in sorted(shown, key=lambda item: item[0])), own_rest)

    def lost(self) -> None:
        """There is no face: whoever comes next may be another, whose rest is not known."""
        self._rest.clear()
        self._lasting.clear()
        self._smooth = Exponential(_SMOOTHING_MS)

    def _note(self, t_ms: float, seen: tuple[SeenUnit, ...]) -> None:
        for one in seen:
            lasting = self._lasting.setdefault(one.unit.number, _Lasting(one, t_ms, t_ms))
            lasting.last_ms = t_ms
            lasting.sides.append((t_ms, one.side))

    def _forget(self, t_ms: float) -> None:
        """What has ended long enough ago, and at once what was too short to be shown."""
        for number, one in list(self._lasting.items()):
            short = one.last_ms - one.since_ms < _LASTS_MS
            if one.last_ms < t_ms and (short or t_ms - one.last_ms > _STAYS_MS):
                del self._lasting[number]
