"""One figure of a check or an analysis: emotions, eyes, gestures, and what was asked when.

For operator and auditor, never for the person at the camera. Colours are those of Okabe & Ito ("Color Universal
Design", 2008), told apart with every common colour-vision deficiency; a grey copy still reads by labels and order.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from medauth.protocol.ceremony import StepOutcome, StepResult
from medauth.report.smoothing import even, grid
from medauth.signals.interface import Marks, Trace
from medauth.signals.smoothing import savitzky_golay

EMOTION_COLOURS: Mapping[str, str] = {
    "neutral": "#BBBBBB",
    "happiness": "#F0E442",
    "surprise": "#E69F00",
    "sadness": "#0072B2",
    "fear": "#CC79A7",
    "anger": "#D55E00",
    "disgust": "#009E73",
    "contempt": "#56B4E9",
}
LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_BLINK, _PROMPT = "#0072B2", "#999999"
_LABEL_SHARE = 0.06
"""A stretch shorter than this share of the time carries no label: it would run into the next one."""

Panel = Callable[[Any], None]


def timeline_png(marks: Mapping[str, Marks], results: Sequence[StepResult] = (), *, title: str = "") -> bytes:
    """PNG of all traces over one time axis. `results` are the steps of a check; an analysis has none."""
    panels = _panels(marks)
    figure = _figure(len(panels))
    axes = figure.subplots(max(1, len(panels)), 1, sharex=True, squeeze=False)[:, 0]
    if not panels:
        axes[0].text(0.5, 0.5, "nothing was measured", ha="center", va="center", transform=axes[0].transAxes)
    for axis, (name, draw) in zip(axes, panels, strict=False):
        draw(axis)
        axis.set_ylabel(name)
        axis.spines[["top", "right"]].set_visible(False)
        _shade_steps(axis, results, named=axis is axes[0])
    axes[-1].set_xlabel("time in seconds")
    span = _span_s(marks)
    if span is not None:
        axes[-1].set_xlim(*span)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110)
    return written.getvalue()


def _figure(panels: int) -> Any:
    """A figure of its own, without pyplot: that one keeps figures in the process and may look for a screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 1.2 + 2.3 * max(1, panels)), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _panels(marks: Mapping[str, Marks]) -> list[tuple[str, Panel]]:
    """Name and drawing of each panel for which there is something to draw."""
    emotion, blink, gesture = (marks.get(name, Marks()) for name in ("emotion", "blink", "gesture"))
    found: list[tuple[str, Panel]] = []
    if any(len(trace.times_ms) > 1 for trace in emotion.traces):
        found.append(("expression", lambda axis: _draw_emotions(axis, emotion.traces)))
    if any(len(trace.times_ms) > 1 for trace in blink.traces):
        found.append(("eyes open", lambda axis: _draw_eyes(axis, blink)))
    short = marks.get("micro_expression", Marks())
    if any(len(trace.times_ms) > 1 for trace in short.traces):
        found.append(("short movements", lambda axis: _draw_short(axis, short)))
    for name, said, most in (("deepfake", "fake, says the net", 1.0), ("motion", "motion in ‰ of eyes", None)):
        traces = [trace for trace in marks.get(name, Marks()).traces if len(trace.times_ms) > 1]
        if traces:
            found.append((said, lambda axis, traces=traces, most=most: _draw_lines(axis, traces, most)))  # type: ignore[misc]
    for unit, name in (("percent", "amount in %"), ("degrees", "head in °")):
        traces = [trace for trace in gesture.traces if trace.unit == unit and len(trace.times_ms) > 1]
        if traces:
            found.append((name, lambda axis, traces=traces: _draw_lines(axis, traces)))  # type: ignore[misc]
    return found


def _draw_emotions(axis: Any, traces: Sequence[Trace]) -> None:
    traces = sorted((t for t in traces if len(t.times_ms) > 1), key=lambda t: _rank(t.name))
    times = grid(traces[0].times_ms)
    curves = np.clip([savitzky_golay(even(t.times_ms, t.values, times)) for t in traces], 0.0, 1.0)
    total = curves.sum(axis=0)
    curves = np.where(total > 0, curves / np.where(total > 0, total, 1.0), np.nan)
    colours = [EMOTION_COLOURS.get(trace.name, "#444444") for trace in traces]
    axis.stackplot(times / 1000, curves, colors=colours, labels=[t.name for t in traces], linewidth=0)
    axis.set_ylim(0, 1.14)
    axis.set_yticks([0, 0.5, 1], ["0", "½", "1"])
    _legend(axis, len(traces))
    known = ~np.isnan(curves[0])
    winners = np.where(known, np.argmax(np.nan_to_num(curves), axis=0), -1)
    _label_stretches(axis, times / 1000, winners, [trace.name for trace in traces])


def _label_stretches(axis: Any, times_s: Any, winners: Any, names: Sequence[str]) -> None:
    """The dominant expression above each stretch that is long enough to be named."""
    cuts = [0, *(np.flatnonzero(np.diff(winners)) + 1).tolist(), len(winners) - 1]
    least = _LABEL_SHARE * (times_s[-1] - times_s[0])
    for first, last in pairwise(cuts):
        if winners[first] < 0:
            continue
        name = names[int(winners[first])]
        axis.plot(
            times_s[[first, last]],
            [1.03, 1.03],
            color=EMOTION_COLOURS.get(name, "#444444"),
            lw=4,
            solid_capstyle="butt",
        )
        if times_s[last] - times_s[first] >= least:
            axis.text((times_s[first] + times_s[last]) / 2, 1.06, name, ha="center", va="bottom", fontsize=8)


def _draw_eyes(axis: Any, blink: Marks) -> None:
    for trace, colour in zip(blink.traces, ("#D55E00", "#000000"), strict=False):
        times = grid(trace.times_ms, 1000 / 30)
        axis.plot(times / 1000, even(trace.times_ms, trace.values, times), color=colour, lw=0.9, label=trace.name)
    events = blink.events.get("blink", ())
    for event in events:
        axis.axvspan(event["onset_ms"] / 1000, event["reopened_ms"] / 1000, color=_BLINK, alpha=0.3, lw=0)
        axis.plot(event["closed_ms"] / 1000, 0.04, marker="^", color=_BLINK, ms=5)
    axis.plot([], [], marker="^", ls="", color=_BLINK, label=f"{len(events)} blinks")
    axis.set_ylim(0, 1.5)
    axis.set_yticks([0, 0.5, 1], ["shut", "½", "open"])
    _legend(axis, 3)


def _draw_short(axis: Any, short: Marks) -> None:
    """Brows and mouth against their own course over a second, and what the spotter made of it."""
    for trace, colour in zip(short.traces, ("#009E73", "#CC79A7"), strict=False):
        times = grid(trace.times_ms, 1000 / 30)
        curve = even(trace.times_ms, trace.values, times)
        axis.plot(
            times / 1000, curve - savitzky_golay(curve, window=31, order=1), color=colour, lw=0.9, label=trace.name
        )
    events = short.events.get("micro_expression", ())
    for event in events:
        axis.axvspan(event["onset_ms"] / 1000, event["offset_ms"] / 1000, color="#E69F00", alpha=0.4, lw=0)
    axis.plot([], [], color="#E69F00", lw=5, alpha=0.4, label=f"{len(events)} events")
    _legend(axis, 3)


def _draw_lines(axis: Any, traces: Sequence[Trace], most: float | None = None) -> None:
    for trace, colour in zip(traces, LINES * 3, strict=False):
        times = grid(trace.times_ms)
        curve = savitzky_golay(even(trace.times_ms, trace.values, times), window=5)
        axis.plot(times / 1000, curve, color=colour, lw=1.2, label=trace.name.replace("_", " "))
    axis.axhline(0, color="#DDDDDD", lw=0.8, zorder=0)
    if most is not None:
        axis.set_ylim(0, most)
    _legend(axis, len(traces))


def _shade_steps(axis: Any, results: Sequence[StepResult], *, named: bool) -> None:
    """From prompt to close of every step; a line where the gesture began."""
    for result in results:
        if result.shown_ms is None:
            continue
        start, end = result.shown_ms / 1000, result.closed_ms / 1000
        axis.axvspan(start, end, facecolor="none", edgecolor=_PROMPT, hatch="///", alpha=0.35, lw=0.5, zorder=0.5)
        if result.onset_ms is not None:
            axis.axvline(result.onset_ms / 1000, color="#000000", lw=1.0, ls=":")
        if named:
            mark = "✓" if result.outcome is StepOutcome.ANSWERED else f"✗ {result.outcome.value.replace('_', ' ')}"
            text = f"{result.index + 1}. {result.step.action.value.replace('_', ' ')} {mark}"
            where = {"xycoords": ("data", "axes fraction"), "annotation_clip": True}
            axis.annotate(text, (start, 1.0), fontsize=8, va="bottom", **where)


def _legend(axis: Any, entries: int) -> None:
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8, ncols=1 + entries // 9)


def _span_s(marks: Mapping[str, Marks]) -> tuple[float, float] | None:
    ends = [t for mark in marks.values() for trace in mark.traces if trace.times_ms for t in _ends(trace.times_ms)]
    return (min(ends) / 1000, max(*ends, min(ends) + 1.0) / 1000) if ends else None


def _ends(times_ms: Sequence[float]) -> tuple[float, float]:
    return times_ms[0], times_ms[-1]


def _rank(name: str) -> int:
    names = list(EMOTION_COLOURS)
    return names.index(name) if name in names else len(names)
