"""The operator's pages: checks by filters, one check in detail, its label, its erasure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import structlog
from flask import Blueprint, g, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response

from medauth.errors import NotFound
from medauth.protocol.policy import POLICIES
from medauth.service.access import Scope
from medauth.service.casework import Finding
from medauth.service.labelling import LABELS
from medauth.web.console.course import course, short_movements
from medauth.web.console.docket import Docket
from medauth.web.console.lanes import WIDTH, lanes
from medauth.web.console.movements import movements
from medauth.web.console.wishes import CHOICES, FIELDS, place_of, place_text, wanted_of
from medauth.web.desk.sign_in import Desk, guarded
from medauth.web.pages import require_csrf
from medauth.web.problems import Problem

PAGE = 50
_FORMULA = "=+-@＝＋－＠ \t\r\n"
_PICTURES: Mapping[str, str] = {".png": "image/png", ".jpg": "image/jpeg"}


class Console:
    """The pages, one method each."""

    def __init__(self, docket: Docket) -> None:
        self._docket = docket

    def listed(self) -> str:
        """Checks by filters, newest first."""
        docket = self._docket
        wanted = wanted_of(request.args, docket.subject_tag)
        rows = docket.register.found(wanted, PAGE + 1, place_of(request.args.get("after", "")))
        more = place_text((rows[PAGE - 1].started_ms, rows[PAGE - 1].check_id)) if len(rows) > PAGE else ""
        said = {name: request.args.get(name, "") for name in FIELDS}
        return render_template(
            "console/list.html", rows=rows[:PAGE], more=more, said=said, choices=CHOICES, rates=docket.rates()
        )

    def labels(self) -> Response:
        """Labelled checks as a table."""
        return _download(_table(self._docket), "text/csv; charset=utf-8", "labels.csv")

    def case(self, check_id: str) -> str:
        """One check in detail."""
        docket = self._docket
        case = docket.casework.case(check_id)
        _noted(check_id, "page")
        around: dict[str, Any] = {"case": case, "label": docket.register.label_of(check_id), "labels": LABELS}
        if case.finding is not None:
            around |= self._around(case.finding)
        return render_template("console/case.html", **around)

    def course(self, check_id: str) -> Any:
        """What its plots are drawn from."""
        finding = self._docket.finding(check_id)
        return jsonify(course(finding.statement, self._docket.casework.traces(finding)))

    def picture(self, check_id: str, name: str) -> Response:
        """One sealed picture, opened."""
        content, suffix = self._docket.picture(self._docket.finding(check_id), name), name[-4:]
        if content is None or suffix not in _PICTURES:
            raise NotFound("no such picture of this check", expected="one that its page shows")
        return Response(content, content_type=_PICTURES[suffix])

    def report(self, check_id: str) -> Response:
        """The printable report."""
        finding = self._docket.finding(check_id)
        _noted(check_id, "report")
        return _download(self._docket.report(check_id, finding), "application/pdf", f"{finding.record.record_id}.pdf")

    def label(self, check_id: str) -> Response:
        """Keeps what it truly was."""
        require_csrf()
        self._docket.labelling.give(check_id, request.form.get("label", ""), g.desk_access.access_id)
        return redirect(f"/console/checks/{check_id}#label", 303)

    def erase(self, check_id: str) -> Response:
        """Erases it, once the operator said that it is meant."""
        require_csrf()
        if request.form.get("sure") != "yes":
            raise Problem(400, "unsure", "nothing was erased", "tick the box that says that it cannot be undone")
        self._docket.auth.erasure().erase(check_id)
        _noted(check_id, "erased")
        return redirect(f"/console/checks/{check_id}", 303)

    def _around(self, finding: Finding) -> dict[str, Any]:
        statement, traces = finding.statement, self._docket.casework.traces(finding)
        policy = statement["policy"]
        return {
            "finding": finding,
            "lanes": lanes(statement, traces),
            "lane_width": WIDTH,
            "movements": movements(short_movements(statement)),
            "pictures": self._docket.picture_names(finding),
            "standing": self._docket.standing(finding.record),
            "outdated": policy["name"] not in POLICIES or policy["version"] != POLICIES[policy["name"]].version,
        }


def console_blueprint(docket: Docket, desk: Desk) -> Blueprint:
    """Pages under `/console`, for keys of scope `operator`."""
    blueprint = guarded(Blueprint("console", __name__, url_prefix="/console"), desk, Scope.OPERATOR)
    console, check = Console(docket), "/checks/<check_id>"
    blueprint.get("", strict_slashes=False)(console.listed)
    blueprint.get("/labels.csv")(console.labels)
    blueprint.get(check)(console.case)
    blueprint.get(f"{check}/course.json")(console.course)
    blueprint.get(f"{check}/pictures/<name>")(console.picture)
    blueprint.get(f"{check}/report.pdf")(console.report)
    blueprint.post(f"{check}/label")(console.label)
    blueprint.post(f"{check}/erase")(console.erase)
    return blueprint


def _noted(check_id: str, what: str) -> None:
    """Who looked at whom leaves a line: ids alone."""
    structlog.get_logger().info("case", what=what, check=check_id, access=g.desk_access.access_id)


def _table(docket: Docket) -> bytes:
    """Labelled checks with what every signal said, for an evaluation elsewhere."""
    lines = []
    for row, readings in docket.labelled():
        line = {name: value for name, value in asdict(row).items() if name != "state"}
        for reading in readings:
            line[f"{reading.signal}.outcome"] = reading.outcome.value
            line[f"{reading.signal}.score_ppm"] = "" if reading.score_ppm is None else reading.score_ppm
        # An app words the purpose: nothing of it may be a formula where the table is opened.
        line["purpose"] = line["purpose"].lstrip(_FORMULA)
        lines.append(line)
    written = io.StringIO()
    columns = dict.fromkeys(name for line in lines for name in line)
    writer = csv.DictWriter(written, list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return written.getvalue().encode()


def _download(content: bytes, kind: str, name: str) -> Response:
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
