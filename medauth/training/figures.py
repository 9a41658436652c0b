"""Pictures for model cards: confusion matrix, reliability diagram, course of the training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.metrics import Trials, area_under_curve, error_curve

_DARK = 0.5  # share from which a cell is too dark for black letters


def draw_confusion(matrix: NDArray[np.int64], names: Sequence[str], title: str, path: Path) -> None:
    """Draw counts [C, C] (rows true, columns chosen), coloured by the share of the row."""
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
    axes.set(xlabel="chosen by the model", ylabel="label", title=title)
    _write(figure, path)


def draw_reliability(before: list[dict[str, float]], after: list[dict[str, float]], path: Path) -> None:
    """Draw accuracy against confidence before and after calibration."""
    figure, axes = _blank((4.6, 4.2))
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfect")
    for name, bins in (("raw", before), ("calibrated", after)):
        axes.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], marker="o", label=name)
    axes.set(xlabel="confidence of the top class", ylabel="share that was right", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    _write(figure, path)


def draw_detection(trials: Trials, title: str, path: Path) -> None:
    """Draw the ROC curve of each group: attacks found against bona fide presentations refused."""
    figure, axes = _blank((5.0, 4.6))
    for group in np.unique(trials.groups):
        part = trials.select(trials.groups == group)
        curve = error_curve(part.scores, part.attack)
        axes.plot(curve.bpcer, 1 - curve.apcer, label=f"{group}: {area_under_curve(part.scores, part.attack):.2f}")
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
    axes.set(xlabel="BPCER", ylabel="1 - APCER", title=title, xlim=(0, 1), ylim=(0, 1))
    axes.legend(title="left out: AUC", fontsize=8)
    _write(figure, path)


def draw_history(history: Sequence[dict[str, float]], path: Path, judged: str = "validation accuracy") -> None:
    """Draw training loss and the judged figure (`accuracy` of each entry) by epoch."""
    figure, axes = _blank((5.6, 3.4))
    epochs = [entry["epoch"] for entry in history]
    axes.plot(epochs, [entry["loss"] for entry in history], color="tab:orange")
    axes.set_xlabel("epoch")
    axes.set_ylabel("training loss (augmented, mixed)", color="tab:orange")
    other = axes.twinx()
    other.plot(epochs, [entry["accuracy"] for entry in history], color="tab:blue")
    other.set_ylabel(judged, color="tab:blue")
    _write(figure, path)


def _blank(size: tuple[float, float]) -> tuple[Any, Any]:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    return plt.subplots(figsize=size)


def _write(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    from matplotlib import pyplot as plt

    plt.close(figure)
