"""An evaluation as one HTML page: it needs nothing beside it, runs nothing and asks nobody."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --quiet: #6e7781; --line: #8884; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.8rem; }} h2 {{ font-size: 1.2rem; margin-top: 2.2rem; }}
p.note, figcaption {{ color: var(--quiet); }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem; }}
dt {{ color: var(--quiet); }} dd {{ margin: 0; overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: .3rem .8rem .3rem 0; border-top: 1px solid var(--line); }}
th {{ color: var(--quiet); font-weight: normal; }}
.plots {{ display: flex; flex-wrap: wrap; gap: 1rem; }}
figure {{ margin: 0; }} img {{ max-width: 100%; background: #fff; border-radius: 4px; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
_NOTE = (
    "Intervals are 95 %: over whole groups, drawn with replacement, where groups are known, else Wilson's. APCER is the "
    "share of attacks that were missed, of the worst species; BPCER the share of bona fide presentations called attacks."
)


def evaluation_page(report: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """`report` as `SignalReport.to_json` gives it; `pictures` are PNGs by caption. Every text is escaped."""
    data, figures = report["data"], report["figures"]
    facts = {
        "data": f"{data['folder']}" + (f", split {data['split']}" if data["split"] else ""),
        "data SHA-256": data["sha256"],
        "items": f"{data['items']:,}, {report['judged']:,} judged",
        **{f"model {name}": f"SHA-256 {digest}" for name, digest in report["models"].items()},
    }
    body = [
        f"<h1>Evaluation of {escape(report['name'])}</h1>",
        facts_html(facts),
        *(_section("Headline", table_html(("figure", "value", "95 % interval", "n"), headline_rows(figures)))),
        f'<p class="note">{escape(_NOTE)}</p>',
        *_section("Could not be judged", table_html(("reason", "items"), list(report["unusable"].items()))),
        *_section("Recall by class", table_html(("class", "recall", "95 % interval", "n"), _recall_rows(figures))),
        *_section(
            "Species", table_html(("at", "species", "APCER", "95 % interval", "n"), list(_species_rows(figures)))
        ),
        *_section(
            "Groups", table_html(("group", "attacks", "bona fide", "AUC", "APCER at BPCER 10 %"), _groups(figures))
        ),
        '<h2>Plots</h2><div class="plots">',
        *(figure_html(caption, png) for caption, png in pictures.items()),
        "</div>",
    ]
    return PAGE.format(title=escape(f"medauth evaluation: {report['name']}"), body="\n".join(body))


def headline_rows(figures: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Name, value, interval and sample size of the figures that come first; for page and terminal alike."""
    if "accuracy" in figures:
        accuracy, recall = figures["accuracy"], figures["mean_recall"]
        rows = [
            ("accuracy", f"{accuracy['value']:.4f}", span(accuracy["interval95"]), str(accuracy["n"])),
            ("mean recall", f"{recall['value']:.4f}", span(recall["interval95"]), str(accuracy["n"])),
        ]
        rest = figures["against_the_rest"].items()
        return rows + [
            (f"AUC {name}", number(f["auc"]["value"]), span(f["auc"]["interval95"]), f"{f['n_attack']}")
            for name, f in rest
        ]
    n = f"{figures['n_attack']} + {figures['n_bona_fide']}, {figures['groups']} groups"
    rows = [
        (label, number(figures[key]["value"]), span(figures[key]["interval95"]), n)
        for label, key in (("AUC", "auc"), ("EER", "eer"))
    ]
    for target, point in figures["at_bpcer"].items():
        worst = f", worst {point['apcer']['worst']}" if point["apcer"]["worst"] else ""
        name = f"APCER at BPCER {100 * float(target):g} %{worst}"
        rows.append((name, number(point["apcer"]["value"]), span(point["apcer_interval95"]), n))
    for policy, point in figures["at_threshold"].items():
        bpcer, apcer = point["bpcer"], point["apcer"]
        name = f"recorded threshold of {policy}, {number(point['threshold'])}"
        rows.append((f"{name}: BPCER", number(bpcer["value"]), span(bpcer["interval95"]), str(bpcer["n"])))
        rows.append((f"{name}: APCER", number(apcer["value"]), "", apcer["worst"]))
    return rows


def number(value: float | None) -> str:
    """Four digits, or a dash where nothing can be said."""
    return "–" if value is None else f"{value:.4f}"


def span(interval: list[float] | None) -> str:
    """Both ends."""
    return "–" if interval is None else f"[{interval[0]:.3f}, {interval[1]:.3f}]"


def _recall_rows(figures: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    return [
        (name, number(rate["value"]), span(rate["interval95"]), str(rate["n"]))
        for name, rate in figures.get("recall", {}).items()
    ]


def _species_rows(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    points = {f"BPCER {100 * float(k):g} %": v for k, v in figures.get("at_bpcer", {}).items()}
    points |= {f"threshold of {k}": v for k, v in figures.get("at_threshold", {}).items()}
    for at, point in points.items():
        for name, rate in point["apcer"]["species"].items():
            yield at, name, number(rate["value"]), span(rate["interval95"]), str(rate["n"])


def _groups(figures: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    return [
        (
            name,
            str(entry["n_attack"]),
            str(entry["n_bona_fide"]),
            number(entry.get("auc")),
            number(entry.get("apcer_at_bpcer", {}).get("0.1")),
        )
        for name, entry in figures.get("by_group", {}).items()
    ]


def _section(title: str, table: str) -> list[str]:
    return [f"<h2>{escape(title)}</h2>", table] if table else []


def table_html(header: tuple[str, ...], rows: list[Any]) -> str:
    """A table, or nothing where there are no rows; every text is escaped."""
    if not rows:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def facts_html(facts: Mapping[str, str]) -> str:
    """What is said before the tables, line by line."""
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items()) + "</dl>"


def figure_html(caption: str, png: bytes) -> str:
    """A picture inside the page, with its caption."""
    source = base64.b64encode(png).decode()
    return (
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{source}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
