"""The live picture with a camera made of arrays: it never waits for the analysis, counts what nobody saw, and ends."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.capture.webcam import Webcam
from medauth.desktop.live import LiveRun, NoScreen
from medauth.errors import CaptureError
from medauth.report.live_overlay import LiveView
from medauth.report.video_writer import VideoWriter

pytestmark = pytest.mark.simulated

BLACK = np.zeros((90, 160, 3), np.uint8)


class Camera:
    """Gives `count` frames, each once the one before was seen, then none."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.seen = threading.Semaphore(1)

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def set(self, prop: int, value: float) -> bool:
        return bool(prop and value)

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        self.seen.acquire(timeout=5)
        self.left -= 1
        return (self.left >= 0, BLACK.copy() if self.left >= 0 else None)

    def release(self) -> None:
        pass


class Shown:
    """A screen that lets the camera go on."""

    def __init__(self, camera: Camera, ends_after: int = 10_000) -> None:
        self.camera, self.ends_after = camera, ends_after
        self.pictures: list[NDArray[np.uint8]] = []
        self.closed = False

    def show(self, picture: NDArray[np.uint8]) -> bool:
        self.pictures.append(picture)
        self.camera.seen.release()
        return len(self.pictures) < self.ends_after

    def close(self) -> None:
        self.closed = True


def webcam(camera: Camera) -> Webcam:
    return Webcam(open_device=lambda _: camera)


def happy(_: NDArray[np.uint8], t_ms: float) -> LiveView:
    return LiveView(t_ms, box=(40, 20, 120, 80), emotions={"happiness": 0.9, "neutral": 0.1}, dominant="happiness")


def test_the_picture_goes_on_while_an_analysis_hangs() -> None:
    camera, hang = Camera(60), threading.Event()
    screen = Shown(camera)
    looks: list[float] = []

    def look(image: NDArray[np.uint8], t_ms: float) -> LiveView:
        looks.append(t_ms)
        hang.wait(5)
        return happy(image, t_ms)

    def over() -> bool:
        hang.set()  # the camera gave its last frame: now the analysis may end
        return True

    report = LiveRun(webcam(camera), look, screen, interval_s=0.0, ended=over).run()
    assert (report.captured, report.shown, report.dropped) == (60, 60, 0)
    assert len(looks) == 1, "the analysis was still at its first frame"
    assert screen.closed


def test_frames_that_nobody_saw_are_counted() -> None:
    camera = Camera(50)
    camera.seen = threading.Semaphore(1000)  # it does not wait for anybody
    report = LiveRun(webcam(camera), happy, Shown(camera), ended=lambda: True).run()
    assert report.captured == 50
    assert report.shown + report.dropped == 50


def test_what_was_found_is_drawn_named_and_heard() -> None:
    camera, heard = Camera(200), list[LiveView]()
    screen = Shown(camera)
    report = LiveRun(webcam(camera), happy, screen, interval_s=0.0, heard=heard.append, ended=lambda: True).run()
    assert report.expressions["happiness"] == len(heard) > 0
    assert (screen.pictures[-1] != screen.pictures[0]).any()


def test_the_person_ends_it_or_the_time_does() -> None:
    camera = Camera(1000)
    assert LiveRun(webcam(camera), happy, Shown(camera, ends_after=5)).run().shown == 5
    ticks = iter(range(10_000))
    camera = Camera(1000)
    run = LiveRun(webcam(camera), happy, Shown(camera), monotonic=lambda: float(next(ticks)))
    assert run.run(seconds=20).shown < 20


def test_processor_time_is_told_apart_from_waiting() -> None:
    ticks, busy = iter(range(10_000)), iter((5.0, 8.0))
    camera = Camera(1000)
    run = LiveRun(webcam(camera), happy, Shown(camera), monotonic=lambda: float(next(ticks)), busy=lambda: next(busy))
    report = run.run(seconds=20)
    assert report.cores == round(3.0 / report.seconds, 2) > 0
    assert report.draw_ms >= 1000, "a tick of this clock is a second"
    assert 0 <= report.draw_cpu_ms < 500


def test_a_camera_that_is_unplugged_is_no_end_of_a_clip() -> None:
    camera = Camera(3)
    with pytest.raises(CaptureError, match="stopped delivering"):
        LiveRun(webcam(camera), happy, Shown(camera)).run()


def test_the_film_holds_what_was_drawn(tmp_path: Path) -> None:
    camera = Camera(20)
    film = VideoWriter(tmp_path / "film.mp4")
    report = LiveRun(webcam(camera), happy, Shown(camera), film=film, ended=lambda: True).run()
    assert report.recorded > 0
    assert (tmp_path / "film.mp4").stat().st_size > 500


def test_no_screen_goes_on_for_ever() -> None:
    screen = NoScreen()
    assert screen.show(BLACK)
    screen.close()
