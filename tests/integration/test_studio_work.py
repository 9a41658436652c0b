"""The studio's process over a real picture: the detector asked for finds the face, and its movements are told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from medauth.capture.video_file import VideoFile
from tests.integration.screens import ROOT

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def smile(clip: Path) -> bytes:
    frame = next(iter(VideoFile(clip, start_ms=86_000).frames())).image
    return cv2.imencode(".png", np.asarray(frame))[1].tobytes()


def looked(picture: bytes, folder: Path, detector: str) -> subprocess.CompletedProcess[str]:
    (folder / "upload").write_bytes(picture)
    command = [sys.executable, "-m", "medauth.web.studio.work", str(folder), detector]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "MEDAUTH_DATA_DIR": str(folder / "data")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("detector", ["mesh", "mediapipe"])
def test_the_movements_of_a_smile_are_told(smile: bytes, tmp_path: Path, detector: str) -> None:
    done = looked(smile, tmp_path, detector)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads((tmp_path / "result.json").read_text())
    assert found["detector"] == detector
    (moment,) = found["actions"]
    assert moment["expression"] == "happiness"
    assert 12 in [unit["unit"] for unit in moment["units"]], "lip corner puller"


def test_a_detector_that_is_not_there_is_told(smile: bytes, tmp_path: Path) -> None:
    done = looked(smile, tmp_path, "radar")
    assert done.returncode == 3
    assert "trouble" in done.stdout
