"""Tables and plots of an evaluation as one HTML page: it needs nothing beside it, runs nothing and asks nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from medauth.report.evaluation_page import PAGE, facts_html, figure_html, table_html


@dataclass(frozen=True, slots=True)
class Table:
    """One table, for page and terminal alike: texts by column."""

    title: str
    note: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def table_page(
    title: str, facts: Mapping[str, str], notes: Sequence[str], tables: Sequence[Table], pictures: Mapping[str, bytes]
) -> str:
    """`pictures` are PNGs by caption. Every text is escaped."""
    body = [f"<h1>{escape(title)}</h1>", facts_html(facts), *(_note(note) for note in notes)]
    for table in tables:
        if table.rows:
            said = [_note(table.note)] if table.note else []
            body += [f"<h2>{escape(table.title)}</h2>", *said, table_html(table.head, list(table.rows))]
    plots = [figure_html(caption, png) for caption, png in pictures.items()]
    body += ['<h2>Plots</h2><div class="plots">', *plots, "</div>"] if plots else []
    return PAGE.format(title=escape(f"medauth: {title}"), body="\n".join(body))


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'
