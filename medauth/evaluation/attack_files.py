"""An attack matrix on disk: JSON and CSV for programs, plots, and one HTML page that holds them all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medauth.evaluation.attacks.plan import Plan, jobs
from medauth.evaluation.attacks.tables import tables
from medauth.evaluation.report_files import write_files
from medauth.protocol.policy import policy_named
from medauth.report.attack_page import attack_page
from medauth.report.attack_plots import accepted_png, caught_png
from medauth.signals.models import ModelLibrary

Row = Mapping[str, Any]


def attack_report(plan: Plan, rows: Sequence[Row], models: ModelLibrary) -> dict[str, Any]:
    """What was found, and of what, as JSON."""
    found = tables(rows, policy_named(plan.policy))
    people = {row["person"] for row in rows if row.get("person") and row["part"] != "natural"}
    return {
        "format": "medauth attack matrix v1",
        "facts": {
            "policy": f"{plan.policy}, version {policy_named(plan.policy).version}",
            "faces": f"pictures of {len(plan.portraits)} people, {len(people)} of them played",
            "whole checks a species": str(plan.sessions),
            "played": f"{len({row['job'] for row in rows})} of {len(jobs(plan))} jobs",
            "seed": str(plan.seed),
            "plan": plan.digest(),
            **{
                f"model {name}": models.load(name).manifest.sha256 for name in models.names() if _is_there(models, name)
            },
        },
        "tables": found,
    }


def write_attacks(report: Mapping[str, Any], rows: Sequence[Row], folder: Path) -> Path:
    """Writes `attacks.json`, `attacks.csv`, the plots and `attacks.html`; returns the page. Raises `InputError`."""
    found = report["tables"]
    pictures: dict[str, bytes] = {}
    if found["whole"]:
        pictures["accepted whole checks"] = accepted_png(found["whole"])
    if found["alone"] and found["cues"]:
        pictures["caught by each cue alone"] = caught_png(found["alone"], found["cues"])
    files = {
        "attacks.json": (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode(),
        "attacks.csv": sessions_csv(rows).encode(),
        "attacks.html": attack_page(report, pictures).encode(),
        **{f"{name.replace(' ', '_')}.png": png for name, png in pictures.items()},
    }
    write_files(files, folder)
    return folder / "attacks.html"


def sessions_csv(rows: Sequence[Row]) -> str:
    """One line for each reading of each check or film."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(
        ("key", "part", "species", "variant", "person", "decision", "signal", "outcome", "code", "score_ppm")
    )
    for row in rows:
        for signal, reading in row.get("readings", {}).items():
            about = (row["key"], row["part"], row["species"], row["variant"], row["person"], row.get("decision", ""))
            lines.writerow((*about, signal, reading["outcome"], reading["code"], reading["score_ppm"]))
    return written.getvalue()


def _is_there(models: ModelLibrary, name: str) -> bool:
    return (models.folder(name) / "manifest.json").is_file() and any(models.folder(name).glob("*.tflite"))
