"""Shading: does the light on the face change as the head turns?

A head is round and its light comes from somewhere: when it turns, cheek, forehead and nose take more of that light or
less. A photograph on a mesh is turned with the light of its day painted on. Thirteen places of skin are looked at some
times a second; how the brightness of each, against the mean of all, goes with the turn is fitted by least squares (with the
nod beside it), and the median over the places is the cue.

What it cannot see: a program that lights its face anew. Where light falls evenly from all around, people change little as
well, so this is told and decides nothing.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import FaceTrack, Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals.interface import Marks, Trace

_PLACES = (151, 108, 337, 69, 299, 50, 280, 205, 425, 187, 411, 117, 346)
"""FaceMesh: forehead, cheekbones and cheeks, clear of the mesh's edge, where a turned photograph tears."""
_HALF_SIDE = 0.09
"""Of the box around each, in distances between the outer eye corners."""
_EDGE_DEGREES = 35.0
"""Beyond this the far cheek is seen from its edge."""
_DARK = 4.0
"""Grey levels below which a logarithm says nothing."""


@dataclass(frozen=True, slots=True)
class ShadingTuning:
    """From when on the light turns with the face."""

    flat: float = 0.011
    """Change of brightness, in natural logarithms, over ten degrees. Turned photographs of five people came to 0.007 at
    most, filmed heads of the same five to 0.016 at least (ADR 0511)."""
    least_range_degrees: float = 12.0
    """Without the most turned `apart_looks` to either side."""
    apart_looks: int = 2
    """A mesh that slips for a moment. A share of all looks would lose the one turn of a whole check, a second in forty."""
    least_looks: int = 20
    every_ms: float = 90.0
    most_error: float = 0.008
    """Standard error of the change over ten degrees: above it the light in the room changes too."""


class ShadingSignal:
    """Suspects a face whose shading turns with it. A `Signal`."""

    name = "shading"

    def __init__(self, tuning: ShadingTuning | None = None) -> None:
        self._tuning = tuning or ShadingTuning()
        self._times_ms = array("d")
        self._angles = array("d")
        self._levels = array("d")

    def start(self, challenge: Challenge | None) -> None: ...

    def update(self, observation: Observation) -> None:
        """Looks while the screen shows no colours: those are for another signal."""
        track, t_ms = observation.track, observation.frame.t_ms
        soon = bool(self._times_ms) and t_ms - self._times_ms[-1] < self._tuning.every_ms
        if track is None or observation.light is not None or soon or abs(track.pose.yaw) > _EDGE_DEGREES:
            return
        levels = _levels(observation.frame.image, track)
        if levels is not None:
            self._times_ms.append(t_ms)
            self._angles.extend((track.pose.yaw, track.pose.pitch))
            self._levels.extend(levels)

    def reading(self) -> SignalReading:
        tuning, looks = self._tuning, len(self._times_ms)
        yaw, change, error = self._fitted() if looks >= tuning.least_looks else (0.0, 0.0, 0.0)
        details: dict[str, Json] = {
            "looks": looks,
            "turned_tenths": round(10 * yaw),
            "change_ppm": round(1e6 * change),
            "error_ppm": round(1e6 * error),
        }
        if yaw < tuning.least_range_degrees:
            text = "The head turned too little to see its shading change."
            return SignalReading(self.name, Outcome.INCONCLUSIVE, "shading.no_turn", text, None, details)
        if error > tuning.most_error:
            text = "The light changed too much by itself to be read on a turning head."
            return SignalReading(self.name, Outcome.INCONCLUSIVE, "shading.unsteady", text, None, details)
        score = to_ppm(min(1.0, max(0.0, 1.0 - change / (2 * tuning.flat))))
        if change < tuning.flat:
            text = "The face turned and its shading turned with it, as on a photograph."
            return SignalReading(self.name, Outcome.FAIL, "shading.flat", text, score, details)
        text = "The shading of the face changed as it turned."
        return SignalReading(self.name, Outcome.PASS, "shading.changes", text, score, details)

    def marks(self) -> Marks:
        if not self._times_ms:
            return Marks()
        levels = np.frombuffer(self._levels, np.float64).reshape(-1, len(_PLACES))
        right, left = levels[:, [5, 7]].mean(axis=1), levels[:, [6, 8]].mean(axis=1)
        values = tuple((right - left).tolist())
        return Marks((Trace("right cheek against left", "log brightness", tuple(self._times_ms), values),))

    def _fitted(self) -> tuple[float, float, float]:
        """Range of the turn in degrees, median change of brightness over ten degrees, and its standard error."""
        angles = np.frombuffer(self._angles, np.float64).reshape(-1, 2)
        levels = np.frombuffer(self._levels, np.float64).reshape(-1, len(_PLACES))
        turned = np.sort(angles[:, 0])
        apart = min(self._tuning.apart_looks, (len(turned) - 1) // 2)
        low, high = turned[apart], turned[-1 - apart]
        design = np.column_stack([np.ones(len(angles)), angles])
        inverse = np.linalg.pinv(design.T @ design)
        slopes = inverse @ design.T @ levels
        rest = levels - design @ slopes
        spread = (rest**2).sum(axis=0) / max(1, len(angles) - 3) * inverse[1, 1]
        return float(high - low), float(10 * np.median(np.abs(slopes[1]))), float(10 * np.sqrt(np.median(spread)))


def _levels(image: NDArray[np.uint8], track: FaceTrack) -> list[float] | None:
    """Of each place the logarithm of its brightness, less the mean of all; None where one lies outside the picture."""
    half = max(2, round(_HALF_SIDE * track.quality.size_px))
    height, width = image.shape[:2]
    found = []
    for x, y in track.landmarks[_PLACES, :2].round().astype(int).tolist():
        if x < half or y < half or x + half > width or y + half > height:
            return None
        found.append(sum(cv2.mean(image[y - half : y + half, x - half : x + half])[:3]) / 3)
    levels = np.log(np.maximum(found, _DARK))
    return list((levels - levels.mean()).tolist())
