"""T4: what Chromium says of its fake camera's frames is nothing that only a forger says.

Simulated: a fake device on a busy machine is no webcam. Three clocks that a page can read of a frame are tried.
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from medauth.signals.arrivals import Arrivals
from medauth.signals.declared_times import DeclaredTimes
from tests.chromium import visited

pytestmark = pytest.mark.browser
FILMED_MS = 10_000
PAGE = (
    b"""<!doctype html><meta charset="utf-8"><title>camera</title><video id="video" muted playsinline></video><script>
(async () => {
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  await video.play();
  const canvas = new OffscreenCanvas(640, 480), context = canvas.getContext("2d"), seen = [];
  const film = () => {
    const taken = performance.timeOrigin + performance.now();
    context.drawImage(video, 0, 0);
    fetch(`./frame?${taken}`, { method: "POST" });
    setTimeout(film, 66);
  };
  const look = (now, { captureTime, mediaTime }) => {
    seen.push([now, captureTime ?? null, 1000 * mediaTime]);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  film();
  setTimeout(() => fetch("./seen", { method: "POST", body: JSON.stringify(seen) }), """
    + str(FILMED_MS).encode()
    + b""");
})();
</script>"""
)
CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
TIMEOUT_S = 120


class Site:
    """One page, and what it hands in: when it drew each frame, and what the browser says of each."""

    def __init__(self) -> None:
        self.drawn: list[tuple[float, float]] = []
        self.seen: list[list[float | None]] = []
        self.done = threading.Event()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(PAGE)

            def do_POST(self) -> None:
                now = 1_000 * time.monotonic()
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path.startswith("/frame"):
                    site.drawn.append((now, float(self.path.partition("?")[2])))
                else:
                    site.seen = json.loads(body)
                    site.done.set()
                self.answer(b"")

            def answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        return Handler


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    found = Site()
    with ThreadingHTTPServer(("127.0.0.1", 0), found.handler()) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://localhost:{server.server_port}/"
        with visited(address, tmp_path_factory.mktemp("profile"), *CAMERA) as log:
            assert found.done.wait(TIMEOUT_S), log.read_text()[-2_000:]
        server.shutdown()
    return found


def judged(came: list[float], declared: list[float | None]) -> tuple[str, str]:
    times = DeclaredTimes()
    for t_ms, claim in zip(came, declared, strict=True):
        times.add(t_ms, claim)
    return times.impossible(), times.unlikely()


def test_when_a_page_drew_its_frames_is_believed(site: Site) -> None:
    """As the component does it. Requests may overtake one another here; a web socket's messages do not."""
    drawn = sorted(site.drawn, key=lambda frame: frame[1])
    came = [max(t_ms for t_ms, _ in drawn[: index + 1]) for index in range(len(drawn))]
    assert len(drawn) > 60
    assert judged(came, [taken for _, taken in drawn]) == ("", "")
    arrivals = Arrivals()
    for t_ms in came:
        arrivals.add(t_ms)
    assert (arrivals.impossible(), arrivals.constant) == ("", False)


@pytest.mark.parametrize("clock", [1, 2], ids=["captureTime", "mediaTime"])
def test_what_the_browser_says_of_a_frame_is_believed(site: Site, clock: int) -> None:
    came = [float(line[0] or 0.0) for line in site.seen]
    assert len(came) > 60
    assert judged(came, [line[clock] for line in site.seen]) == ("", "")
