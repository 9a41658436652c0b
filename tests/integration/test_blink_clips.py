"""Blinks of real people, found through the real face track and the eye-state net, compared with blinks checked by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from medauth.evaluation.blinks import Clip, count, events_of, read_clips, watch
from medauth.evaluation.degraded import VERSIONS, Picture
from medauth.evaluation.film_pictures import pictures
from medauth.evaluation.held_photo import GENTLE, STILL, WILD, Hand, held
from medauth.signals.blink import BlinkSignal
from medauth.signals.eye_state import EyeStateModel
from medauth.signals.models import ModelLibrary

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def clips(request: pytest.FixtureRequest) -> list[Clip]:
    folder: Path = request.getfixturevalue("data_dir") / "blink_clips"
    if not (folder / "blinks.json").is_file():
        pytest.skip("no blink_clips/ in the recorded data")
    return list(read_clips(folder).values())


def signal() -> BlinkSignal:
    return BlinkSignal(EyeStateModel(LIBRARY.load("eye_state")))


LIBRARY = ModelLibrary()


@pytest.mark.parametrize(
    ("version", "least"),
    [
        ("plain", 0.98),
        ("15 fps", 0.98),
        *[
            pytest.param(version, 0.95, marks=pytest.mark.long)
            for version in ("10 fps", "blur", "head turns", "JPEG 40", "320x240")
        ],
    ],
)
def test_blinks_checked_by_hand_are_found(clips: list[Clip], version: str, least: float) -> None:
    most_fps, degrade = VERSIONS[version]
    (joined, alone), fixed = count(clips, most_fps, degrade, (signal, BlinkSignal))
    print(f"{version}: F1 {joined.f1:.3f} {joined}, outline alone {alone}, fixed threshold {fixed}")  # noqa: T201
    assert joined.f1 >= least
    assert joined.f1 >= alone.f1
    assert joined.f1 >= fixed.f1


def stills(clip: Path) -> list[Picture]:
    """Faces with open eyes, one of them squinting in a laugh."""
    wanted = {500, 3955}
    found = []
    for index, picture in enumerate(pictures(clip)):
        if index in wanted:
            found.append(picture)
        if index >= max(wanted):
            break
    return [np.asarray(cv2.resize(picture, None, fx=1.6, fy=1.6), np.uint8) for picture in found]


@pytest.mark.parametrize("hand", [STILL, GENTLE, WILD], ids=["still", "gentle", "wild"])
def test_photograph_does_not_blink(clip: Path, hand: Hand) -> None:
    for seed, still in enumerate(stills(clip)):
        watching = signal()
        watch(held(still, hand, 75, seed), [watching])
        assert events_of(watching) == []
        assert watching.reading().code in {"blink.none_seen", "blink.not_measured"}
