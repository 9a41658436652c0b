"""The course of one check for plots: what every signal read, over one time axis, with what was asked when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medauth.report.timeline import EMOTION_COLOURS, LINES
from medauth.signals.interface import DECLARED_TRACE

Traces = Mapping[str, Sequence[Mapping[str, Any]]]
_TITLES: Mapping[str, str] = {
    "emotion": "Expression",
    "blink": "Eyes open",
    "gesture": "Gestures",
    "micro_expression": "Short movements",
    "light": "Light on the skin",
    "pulse": "Pulse",
    "shading": "Shading of the face",
    "deepfake": "Deepfake net",
    "presentation_attack": "Print or screen net",
    "identity": "Likeness to the first frames",
    "injection": "Camera noise",
    "hand": "Hand across the face",
}
"""In the order in which they are shown; a signal that is not named here comes last, under its own name."""
_UNITS: Mapping[str, str] = {"percent": "%", "degrees": "°", "probability": "", "share": ""}


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot: curves of one unit over common times. `values` are None where nothing was measured."""

    title: str
    signal: str
    unit: str
    times_s: Sequence[float]
    curves: Sequence[tuple[str, str, Sequence[float | None]]]
    """Name, colour, values."""

    def to_json(self) -> dict[str, Any]:
        """For the page's script."""
        curves = [{"name": name, "colour": colour, "values": values} for name, colour, values in self.curves]
        return {
            "title": self.title,
            "signal": self.signal,
            "unit": self.unit,
            "times": self.times_s,
            "curves": curves,
        }


def panels(traces: Traces) -> list[Panel]:
    """A plot for each signal and unit of which there are two values or more."""
    order = {name: index for index, name in enumerate(_TITLES)}
    found: list[Panel] = []
    for signal in sorted(traces, key=lambda name: order.get(name, len(order))):
        shown = [t for t in traces[signal] if len(t["times_ms"]) > 1 and t["name"] != DECLARED_TRACE]
        units = dict.fromkeys(trace["unit"] for trace in shown)
        found += [_panel(signal, unit, [trace for trace in shown if trace["unit"] == unit]) for unit in units]
    return found


def course(statement: Mapping[str, Any], traces: Traces) -> dict[str, Any]:
    """Everything that the plots of one check need, as JSON. Times in seconds since the check began."""
    return {
        "panels": [panel.to_json() for panel in panels(traces)],
        "steps": [
            {
                "name": step["action"],
                "from": _s(step["shown_ms"]),
                "to": _s(step["closed_ms"]),
                "outcome": step["outcome"],
            }
            for step in statement["steps"]
            if step["shown_ms"] is not None
        ],
        "blinks": [_s(event["closed_ms"]) for event in blinks(statement)],
        "colours": [
            {"colour": colour["colour"], "at": _s(colour["shown_ms"])} for colour in statement.get("light", ())
        ],
        "ends": _s(statement["frames"]["last_ms"]),
    }


def blinks(statement: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The blinks that were counted, as their signal's reading tells them."""
    return _detail(statement, "blink", "events")


def short_movements(statement: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The short movements that were found, likewise."""
    return _detail(statement, "micro_expression", "events")


def _detail(statement: Mapping[str, Any], signal: str, name: str) -> Sequence[Mapping[str, Any]]:
    for reading in statement["readings"]:
        if reading["signal"] == signal:
            found = reading["details"].get(name, ())
            return [event for event in found if isinstance(event, Mapping)]
    return ()


def _panel(signal: str, unit: str, traces: Sequence[Mapping[str, Any]]) -> Panel:
    """Traces of one signal may have been measured at different times: each has None where another was."""
    times = sorted({t for trace in traces for t in trace["times_ms"]})
    curves = []
    for index, trace in enumerate(traces):
        values = dict(zip(trace["times_ms"], trace["values_milli"], strict=True))
        colour = EMOTION_COLOURS.get(trace["name"], LINES[index % len(LINES)])
        name = trace["name"].replace("_", " ")
        curves.append((name, colour, [None if (v := values.get(t)) is None else v / 1_000 for t in times]))
    return Panel(_TITLES.get(signal, signal), signal, _UNITS.get(unit, unit), [_s(t) for t in times], curves)


def _s(milliseconds: float) -> float:
    return milliseconds / 1_000
