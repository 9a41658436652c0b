"""The attack matrix as one HTML page: it needs nothing beside it, runs nothing and asks nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from medauth.report.evaluation_page import PAGE, facts_html, figure_html, table_html

_NOTES = (
    (
        "All attacks here are *simulated* upon real faces: paper, displays, cameras and forgers are this program's own, with "
        "automatic exposure and white, tone curve, noise and compression. Figures say what the cues do against these, and "
        "bound what they do against others from one side only."
    ),
    (
        "n counts presentations, people counts persons; intervals are 95 % over persons. A share of missed attacks of at most "
        "7 % is claimed only where the whole interval lies below it."
    ),
)
_WHOLE_NOTE = (
    "A check of its own for every row: challenge, ceremony, signals, policy and record are real, time and camera are "
    "simulated. The person at the camera is a driver: a mesh over a real face that performs what is prompted. It stands for "
    "a diligent actor before the protocol alone; to the cues it is an attack like any other. The share of real people who "
    "are refused (BPCER of whole checks) is not measured until people have used the product."
)
_ALONE_NOTE = (
    "Gestures, confirmations and light are granted; each cue looks at a film of 2.6 s. Missed: not refused at the threshold "
    "that is shipped. A cue that is only told decides nothing under this policy. `bona_fide` are stand-ins for people: the "
    "same pictures before the same cameras without the attack; there *missed* is what should be 100 %."
)


def attack_page(report: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """`report` as `attack_files` writes it in JSON; `pictures` are PNGs by caption. Every text is escaped."""
    found = report["tables"]
    body = [
        "<h1>Attack matrix</h1>",
        facts_html(report["facts"]),
        *(f'<p class="note">{_emphasised(note)}</p>' for note in _NOTES),
        *_part("Whole checks", _WHOLE_NOTE, _WHOLE_HEAD, whole_rows(found)),
        *_part("Each detection cue alone", _ALONE_NOTE + _elsewhere(found), alone_head(found), alone_rows(found)),
        *_part(
            "Cues with a score, at a BPCER of 10 % of the stand-ins",
            "The threshold is found on the stand-ins for people, anew in each draw of persons.",
            ("cue", "species", "AUC", "APCER", "95 % interval", "people", "at most 7 % may be claimed"),
            scored_rows(found),
        ),
        *_part(
            "Each cue left out of whole checks",
            "Checks that would end *live* were this cue taken to hold; in brackets, how many it refuses. A column that is that "
            "of *all* and refuses nothing is of a cue that carries nothing here; one that refuses and changes nothing never "
            "stands alone.",
            ("species", "n", "people", "all", *(f"without {cue}" for cue in _of_policy(found))),
            whole_left_out_rows(found),
        ),
        *_part(
            "Each denying cue left out",
            "Share of the films of the table above that no denying cue refuses. A cue whose column is that of *all* carries "
            "nothing there.",
            ("species", "all", *(f"without {cue}" for cue in _denying(found)), "told ones denying too"),
            left_out_rows(found),
        ),
        *_part(
            "The driver",
            "Steps answered by the mesh that performs them, before the product's own face mesh.",
            ("action", "answered", "95 % interval", "asked", "people"),
            driver_rows(found),
        ),
        *_part(
            "Real clips",
            "Share refused (BPCER) of windows of real people; conditions are how the clip was shown.",
            ("shown", "windows", "people", *found["cues"]),
            natural_rows(found),
        ),
        *_part(
            "Protocol and evidence",
            "",
            ("species", "tries", "accepted", "95 % interval", "how it ended"),
            protocol_rows(found),
        ),
        *_part(
            "Not covered", "No figure here says anything of these.", ("what", "why"), list(found["not_covered"].items())
        ),
        '<h2>Plots</h2><div class="plots">',
        *(figure_html(caption, png) for caption, png in pictures.items()),
        "</div>",
    ]
    return PAGE.format(title="medauth attack matrix", body="\n".join(body))


_WHOLE_HEAD = (
    "species", "n", "people", "accepted (APCER)", "95 % interval", "no decision (APNRR)", "all steps answered",
    "accepted if gestures and light were granted", "refused by",
)  # fmt: skip


def whole_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Table one, for page and terminal alike."""
    return [
        (
            name,
            str(entry["accepted"]["n"]),
            str(entry["accepted"]["people"]),
            counted(entry["accepted"]),
            interval(entry["accepted"]),
            counted(entry["inconclusive"]),
            counted(entry["answered"]),
            counted(entry["accepted_if_granted"]),
            _codes(entry["caught_by"]),
        )
        for name, entry in found["whole"].items()
    ]


def alone_head(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Columns of table two: a cue each."""
    return ("species", "people", *(f"{cue} ({role})" for cue, role in found["cues"].items()))


def alone_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Table two: share that each cue missed, with its interval; of those, not judged."""
    rows = []
    for name, cues in found["alone"].items():
        cells = []
        for cue in found["cues"]:
            missed, unjudged = cues[cue]["missed"], cues[cue]["not_judged"]
            text = f"{percent(missed)} {interval(missed)}"
            cells.append(text + (f", {percent(unjudged)} not judged" if unjudged["hits"] else ""))
        people = max((cues[cue]["missed"]["people"] for cue in found["cues"]), default=0)
        rows.append((name, str(people), *cells))
    return rows


def scored_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Cues with scores at a BPCER of 10 %."""
    return [
        (
            cue,
            name,
            f"{entry['auc']:.3f}",
            f"{100 * entry['apcer']:.1f} %",
            _span(entry["interval95"]),
            str(entry["people"]),
            "yes" if entry["claim"] else "no",
        )
        for cue, scored in found["scored"].items()
        for name, entry in scored.get("species", {}).items()
    ]


def left_out_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The ablation."""
    return [
        (
            name,
            percent(entry["all"]),
            *(percent(entry["without"][cue]) for cue in _denying(found)),
            percent(entry["with_told"]),
        )
        for name, entry in found["left_out"].items()
    ]


def whole_left_out_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The ablation of whole checks, in counts: they are few."""
    return [
        (
            name,
            str(entry["all"]["n"]),
            str(entry["all"]["people"]),
            str(entry["all"]["hits"]),
            *(f"{entry['without'][cue]['hits']} ({entry['refused'][cue]['hits']})" for cue in _of_policy(found)),
        )
        for name, entry in found["whole_left_out"].items()
    ]


def natural_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """BPCER by cue on real clips."""
    rows = []
    for name, cues in found["natural"].items():
        first = next(iter(cues.values()), None)
        if first is not None:
            cells = (f"{counted(cues[cue])} {interval(cues[cue])}" for cue in found["cues"])
            rows.append((name, str(first["n"]), str(first["people"]), *cells))
    return rows


def driver_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """How good an actor the driver is."""
    return [
        (action, percent(rate), interval(rate), str(rate["n"]), str(rate["people"]))
        for action, rate in found["driver"].items()
    ]


def _ended(entry: Mapping[str, Any]) -> str:
    """How the challenges ended, and where the film was shown to the injection signal what that said of it."""
    said = entry.get("injection")
    film = f"; film: {_codes(said)}; not refused by it either: {entry['unrefused']}" if said else ""
    return _codes(entry["codes"]) + film


def protocol_rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Loops of gestures, forged clients, changed records, forged clocks, wrong colours."""
    rows: list[tuple[str, ...]] = [
        (name, str(entry["checks"]), str(entry["passed"]), _span(entry["interval95"]), _ended(entry))
        for name, entry in found["loop"].items()
    ]
    if found["forgery"]:
        counts = [count for ended in found["forgery"].values() for count in ended.items()]
        accepted = sum(n for how, n in counts if how == "accepted")
        text = "; ".join(
            f"{name}: " + ", ".join(f"{n} {how}" for how, n in ended.items())
            for name, ended in found["forgery"].items()
        )
        rows.append(("client_forgery", str(sum(n for _, n in counts)), str(accepted), "", text))
    if found["tamper"]:
        tamper = found["tamper"]
        text = f"{tamper.get('found', 0)} found by the audit"
        rows.append(("database_tamper", str(sum(tamper.values())), str(tamper.get("missed", 0)), "", text))
    for name, part in (("virtual_camera", "clocks"), ("wrong_light", "colours")):
        if entry := found[part]:
            rows.append((name, str(entry["tries"]), str(entry["passed"]), _span(entry["interval95"]), _tried(entry)))
    return rows


def _tried(entry: Mapping[str, Any]) -> str:
    """What the cue said of each kind, those that are no attack among them."""
    return "; ".join(f"{kind}: {_codes(of_kind['said'])}" for kind, of_kind in entry["kinds"].items())


def counted(rate: Mapping[str, Any]) -> str:
    """Share and count."""
    return "–" if rate["value"] is None else f"{percent(rate)} ({rate['hits']})"


def percent(rate: Mapping[str, Any]) -> str:
    """The share alone."""
    return "–" if rate["value"] is None else f"{100 * rate['value']:.0f} %"


def interval(rate: Mapping[str, Any]) -> str:
    """Both ends in percent."""
    return _span(rate["interval95"])


def _span(ends: Sequence[float] | None) -> str:
    return "–" if ends is None else f"[{100 * ends[0]:.1f}, {100 * ends[1]:.1f}]"


def _codes(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{code} {count}" for code, count in list(counts.items())[:5]) or "–"


def _denying(found: Mapping[str, Any]) -> list[str]:
    return [cue for cue, role in found["cues"].items() if role == "denies"]


def _of_policy(found: Mapping[str, Any]) -> list[str]:
    return list(next(iter(found["whole_left_out"].values()), {"without": {}})["without"])


def _elsewhere(found: Mapping[str, Any]) -> str:
    names = found["only_in_whole_checks"]
    return f" Seen in whole checks alone: {', '.join(names)}." if names else ""


def _part(title: str, note: str, head: tuple[str, ...], rows: Sequence[Any]) -> list[str]:
    if not rows:
        return []
    said = [f'<p class="note">{_emphasised(note)}</p>'] if note else []
    return [f"<h2>{escape(title)}</h2>", *said, table_html(head, list(rows))]


def _emphasised(text: str) -> str:
    """Escaped, with *stars* as emphasis."""
    parts = escape(text).split("*")
    return "".join(f"<em>{part}</em>" if index % 2 else part for index, part in enumerate(parts))
