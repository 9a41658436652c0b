"""A headless Chromium that visits one page, for tests whose page hands in by itself what it found."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@contextmanager
def visited(address: str, profile: Path, *flags: str) -> Iterator[Path]:
    """The browser has the page open inside the block; what it prints is in the file that is handed out."""
    chromium = shutil.which("chromium")
    assert chromium is not None
    printed = profile / "log"
    with printed.open("wb") as log:
        browser = subprocess.Popen(
            [chromium, *FLAGS, *flags, f"--user-data-dir={profile}", address], stdout=log, stderr=log
        )
        try:
            yield printed
        finally:
            browser.kill()
            browser.wait()
