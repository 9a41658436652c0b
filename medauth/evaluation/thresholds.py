"""Thresholds of deny cues, from a recorded run: how many real persons a policy may turn away decides, not a hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medauth.errors import InputError
from medauth.evaluation.metrics import Trials, operating_point, threshold_at_bpcer
from medauth.evaluation.signal_run import SignalReport

TARGET_BPCER: Mapping[str, float] = {"standard": 0.02, "strict": 0.05, "rehearsal": 0.02}
"""Of a hundred real persons, `standard` may turn away two by this cue; `strict` five, to miss fewer attacks."""
_LEAST_BONA_FIDE = 40


def recorded_points(report: SignalReport, targets: Mapping[str, float] = TARGET_BPCER) -> dict[str, Any]:
    """Operating points by policy as they go into a manifest, with the data they came from.

    Raises `InputError` for a classifier, and for too few bona fide presentations to find a threshold on.
    """
    trials = next(iter(report.trials.values())) if len(report.trials) == 1 else None
    if trials is None:
        raise InputError(f"{report.name} is a classifier", expected="a signal that denies at a threshold")
    bona_fide = int((~trials.attack).sum())
    if bona_fide < _LEAST_BONA_FIDE:
        raise InputError(f"{bona_fide} bona fide presentations", expected=f"at least {_LEAST_BONA_FIDE}")
    data = {"folder": report.folder.path.name, "sha256": report.folder.sha256, "split": report.split}
    return {policy: _point(trials, target, data) for policy, target in targets.items()}


def write_points(manifest: Path, points: Mapping[str, Any]) -> None:
    """Puts operating points into a manifest, in one step. Raises `InputError`."""
    try:
        known = json.loads(manifest.read_text(encoding="utf-8"))
        known["operating_points"] = dict(points)
        partial = manifest.with_suffix(".json.partial")
        partial.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(manifest)
    except (OSError, ValueError) as error:
        raise InputError(f"{manifest} cannot be changed: {error}", expected="a manifest that may be written") from error


def _point(trials: Trials, target: float, data: Mapping[str, str]) -> dict[str, Any]:
    threshold = _between(trials, threshold_at_bpcer(trials.scores, trials.attack, target))
    point = operating_point(trials, threshold)
    return {**point, "target_bpcer": target, "data": dict(data)}


def _between(trials: Trials, threshold: float) -> float:
    """Half way down to the next lower score, so that the last bit of a score decides nothing; at most 1."""
    below = trials.scores[trials.scores < threshold]
    upper = threshold if np.isfinite(threshold) else 1.0
    return round(float((upper + below.max()) / 2) if len(below) else upper, 6)
