"""Every example runs, and so do the README's five lines; a clip stands in for the camera."""

from __future__ import annotations

import importlib.util
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
import requests
from werkzeug.security import generate_password_hash

import medauth
from medauth.evaluation.live_client import LiveClient
from medauth.evaluation.web_load import film, served
from medauth.evidence.verifier import Trust
from medauth.service.access import Scope
from medauth.serving import accesses_of
from medauth.store.keyring import FileKeyring
from medauth.web.limits import Limit
from tests.integration import attended
from tests.integration.attended import serving

pytestmark = pytest.mark.media

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = {path.stem for path in (ROOT / "examples").glob("*.py")}
SECONDS = 2.5


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def auth(tmp_path: Path) -> Iterator[medauth.Medauth]:
    with medauth.open(medauth.Settings(data_dir=tmp_path)) as opened:
        yield opened


@pytest.fixture
def no_camera(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    """A clip at its own pace in place of a camera."""
    monkeypatch.setattr(
        medauth, "Webcam", lambda: medauth.VideoFile(clip, end_ms=1_000 * SECONDS, realtime=True), raising=False
    )


def test_every_example_has_a_test_here() -> None:
    tested = set(re.findall(r"example\(\"(\w+)\"\)", Path(__file__).read_text()))
    assert tested == EXAMPLES


@pytest.mark.usefixtures("no_camera")
def test_check_person(auth: medauth.Medauth, capsys: pytest.CaptureFixture[str]) -> None:
    assert not example("check_person").log_in(auth, "user-42"), "a clip that follows no prompt is not live"
    assert "evidence: evd_" in capsys.readouterr().out


def test_push_frames(auth: medauth.Medauth, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = example("push_frames")
    monkeypatch.setattr(module, "FRAMES", 48)
    assert not module.check(auth, str(clip)).is_live


def test_analyze_clip(auth: medauth.Medauth, clip: Path) -> None:
    found = example("analyze_clip").blinks_and_expressions(auth, str(clip), SECONDS)
    assert {"blink", "emotion", "identity"} <= set(found)


@pytest.mark.chain
@pytest.mark.usefixtures("no_camera")
def test_hand_evidence_to_an_auditor(auth: medauth.Medauth) -> None:
    with auth.start(subject="user-42") as session:
        evidence_id = session.run(medauth.Webcam()).evidence_id
    module = example("hand_evidence_to_an_auditor")
    file = module.bundle_of(auth, evidence_id)
    trusted = Trust(auth.keyring.trusted())
    assert module.audit(file, trusted)
    assert not module.audit(file, Trust({})), "without the key nothing is believed"


class Browser:
    """A person's browser at the example's login."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.http = requests.Session()

    def post(self, path: str, page: str, **form: str) -> requests.Response:
        """Sends a page's form."""
        return self.http.post(self.site + path, data=form | {"csrf": field(page, 'name="csrf" value="')}, timeout=60)

    def log_in(self, name: str = "ada", password: str = "correct horse") -> requests.Response:
        """From the first page to the check."""
        return self.post("/login", self.http.get(self.site + "/login", timeout=60).text, name=name, password=password)


def field(page: str, before: str) -> str:
    return page.split(before)[1].split('"', maxsplit=1)[0]


@contextmanager
def login_site(url: str, key: str, access_id: str) -> Iterator[str]:
    """The example, served, with one account."""
    module = example("flask_login")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    site = f"http://127.0.0.1:{port}"
    verifier = module.Verifier(url, key, access_id, site)
    with serving(module.create_app(verifier, {"ada": generate_password_hash("correct horse")}), port):
        yield site


def test_flask_login_lets_in_who_knows_the_password_and_is_there_once(
    tmp_path: Path, keyring: FileKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Limit, "wait_ms", lambda *_: 0.0)  # a person of numbers does it all in a second
    with (
        attended.verifier(tmp_path, keyring) as served,
        login_site(served.url, served.key, served.access_id) as site,
    ):
        browser = Browser(site)
        assert browser.http.get(site + "/", timeout=60).url == site + "/login"
        assert browser.log_in(password="wrong").status_code == 403
        assert browser.log_in(name="nobody").status_code == 403
        check = browser.log_in().text
        waiting = browser.http.cookies.copy()
        assert "Welcome" not in browser.http.get(site + "/", timeout=60).text, "a password alone lets nobody in"
        assert browser.post("/finish", check).status_code == 403, "nor does saying that the check is done"
        browser.http.cookies.update(waiting)
        with LiveClient(served.url, field(check, 'medauth-check session="'), site) as client:
            served.perform(client)
        assert "Welcome, ada" in browser.post("/finish", check).text
        again = Browser(site)
        again.http.cookies.update(waiting)
        assert again.post("/finish", check).status_code == 403, "the token was used"


def test_flask_login_lets_nobody_in_whose_check_fails(tmp_path: Path, keyring: FileKeyring) -> None:
    with (
        attended.verifier(tmp_path, keyring) as served,
        login_site(served.url, served.key, served.access_id) as site,
    ):
        browser = Browser(site)
        check = browser.log_in().text
        with LiveClient(served.url, field(check, 'medauth-check session="'), site) as client:
            served.perform(client, until=30)
            client.say({"type": "end", "outcome": "passed"})
            assert client.wait()["type"] == "failed"
        assert browser.post("/finish", check).status_code == 403


def test_flask_login_lets_no_clip_in(tmp_path: Path, clip: Path) -> None:
    """Against `medauth serve` itself: a film of somebody who follows no prompt."""
    folder = tmp_path / "data"
    with medauth.open(medauth.Settings(data_dir=folder)) as auth:
        access, key = accesses_of(auth).grant("the example", [Scope.SUBJECT], ["standard", "no-flash"])
    with served(folder, 2) as (url, _), login_site(url, key, access.access_id) as site:
        browser = Browser(site)
        check = browser.log_in().text
        with LiveClient(url, field(check, 'medauth-check session="'), site) as client:
            for at_ms, jpeg in film(clip, 15)[:45]:
                client.show(jpeg, at_ms)
        assert browser.post("/finish", check).status_code == 403


@pytest.mark.usefixtures("no_camera")
def test_the_five_lines_of_the_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(tmp_path))
    block = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block is not None
    exec(block[1], {})
    assert capsys.readouterr().out.startswith("False ")
