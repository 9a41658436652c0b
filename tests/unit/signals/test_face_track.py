"""What can be said about faces without MediaPipe: parsing, company, quality."""

from __future__ import annotations

import importlib
import sys

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.errors import MissingTool
from medauth.protocol.observation import CaptureProblem, FaceQuality
from medauth.signals import face_track
from medauth.signals.face_quality import Box, box_of, cut_off, measure_quality, problem_of
from tests.unit.signals.heads import mesh, shape


def test_a_missing_mediapipe_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(MissingTool, match="medauth doctor"):
        face_track.load_mediapipe()


def test_tensorflow_is_not_imported_and_can_be_later(monkeypatch):
    seen: list[bool] = []

    def import_module(name: str) -> str:
        seen.append("tensorflow" in sys.modules and sys.modules["tensorflow"] is None)
        return name

    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(importlib, "import_module", import_module)
    assert face_track.load_mediapipe() == "mediapipe"
    assert seen == [True]
    assert "tensorflow" not in sys.modules


def test_parts_of_mediapipe_that_bring_matplotlib_are_left_out_and_can_be_had_later(monkeypatch):
    drawings = "mediapipe.python.solutions.drawing_utils"
    seen: list[bool] = []

    def import_module(name: str) -> str:
        seen.append(not hasattr(sys.modules[drawings], "DrawingSpec"))
        return name

    monkeypatch.delitem(sys.modules, drawings, raising=False)
    monkeypatch.setattr(importlib, "import_module", import_module)
    face_track.load_mediapipe()
    assert seen == [True]
    assert drawings not in sys.modules


def face_picture(blur: float = 0.0, light: float = 1.0) -> NDArray[np.uint8]:
    noise = np.random.default_rng(5).uniform(60, 200, (300, 400, 3)).astype(np.float32)
    texture = np.asarray(cv2.GaussianBlur(noise, (0, 0), 2.0 + blur), dtype=np.float32)
    return np.clip(texture * light, 0, 255).astype(np.uint8)


def quality(**options: float) -> FaceQuality:
    return measure_quality(face_picture(**options), Box(120, 70, 280, 230), 80.0)


def test_sharpness_falls_with_blur_and_brightness_with_light():
    assert quality().sharpness > 2 * quality(blur=3).sharpness
    assert quality(light=0.5).brightness == pytest.approx(quality().brightness / 2, rel=0.05)


def test_each_problem_has_its_own_code():
    assert problem_of(FaceQuality(80, 100, 120)) is None
    assert problem_of(FaceQuality(20, 100, 120)) is CaptureProblem.FACE_TOO_SMALL
    assert problem_of(FaceQuality(80, 100, 20)) is CaptureProblem.TOO_DARK
    assert problem_of(FaceQuality(80, 100, 245)) is CaptureProblem.TOO_BRIGHT
    assert problem_of(FaceQuality(80, 10, 120)) is CaptureProblem.BLURRED
    assert problem_of(FaceQuality(80, 10, 60)) is None  # half the light, a quarter of the variance


def test_a_box_outside_the_picture_is_the_worst_quality():
    nothing = measure_quality(face_picture(), Box(900, 900, 950, 950), 80.0)
    assert (nothing.sharpness, nothing.brightness) == (0.0, 0.0)


def test_a_face_that_leaves_the_picture_is_cut_off():
    landmarks = np.random.default_rng(0).uniform(100, 200, (478, 3)).astype(np.float32)
    assert not cut_off(landmarks, (300, 400, 3))
    landmarks[:40, 0] = -5
    assert cut_off(landmarks, (300, 400, 3))


def test_the_box_holds_all_landmarks():
    box = box_of(mesh(shape()))
    assert box.left < 200 < box.right
    assert box.top < 150 < box.bottom
