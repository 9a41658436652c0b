"""The verifier in JavaScript where it is meant to run: in a browser, as one file from a page, on the shared vectors.

Chromium loads a page from this machine that imports `verifier.mjs` and nothing else, runs every case, and hands back what
it found; the answers must be those of Python. Web Crypto exists on `http://localhost`, as over https.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from medauth.evidence.trust import TrustFile
from tests.chromium import visited
from tests.integration.test_bundle_vectors import CASES, JAVASCRIPT, VECTORS
from tests.vectors import make_bundles

pytestmark = pytest.mark.browser
PAGE = b"""<!doctype html><meta charset="utf-8"><title>verifier</title>
<script type="module">
import { InputError, verify } from "./verifier.mjs";
const { trust, cases } = await (await fetch("./cases.json")).json();
const found = {};
for (const { name, file, trust: which } of cases) {
  try {
    const { steps, holds, files } = await verify(Uint8Array.from(atob(file), (c) => c.charCodeAt(0)), trust[which]);
    found[name] = { steps: steps.map(({ name, state }) => [name, state]), holds, files };
  } catch (error) {
    found[name] = error instanceof InputError ? { steps: null } : { steps: `${error}` };
  }
}
await fetch("./found", { method: "POST", body: JSON.stringify(found) });
</script>
"""
TIMEOUT_S = 240


@cache
def cases() -> bytes:
    """Without a chain: a page asks one only when its visitor names a node."""
    files = [make_bundles.unpacked(case, CASES["live"]).encode() for case in CASES.values()]
    listed = [
        {"name": case["name"], "trust": case["trust"], "file": base64.b64encode(file).decode()}
        for case, file in zip(CASES.values(), files, strict=True)
    ]
    return json.dumps({"trust": VECTORS["trust"], "cases": listed}).encode()


class Site:
    """Three files, one place to hand the answers in, and a list of what was asked for."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        self.asked: list[str] = []
        self.done = threading.Event()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        site = self
        files = {
            "/": ("text/html", PAGE),
            "/verifier.mjs": ("text/javascript", JAVASCRIPT.read_bytes()),
            "/cases.json": ("application/json", cases()),
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                kind, body = files.get(self.path, ("text/plain", b""))
                self.send_response(200 if self.path in files else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                site.found = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(204)
                self.end_headers()
                site.done.set()

            def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the base class's name

        return Handler


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page, opened once."""
    site = Site()
    with ThreadingHTTPServer(("127.0.0.1", 0), site.handler()) as http:
        threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://localhost:{http.server_port}/"
        with visited(address, tmp_path_factory.mktemp("profile"), "--remote-debugging-port=0") as log:
            assert site.done.wait(TIMEOUT_S), log.read_text()[-2_000:]
        http.shutdown()
        yield site


def test_a_browser_says_what_python_says(site: Site) -> None:
    assert set(site.found) == set(CASES)
    for name, case in CASES.items():
        file = make_bundles.unpacked(case, CASES["live"])
        trust = TrustFile.from_bytes(json.dumps(VECTORS["trust"][case["trust"]]).encode())
        expected = make_bundles.outcome(case | {"bundle": file, "on_chain": False}, trust)
        assert site.found[name]["steps"] == expected, name


def test_heat_maps_are_listed_in_the_browser_too(site: Site) -> None:
    assert site.found["with-heat-maps"]["files"] == [
        {"name": "heatmap/é/7", "sha256": "22" * 32},
        {"name": "traces", "sha256": "11" * 32},
    ]


def test_the_page_asks_for_one_file_and_nothing_beside_it(site: Site) -> None:
    assert set(site.asked) - {"/favicon.ico"} == {"/", "/verifier.mjs", "/cases.json"}
