"""Plots of an attack matrix, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

_DARK = 0.55


def accepted_png(whole: Mapping[str, Any]) -> bytes:
    """Share of whole checks that each species passed, with its interval; and what it would be without the challenge."""
    names = list(whole)
    figure, axes = _blank((7.2, 0.34 * len(names) + 1.4))
    places = np.arange(len(names))
    for shift, key, colour, label in (
        (-0.16, "accepted", "#D55E00", "accepted"),
        (0.16, "accepted_if_granted", "#0072B2", "if gestures and light were granted"),
    ):
        values = np.array([whole[name][key]["value"] or 0.0 for name in names])
        ends = np.array([whole[name][key]["interval95"] or (0.0, 1.0) for name in names])
        errors = np.abs(ends.T - values)
        axes.errorbar(values, places + shift, xerr=errors, fmt="o", color=colour, ms=4, lw=1.2, capsize=2, label=label)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set(xlabel="share of checks, 95 % interval over people", xlim=(-0.02, 1.02))
    axes.legend(fontsize=8, frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    return _png(figure)


def caught_png(alone: Mapping[str, Any], cues: Mapping[str, str]) -> bytes:
    """Share of films that each cue refuses, by species."""
    names, columns = list(alone), list(cues)
    caught = np.array([[_caught(alone[name][cue]["missed"]["value"]) for cue in columns] for name in names])
    figure, axes = _blank((1.3 * len(columns) + 2.4, 0.36 * len(names) + 1.6))
    axes.imshow(caught, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), [f"{c}\n({cues[c]})" for c in columns], fontsize=8)
    axes.set_yticks(range(len(names)), names)
    for row, column in np.ndindex(caught.shape):
        shade = "white" if caught[row, column] > _DARK else "black"
        text = f"{100 * caught[row, column]:.0f}" if np.isfinite(caught[row, column]) else "–"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=shade)
    return _png(figure)


def _caught(missed: float | None) -> float:
    """NaN where a cue gave no reading: it needs a whole check."""
    return float("nan") if missed is None else 1 - missed


def _blank(size: tuple[float, float]) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.add_subplot()


def _png(figure: Any) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110)
    return written.getvalue()
