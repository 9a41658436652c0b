"""The driven graph beside MediaPipe's own solution on a real clip: the same landmarks, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.capture.video_file import VideoFile
from medauth.signals.face_track import bare_mesh, load_mediapipe
from medauth.signals.mesh_graph import MeshGraph, parse_landmarks

pytestmark = pytest.mark.media


def pictures(clip: Path) -> list[NDArray[np.uint8]]:
    """A face, nobody for two pictures, and the face again: it has to be found anew, not only followed."""
    seen = [frame.image for frame in VideoFile(clip, start_ms=16_000, end_ms=18_000).frames()]
    rgb = [np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8) for image in seen if image is not None]
    return [*rgb, *[np.zeros_like(rgb[0])] * 2, *rgb[:10]]


def test_landmarks_are_those_of_face_mesh_to_the_bit(clip):
    theirs, ours, found = bare_mesh(), MeshGraph(load_mediapipe()), []
    for picture in pictures(clip):
        answer: Any = theirs(picture)
        faces = answer.multi_face_landmarks
        expected = parse_landmarks(faces[0]) if faces else None
        got = ours.landmarks(picture)
        assert (got is None) is (expected is None)
        if got is not None and expected is not None:
            np.testing.assert_array_equal(got, expected)
        found.append(got is not None)
    ours.close()
    assert (found.count(True), found.count(False)) == (58, 2)
