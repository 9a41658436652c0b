"""The expressions of the last while: drawn as a strip for the window, and as a figure for a file."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from medauth.report.timeline import EMOTION_COLOURS
from medauth.signals.interface import Marks, Trace

_GROUND = (32, 32, 32)
_HOLDS_MS = 700.0
"""For so long a look is taken to hold where none follows."""
_MOST = 36_000
"""An hour at ten looks a second."""


class ExpressionHistory:
    """Remembers what was seen when."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Mapping[str, float]]] = deque(maxlen=_MOST)

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, t_ms: float, emotions: Mapping[str, float]) -> None:
        """The probabilities of one look; nothing for a look without a face."""
        if emotions and (not self._seen or t_ms > self._seen[-1][0]):
            self._seen.append((t_ms, emotions))

    def strip(self, width: int, height: int, span_ms: float) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 BGR: shares stacked over the last `span_ms`, the newest at the right."""
        picture = np.full((height, width, 3), _GROUND, np.uint8)
        if not self._seen:
            return picture
        last, seen = self._seen[-1][0], list(self._seen)
        for (t_ms, emotions), (until_ms, _) in pairwise([*seen, (last + _HOLDS_MS, {})]):
            left, right = (
                width - 1 - round((last - at) / span_ms * width) for at in (t_ms, min(until_ms, t_ms + _HOLDS_MS))
            )
            if right >= 0:
                _stack(picture[:, max(0, left) : right + 1], emotions)
        return picture

    def marks(self) -> Mapping[str, Marks]:
        """For `timeline_png`."""
        if not self._seen:
            return {}
        times = [t_ms for t_ms, _ in self._seen]
        names = list(self._seen[0][1])
        traces = (
            Trace(name, "probability", times, [emotions.get(name, 0.0) for _, emotions in self._seen]) for name in names
        )
        return {"emotion": Marks(tuple(traces))}


def _stack(part: NDArray[np.uint8], emotions: Mapping[str, float]) -> None:
    """Fills a few columns from below, in the order and the colours of the figure."""
    bottom = float(len(part))
    for name, colour in EMOTION_COLOURS.items():
        top = bottom - emotions.get(name, 0.0) * len(part)
        part[round(top) : round(bottom)] = [int(colour[at : at + 2], 16) for at in (5, 3, 1)]
        bottom = top
