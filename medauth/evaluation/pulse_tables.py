"""Rows of `evaluate pulse` to tables: how often a pulse is claimed, and how far from the rate that was put in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from medauth.evaluation.attacks.tables import share
from medauth.evaluation.pulse_run import FILMS, STRENGTHS
from medauth.evaluation.table_report import TableReport, shares_text
from medauth.protocol.reading import Outcome
from medauth.report.share_plots import shares_png
from medauth.report.table_page import Table

Row = Mapping[str, Any]
NEAR_BPM = 5.0
BANDS_DB = ((-99.0, 0.0), (0.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 99.0))
NOTES = (
    (
        "Simulated: a beat of known rate is put upon the light of real faces before a simulated camera; nobody's pulse was "
        "measured beside it. A clip's person has a pulse of their own, which the clip's codec may have kept."
    ),
    (
        "Shares count films; intervals are 95 % over people. Signal-to-noise is that of the reading, claimed or not. A clip that "
        "is shorter than its film is played back and forth, which reads as repeated."
    ),
)


def pulse_report(rows: Sequence[Row], facts: Mapping[str, str]) -> TableReport:
    """All that was found."""
    judged = [row for row in rows if row["outcome"] != "unusable"]
    figures = {
        "by_film": {name: _film(group) for name in FILMS if (group := _of(judged, name))},
        "error_by_snr": [_band(judged, low, high) for low, high in BANDS_DB],
    }
    return TableReport(
        "pulse",
        "The pulse signal before simulated beats",
        dict(facts) | {"films": f"{len(judged)} judged, {len(rows) - len(judged)} without a usable face"},
        NOTES,
        _tables(figures),
        figures,
        _plots(judged) if judged else {},
    )


def _film(rows: Sequence[Row]) -> dict[str, Any]:
    people = [row["person"] for row in rows]
    claimed = [row for row in rows if row["outcome"] == Outcome.PASS.value]
    errors = [abs(row["found_bpm"] - row["bpm"]) for row in claimed]
    repeated = [row["repeated_milli"] / 1_000 for row in rows if row.get("repeated_milli") is not None]
    return {
        "claimed": share((row["outcome"] == Outcome.PASS.value for row in rows), people),
        "wrong": sum(error > NEAR_BPM for error in errors) if FILMS[rows[0]["film"]].beats else len(claimed),
        "median_error_bpm": round(median(errors), 2) if errors else None,
        "largest_repeated": round(max(repeated), 3) if repeated else None,
        "least_repeated": round(min(repeated), 3) if repeated else None,
        "codes": dict(Counter(row["code"] for row in rows).most_common()),
    }


def _band(rows: Sequence[Row], low: float, high: float) -> dict[str, Any]:
    """Of films with a beat: how near the strongest rate is, by how far it stands out, claimed or not."""
    inside = [r for r in rows if r.get("snr_db") is not None and low <= r["snr_db"] < high and FILMS[r["film"]].beats]
    errors = [abs(row["found_bpm"] - row["bpm"]) for row in inside]
    return {
        "from_db": low,
        "to_db": high,
        "near": share((error <= NEAR_BPM for error in errors), (row["person"] for row in inside)),
        "median_error_bpm": round(median(errors), 2) if errors else None,
        "claimed": sum(row["outcome"] == Outcome.PASS.value for row in inside),
    }


def _tables(figures: Mapping[str, Any]) -> list[Table]:
    films = [
        (
            name,
            str(f["claimed"]["n"]),
            str(f["claimed"]["people"]),
            shares_text(f["claimed"]),
            str(f["wrong"]),
            "–" if f["median_error_bpm"] is None or not FILMS[name].beats else f"{f['median_error_bpm']:.1f}",
            "–" if f["largest_repeated"] is None else f"{f['least_repeated']:.2f} to {f['largest_repeated']:.2f}",
            ", ".join(f"{code.removeprefix('pulse.')} {count}" for code, count in f["codes"].items()),
        )
        for name, f in figures["by_film"].items()
    ]
    bands = [
        (
            _band_name(band),
            str(band["near"]["n"]),
            str(band["near"]["people"]),
            shares_text(band["near"]),
            "–" if band["median_error_bpm"] is None else f"{band['median_error_bpm']:.1f}",
            str(band["claimed"]),
        )
        for band in figures["error_by_snr"]
        if band["near"]["n"]
    ]
    told = "; ".join(f"{film.name}: {film.said}" for film in FILMS.values())
    wrong = f"Wrong: claimed more than {NEAR_BPM:g} beats from the truth, or where nothing beats."
    head = ("film", "films", "people", "claimed", "wrong", "median error, beats a minute", "repeats itself by", "said")
    return [
        Table("By film", f"{told}. {wrong}", head, films),
        Table(
            "By signal-to-noise",
            "Films with a beat, whether a pulse was claimed or not.",
            ("decibel", "films", "people", f"within {NEAR_BPM:g} beats", "median error, beats a minute", "claimed"),
            bands,
        ),
    ]


def _band_name(band: Mapping[str, Any]) -> str:
    low, high = band["from_db"], band["to_db"]
    if low <= BANDS_DB[0][0]:
        return f"below {high:g}"
    return f"{low:g} or more" if high >= BANDS_DB[-1][1] else f"{low:g} to {high:g}"


def _plots(rows: Sequence[Row]) -> dict[str, bytes]:
    lines = {
        kind: [
            (100 * strength, _film(group)["claimed"])
            for strength in STRENGTHS
            if (group := _of(rows, f"{kind}, beat {100 * strength:g} %"))
        ]
        for kind in ("still head", "clip")
    }
    return {
        "pulses claimed by strength of the beat, simulated": shares_png(lines, "beat, percent of the light", "claimed")
    }


def _of(rows: Sequence[Row], film: str) -> list[Row]:
    return [row for row in rows if row["film"] == film]
