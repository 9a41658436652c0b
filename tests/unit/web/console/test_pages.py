"""What the operator sees of checks, and does with them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from medauth.bootstrap import Medauth
from medauth.service.access import Scope
from medauth.service.verification import TRACES
from medauth.serving import register_of
from medauth.store.register_interface import Wanted
from medauth.web.console.docket import Docket
from tests.unit.web.conftest import Key
from tests.unit.web.people import ASKED, Host
from tests.unit.web.visits import PAGE, csrf_of, sign_in

Checked = Callable[..., str]


@pytest.fixture
def operator(client: FlaskClient, key: Key) -> FlaskClient:
    sign_in(client, key(Scope.OPERATOR))
    return client


@pytest.fixture
def checked(host: Host) -> Checked:
    """A whole check; returns its id."""

    def _checked(*, answers: bool = True) -> str:
        session = host.session(ASKED)
        host.serve(host.page(session, answers=answers))
        return str(host.bookings.attended(session).row.check_id)

    return _checked


def test_the_list_names_checks_and_nobody(operator: FlaskClient, checked: Checked) -> None:
    live, refused = checked(), checked(answers=False)
    page = operator.get("/console", headers=PAGE).text
    assert page.index(refused) < page.index(live)
    assert "user-42" not in page
    only = operator.get("/console?outcome=not_live", headers=PAGE).text
    assert refused in only
    assert live not in only


@pytest.mark.parametrize("query", ["outcome=odd", "since=yesterday", "after=1", "after=x.chk_1", "id=" + "x" * 300])
def test_a_filter_that_makes_no_sense_is_told(operator: FlaskClient, query: str) -> None:
    answer = operator.get(f"/console?{query}", headers=PAGE)
    assert answer.status_code == 400
    assert "request" in answer.text


def test_a_subject_is_found_by_its_name_although_the_mirror_holds_none(operator: FlaskClient, checked: Checked) -> None:
    check_id = checked()
    found = operator.get("/console", query_string={"subject": "user-42"}, headers=PAGE).text
    other = operator.get("/console", query_string={"subject": "somebody"}, headers=PAGE).text
    assert (check_id in found, check_id in other) == (True, False)


def test_a_check_in_detail_says_what_decided_and_what_would_have_changed_it(
    operator: FlaskClient, checked: Checked
) -> None:
    check_id = checked(answers=False)
    page = operator.get(f"/console/checks/{check_id}", headers=PAGE).text
    for said in ("challenge.no_response", "For a live verdict these did not hold", "no response"):
        assert said in page
    assert "style=" not in page
    assert "<script>" not in page


def test_curves_are_opened_from_under_seal_for_the_operator(operator: FlaskClient, checked: Checked) -> None:
    check_id = checked()
    answer = operator.get(f"/console/checks/{check_id}/course.json", headers={"Accept": "application/json"})
    told = answer.get_json()
    assert [panel["title"] for panel in told["panels"]] == ["Expression"]
    assert told["panels"][0]["curves"][0]["values"] == [0.5, None, None]
    assert [step["outcome"] for step in told["steps"]] == ["answered"] * len(told["steps"])


def test_curves_that_are_not_those_signed_are_not_shown(operator: FlaskClient, checked: Checked, auth: Medauth) -> None:
    check_id = checked()
    path = next(auth.settings.data_dir.rglob(TRACES))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    answer = operator.get(f"/console/checks/{check_id}/course.json", headers={"Accept": "application/json"})
    assert answer.status_code == 500
    assert "traces" not in answer.text


def test_a_label_is_kept_counted_and_exported(operator: FlaskClient, checked: Checked, auth: Medauth) -> None:
    check_id = checked()
    page = f"/console/checks/{check_id}"
    csrf = csrf_of(operator.get(page, headers=PAGE))
    assert operator.post(page + "/label", data={"label": "print"}, headers=PAGE).status_code == 400
    assert operator.post(page + "/label", data={"csrf": csrf, "label": "odd"}, headers=PAGE).status_code == 400
    assert operator.post(page + "/label", data={"csrf": csrf, "label": "print"}, headers=PAGE).status_code == 303
    row = register_of(auth).label_of(check_id)
    assert row is not None
    assert (row.label, row.given_by[:4]) == ("print", "acc_")
    assert "1 passed" in operator.get("/console", headers=PAGE).text
    head, line = operator.get("/console/labels.csv").text.splitlines()
    assert "emotion.score_ppm" in head
    assert line.startswith(f"{check_id},main,")


@pytest.mark.parametrize("purpose", ["=1+1", "\n=1+1", " \r\t=1+1", "＝1+1", "@=-1+1"])
def test_a_purpose_is_no_formula_in_the_table(
    operator: FlaskClient, checked: Checked, auth: Medauth, monkeypatch: pytest.MonkeyPatch, purpose: str
) -> None:
    row = next(row for row in register_of(auth).found(Wanted(check_or_record=checked()), 1))
    monkeypatch.setattr(Docket, "labelled", lambda _: [(replace(row, purpose=purpose), ())])
    (line,) = csv.DictReader(io.StringIO(operator.get("/console/labels.csv").text))
    assert line["purpose"] == "1+1"


def test_erasing_needs_a_tick_and_takes_label_and_pictures_along(
    operator: FlaskClient, checked: Checked, auth: Medauth
) -> None:
    check_id = checked()
    page = f"/console/checks/{check_id}"
    csrf = csrf_of(operator.get(page, headers=PAGE))
    operator.post(page + "/label", data={"csrf": csrf, "label": "genuine"}, headers=PAGE)
    assert operator.post(page + "/erase", data={"csrf": csrf}, headers=PAGE).status_code == 400
    assert operator.post(page + "/erase", data={"csrf": csrf, "sure": "yes"}, headers=PAGE).status_code == 303
    shown = operator.get(page, headers=PAGE)
    assert "Erased" in shown.text
    assert register_of(auth).label_of(check_id) is None
    assert operator.get(page + "/report.pdf", headers=PAGE).status_code == 404
    assert operator.post(page + "/label", data={"csrf": csrf, "label": "print"}, headers=PAGE).status_code == 409


def test_a_check_without_verdict_has_a_page_too(operator: FlaskClient, host: Host) -> None:
    session = host.session(ASKED)
    page = host.page(session)
    page.spoil[5] = b"no frame"
    host.serve(page)
    check_id = host.bookings.attended(session).row.check_id
    assert "No verdict: abandoned" in operator.get(f"/console/checks/{check_id}", headers=PAGE).text


@pytest.mark.parametrize("path", ["/console/checks/chk_none", "/console/checks/chk_none/pictures/a.png"])
def test_what_is_not_there_is_not_found(operator: FlaskClient, path: str) -> None:
    answer = operator.get(path, headers=PAGE)
    assert answer.status_code == 404
    assert json.dumps("Traceback")[1:-1] not in answer.text
