"""The plain page of `examples/` with a check in it, from another origin than the server's; a sandbox plays the check."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, expect

from medauth.service.access import Scope
from medauth.serving import accesses_of
from tests.browser.conftest import Site, page_of

pytestmark = pytest.mark.browser
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "embedded_check.html"
CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - the base class's own name


@pytest.fixture
def page_address(site: Site, tmp_path: Path) -> Iterator[str]:
    """The example as a site of its own serves it, with the address of the server under test."""
    text = EXAMPLE.read_text()
    assert "http://127.0.0.1:8300/" in text
    (tmp_path / "index.html").write_text(text.replace("http://127.0.0.1:8300", site.url))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("script", "told"), [({"outcome": "live"}, "Done: passed"), ({"code": "busy"}, "No outcome: busy")]
)
def test_the_page_shows_a_check_and_hears_its_end(
    browsers: Callable[..., Browser], site: Site, page_address: str, script: dict[str, str], told: str
) -> None:
    _, key = accesses_of(site.auth).grant("the example", [Scope.SUBJECT], ["no-flash"], sandbox=True)
    asked: Any = {"subject": "s", "purpose": "p", "policy": "no-flash", "origin": page_address, "sandbox": script}
    headers = {"Authorization": f"Bearer {key}"}
    session = requests.post(site.url + "/api/v1/checks", json=asked, headers=headers, timeout=30).json()["session"]
    with page_of(browsers(*CAMERA)) as page:
        page.goto(f"{page_address}/#{session}")
        expect(page.locator("output")).to_have_text("Not begun.")
        assert session not in page.url
        page.get_by_role("button", name="Start the check").click()
        expect(page.get_by_text("Test: nobody is checked here")).to_be_visible()
        expect(page.locator("output")).to_have_text(told, timeout=60_000)
