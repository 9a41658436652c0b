"""How many live checks one server holds: rehearsals over real WebSockets, at a camera's pace, against `medauth serve`.

    python -m medauth.evaluation.web_load --most 10

A frame's time is counted from when a camera would have taken it, not from when it could be sent: a server that falls
behind is not excused by clients that wait for it (G. Tene, "How not to measure latency", 2013).
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from medauth.bootstrap import open as open_medauth
from medauth.config import Settings
from medauth.evaluation.live_client import LiveClient
from medauth.evaluation.rehearsal import CLIP, FRANCK
from medauth.service.booking import Bookings, Request
from medauth.store.bookings import SqlBookings
from medauth.store.webhooks import SqlWebhooks

FPS = 15.0
QUALITY = 85
"""As the component encodes (`static/check/camera.js`)."""
LATE_MS = 150.0
_START_S = 90
_LEAST_LEVELS = 2


@dataclass(frozen=True, slots=True)
class Attended:
    """One check as its page saw it."""

    outcome: str
    frame_ms: tuple[float, ...]
    answer_ms: float
    """From the last frame to the end that is told; it is told on a grid of a second."""
    sent_bytes: int
    received_bytes: int


@dataclass(frozen=True, slots=True)
class Level:
    """So many checks at once. Times in milliseconds."""

    checks: int
    rehearsed: int
    frame_p50_ms: float
    frame_p95_ms: float
    answer_p95_ms: float
    sent_kb_a_check: float
    received_kb_a_check: float
    memory_mb: float
    """Of the worker, at its most."""
    cpu_ms_a_frame: float
    """Of the worker, all its threads: what remains comparable on a machine that has other work."""


@contextmanager
def served(folder: Path, checks: int) -> Iterator[tuple[str, int]]:
    """`medauth serve` in a folder: its address and the process of its worker."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = os.environ | {
        "MEDAUTH_DATA_DIR": str(folder),
        "MEDAUTH_REHEARSAL": "1",
        "MEDAUTH_WEB_CHECKS": str(checks),
    }
    command = [sys.executable, "-c", "from medauth.cli.main import run; run()", "serve", "--port", str(port)]
    with (folder.parent / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environ)  # noqa: S603 - ourselves
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url)
            children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
            yield url, int(children[0])
        finally:
            server.terminate()
            server.wait(30)


def film(clip: Path, fps: float) -> list[tuple[float, bytes]]:
    """The rehearsal's part of the clip: (milliseconds from its start, JPEG), thinned to a frame rate."""
    source, frames, due = cv2.VideoCapture(str(clip)), [], 0.0
    source.set(cv2.CAP_PROP_POS_MSEC, FRANCK.start_ms)
    while True:
        there, image = source.read()
        at = source.get(cv2.CAP_PROP_POS_MSEC)
        if not there or at > FRANCK.end_ms + 1_000:
            break
        if at - FRANCK.start_ms >= due:
            due += 1_000 / fps
            frames.append(
                (at - FRANCK.start_ms, cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())
            )
    source.release()
    return frames


def attend(url: str, session: str, frames: Sequence[tuple[float, bytes]], door: threading.Lock) -> Attended:
    """One check at the film's own pace. Through the door one at a time: a server lets few wait from one address."""
    took: list[float] = []
    with door:
        client = LiveClient(url, session)
    with client:
        began = time.perf_counter()
        for at_ms, jpeg in frames:
            if client.ended:
                break
            due = began + at_ms / 1_000
            time.sleep(max(0.0, due - time.perf_counter()))
            state = client.show(jpeg, at_ms)
            took.append(1_000 * (time.perf_counter() - due))
            if state.get("done"):
                break
        last = time.perf_counter()
        end = client.ended or client.wait()
        answer_ms = 1_000 * (time.perf_counter() - last)
        outcome = str(end.get("outcome") or end.get("code"))
        return Attended(outcome, tuple(took), answer_ms, client.sent_bytes, client.received_bytes)


def measure(url: str, worker: int, sessions: Sequence[str], frames: Sequence[tuple[float, bytes]]) -> Level:
    """All sessions at once, each begun when the one before is in."""
    most, began_cpu_ms, door = 0.0, cpu_ms(worker), threading.Lock()
    with ThreadPoolExecutor(len(sessions)) as pool:
        running = [pool.submit(attend, url, session, frames, door) for session in sessions]
        while not all(one.done() for one in running):
            most = max(most, resident_mb(worker))
            time.sleep(0.5)
        found = [one.result() for one in running]
    times = np.concatenate([one.frame_ms for one in found])
    return Level(
        checks=len(found),
        rehearsed=sum(one.outcome == "rehearsed" for one in found),
        frame_p50_ms=float(np.percentile(times, 50)),
        frame_p95_ms=float(np.percentile(times, 95)),
        answer_p95_ms=float(np.percentile([one.answer_ms for one in found], 95)),
        sent_kb_a_check=sum(one.sent_bytes for one in found) / len(found) / 1_000,
        received_kb_a_check=sum(one.received_bytes for one in found) / len(found) / 1_000,
        memory_mb=most,
        cpu_ms_a_frame=(cpu_ms(worker) - began_cpu_ms) / times.size,
    )


def resident_mb(process: int) -> float:
    """Memory of a process that is in RAM."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1_024


def cpu_ms(process: int) -> float:
    """CPU time that a process has used, in and outside of the system, from proc(5)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return 1_000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def book(folder: Path, url: str, count: int) -> list[str]:
    """Sessions of rehearsals, as an app's server gets them."""
    with open_medauth(Settings(data_dir=folder, rehearsal=True)) as auth:
        engine = auth.store.engine
        bookings = Bookings(SqlBookings(engine), SqlWebhooks(engine), auth.keyring, auth.sources.now_ms)
        asked = [Request(f"person-{number}", "load", "rehearsal", url) for number in range(count)]
        return [bookings.session(bookings.book("acc_load", one)[0].row.booking_id) for one in asked]


def _wait_for(url: str) -> None:
    ends = time.monotonic() + _START_S
    while True:
        try:
            with urllib.request.urlopen(url + "/readyz", timeout=5):  # noqa: S310 - this machine
                return
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.2)


def main() -> None:
    """One level after the other, until a frame takes too long."""
    parser = argparse.ArgumentParser(description="Live checks that one server holds")
    parser.add_argument("--levels", type=int, nargs="+", default=[1, 2, 4, 6, 8, 10])
    parser.add_argument("--clip", type=Path, default=CLIP)
    parser.add_argument("--all", action="store_true", help="go on when a frame takes too long")
    parser.add_argument("--out", type=Path, help="JSON file")
    given = parser.parse_args()
    FRANCK.check_clip(given.clip)
    frames, levels = film(given.clip, FPS), []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "data"
        with served(folder, max(given.levels)) as (url, worker):
            idle = resident_mb(worker)
            print(f"{FPS:.0f} frames a second, {len(frames)} frames; worker without checks {idle:.0f} MB", flush=True)  # noqa: T201
            for count in given.levels:
                level = measure(url, worker, book(folder, url, count), frames)
                levels.append(level)
                print(json.dumps({name: round(value, 1) for name, value in asdict(level).items()}), flush=True)  # noqa: T201
                if level.frame_p95_ms > LATE_MS and not given.all:
                    break
    if len(levels) >= _LEAST_LEVELS:
        more = (levels[-1].memory_mb - levels[0].memory_mb) / (levels[-1].checks - levels[0].checks)
        print(f"memory for each further check {more:.0f} MB")  # noqa: T201
    if given.out:
        given.out.write_text(
            json.dumps({"fps": FPS, "idle_mb": idle, "levels": [asdict(one) for one in levels]}, indent=1)
        )


if __name__ == "__main__":
    main()
