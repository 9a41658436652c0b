"""A clip in the place of a camera: its pace is kept, and its end is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medauth.capture.played_clip import PlayedClip
from medauth.report.video_writer import VideoWriter


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    with VideoWriter(path, fps=10) as writer:
        for k in range(5):
            writer.write(np.full((64, 80, 3), 40 * k, np.uint8), 100.0 * k)
    return path


def played(film: Path, clock: Clock, *args: object) -> PlayedClip:
    return PlayedClip(film, *args, sleep=clock.sleep, monotonic=lambda: clock.now)  # type: ignore[arg-type]


def test_each_frame_waits_for_its_time(film: Path) -> None:
    clock = Clock()
    clip = played(film, clock)
    while clip.read()[0]:
        pass
    assert clip.ended
    assert clock.slept == pytest.approx([0.1] * 4)


def test_another_size_and_pace(film: Path) -> None:
    clock = Clock()
    clip = played(film, clock, (160, 128), 50.0)
    done, image = clip.read()
    assert done
    assert image is not None
    assert image.shape == (128, 160, 3)
    clip.read()
    assert clock.slept == pytest.approx([0.02])
    clip.release()


def test_a_reader_that_is_late_is_told_how_much(film: Path) -> None:
    clock = Clock()
    clip = played(film, clock)
    clip.read()
    clock.now += 0.5
    clip.read()
    assert clip.latest_s == pytest.approx(0.4)
    assert clock.slept == []
