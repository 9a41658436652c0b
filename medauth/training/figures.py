"""Pictures for model cards: confusion matrix, reliability diagram, course of the training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.metrics import Trials, area_under_curve, error_curve
from medauth.report.curves import confusion_png, roc_png


def draw_confusion(matrix: NDArray[np.int64], names: Sequence[str], title: str, path: Path) -> None:
    """Counts [C, C] (rows labels, columns answers), as an evaluation's report draws them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(confusion_png(matrix, names, title))


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
    """The ROC curve of each group, with its area."""
    parts = {str(group): trials.select(trials.groups == group) for group in np.unique(trials.groups)}
    errors = {name: error_curve(part.scores, part.attack) for name, part in parts.items()}
    areas = {name: area_under_curve(part.scores, part.attack) for name, part in parts.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(roc_png({name: (e.apcer, e.bpcer) for name, e in errors.items()}, areas, title))


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
