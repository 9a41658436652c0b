"""Rows of `evaluate light` to tables: shares that pass, are refused or stay inconclusive, by film, room, tone and frame rate;
and what coloured light does to the other signals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from medauth.evaluation.attacks.tables import share
from medauth.evaluation.light_films import FILMS
from medauth.evaluation.light_run import AMBIENTS, RATES
from medauth.evaluation.lit_scenes import TONES
from medauth.evaluation.table_report import TableReport, shares_text
from medauth.protocol.reading import PPM, Outcome
from medauth.report.share_plots import shares_png
from medauth.report.table_page import Table

Row = Mapping[str, Any]
DIM = 1.0
"""Rooms up to this are counted together where tones and frame rates are compared."""
TIMED_FPS = 15
"""From here on the delay is measured."""
_OUTCOMES = (Outcome.PASS.value, Outcome.FAIL.value, Outcome.INCONCLUSIVE.value)
_HEAD = ("films", "people", "pass", "refused", "inconclusive", "said most often")
NOTES = (
    (
        "Simulated: skin, room light, screen and camera are this program's own formulas over real faces; nobody was filmed "
        "under colours. Figures say what the signal does against these, and bound what it does before real screens from one "
        "side only."
    ),
    (
        "Shares count films; intervals are 95 % over people. Ambient is the room's light on the face by that of the white "
        "screen: a laptop at arm's length gives some 70 lux."
    ),
)


def light_report(rows: Sequence[Row], pairs: Sequence[Row], facts: Mapping[str, str]) -> TableReport:
    """All that was found."""
    judged = [row for row in rows if row["outcome"] != "unusable"]
    figures = {
        "by_film_and_ambient": _grouped(judged, lambda row: f"{row['film']} / {row['ambient']:g}"),
        "by_tone": _grouped(_dim(judged), lambda row: f"{row['film']} / {row['tone']}"),
        "by_fps": _grouped(_dim(judged), lambda row: f"{row['film']} / {row['fps']}"),
        "delay_error_ms": _delays(judged),
        "ambient_read": _ambients(judged),
        "other_signals": _others(pairs),
    }
    return TableReport(
        "light",
        "The light signal in simulated rooms",
        dict(facts) | {"films": f"{len(judged)} judged, {len(rows) - len(judged)} without a usable face"},
        NOTES,
        _tables(judged, pairs, figures),
        figures,
        _plots(judged) if judged else {},
    )


def _tables(rows: Sequence[Row], pairs: Sequence[Row], figures: Mapping[str, Any]) -> list[Table]:
    dim = _dim(rows)
    honest = [row for row in dim if not FILMS[row["film"]].attack]
    foreign = [row for row in dim if row["film"].startswith(("other", "one wrong"))]
    return [
        Table(
            "By film",
            "; ".join(f"{film.name}: {film.said}" for film in FILMS.values()),
            ("film", *_HEAD),
            _lines(rows, lambda row: row["film"], FILMS),
        ),
        Table(
            f"By room, {TIMED_FPS} frames a second or more: issued",
            "",
            ("ambient", *_HEAD),
            _lines(_timed(_of(rows, "issued")), lambda row: row["ambient"], AMBIENTS),
        ),
        *(
            Table(
                f"By room: {name}", "", ("ambient", *_HEAD), _lines(_of(rows, name), lambda r: r["ambient"], AMBIENTS)
            )
            for name in ("issued", "issued, television", "no colours, television", "other colours", "one wrong")
        ),
        Table(
            f"By skin, ambient up to {DIM:g}, {TIMED_FPS} frames a second or more: issued",
            "Tones by Fitzpatrick type.",
            ("tone", *_HEAD),
            _lines(_timed(_of(honest, "issued")), lambda row: row["tone"], TONES),
        ),
        Table(
            f"By skin, ambient up to {DIM:g}: other colours, and one wrong",
            "",
            ("tone", *_HEAD),
            _lines(foreign, lambda row: row["tone"], TONES),
        ),
        Table(
            f"By frame rate, ambient up to {DIM:g}: issued",
            "Below 14.5 frames a second the delay is not measured, though the sequence is read.",
            ("frames a second", *_HEAD, "sequence read first of all"),
            _lines(_of(honest, "issued"), lambda row: row["fps"], RATES, _read_first),
        ),
        Table(
            "Delay and room as read",
            "Delay: of `issued` and `late` where the sequence was read first of all. Room: of `issued`.",
            ("what", "films", "median", "95 % of films within"),
            [
                (name, str(f["n"]), f"{f['median']:g}", f"{f['low']:g} to {f['high']:g}")
                for name, f in _read_as(figures)
            ],
        ),
        *_other_tables(pairs, figures["other_signals"]),
    ]


def _lines(
    rows: Sequence[Row],
    key: Callable[[Row], Any],
    order: Iterable[Any],
    more: Callable[[Sequence[Row]], str] | None = None,
) -> list[tuple[str, ...]]:
    found = []
    for value in order:
        group = [row for row in rows if key(row) == value]
        if not group:
            continue
        rates, codes = _rates(group), Counter(row["code"] for row in group).most_common(3)
        said = ", ".join(f"{code.removeprefix('light.')} {count}" for code, count in codes)
        cells = (shares_text(rates[outcome]) for outcome in _OUTCOMES)
        people = str(len({row["person"] for row in group}))
        found.append((str(value), str(len(group)), people, *cells, said, *([more(group)] if more else [])))
    return found


def _rates(rows: Sequence[Row]) -> dict[str, Any]:
    people = [row["person"] for row in rows]
    return {outcome: share((row["outcome"] == outcome for row in rows), people) for outcome in _OUTCOMES}


def _grouped(rows: Sequence[Row], key: Callable[[Row], str]) -> dict[str, Any]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return {name: _rates(group) | {"codes": dict(Counter(r["code"] for r in group))} for name, group in groups.items()}


def _read_first(rows: Sequence[Row]) -> str:
    return f"{sum(row.get('rank') == 1 for row in rows)} of {len(rows)}"


def _read_as(figures: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    delays, ambients = figures["delay_error_ms"], figures["ambient_read"]
    found = [("delay, error in ms", delays)] if delays else []
    return found + [(f"ambient {name}, as read", spread) for name, spread in ambients.items()]


def _delays(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Only where the sequence was read: another has no delay."""
    read = [row for row in rows if row.get("rank") == 1 and row["film"] in {"issued", "late"}]
    return _spread([row["delay_ms"] - row["true_delay_ms"] for row in read])


def _ambients(rows: Sequence[Row]) -> dict[str, Any]:
    read = [row for row in rows if row["film"] == "issued" and row.get("ambient_milli") is not None]
    found = {f"{a:g}": _spread([row["ambient_milli"] / 1_000 for row in read if row["ambient"] == a]) for a in AMBIENTS}
    return {name: spread for name, spread in found.items() if spread}


def _spread(values: Sequence[float]) -> dict[str, Any] | None:
    if not values:
        return None
    ordered = sorted(values)
    edge = int(0.025 * len(ordered))
    return {
        "n": len(ordered), "median": round(median(ordered), 2),
        "low": round(ordered[edge], 2), "high": round(ordered[-1 - edge], 2),
    }  # fmt: skip


def _others(pairs: Sequence[Row]) -> dict[str, Any]:
    """By signal: how often the reading changes, how often light alone brings a refusal, how far the score moves."""
    seen = [row for row in pairs if "lit" in row]
    names = list(dict.fromkeys(name for row in seen for name in row["lit"]))
    found = {}
    for name in names:
        both = [(row["person"], row["plain"][name], row["lit"][name]) for row in seen]
        people = [person for person, _, __ in both]
        moved = [
            (lit["score_ppm"] - plain["score_ppm"]) / PPM
            for _, plain, lit in both
            if lit["score_ppm"] is not None and plain["score_ppm"] is not None
        ]
        refused = (lit["outcome"] == Outcome.FAIL.value != plain["outcome"] for _, plain, lit in both)
        lost = (lit["outcome"] != Outcome.PASS.value == plain["outcome"] for _, plain, lit in both)
        found[name] = {
            "newly_refused": share(refused, people),
            "no_longer_passes": share(lost, people),
            "score_moved": _spread(moved),
        }
    return found


def _other_tables(pairs: Sequence[Row], others: Mapping[str, Any]) -> list[Table]:
    seen = [row for row in pairs if "lit" in row]
    if not seen:
        return []
    rows = [
        (
            name,
            str(found["newly_refused"]["n"]),
            str(found["newly_refused"]["people"]),
            f"{found['newly_refused']['hits']}",
            f"{found['no_longer_passes']['hits']}",
            "–"
            if not found["score_moved"]
            else "{median:+.2f} ({low:+.2f} to {high:+.2f})".format(**found["score_moved"]),
        )
        for name, found in others.items()
        if name != "light"
    ]
    frames = sum(row["amounts"]["frames"] for row in seen)
    past = sum(row["amounts"]["frames_past_onset"] for row in seen)
    largest = max(row["amounts"]["largest_onsets"] for row in seen)
    drift = max((row["expressions"]["largest"] or 0.0) for row in seen)
    blinks = [sum(row["blinks"][place] for row in seen) for place in (0, 1)]
    note = (
        "The same film under a page that stays as it is and under the colours, thresholds of `standard`. Gestures: light "
        f"alone moved an amount by at most {largest:.2f} of its onset and carried one past it in {past} of {frames} frames. "
        f"Expressions: probabilities of a smile or of surprise moved by at most {drift:.3f}. Blinks seen: {blinks[0]} and "
        f"{blinks[1]}."
    )
    head = ("signal", "pairs", "people", "newly refused", "no longer passes", "score moved by (95 % of pairs)")
    return [Table("What the colours do to other signals", note, head, rows)]


def _plots(rows: Sequence[Row]) -> dict[str, bytes]:
    def line(film: str, outcome: str) -> list[tuple[float, Mapping[str, Any]]]:
        return [(a, _rates([r for r in _of(rows, film) if r["ambient"] == a])[outcome]) for a in AMBIENTS]

    honest = {
        "issued: passes": line("issued", Outcome.PASS.value),
        "issued: refused": line("issued", Outcome.FAIL.value),
        "issued, television: refused": line("issued, television", Outcome.FAIL.value),
    }
    attacks = {name: line(name, Outcome.FAIL.value) for name in FILMS if FILMS[name].attack}
    label = "room's light by the white screen's"
    return {
        "honest people by room, simulated": shares_png(honest, label, "share of films", log=True),
        "attacks refused by room, simulated": shares_png(attacks, label, "share refused", log=True),
    }


def _dim(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["ambient"] <= DIM]


def _timed(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["fps"] >= TIMED_FPS]


def _of(rows: Sequence[Row], film: str) -> list[Row]:
    return [row for row in rows if row["film"] == film]
