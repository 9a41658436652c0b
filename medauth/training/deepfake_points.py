"""From which probability on each policy calls a check fake."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.metrics import threshold_at_bpcer

BPCER = {"standard": 0.005, "strict": 0.01}
"""Share of real validation recordings that each policy's threshold calls fake."""
SPARING = frozenset({"standard"})
"""Policies whose threshold lies above every natural clip besides, as judged by a head that met none of them: cameras that smooth
skin and people who pull faces look painted, and the recordings hold few of either."""
ABOVE = 1e-3


def operating_points(
    chances: NDArray[np.float64], persons: NDArray[np.str_], clips: float
) -> dict[str, dict[str, Any]]:
    """The probability from which each policy's share of real recordings is called fake, whose `chances` (N,) of a fake and
    `persons` (N,) are given, and for some no natural clip, of which the most suspect has a chance of `clips`; 1, so none, where
    one of the recordings scores highest of all."""
    data = f"{len(chances)} recordings of {len(np.unique(persons))} people of validation"
    points = {}
    for policy, bpcer in BPCER.items():
        threshold, from_clips = threshold_at_bpcer(chances, np.zeros(len(chances), bool), bpcer), clips + ABOVE
        spares = policy in SPARING and from_clips > threshold
        points[policy] = {
            "threshold": round(min(1.0, from_clips if spares else threshold), 6),
            "target_bpcer": bpcer,
            "data": data + ("; raised above the most suspect of the natural clips" if spares else ""),
        }
    return points
