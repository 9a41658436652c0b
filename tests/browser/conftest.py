"""A served verifier and a browser whose camera plays a clip."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from medauth.bootstrap import Medauth
from medauth.bootstrap import open as open_medauth
from medauth.config import Settings
from medauth.evaluation.rehearsal import FRANCK
from medauth.service.booking import Request
from medauth.serving import bookings_of

START_S = 60
LEAD_MS = 1_000.0
"""The clip begins this much before its script: a browser needs a moment from the camera to the first frame."""


@dataclass(frozen=True)
class Site:
    """The server under test, and the services behind it for what only its operator sees."""

    url: str
    auth: Medauth

    def session(self, policy: str, **more: str) -> str:
        """A booked check's session."""
        asked = Request(subject="user-42", purpose="login", policy=policy, origin=self.url, **more)
        bookings = bookings_of(self.auth)
        return bookings.session(bookings.book("acc_test", asked)[0].row.booking_id)

    def row(self, session: str) -> Any:
        """What became of it."""
        return bookings_of(self.auth).attended(session).row


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`medauth serve`, as a person starts it."""
    folder = tmp_path_factory.mktemp("serve")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = os.environ | {"MEDAUTH_DATA_DIR": str(folder / "data"), "MEDAUTH_REHEARSAL": "1"}
    command = [sys.executable, "-c", "from medauth.cli.main import run; run()", "serve", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environ)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url, folder / "log")
            with open_medauth(Settings(data_dir=folder / "data", rehearsal=True)) as auth:
                yield Site(url, auth)
        finally:
            server.terminate()
            server.wait(20)


def _wait_for(url: str, log: Path) -> None:
    ends = time.monotonic() + START_S
    while True:
        try:
            with urllib.request.urlopen(url + "/readyz", timeout=5):
                return
        except OSError:
            assert time.monotonic() < ends, log.read_text()[-2_000:]
            time.sleep(0.2)


@pytest.fixture(scope="session")
def film(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rehearsal's part of the clip, as Chromium's fake camera reads it (YUV4MPEG2)."""
    path = tmp_path_factory.mktemp("film") / "camera.y4m"
    source = cv2.VideoCapture(str(clip))
    source.set(cv2.CAP_PROP_POS_MSEC, FRANCK.start_ms - LEAD_MS)
    with path.open("wb") as file:
        while True:
            there, frame = source.read()
            if not there or source.get(cv2.CAP_PROP_POS_MSEC) > FRANCK.end_ms + LEAD_MS:
                break
            if not file.tell():
                height, width = frame.shape[:2]
                rate = round(source.get(cv2.CAP_PROP_FPS))
                file.write(f"YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())
    source.release()
    return path


@pytest.fixture(scope="session")
def browsers() -> Iterator[Callable[..., Browser]]:
    """Chromium with flags for its camera; closed at the end."""
    chromium = shutil.which("chromium")
    assert chromium is not None
    opened: dict[tuple[str, ...], Browser] = {}
    with sync_playwright() as playwright:

        def _browser(*flags: str) -> Browser:
            if flags not in opened:
                usual = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"]
                opened[flags] = playwright.chromium.launch(executable_path=chromium, args=[*usual, *flags])
            return opened[flags]

        yield _browser
        for browser in opened.values():
            browser.close()


@contextmanager
def page_of(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page in a profile of its own that records what passes over the wire."""
    context = browser.new_context(**{"viewport": {"width": 412, "height": 860}, **options})
    page = context.new_page()
    try:
        yield page
    finally:
        context.close()


def camera(film: Path) -> tuple[str, ...]:
    """Flags for a camera that plays a film, without asking."""
    return (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
