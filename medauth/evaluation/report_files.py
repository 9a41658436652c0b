"""An evaluation on disk: JSON and CSV for programs, plots, and one HTML page that holds them all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

from medauth.errors import InputError
from medauth.evaluation.metrics import error_curve
from medauth.evaluation.signal_run import SignalReport
from medauth.report.curves import Curve, confusion_png, det_png, reliability_png, roc_png
from medauth.report.evaluation_page import evaluation_page


def write_evaluation(report: SignalReport, folder: Path) -> list[Path]:
    """Writes `evaluation.json`, `scores.csv`, `evaluation.html` and the plots. Raises `InputError` where it cannot."""
    pictures = plots(report)
    files: dict[str, bytes] = {
        "evaluation.json": (json.dumps(report.to_json(), indent=2, ensure_ascii=False) + "\n").encode(),
        "scores.csv": scores_csv(report).encode(),
        "evaluation.html": evaluation_page(report.to_json(), pictures).encode(),
        **{f"{name.replace(' ', '_')}.png": png for name, png in pictures.items()},
    }
    return write_files(files, folder)


def write_files(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Writes a report's files, by name, into `folder`. Raises `InputError` where it cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise InputError(f"the report cannot be written: {error.strerror}", expected=f"a folder at {folder}") from error
    return [folder / name for name in files]


def plots(report: SignalReport) -> dict[str, bytes]:
    """PNGs by caption: those for which there is something to draw."""
    curves, areas = _curves(report)
    found: dict[str, bytes] = {}
    if curves:
        found |= {"roc": roc_png(curves, areas), "detection error trade-off": det_png(curves)}
    if report.matrix is not None:
        found["confusion"] = confusion_png(report.matrix, report.classes)
    if "reliability" in report.figures:
        found["reliability"] = reliability_png(report.figures["reliability"], report.figures["calibration_error"])
    return found


def scores_csv(report: SignalReport) -> str:
    """One line an item: what it is, its score, and why it has none."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    classes = report.classes
    lines.writerow(("file", "label", "group", "split", "score", "problem", *classes))
    for row in report.rows:
        answer = row.answer
        score = "" if answer is None else f"{answer.score:.6f}"
        chances = answer.probabilities if answer is not None and answer.probabilities else {}
        shown = [f"{chances[name]:.6f}" if name in chances else "" for name in classes]
        lines.writerow((row.item.name, row.item.label, row.item.group, row.item.split, score, row.problem, *shown))
    return written.getvalue()


def _curves(report: SignalReport) -> tuple[Mapping[str, Curve], Mapping[str, float | None]]:
    """Of everything that was detected, and of each species of an attack apart."""
    curves: dict[str, Curve] = {}
    areas: dict[str, float | None] = {}
    rest = report.figures.get("against_the_rest", {})
    for name, trials in report.trials.items():
        if trials.separable:
            curve = error_curve(trials.scores, trials.attack)
            curves[name] = (curve.apcer, curve.bpcer)
            areas[name] = rest[name]["auc"]["value"] if rest else report.figures["auc"]["value"]
    return curves, areas
