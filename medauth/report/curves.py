"""Plots of an evaluation: ROC, detection error trade-off, confusion, reliability. Each is a PNG as bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
_DARK = 0.5
_DET_TICKS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
_NORMAL = NormalDist()

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""APCER and BPCER by ascending threshold."""


def roc_png(curves: Mapping[str, Curve], areas: Mapping[str, float | None], title: str = "") -> bytes:
    """Share of attacks found over share of bona fide presentations called attacks."""
    figure, axes = _blank((5.2, 4.6))
    for colour, (name, (apcer, bpcer)) in zip(_COLOURS * 3, curves.items(), strict=False):
        area = areas.get(name)
        label = name if area is None else f"{name}, area {area:.3f}"
        axes.plot(bpcer, 1 - apcer, color=colour, lw=1.6, label=label)
    axes.plot([0, 1], [0, 1], color="#BBBBBB", ls=":", lw=1)
    axes.set(xlabel="BPCER (false alarms)", ylabel="1 - APCER (found)", xlim=(0, 1), ylim=(0, 1.01), title=title)
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    return _png(figure)


def det_png(curves: Mapping[str, Curve]) -> bytes:
    """APCER over BPCER on normal deviate scales (Martin et al., Eurospeech 1997): straight lines for normal scores."""
    figure, axes = _blank((5.2, 4.6))
    for colour, (name, (apcer, bpcer)) in zip(_COLOURS * 3, curves.items(), strict=False):
        axes.plot(_deviates(bpcer), _deviates(apcer), color=colour, lw=1.6, label=name)
    places = _deviates(np.array(_DET_TICKS))
    names = [f"{100 * tick:g} %" for tick in _DET_TICKS]
    axes.set_xticks(places, names)
    axes.set_yticks(places, names)
    axes.set(xlabel="BPCER (false alarms)", ylabel="APCER (missed)", xlim=places[[0, -1]], ylim=places[[0, -1]])
    axes.plot(places, places, color="#BBBBBB", ls=":", lw=1)
    axes.legend(loc="upper right", fontsize=8, frameon=False)
    return _png(figure)


def confusion_png(matrix: NDArray[np.int64], names: Sequence[str], title: str = "") -> bytes:
    """Counts [C, C] (rows labels, columns answers), coloured by the share of the row."""
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure, axes = _blank((5.6, 5.0))
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    for row, column in np.ndindex(matrix.shape):
        if matrix[row, column]:
            shade = "white" if share[row, column] > _DARK else "black"
            text = f"{share[row, column]:.2f}\n{matrix[row, column]}"
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color=shade)
    axes.set(xlabel="answer", ylabel="label", title=title)
    return _png(figure)


def reliability_png(bins: Sequence[Mapping[str, float]], error: float) -> bytes:
    """How often the thing was there where it was said to be so likely; dots as large as their bins."""
    figure, axes = _blank((4.8, 4.4))
    axes.plot([0, 1], [0, 1], color="#BBBBBB", ls=":", lw=1)
    said, came = [b["confidence"] for b in bins], [b["accuracy"] for b in bins]
    total = sum(b["n"] for b in bins) or 1
    axes.plot(said, came, color=_COLOURS[0], lw=1.2)
    axes.scatter(said, came, s=[12 + 220 * b["n"] / total for b in bins], color=_COLOURS[0])
    axes.set(xlabel="score", ylabel="share that was one", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_title(f"expected calibration error {error:.3f}", fontsize=9)
    return _png(figure)


def _deviates(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([_NORMAL.inv_cdf(min(1 - 1e-4, max(1e-4, float(share)))) for share in shares])


def _blank(size: tuple[float, float]) -> tuple[Any, Any]:
    """A figure of its own, without pyplot, which keeps figures in the process."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Any) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110, metadata={"Software": None})
    return written.getvalue()
