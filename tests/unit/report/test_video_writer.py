"""Frames to a film: its time is the frames' own."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from medauth.errors import StoreError
from medauth.report.video_writer import VideoWriter


def grey(level: int, height: int = 64, width: int = 80) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((height, width, 3), level, np.uint8)


def levels(path: Path) -> list[int]:
    film = cv2.VideoCapture(str(path))
    found: list[int] = []
    while True:
        done, image = film.read()
        if not done:
            return found
        found.append(round(float(image.mean())))


def test_a_late_frame_is_waited_for_and_a_soon_one_left_out(tmp_path: Path) -> None:
    path = tmp_path / "new" / "film.mp4"
    with VideoWriter(path, fps=10) as writer:
        for t_ms, level in ((500, 40), (530, 90), (600, 120), (1000, 200)):
            writer.write(grey(level), t_ms)
    seen = levels(path)
    assert len(seen) == writer.frames == 6
    assert np.abs(np.array(seen) - [40, 120, 120, 120, 120, 200]).max() < 12


def test_another_size_is_scaled_and_an_odd_one_cut(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with VideoWriter(path) as writer:
        writer.write(grey(100, 65, 81), 0)
        writer.write(grey(100, 130, 162), 40)
    assert levels(path) == pytest.approx([100, 100], abs=6)
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_WIDTH) == 80


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"), VideoWriter(tmp_path / "file" / "film.mp4") as writer:
        writer.write(grey(1), 0)
