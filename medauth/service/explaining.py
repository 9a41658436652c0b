"""Heat maps of the moments that decided: gathered while a check runs, drawn once it is over.

While frames come, only the strongest moment of each kind is remembered (its JPEG bytes, which are there anyway, and its
face). After the decision each is decoded again, explained by its signal and drawn. An explanation that fails costs
nobody a verdict: it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from medauth.capture.interface import CapturedFrame
from medauth.errors import MedauthError
from medauth.protocol.observation import FaceTrack, Observation
from medauth.service.observing import FrameReader
from medauth.signals.interface import Explainable, HeatMap

MOST_PICTURES = 8
"""A check: each costs some milliseconds and some ten kilobytes."""
PREFIX = "heat."

Draw = Callable[[HeatMap], bytes]
"""A heat map as a PNG."""


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    strength: float
    jpeg: bytes
    t_ms: float
    track: FaceTrack


class Explaining:
    """One check's moments. `signals` by name, as `Observer.explainable` gives them."""

    def __init__(self, signals: Mapping[str, Explainable], read_frame: FrameReader, draw: Draw) -> None:
        self._signals = signals
        self._read_frame = read_frame
        self._draw = draw
        self._moments: dict[tuple[str, str], _Moment] = {}

    def take(self, observation: Observation) -> None:
        """Called after the signals have seen a frame."""
        if observation.track is None:
            return
        for name, signal in self._signals.items():
            notable = signal.notable()
            if notable is None:
                continue
            key = (name, notable.what)
            known = self._moments.get(key)
            if known is None and len(self._moments) >= MOST_PICTURES:
                continue
            if known is None or notable.strength > known.strength:
                frame = observation.frame
                self._moments[key] = _Moment(notable.strength, frame.jpeg, frame.t_ms, observation.track)

    def pictures(self) -> dict[str, bytes]:
        """PNGs by the name they are sealed under, e.g. `heat.emotion.step-1.happiness.png`."""
        found: dict[str, bytes] = {}
        for (name, what), moment in self._moments.items():
            heat_map = self._explained(self._signals[name], moment, what)
            if heat_map is not None:
                found[f"{PREFIX}{name}.{what}.png"] = self._draw(heat_map)
        return found

    def _explained(self, signal: Explainable, moment: _Moment, what: str) -> HeatMap | None:
        try:
            frame = self._read_frame(CapturedFrame(None, jpeg=moment.jpeg), 0, moment.t_ms)
            return signal.explained(frame.image, moment.track, what)
        except MedauthError:
            return None
