"""The whole way of the presentation attack net: faces, simulation, heads, file, card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2

from medauth.training.checkpoint import load_progress
from medauth.training.presentation.card import write_card
from medauth.training.presentation.course import SIMULATED, learn_simulated, load_faces
from medauth.training.presentation.release import NAME, fit, release


def make(
    data: Path, work: Path, models: Path, changes: Mapping[str, Any], note: str, report: Callable[[str], None]
) -> None:
    """Train, or go on training, in the folder `work`, and release into `models`."""
    cv2.setNumThreads(1)  # pictures are smaller than what threads are good for
    given = {name: value for name, value in changes.items() if value is not None}
    plan = replace(SIMULATED, **given)
    plan = replace(plan, full_size_epochs=plan.epochs)
    faces = load_faces(data)
    model = learn_simulated(faces, work, plan, report)
    progress = load_progress(work / "simulated")
    assert progress is not None, "a training always leaves a state"
    fitted = fit(faces, model, work, plan.seed)
    command = f"medauth train presentation-attack --data DIR --epochs {plan.epochs} --seed {plan.seed}"
    manifest = release(fitted, model, faces, progress, models, command, note)
    found = manifest.metrics["leave_one_group_out"]
    report(f"each set-up left out: mean AUC {found['mean_auc']}, lowest {found['lowest_auc']}")
    write_card(models / NAME)
    report(f"{models / NAME}: {manifest.size_bytes} bytes, sha256 {manifest.sha256}")
