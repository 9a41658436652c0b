"""How often the movements that are seen fit what ten people called the face: of words that explain, a reader should know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from medauth.evaluation.metrics import area_under_curve, wilson_rate
from medauth.signals.face_measures import measure_face
from medauth.signals.movements_seen import EMFACS, UNITS, movements_of, unit_amounts
from medauth.training.datasets import EXPRESSIONS, JUDGED, load_expressions
from medauth.training.landmark_faces import meshes_of, track_of


def judge_movements(data: Path, work: Path, split: str, report: Callable[[str], None]) -> dict[str, Any]:
    """Of the pictures of `emotion_ferplus` with a majority label and a mesh: by label, how often the movements are read as
    that expression, and for each unit that makes it up the area under the curve against resting faces."""
    faces = load_expressions(data, split)
    meshes = meshes_of(faces, work, split, report)
    seen = np.isfinite(meshes[:, 0, 0])
    judged = seen & (faces.majority >= 0)
    measures = [measure_face(track_of(mesh)) for mesh in meshes[judged]]
    truth = faces.majority[judged]
    read = np.array([EXPRESSIONS.index(movements_of(row).reading) for row in measures])
    amounts = np.array([[np.mean(sides) for sides in unit_amounts(row).values()] for row in measures])
    numbers = [unit.number for unit in UNITS]
    rest = truth == JUDGED.index("neutral")
    areas = {
        name: {
            str(number): round(_area(amounts[:, numbers.index(number)], truth == JUDGED.index(name), rest), 3)
            for number in units
        }
        for name, units in EMFACS.items()
    }
    return {
        "split": split,
        "mesh_found": wilson_rate(int(seen.sum()), len(seen)).as_json(),
        "read_as_labelled": wilson_rate(int((read == truth).sum()), len(truth)).as_json(),
        "by_label": {
            name: wilson_rate(int((read[truth == k] == k).sum()), int((truth == k).sum())).as_json()
            for k, name in enumerate(JUDGED)
        },
        "units_against_rest": areas,
    }


def _area(amounts: np.ndarray[Any, np.dtype[np.float64]], some: Any, rest: Any) -> float:
    both = some | rest
    return float(area_under_curve(amounts[both], some[both]))
