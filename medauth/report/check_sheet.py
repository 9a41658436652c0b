"""The printable report of one check (PDF): what was asked and answered, what every signal read, what decided, and pictures.

For operator and auditor, never for the person at the camera. The sheet is no evidence: it says which record it is about,
and that record's bundle is what a stranger can verify.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medauth.errors import MissingTool
from medauth.protocol.challenge import Challenge
from medauth.protocol.reading import PPM
from medauth.protocol.step_result import StepOutcome, StepResult
from medauth.protocol.wording import instruction
from medauth.report.timeline import timeline_png
from medauth.service.casework import Case, Finding
from medauth.signals.interface import Marks, Trace

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

_FONT, _BOLD = "DejaVuSans", "DejaVuSans-Bold"
_MARGIN_MM, _PICTURE_MM, _IN_A_ROW = 18, 54, 3
_GRID, _SOFT = "#C8CED6", "#5A6879"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the report is made from."""

    case: Case
    finding: Finding
    traces: Mapping[str, Sequence[Mapping[str, Any]]]
    pictures: Mapping[str, bytes]
    """PNG and JPEG by name."""
    standing: str
    label: str
    """What somebody knows that it truly was; empty where nobody does."""


def sheet_pdf(sheet: Sheet) -> bytes:
    """The report, A4. Raises `MissingTool` without the extra `web`."""
    if find_spec("reportlab") is None:
        raise MissingTool(
            "the library that writes PDF is not installed",
            expected="the extra `web`",
            next_step="pip install 'medauth[web]'",
        )
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import SimpleDocTemplate

    _load_fonts()
    written, record_id = io.BytesIO(), sheet.finding.record.record_id
    document = SimpleDocTemplate(
        written,
        pagesize=A4,
        leftMargin=_MARGIN_MM * mm,
        rightMargin=_MARGIN_MM * mm,
        topMargin=_MARGIN_MM * mm,
        bottomMargin=_MARGIN_MM * mm,
        title=f"Live check {record_id}",
        author="medauth",
        lang="en",
    )

    def _foot(canvas: Any, page: Any) -> None:
        canvas.setFont(_FONT, 7)
        canvas.setFillColor(_SOFT)
        canvas.drawString(
            _MARGIN_MM * mm, 10 * mm, f"{record_id} · a live verdict says that a person was there, not who"
        )
        canvas.drawRightString(A4[0] - _MARGIN_MM * mm, 10 * mm, f"page {page.page}")

    document.build(list(_flow(sheet)), onFirstPage=_foot, onLaterPages=_foot)
    return written.getvalue()


def steps_of(statement: Mapping[str, Any]) -> tuple[StepResult, ...]:
    """The steps of a statement as the check itself had them."""
    asked = Challenge.from_opening(statement["challenge"]["opening"]).steps
    return tuple(
        StepResult(
            said["index"],
            asked[said["index"]],
            StepOutcome(said["outcome"]),
            said["closed_ms"],
            said["shown_ms"],
            said["onset_ms"],
        )
        for said in statement["steps"]
    )


def marks_of(statement: Mapping[str, Any], traces: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Marks]:
    """Sealed traces, and the events that readings tell of, as a plot takes them."""
    events = {reading["signal"]: reading["details"].get("events", ()) for reading in statement["readings"]}
    found = {}
    for signal, kept in traces.items():
        curves = tuple(
            Trace(trace["name"], trace["unit"], trace["times_ms"], [_value(v) for v in trace["values_milli"]])
            for trace in kept
        )
        found[signal] = Marks(curves, events={signal: events.get(signal, ())})
    return found


def _value(milli: int | None) -> float:
    return float("nan") if milli is None else milli / 1_000


def _flow(sheet: Sheet) -> Iterator[Flowable]:
    from reportlab.platypus import PageBreak

    finding, statement = sheet.finding, sheet.finding.statement
    verdict = statement["verdict"]
    yield _text(f"Live check: {verdict['decision'].replace('_', ' ')}", size=18, bold=True)
    yield _table(_facts(sheet), (38, 136), head=False)
    yield _text("Why", size=12, bold=True)
    yield _table(
        [("role", "code", "reason"), *((r["role"], r["code"], r["text"]) for r in verdict["reasons"])], (18, 48, 108)
    )
    yield from _otherwise(finding)
    yield _text("Asked and answered", size=12, bold=True)
    head = ("", "asked", "outcome", "after", "how far", "asked for")
    yield _table([head, *map(_step_row, steps_of(statement), statement["steps"])], (8, 66, 30, 22, 22, 26))
    yield PageBreak()
    yield _text("Course", size=12, bold=True)
    yield _picture(timeline_png(marks_of(statement, sheet.traces), steps_of(statement)), 174, 225)
    yield PageBreak()
    yield _text("Signals", size=12, bold=True)
    rows = [(r.signal, r.outcome.value, _share(r.score_ppm), r.code, r.reason) for r in finding.readings]
    yield _table([("signal", "outcome", "score", "code", "reason"), *rows], (29, 21, 14, 42, 68))
    if sheet.pictures:
        yield _text("Pictures, opened from under seal", size=12, bold=True)
        yield _gallery(sheet.pictures)


def _facts(sheet: Sheet) -> list[tuple[str, str]]:
    check, statement = sheet.case.check, sheet.finding.statement
    began = datetime.fromtimestamp(statement["started_ms"] / 1_000, UTC)
    frames, policy = statement["frames"], statement["policy"]
    took = (statement["finished_ms"] - statement["started_ms"]) / 1_000
    probable = sheet.finding.liveness_ppm
    return [
        ("record", sheet.finding.record.record_id),
        ("check", check.check_id),
        ("of", f"{statement['check']['subject']}, for {statement['check']['purpose']}"),
        ("origin", statement["check"]["origin"] or "none named"),
        ("when", f"{began:%Y-%m-%d %H:%M:%S} UTC, {took:.1f} s"),
        ("rules", f"{policy['name']}, version {policy['version']}"),
        ("frames", f"{frames['count']}, {frames['judged']} of them judged, {len(frames['kept'])} kept"),
        ("in the ledger", f"leaf {sheet.finding.record.leaf_index} of log {check.log}; {sheet.standing}"),
        ("probability", "not measured" if probable is None else f"{probable / PPM:.2f} of a live person where half of all "
                                                                 "are; decides nothing"),
        ("known to be", sheet.label.replace("_", " ") or "not labelled"),
    ]  # fmt: skip


def _otherwise(finding: Finding) -> Iterator[Flowable]:
    yield _text("What would have changed the verdict", size=12, bold=True)
    for suspicion in finding.suspected:
        yield _text("• " + str(suspicion))
    missing = ", ".join(finding.missing)
    yield _text(f"For a live verdict these did not hold: {missing}." if missing else "Every cue that it needs held.")


def _step_row(result: StepResult, said: Mapping[str, Any]) -> tuple[str, ...]:
    late = "" if result.onset_ms is None or result.shown_ms is None else f"{result.onset_ms - result.shown_ms} ms"
    low, high = said["accepted"]
    amount = "" if said["amount"] is None else str(said["amount"])
    words = instruction(result.step)
    return (str(result.index + 1), words, result.outcome.value.replace("_", " "), late, amount, f"{low} to {high}")


def _text(text: str, *, size: int = 9, bold: bool = False) -> Flowable:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    font = _BOLD if bold else _FONT
    style = ParagraphStyle(
        f"{font}{size}",
        fontName=font,
        fontSize=size,
        leading=size * 1.35,
        spaceBefore=size if bold else 0,
        spaceAfter=size / 2,
    )
    return Paragraph(escape(text), style)


def _table(rows: Sequence[Sequence[str]], widths_mm: Sequence[float], *, head: bool = True) -> Flowable:
    from reportlab.lib.units import mm
    from reportlab.platypus import Table, TableStyle

    cells = [[_text(cell, size=7, bold=head and line == 0) for cell in row] for line, row in enumerate(rows)]
    style = TableStyle(
        [
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, _GRID),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
        ]
    )
    return Table(cells, [width * mm for width in widths_mm], repeatRows=int(head), style=style, hAlign="LEFT")


def _gallery(pictures: Mapping[str, bytes]) -> Flowable:
    from reportlab.lib.units import mm
    from reportlab.platypus import Table, TableStyle

    cells = [[_picture(data, _PICTURE_MM, 60), _text(name, size=6)] for name, data in pictures.items()]
    rows = [cells[k : k + _IN_A_ROW] for k in range(0, len(cells), _IN_A_ROW)]
    rows[-1] += [[]] * (_IN_A_ROW - len(rows[-1]))
    return Table(rows, [58 * mm] * _IN_A_ROW, style=TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP")]), hAlign="LEFT")


def _picture(data: bytes, width_mm: float, height_mm: float) -> Flowable:
    """As large as fits."""
    from reportlab.lib.units import mm
    from reportlab.platypus import Image

    image = Image(io.BytesIO(data))
    scale = min(width_mm * mm / image.imageWidth, height_mm * mm / image.imageHeight)
    image.drawWidth, image.drawHeight = image.imageWidth * scale, image.imageHeight * scale
    image.hAlign = "LEFT"
    return image


def _share(ppm: int | None) -> str:
    return "" if ppm is None else f"{ppm / PPM:.2f}"


def _load_fonts() -> None:
    """DejaVu comes with matplotlib, which is there anyway: it has every sign that a reason may hold."""
    import matplotlib as mpl
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name in (_FONT, _BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
