"""An X server of one's own for tests of windows, and what is on it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
# In a process of its own: the libraries that this one has loaded bring other copies of libxcb.
_RUN = (
    "import faulthandler, signal, sys; faulthandler.register(signal.SIGUSR1, open(sys.argv.pop(1), 'w'));"
    "from medauth.cli.main import run; run()"
)
_GRAB = "import sys; from PIL import ImageGrab; ImageGrab.grab(xdisplay=sys.argv[1]).save(sys.argv[2])"


@contextmanager
def own_display() -> Iterator[str]:
    """The name of a display without a window manager, 1280x800; skips where there is no Xvfb."""
    if shutil.which("Xvfb") is None or shutil.which("xdotool") is None:
        pytest.skip("no X server to test with: apt-get install xvfb xdotool")
    reading, writing = os.pipe()
    # Left to itself it starts anew whenever its last client goes, and throws out whoever comes meanwhile.
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            number = f":{told.readline().strip()}"
        yield number
    finally:
        server.terminate()
        server.wait()


def screenshot(display: str, path: Path) -> NDArray[np.uint8]:
    """What is on a display, (height, width, 3) uint8 BGR."""
    subprocess.run([sys.executable, "-c", _GRAB, display, str(path)], check=True)
    image = cv2.imread(str(path))
    assert image is not None
    return np.asarray(image, np.uint8)


@contextmanager
def running_command(words: Sequence[str], display: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`medauth WORDS...` in a process of its own, ended with the block. What fails in the block is told with what the process
    was doing, what it wrote to stderr, and which windows there were."""
    stacks, errors = folder / "stacks.txt", folder / "stderr.txt"
    environment = os.environ | {"DISPLAY": display, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _RUN, str(stacks), *words]
    with errors.open("w") as stderr:
        running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True)
    try:
        yield running
    except Exception as error:
        state = f"ended with {running.returncode}" if running.poll() is not None else "runs on"
        if running.poll() is None and stacks.exists():  # before that, the signal would end it
            running.send_signal(signal.SIGUSR1)
            time.sleep(1.0)
        search = ["xdotool", "search", "--name", ".", "getwindowname", "%@"]
        windows = subprocess.run(search, env=environment, capture_output=True, text=True, check=False)
        written = stacks.read_text() if stacks.exists() else "it had not begun"
        error.add_note(f"the process {state}; its threads:\n{written}")
        error.add_note(f"its stderr:\n{errors.read_text()}\nwindows:\n{windows.stdout}{windows.stderr}")
        raise
    finally:
        running.kill()
        running.communicate()


def until(there: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits; fails when nothing came."""
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.2)
