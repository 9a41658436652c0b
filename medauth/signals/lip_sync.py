"""Do the lips move as the sound says? The mouth's opening over time against the one that the spoken sounds need.

Each sound of a word has an opening of its own, from lips that are shut (*f*, *v*) or nearly (*s*, *t*) to wide open vowels.
When each was made, the recogniser knows; what the mouth did, the face mesh. The two courses are compared by their
correlation at the best shift within what cameras, microphones and networks add on their own. Openings by sound follow the
order of jaw and lip openings in visemes (Fisher, Journal of Speech and Hearing Research 11, 1968; Massaro, *Perceiving
Talking Faces*, 1998); only their order and rough distance matter to a correlation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medauth.signals.digit_recogniser import Phone

Floats = NDArray[np.float64]
OPENINGS: Mapping[str, float] = {
    "AA": 1.0, "AH": 0.75, "AO": 0.75, "AY": 0.95, "EH": 0.75, "EY": 0.65, "IH": 0.45, "IY": 0.35, "OW": 0.55, "UW": 0.25,
    "F": 0.08, "V": 0.08, "W": 0.12, "R": 0.35, "S": 0.2, "Z": 0.2, "T": 0.25, "N": 0.35, "TH": 0.3, "K": 0.4, "HH": 0.6,
    "AE": 0.9, "AW": 0.9, "OY": 0.6, "UH": 0.35, "ER": 0.4, "M": 0.0, "B": 0.0, "P": 0.0, "L": 0.4, "Y": 0.3, "D": 0.25,
    "G": 0.4, "NG": 0.4, "SH": 0.25, "ZH": 0.25, "CH": 0.25, "JH": 0.25, "DH": 0.3, "SIL": 0.0,
}  # fmt: skip
MOST_LAG_MS = 150.0
"""What a camera's and a microphone's way differ by; viewers notice more than that (ITU-R BT.1359-1: +90 to -185 ms)."""
_STEP_MS = 10.0
_SMOOTH_MS = 45.0
"""Lips are not as quick as sounds: each blends into the next."""
MARGIN_MS = 350.0
"""Before the first and after the last sound the mouth is at rest; that much of it belongs to the course."""
LEAST_FPS = 10.0
LEAST_FRAMES = 15
LEAST_REACH = 0.035
"""In distances between the outer eye corners: a mouth that opened less moved no more than the mesh jitters."""


@dataclass(frozen=True, slots=True)
class LipMatch:
    """How lips and sound go together: `score` is a correlation, None where `trouble` says why there is none."""

    score: float | None
    lag_ms: int
    """By which the picture comes later than the sound."""
    frames: int
    reach_milli: int
    """How far the mouth opened, in thousandths of the eye distance."""
    trouble: str = ""


def expected_opening(phones: Sequence[Phone], times_ms: Floats) -> Floats:
    """(n,) the opening that these sounds need at (n,) times, from 0 to 1."""
    grid = np.arange(float(phones[0].start_ms) - 1_000, phones[-1].end_ms + 1_000, _STEP_MS)
    course = np.zeros(len(grid))
    for phone in phones:
        course[(grid >= phone.start_ms) & (grid < phone.end_ms)] = OPENINGS.get(phone.name, 0.3)
    reach = np.arange(-4 * _SMOOTH_MS, 4 * _SMOOTH_MS + 1, _STEP_MS)
    weights = np.exp(-0.5 * (reach / _SMOOTH_MS) ** 2)
    course = np.convolve(course, weights / weights.sum(), mode="same")
    return np.interp(times_ms, grid, course)


def match_lips(times_ms: Floats, openings: Floats, phones: Sequence[Phone]) -> LipMatch:
    """(n,) openings at (n,) times against sounds on the same clock. A frame without a mouth has no entry."""
    spoken = [phone for phone in phones if phone.name != "SIL"]
    if not spoken:
        return LipMatch(None, 0, 0, 0, "no_sound")
    first, last = spoken[0].start_ms - MARGIN_MS, spoken[-1].end_ms + MARGIN_MS
    inside = (times_ms >= first) & (times_ms <= last)
    times, seen = times_ms[inside], openings[inside]
    frames = len(times)
    if frames < LEAST_FRAMES or frames < LEAST_FPS * (last - first) / 1_000:
        return LipMatch(None, 0, frames, 0, "too_few_frames")
    reach = float(np.percentile(seen, 95) - np.percentile(seen, 5))
    if reach < LEAST_REACH:
        return LipMatch(None, 0, frames, round(1_000 * reach), "hardly_moved")
    lags = np.arange(-MOST_LAG_MS, MOST_LAG_MS + 1, _STEP_MS)
    scores = [_correlation(seen, expected_opening(phones, times - lag)) for lag in lags]
    best = int(np.argmax(scores))
    return LipMatch(scores[best], round(lags[best]), frames, round(1_000 * reach))


def _correlation(one: Floats, other: Floats) -> float:
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread if spread > 0 else 0.0
