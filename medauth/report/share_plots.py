"""Shares with their intervals over a quantity, a line for each kind, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
_ASIDE = 1.02


def shares_png(
    lines: Mapping[str, Sequence[tuple[float, Mapping[str, Any]]]], across: str, up: str, *, log: bool = False
) -> bytes:
    """`lines` by name: (place, share as `tables.share` gives it)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, 3.6), layout="constrained")
    axes = figure.add_subplot()
    places = sorted({place for points in lines.values() for place, _ in points})
    for number, (name, points) in enumerate(lines.items()):
        known = [(x, rate) for x, rate in points if rate["value"] is not None]
        values = [rate["value"] for _, rate in known]
        ends = [rate["interval95"] or (rate["value"], rate["value"]) for _, rate in known]
        errors = [
            [max(0.0, value - low) for value, (low, _) in zip(values, ends, strict=True)],
            [max(0.0, high - value) for value, (_, high) in zip(values, ends, strict=True)],
        ]
        colour = _COLOURS[number % len(_COLOURS)]
        # Side by side, so that no line hides another's interval.
        aside = number - (len(lines) - 1) / 2
        xs = [x * _ASIDE**aside if log else x + (_ASIDE - 1) * aside * max(places) for x, _ in known]
        axes.errorbar(xs, values, yerr=errors, fmt="o-", ms=4, lw=1.2, capsize=2, color=colour, label=name)
    if log:
        axes.set_xscale("log")
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.minorticks_off()
    axes.set(xlabel=across, ylabel=up, ylim=(-0.03, 1.03))
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110)
    return written.getvalue()


def spread_png(groups: Mapping[str, Sequence[float]], across: str, limit: float, said: str) -> bytes:
    """Every value of each group as a dot on a row of its own, and a limit among them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, 1.4 + 0.9 * len(groups)), layout="constrained")
    axes = figure.add_subplot()
    for number, (name, values) in enumerate(groups.items()):
        ordered = sorted(values)
        # One above the other, so that no dot hides another.
        aside = [0.13 * (index % 5 - 2) for index in range(len(ordered))]
        rows = [number + step for step in aside]
        colour = _COLOURS[number % len(_COLOURS)]
        axes.plot(ordered, rows, "o", ms=5, alpha=0.8, color=colour, label=f"{name} (n {len(ordered)})")
    axes.axvline(limit, color="#555555", lw=1.0, ls="--", label=f"{said} {limit:g}")
    axes.set_yticks(range(len(groups)), list(groups))
    axes.set(xlabel=across, xlim=(0.0, None), ylim=(len(groups) - 0.5, -0.5))
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110)
    return written.getvalue()
