"""An evaluation of many films: tables for page and terminal, JSON and CSV for programs, plots."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medauth.evaluation.report_files import write_files
from medauth.report.table_page import Table, table_page

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TableReport:
    """What was found. `name` names the files, `figures` is for programs, `plots` are PNGs by caption."""

    name: str
    title: str
    facts: Mapping[str, str]
    notes: Sequence[str]
    tables: Sequence[Table]
    figures: Mapping[str, Any]
    plots: Mapping[str, bytes] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "format": f"medauth {self.name} evaluation v1",
            "simulated": True,
            "facts": dict(self.facts),
            "figures": dict(self.figures),
        }

    def write(self, rows: Sequence[Row], folder: Path) -> Path:
        """Writes JSON, CSV, plots and the page into `folder`; returns the page. Raises `InputError` where it cannot."""
        page = table_page(self.title, self.facts, self.notes, self.tables, self.plots)
        files = {
            f"{self.name}.json": (json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n").encode(),
            f"{self.name}.csv": rows_csv(rows).encode(),
            f"{self.name}.html": page.encode(),
            **{f"{caption.replace(' ', '_').replace(',', '')}.png": png for caption, png in self.plots.items()},
        }
        write_files(files, folder)
        return folder / f"{self.name}.html"


def rows_csv(rows: Sequence[Row]) -> str:
    """One line a film; what is nested stays in the JSON lines beside it."""
    flat = [{name: value for name, value in row.items() if not isinstance(value, dict | list)} for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    written = io.StringIO()
    lines = csv.DictWriter(written, names, lineterminator="\n")
    lines.writeheader()
    lines.writerows(flat)
    return written.getvalue()


def shares_text(rate: Mapping[str, Any]) -> str:
    """`83 % [61, 94]`, or a dash."""
    if rate["value"] is None:
        return "–"
    ends = rate["interval95"]
    return f"{100 * rate['value']:.0f} %" + ("" if ends is None else f" [{100 * ends[0]:.0f}, {100 * ends[1]:.0f}]")
