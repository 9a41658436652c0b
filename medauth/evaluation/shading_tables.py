"""Rows of `evaluate shading` to tables: how much shading changes as heads and pictures turn, and who is called flat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from medauth.evaluation.attacks.tables import share
from medauth.evaluation.metrics import Trials, area_under_curve, error_curve, resampled
from medauth.evaluation.shading_run import FILMED, TURNED, judged
from medauth.evaluation.table_report import TableReport, shares_text
from medauth.protocol.reading import Outcome
from medauth.report.curves import roc_png
from medauth.report.share_plots import spread_png
from medauth.report.table_page import Table
from medauth.signals.shading import ShadingTuning

Row = Mapping[str, Any]
NOTES = (
    "Simulated: pictures are turned by a mesh, as filmed heads were, before a simulated camera; filmed heads are as they were.",
    (
        "Flat: called a picture. Shares count films; intervals are 95 % over people. The area under the curve counts people, each "
        "by the middle of their films; 0.5 is chance. A film in which the head turns too little, or the light changes by itself, "
        "is not judged."
    ),
)
_SAID = {FILMED: "of clips, ten seconds each", TURNED: "one picture a person, turned as a filmed head was"}


def shading_report(rows: Sequence[Row], facts: Mapping[str, str]) -> TableReport:
    """All that was found."""
    usable = [row for row in rows if judged(dict(row))]
    middles = {kind: _middles(usable, kind) for kind in (FILMED, TURNED)}
    trials = _trials(middles)
    figures: dict[str, Any] = {
        "limit": ShadingTuning().flat,
        "by_kind": {kind: _kind(rows, kind) for kind in (FILMED, TURNED)},
        "by_person": middles,
        "auc": _auc(trials),
    }
    lost = Counter(str(row["code"]) for row in rows if not judged(dict(row)))
    told = ", ".join(f"{count} {code}" for code, count in lost.most_common()) or "none"
    return TableReport(
        "shading",
        "The shading signal before heads and pictures that turn",
        dict(facts) | {"films": f"{len(usable)} judged; not judged: {told}"},
        NOTES,
        _tables(figures),
        figures,
        _plots(middles, trials, figures["auc"]["value"]),
    )


def _kind(rows: Sequence[Row], kind: str) -> dict[str, Any]:
    every = [row for row in rows if row["kind"] == kind]
    found = [row for row in every if judged(dict(row))]
    return {
        "flat": share((row["outcome"] == Outcome.FAIL.value for row in found), (row["person"] for row in found)),
        "films": len(every),
        "change": _span([row["change"] for row in found]),
    }


def _span(values: Sequence[float]) -> dict[str, float] | None:
    return {"least": min(values), "middle": round(median(values), 6), "most": max(values)} if values else None


def _middles(rows: Sequence[Row], kind: str) -> dict[str, float]:
    """By person: the middle change of their films."""
    by_person: dict[str, list[float]] = {}
    for row in rows:
        if row["kind"] == kind:
            by_person.setdefault(row["person"], []).append(row["change"])
    return {person: round(median(values), 6) for person, values in sorted(by_person.items())}


def _trials(middles: Mapping[str, Mapping[str, float]]) -> Trials:
    """A person whose own picture was turned is one group with both."""
    kinds = [(kind, person, change) for kind, people in middles.items() for person, change in people.items()]
    return Trials(
        scores=np.array([-change for _, _, change in kinds], np.float64),
        attack=np.array([kind == TURNED for kind, _, _ in kinds], bool),
        species=np.array([kind for kind, _, _ in kinds], str),
        groups=np.array([person for _, person, _ in kinds], str),
    )


def _auc(trials: Trials) -> dict[str, Any]:
    if not trials.separable:
        return {"value": None, "interval95": None, "people": len(trials.scores)}
    value = area_under_curve(trials.scores, trials.attack)
    interval = resampled(trials, lambda drawn: area_under_curve(drawn.scores, drawn.attack))
    return {"value": round(value, 4), "interval95": interval, "people": len(trials.scores)}


def _tables(figures: Mapping[str, Any]) -> list[Table]:
    rows = [
        (
            kind,
            _SAID[kind],
            str(f["films"]),
            str(f["flat"]["n"]),
            str(f["flat"]["people"]),
            *_spans(f["change"]),
            str(f["flat"]["hits"]),
            shares_text(f["flat"]),
        )
        for kind, f in figures["by_kind"].items()
    ]
    head = ("kind", "what", "films", "judged", "people", "least change", "middle", "most", "flat", "flat, 95 %")
    auc = figures["auc"]
    ends = auc["interval95"]
    span = "–" if ends is None else f"{ends[0]:.2f} to {ends[1]:.2f}"
    area = "–" if auc["value"] is None else f"{auc['value']:.3f}"
    note = f"Change of brightness in natural logarithms over ten degrees; flat below {figures['limit']}."
    people = [
        (person, kind, f"{change:.4f}", "flat" if change < figures["limit"] else "")
        for kind, changes in figures["by_person"].items()
        for person, change in changes.items()
    ]
    return [
        Table("By kind", note, head, rows),
        Table("Heads against pictures", "", ("area under the curve", "95 %"), [(area, span)]),
        Table("By person", "The middle of each person's films.", ("person", "kind", "change", "said"), people),
    ]


def _spans(span: Mapping[str, float] | None) -> tuple[str, str, str]:
    return ("–", "–", "–") if span is None else (f"{span['least']:.4f}", f"{span['middle']:.4f}", f"{span['most']:.4f}")


def _plots(middles: Mapping[str, Mapping[str, float]], trials: Trials, area: float | None) -> dict[str, bytes]:
    found = {}
    if any(middles.values()):
        groups = {kind: list(changes.values()) for kind, changes in middles.items()}
        found["change of shading by person, simulated"] = spread_png(
            groups, "change of brightness over ten degrees (natural logarithms)", ShadingTuning().flat, "flat below"
        )
    if trials.separable:
        curve = error_curve(trials.scores, trials.attack)
        found["roc, people"] = roc_png({"shading": (curve.apcer, curve.bpcer)}, {"shading": area})
    return found
