"""What the auditor's pages get from the server: the verifier, whom to trust, and a record held against log and chain."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

import medauth
from medauth.auditing import trust_file
from medauth.bootstrap import Medauth
from medauth.report.audit_report import audit_json
from medauth.service.access import Scope
from tests.unit.web.conftest import Key
from tests.unit.web.people import ASKED, Host
from tests.unit.web.visits import PAGE, sign_in

JSON = {"Accept": "application/json"}


@pytest.fixture
def auditor(client: FlaskClient, key: Key) -> FlaskClient:
    sign_in(client, key(Scope.AUDITOR))
    return client


@pytest.fixture
def record_id(host: Host) -> str:
    session = host.session(ASKED)
    host.serve(host.page(session))
    return str(host.bookings.attended(session).row.record_id)


@pytest.mark.parametrize("path", ["/auditor", "/ledger", "/auditor/trust.json", "/auditor/records/evd_1"])
def test_strangers_see_none_of_it(client: FlaskClient, path: str) -> None:
    assert client.get(path, headers=JSON).status_code == 401


def test_the_browser_gets_the_very_verifier_that_the_tests_hold(auditor: FlaskClient) -> None:
    served = auditor.get("/auditor/verifier.mjs")
    assert served.data == (Path(medauth.__file__).parent / "evidence" / "verifier.mjs").read_bytes()
    assert served.mimetype == "text/javascript"


def test_the_trust_file_is_the_one_the_command_writes(auditor: FlaskClient, auth: Medauth) -> None:
    assert auditor.get("/auditor/trust.json").data == trust_file(auth).to_bytes()


def test_a_record_is_held_against_bytes_log_and_files(auditor: FlaskClient, record_id: str, auth: Medauth) -> None:
    told = auditor.get(f"/auditor/records/{record_id}", headers=JSON).get_json()
    assert told["audit"] == audit_json(auth.auditor().record(record_id))
    assert [step["name"] for step in told["audit"]["steps"]][:4] == ["stored bytes", "key", "signature", "statement"]
    assert (told["log"], told["leaf_index"]) == ("main", 1)
    assert told["standing"].startswith("waiting")
    assert auditor.get("/auditor/records/evd_none", headers=JSON).status_code == 404


def test_a_server_is_not_audited_without_end(auditor: FlaskClient, record_id: str) -> None:
    answers = [auditor.get(f"/auditor/records/{record_id}", headers=JSON).status_code for _ in range(11)]
    assert answers[-1] == 429


def test_the_ledger_says_what_waits_and_since_when(auditor: FlaskClient, record_id: str) -> None:
    page = auditor.get("/ledger", headers=PAGE).text
    assert record_id not in page
    assert "2, 0 of them under a checkpoint" in page
    assert "since the oldest that waits" in page
    assert "none yet" in page
