"""How brows, nose and mouth move against the head, and how evenly: curves for the eye, one number for a table.

A face's muscles move it at a few cycles a second. A face that was painted anew in every frame, or warped by a tracker
that trembles, jerks from frame to frame instead: more of its motion lies in quick cycles. How much is `irregularity`. It
describes a recording and decides nothing: small, still or dark faces tremble as well, because the landmarks do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.observation import FaceTrack
from medauth.signals.face_flow import REGIONS
from medauth.signals.head_pose import in_head_frame

_POINTS = np.array([point for points in REGIONS.values() for point in points], np.intp)
_STARTS = np.cumsum([0, *(len(points) for points in REGIONS.values())])[:-1]
_SIZES = np.array([len(points) for points in REGIONS.values()], np.float64)
_PARTS: Mapping[str, tuple[str, ...]] = {"brows": ("brow",), "nose": ("nose",), "mouth": ("mouth", "lip", "chin")}
_MEMBERS = {
    part: [index for index, name in enumerate(REGIONS) if any(word in name for word in words)]
    for part, words in _PARTS.items()
}
_RATE_HZ = 25.0
_WINDOW = 50
"""Two seconds: long enough to tell one cycle a second from none."""
_GAP_MS = 200.0
_SLOW_HZ, _QUICK_HZ = (0.5, 4.5), (6.0, 12.5)
"""Voluntary movement of the face stays below about five cycles a second; half the rate is the highest that shows."""
_LEAST_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class Irregularity:
    """Share of quick cycles in the motion of the face, the median over windows of two seconds."""

    share: float
    """From 0 (slow and even) to 1 (trembles)."""
    windows: int


class FaceMotion:
    """Fed every face of a recording."""

    def __init__(self) -> None:
        self._times_ms: list[float] = []
        self._places: list[NDArray[np.float64]] = []

    def add(self, t_ms: float, track: FaceTrack) -> None:
        """Takes in the face of one frame."""
        own = in_head_frame(track, _POINTS)[:, :2]
        self._times_ms.append(t_ms)
        self._places.append(np.add.reduceat(own, _STARTS, axis=0) / _SIZES[:, None])

    def curves(self) -> Mapping[str, tuple[list[float], list[float]]]:
        """By part of the face: times in ms, and how far it is from where it was around that second, in thousandths of
        the distance between the outer eye corners."""
        found: dict[str, tuple[list[float], list[float]]] = {part: ([], []) for part in _MEMBERS}
        for times, places in self._stretches():
            away = places - _running_mean(places, round(_RATE_HZ))
            for part, members in _MEMBERS.items():
                lengths = 1000 * np.hypot(*np.moveaxis(away[:, members], -1, 0)).mean(axis=1)
                found[part][0].extend(times.tolist())
                found[part][1].extend(lengths.tolist())
        return found

    def irregularity(self) -> Irregularity | None:
        """None where the face was seen too briefly, or in too few frames a second."""
        shares: list[float] = []
        for _, places in self._stretches():
            starts = range(0, len(places) - _WINDOW + 1, _WINDOW // 2)
            shares.extend(_quick_share(places[first : first + _WINDOW]) for first in starts)
        return Irregularity(float(np.median(shares)), len(shares)) if len(shares) >= _LEAST_WINDOWS else None

    def _stretches(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Stretches without a gap, on even times: times (n,) in ms and places (n, regions, 2)."""
        if not self._times_ms:
            return []
        times, places = np.array(self._times_ms), np.stack(self._places)
        if len(times) > 1 and float(np.median(np.diff(times))) > 1.5 * 1000 / _RATE_HZ:
            return []  # quick cycles would not show
        cuts = [0, *(np.flatnonzero(np.diff(times) > _GAP_MS) + 1).tolist(), len(times)]
        parts = [slice(first, last) for first, last in pairwise(cuts) if last - first > 1]
        return [_even(times[part], places[part]) for part in parts]


def _even(times: NDArray[np.float64], places: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    at = np.arange(times[0], times[-1], 1000 / _RATE_HZ)
    flat = places.reshape(len(places), -1)
    even = np.stack([np.interp(at, times, column) for column in flat.T], axis=1)
    return at, even.reshape(len(at), *places.shape[1:])


def _running_mean(places: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    half = width // 2
    padded = np.concatenate([np.repeat(places[:1], half, axis=0), places, np.repeat(places[-1:], half, axis=0)])
    sums = np.cumsum(np.concatenate([np.zeros((1, *places.shape[1:])), padded]), axis=0)
    wide = 2 * half + 1
    return np.asarray((sums[wide:] - sums[:-wide]) / wide)


def _quick_share(window: NDArray[np.float64]) -> float:
    """Of the speed's power spectrum, all regions together: differences even out what slow motion has more of."""
    speed = np.diff(window.reshape(len(window), -1), axis=0)
    tapered = (speed - speed.mean(axis=0)) * np.hanning(len(speed))[:, None]
    power = (np.abs(np.fft.rfft(tapered, axis=0)) ** 2).sum(axis=1)
    cycles = np.fft.rfftfreq(len(speed), 1 / _RATE_HZ)
    slow, quick = (float(power[(cycles >= low) & (cycles <= high)].sum()) for low, high in (_SLOW_HZ, _QUICK_HZ))
    return quick / (slow + quick) if slow + quick > 0 else 0.0
