"""Short movements of a face as arrows over a drawn one: which part moved whereto, the head's own motion taken out.

The drawing is of nobody. Directions come from the optical flow of the aligned face (`signals/face_flow.py`), as the
reading tells them; sides are the person's own, so that their right is to the left of who looks at them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medauth.signals.micro_spotter import DIRECTIONS

_PLACES: Mapping[str, tuple[int, int]] = {
    "right brow, inner": (84, 68),
    "right brow, outer": (56, 72),
    "left brow, inner": (116, 68),
    "left brow, outer": (144, 72),
    "right eye": (70, 90),
    "left eye": (130, 90),
    "right nose wing": (88, 128),
    "left nose wing": (112, 128),
    "right mouth corner": (74, 158),
    "left mouth corner": (126, 158),
    "upper lip": (100, 152),
    "lower lip": (100, 166),
    "chin": (100, 190),
}
"""Where the regions of `face_flow.REGIONS` lie in a drawing 200 wide and 220 high."""
_ANGLES = {word: 45 * index for index, word in enumerate(DIRECTIONS)}
_LONG, _MOST = 22, 6


@dataclass(frozen=True, slots=True)
class Arrow:
    """From (x0, y0) to (x1, y1) in the drawing."""

    region: str
    direction: str
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Movement:
    """One short movement."""

    at_s: float
    lasted_ms: int
    name: str
    share: float
    arrows: Sequence[Arrow]


def movements(events: Sequence[Mapping[str, Any]]) -> list[Movement]:
    """The strongest few, in the order in which they came."""
    strongest = sorted(events, key=lambda event: -event["strength_milli"])[:_MOST]
    return [_movement(event) for event in sorted(strongest, key=lambda event: event["apex_ms"])]


def _movement(event: Mapping[str, Any]) -> Movement:
    arrows = [arrow for region, word in event["directions"].items() if (arrow := _arrow(region, str(word)))]
    share = event["classes_ppm"].get(event["class"], 0) / 1_000_000
    lasted = event["offset_ms"] - event["onset_ms"]
    return Movement(event["apex_ms"] / 1_000, lasted, str(event["class"]), share, arrows)


def _arrow(region: str, direction: str) -> Arrow | None:
    if region not in _PLACES or direction not in _ANGLES:
        return None
    (x, y), angle = _PLACES[region], math.radians(_ANGLES[direction])
    return Arrow(region, direction, x, y, round(x + _LONG * math.cos(angle), 1), round(y + _LONG * math.sin(angle), 1))
