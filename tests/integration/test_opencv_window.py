"""Windows that OpenCV draws: whose libX11-xcb they use; and what a test of a window says when it fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from ctypes.util import find_library
from pathlib import Path

import pytest

from tests.integration.screens import ROOT, own_display, running_command, until

pytestmark = pytest.mark.media

_SHOW = (
    "import numpy; from medauth.desktop.live_screen import LiveScreen;"
    "LiveScreen('medauth live').show(numpy.zeros((60, 80, 3), numpy.uint8))"
)


@pytest.mark.skipif(not sys.platform.startswith("linux") or not find_library("X11-xcb"), reason="no libX11-xcb here")
def test_a_window_takes_the_events_by_the_libraries_of_this_machine(tmp_path: Path) -> None:
    """By the wheel's own one, libX11 keeps some for itself: on a busy machine 6 windows of 17 stayed black."""
    with own_display() as display:
        traced = {"LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": str(tmp_path / "bindings")}
        environment = os.environ | traced | {"DISPLAY": display, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", _SHOW], env=environment, check=True)
    bound = re.findall(r"to (\S+) \[\d+\]: normal symbol `XSetEventQueueOwner'", _written(tmp_path))
    assert bound, "Qt does not take the events"
    assert all(Path(library).name == "libX11-xcb.so.1" for library in bound), bound


def test_a_process_that_ended_is_told_with_its_end(tmp_path: Path) -> None:
    """A folder in the place of a clip is refused."""
    with own_display() as display, pytest.raises(AssertionError) as told:
        _fail_beside(display, tmp_path, str(tmp_path), lambda process: process.poll() is not None)
    notes = "".join(told.value.__notes__)
    assert "ended with 2" in notes
    assert "next step" in notes


def test_a_process_that_runs_on_is_told_with_its_threads(clip: Path, tmp_path: Path) -> None:
    with own_display() as display, pytest.raises(AssertionError) as told:
        _fail_beside(display, tmp_path, str(clip), lambda _: (tmp_path / "stacks.txt").exists())
    notes = "".join(told.value.__notes__)
    assert "runs on" in notes
    assert "Current thread" in notes


def _fail_beside(display: str, folder: Path, video: str, ready: Callable[[subprocess.Popen[str]], bool]) -> None:
    """As a test does that waits in vain for a window."""
    with running_command(["live", "--video", video], display, folder) as process:
        until(lambda: ready(process))
        until(lambda: False, 0.0)


def _written(folder: Path) -> str:
    return "".join(path.read_text(errors="replace") for path in folder.glob("bindings*"))
