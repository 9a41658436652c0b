"""Uploads that are looked at: whose, how many, how large, and that nothing of them stays."""

from __future__ import annotations

import io
import json
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from medauth.errors import InputError, NotFound
from medauth.service.access import Scope
from medauth.web.problems import Problem
from medauth.web.studio.takes import KEPT_MS, MAX_UPLOAD_BYTES, Take, Takes, TakeState
from medauth.web.studio.work import suffix_of
from tests.unit.checks import Clock
from tests.unit.web.conftest import Key
from tests.unit.web.visits import PAGE, csrf_of, sign_in

WRITES = "import pathlib, sys; pathlib.Path(sys.argv[1], 'result.json').write_text('{}'); print('{\"t_ms\": 7}')"
REFUSES = 'import sys; print(\'{"trouble": "no picture", "expected": "a face"}\'); sys.exit(3)'
FALLS = "import os; os.abort()"


class Programs:
    """Which program looks at the next upload, in place of the real one."""

    code = WRITES
    detector = ""

    def __call__(self, folder: Path, detector: str) -> Sequence[str]:
        self.detector = detector
        return (sys.executable, "-S", "-c", self.code, str(folder))


@pytest.fixture
def programs() -> Programs:
    return Programs()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def takes(programs: Programs, clock: Clock) -> Iterator[Takes]:
    found = Takes(clock, command=programs)
    yield found
    found.close()


def begun(takes: Takes, owner: str = "acc_1", data: bytes = b"a recording") -> Take:
    return takes.begin(owner, io.BytesIO(data), len(data))


def ended(take: Take) -> Take:
    assert take.follower is not None
    take.follower.join(20)
    return take


def test_an_upload_is_gone_once_it_was_looked_at_and_findings_after_their_time(takes: Takes, clock: Clock) -> None:
    take = ended(begun(takes))
    assert (take.state, take.told) == (TakeState.DONE, {"t_ms": 7})
    assert [path.name for path in take.folder.iterdir()] == ["result.json"]
    clock.ms += KEPT_MS + 1
    with pytest.raises(NotFound):
        takes.of("acc_1", take.take_id)
    assert not take.folder.exists()


@pytest.mark.parametrize(("code", "trouble"), [(REFUSES, "no picture"), (FALLS, "it could not be analysed")])
def test_what_cannot_be_looked_at_is_told(takes: Takes, programs: Programs, code: str, trouble: str) -> None:
    programs.code = code
    take = ended(begun(takes))
    assert (take.state, take.told["trouble"]) == (TakeState.FAILED, trouble)


def test_each_looks_at_one_recording_at_a_time_and_few_look_at_once(takes: Takes, programs: Programs) -> None:
    programs.code = "import time; time.sleep(60)"
    first = begun(takes, "acc_1")
    with pytest.raises(Problem, match="one recording"):
        begun(takes, "acc_1")
    begun(takes, "acc_2")
    with pytest.raises(Problem, match="others"):
        begun(takes, "acc_3")
    takes.stop(first)
    assert not first.folder.exists()
    assert begun(takes, "acc_3").state is TakeState.WORKING


def test_who_looks_at_films_of_strangers_knows_no_secret(
    programs: Programs, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDAUTH_KEY_PASSPHRASE", "open sesame")
    programs.code = "import json, os; print(json.dumps({'trouble': 'none', 'told': dict(os.environ)}))"
    takes = Takes(clock, {"MEDAUTH_DATA_DIR": "/somewhere"}, programs)
    take = ended(begun(takes))
    takes.close()
    assert take.told["told"]["MEDAUTH_DATA_DIR"] == "/somewhere"
    assert [name for name in take.told["told"] if name.startswith("MEDAUTH_")] == ["MEDAUTH_DATA_DIR"]


def test_the_next_recording_takes_the_place_of_the_last(takes: Takes) -> None:
    first = ended(begun(takes))
    begun(takes)
    assert not first.folder.exists()


def test_stopping_one_that_ends_by_itself_troubles_nobody(takes: Takes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder goes while its follower looks for what is left in it."""
    troubles: list[object] = []
    monkeypatch.setattr(threading, "excepthook", troubles.append)
    take = begun(takes)
    shutil.rmtree(take.folder)
    ended(take)
    assert (take.state, troubles) == (TakeState.FAILED, [])


def test_nobody_sees_anothers_recording(takes: Takes) -> None:
    take = begun(takes, "acc_1")
    with pytest.raises(NotFound):
        takes.of("acc_2", take.take_id)


def test_an_upload_that_breaks_off_leaves_nothing(takes: Takes) -> None:
    with pytest.raises(Problem, match="broke off"):
        takes.begin("acc_1", io.BytesIO(b"half"), 100)
    assert begun(takes).state is TakeState.WORKING


@pytest.mark.parametrize(
    ("head", "suffix"),
    [(b"\xff\xd8\xff\xe0", ".jpg"), (b"\x89PNG\r\n\x1a\n", ".png"), (b"RIFF1234WEBP", ".webp"), (b"BM1234", ".bmp")]
    + [(head, ".mp4") for head in (b"\0\0\0\x20ftypisom", b"\x1aE\xdf\xa3", b"RIFF1234AVI LIST", b"GIF89a", b"OggS\0")],
)
def test_what_an_upload_is_its_first_bytes_say(head: bytes, suffix: str) -> None:
    assert suffix_of(head) == suffix


@pytest.mark.parametrize(
    "head",
    [b"#EXTM3U\n#EXTINF:9", b"ffconcat version", b"ID3\x04\0\0\0\0\0\0#EXTM", b"<?xml version=", b"v=0\no=- 0 0", b""],
)
def test_a_list_of_other_files_is_no_film(head: bytes) -> None:
    with pytest.raises(InputError, match="neither"):
        suffix_of(head)


@pytest.fixture
def operator(app: Flask, client: FlaskClient, key: Key, programs: Programs) -> Iterator[FlaskClient]:
    app.extensions["medauth.takes"]._command = programs
    sign_in(client, key(Scope.OPERATOR))
    yield client
    app.extensions["medauth.takes"].close()


def send(operator: FlaskClient, data: bytes, kind: str = "application/octet-stream", *, csrf: bool = True) -> int:
    token = csrf_of(operator.get("/console", headers=PAGE)) if csrf else ""
    headers = {"Accept": "application/json", "X-CSRF": token, "Content-Type": kind}
    answer = operator.post("/studio/takes", data=data, headers=headers)
    assert "Traceback" not in answer.text
    return answer.status_code


def test_what_is_no_upload_is_refused(operator: FlaskClient) -> None:
    assert send(operator, b"film", csrf=False) == 400
    assert send(operator, b"film", "text/plain") == 415
    assert send(operator, b"") == 413


def test_the_face_is_found_by_the_detector_that_was_asked_for(operator: FlaskClient, programs: Programs) -> None:
    token = csrf_of(operator.get("/console", headers=PAGE))
    headers = {"Accept": "application/json", "X-CSRF": token, "Content-Type": "application/octet-stream"}
    strange = operator.post("/studio/takes?detector=radar", data=b"film", headers=headers)
    assert (strange.status_code, strange.get_json()["code"]) == (400, "detector")
    assert operator.post("/studio/takes?detector=haar", data=b"film", headers=headers).status_code == 202
    assert programs.detector == "haar"


def test_the_page_names_the_detectors_that_are_here(operator: FlaskClient) -> None:
    page = operator.get("/studio", headers=PAGE).text
    assert all(f"<option>{name}</option>" in page for name in ("mesh", "haar", "mediapipe", "auto", "every"))
    assert "<option>dnn</option>" not in page, "its files are not here"


def test_more_than_a_form_holds_but_no_more_than_the_most_is_taken(operator: FlaskClient) -> None:
    assert send(operator, bytes(100_000)) == 202
    headers = {"Content-Length": str(MAX_UPLOAD_BYTES + 1), "Accept": "application/json"}
    token = csrf_of(operator.get("/console", headers=PAGE))
    headers |= {"X-CSRF": token, "Content-Type": "application/octet-stream"}
    assert operator.post("/studio/takes", headers=headers).status_code == 413


def test_findings_are_handed_out_to_whoever_sent_the_recording(operator: FlaskClient, app: Flask, key: Key) -> None:
    token = csrf_of(operator.get("/console", headers=PAGE))
    headers = {"Accept": "application/json", "X-CSRF": token, "Content-Type": "application/octet-stream"}
    answer = operator.post("/studio/takes", data=b"film", headers=headers).get_json()
    address = f"/studio/takes/{answer['id']}"
    ended(app.extensions["medauth.takes"]._takes[answer["id"]])
    assert json.loads(operator.get(address, headers=PAGE).text)["state"] == "done"
    with operator.get(f"{address}/result.json") as findings:
        assert findings.get_json() == {}
        assert findings.headers["Cache-Control"] == "no-store"
    assert operator.get(f"{address}/annotated.webm").status_code == 404
    other = app.test_client()
    sign_in(other, key(Scope.OPERATOR))
    assert other.get(address, headers=PAGE).status_code == 404
    assert operator.delete(address, headers=headers).status_code == 204
    assert operator.get(address, headers=PAGE).status_code == 404


def test_an_auditor_has_no_studio(client: FlaskClient, key: Key) -> None:
    sign_in(client, key(Scope.AUDITOR))
    assert client.get("/studio", headers=PAGE).status_code == 403
