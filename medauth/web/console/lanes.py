"""Expression, blinks, prompts and colours of one check as stripes along one time axis, for a drawing that needs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from medauth.protocol.light import SCREEN_RGB, Colour
from medauth.report.timeline import EMOTION_COLOURS
from medauth.web.console.course import Traces, blinks, short_movements

WIDTH = 1_000
"""Units from the check's beginning to its end."""
_LEAST = 4.0
"""A stripe that lasts for less is still seen."""
_LAST_MS = 700
"""Nothing says how long the last colour stayed: about as long as any may."""
_STEP = {"answered": "#0072B2"}
_MISSED, _BLINK, _SHORT = "#D55E00", "#0072B2", "#CC79A7"


@dataclass(frozen=True, slots=True)
class Stripe:
    """From `x` on, `width` long, both of `WIDTH`."""

    x: float
    width: float
    colour: str
    said: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of stripes."""

    name: str
    stripes: Sequence[Stripe]


def lanes(statement: Mapping[str, Any], traces: Traces) -> list[Lane]:
    """Rows in which anything stands."""
    scale = WIDTH / max(1, statement["frames"]["last_ms"])
    rows = (
        Lane("Asked", [_asked(step, scale) for step in statement["steps"] if step["shown_ms"] is not None]),
        Lane("Expression", _expressions(traces.get("emotion", ()), scale)),
        Lane("Blinks", [_event(e["onset_ms"], e["reopened_ms"], _BLINK, "blink", scale) for e in blinks(statement)]),
        Lane(
            "Short movements",
            [_event(e["onset_ms"], e["offset_ms"], _SHORT, str(e["class"]), scale) for e in short_movements(statement)],
        ),
        Lane("Screen", _colours(statement, scale)),
    )
    return [lane for lane in rows if lane.stripes]


def _asked(step: Mapping[str, Any], scale: float) -> Stripe:
    said = f"{step['action']}: {step['outcome']}".replace("_", " ")
    return _event(step["shown_ms"], step["closed_ms"], _STEP.get(step["outcome"], _MISSED), said, scale)


def _expressions(traces: Sequence[Mapping[str, Any]], scale: float) -> list[Stripe]:
    """The likeliest expression of each moment, one stripe as long as it lasts."""
    whole = [trace for trace in traces if len(trace["times_ms"]) > 1]
    if not whole:
        return []
    times = whole[0]["times_ms"]
    best = [max(whole, key=lambda trace, k=k: trace["values_milli"][k] or 0)["name"] for k in range(len(times))]  # type: ignore[misc]
    cuts = [0, *(k for k in range(1, len(best)) if best[k] != best[k - 1]), len(best) - 1]
    return [
        _event(times[a], times[b], EMOTION_COLOURS.get(best[a], "#444444"), best[a], scale)
        for a, b in pairwise(cuts)
        if b > a
    ]


def _colours(statement: Mapping[str, Any], scale: float) -> list[Stripe]:
    shown, found = statement.get("light", ()), []
    for place, colour in enumerate(shown):
        rgb = "#{:02x}{:02x}{:02x}".format(*SCREEN_RGB[Colour(colour["colour"])])
        end_ms = shown[place + 1]["shown_ms"] if place + 1 < len(shown) else colour["shown_ms"] + _LAST_MS
        found.append(_event(colour["shown_ms"], end_ms, rgb, colour["colour"], scale))
    return found


def _event(begin_ms: float, end_ms: float, colour: str, said: str, scale: float) -> Stripe:
    span = f"{said}, {begin_ms / 1_000:.1f} to {end_ms / 1_000:.1f} s"
    return Stripe(round(begin_ms * scale, 1), round(max(_LEAST, (end_ms - begin_ms) * scale), 1), colour, span)
