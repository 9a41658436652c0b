"""Detectors by their names; what is not there says how to get it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from medauth.errors import ConfigError, MissingTool, ModelError
from medauth.signals.face_finders import FINDERS, SSD_FILES, AutoFinder, EveryFinder, HaarFinder, face_finder
from medauth.signals.face_quality import Box
from medauth.signals.found_face import roomy

EMPTY = np.full((120, 160, 3), 128, np.uint8)


class Found:
    name = "found"

    def __init__(self, boxes: Sequence[Box]) -> None:
        self.boxes = boxes
        self.asked = 0

    def find(self, image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Sequence[Box]:
        self.asked += 1
        return self.boxes


def test_auto_asks_until_one_finds_a_face() -> None:
    nobody, one, never = Found([]), Found([Box(0, 0, 5, 5)]), Found([Box(9, 9, 10, 10)])
    assert AutoFinder([nobody, one, never]).find(EMPTY) == one.boxes
    assert (nobody.asked, one.asked, never.asked) == (1, 1, 0)
    assert AutoFinder([nobody]).find(EMPTY) == ()


def test_every_asks_all_and_counts_a_face_once() -> None:
    large, again, small = Box(0, 0, 50, 50), Box(5, 8, 48, 60), Box(80, 10, 100, 30)
    one, other = Found([large]), Found([small, again])
    assert EveryFinder([one, other]).find(EMPTY) == [large, small]
    assert (one.asked, other.asked) == (1, 1)
    assert EveryFinder([Found([])]).find(EMPTY) == []


def test_nothing_is_found_in_nothing() -> None:
    assert HaarFinder().find(EMPTY) == []


def test_unknown_and_missing_detectors_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="yolo") as refused:
        face_finder("yolo", tmp_path)
    assert all(name in str(refused.value) for name in FINDERS)
    with pytest.raises(MissingTool, match="models add face-dnn"):
        face_finder("dnn", tmp_path)


def test_other_weights_than_the_pinned_ones_are_refused(tmp_path: Path) -> None:
    for name in SSD_FILES:
        (tmp_path / name).write_bytes(b"another net")
    with pytest.raises(ModelError, match="another file"):
        face_finder("dnn", tmp_path)


def test_room_around_a_face_ends_with_the_picture() -> None:
    assert roomy(Box(10, 10, 30, 30), (120, 160, 3)) == (1, 1, 39, 39)
    assert roomy(Box(0, 100, 40, 140), (120, 160, 3)) == (0, 82, 58, 120)
