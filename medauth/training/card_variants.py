"""What cards of the nets beside `expression` say for themselves: how bent pictures fare, and what a mesh alone is worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]
ROBUST_TITLE = "expression_robust: the expression net, trained on on pictures bent against it"
LANDMARK_TITLE = "expression_landmarks: eight expressions from the shape of the face mesh alone"
TITLES = {"expression_robust": ROBUST_TITLE, "expression_landmarks": LANDMARK_TITLE}
PURPOSES = {
    "expression_robust": "The net of `expression` after five more epochs in which every picture was first bent against it by "
    "up to six grey levels (one step from a random start; Wong, Rice and Kolter 2020). It bears such pictures better and "
    "reads clean ones worse. No check runs it: name it in `MEDAUTH_EMOTION_MODELS`.",
    "expression_landmarks": "Reads expressions off the 478 points of the face mesh in the head's own frame, and looks at no "
    "pixel: neither light nor skin can matter, and all that the mesh misses is missed. No check runs it: name it in "
    "`MEDAUTH_EMOTION_MODELS`.",
}


def bent_section(folder: Path) -> list[str]:
    """`medauth evaluate adversarial` on the model, beside the same on `expression`, from the files beside the weights."""
    paths = [folder / "adversarial.json", folder.parent / "expression" / "adversarial.json"]
    if not all(path.is_file() for path in paths):
        return []
    own, plain = (_rates(json.loads(path.read_text(encoding="utf-8"))) for path in paths)
    lines = ["## Pictures bent against it", ""]
    lines += ["| attack | grey levels | this net | expression |", "|---|---|---|---|"]
    lines += [f"| {attack} | {epsilon:g} | {own[attack, epsilon]} | {plain.get((attack, epsilon), '')} |"
              for attack, epsilon in own]  # fmt: skip
    return [
        *lines,
        "",
        "Each net is attacked by its own gradient, on the same pictures (`adversarial.json`); all eight answers count.",
        "",
        "Command: `medauth evaluate adversarial NAME --data DIR --split test`.",
    ]


def mesh_section(manifest: Json) -> list[str]:
    """Coverage of the mesh, and the net that sees pixels on the same pictures."""
    metrics = {name: found for name, found in manifest["metrics"].items() if "mesh_found" in _table(found)}
    if not metrics:
        return []
    lines = ["## Beside the net that sees pixels", "", "Only pictures on which the mesh finds a face."]
    lines += ["", "| split | mesh found | this net | expression |", "|---|---|---|---|"]
    for name, found in metrics.items():
        cells = " | ".join(
            f"{found[key]['value']:.4f} [{found[key]['interval95'][0]:.3f}, {found[key]['interval95'][1]:.3f}], n = {found[key]['n']}"
            for key in ("mesh_found", "accuracy", "pixels_on_the_same")
        )
        lines.append(f"| {name} | {cells} |")
    return [
        *lines,
        "",
        "The tiles are 48 pixels a side, drawn four times as large for the mesh: a camera's picture gives it more.",
    ]


def _table(found: Any) -> Json:
    return found if isinstance(found, dict) else {}


def _rates(report: Json) -> dict[tuple[str, float], str]:
    return {
        (row["attack"], row["epsilon"]): f"{row['accuracy']['value']:.3f} [{row['accuracy']['interval95'][0]:.3f}, "
        f"{row['accuracy']['interval95'][1]:.3f}], n = {row['accuracy']['n']}"
        for row in report["rows"]
    }
