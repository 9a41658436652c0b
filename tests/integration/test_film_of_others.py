"""Two people whom no threshold, limit or net has seen (`make film`): nothing that denies refuses them, however they are
filmed, and what a woman acts in twenty seconds is read as she acts it.

They are few: this finds a cue that only suits the clips it was tuned on, and shows no error rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.capture.video_file import VideoFile
from medauth.config import Settings
from medauth.evaluation.degraded import VERSIONS, Moment
from medauth.protocol.policy import STRICT
from medauth.protocol.reading import Outcome, SignalReading
from medauth.sensing import observer
from medauth.signals.models import ModelLibrary

pytestmark = [pytest.mark.media, pytest.mark.long]
FILM = Path(__file__).resolve().parents[2] / ".make" / "film"
ACTING, TALKING = "WolfgangLanger_Pexels.mp4", "single_face.mp4"
WAYS = ("plain", "15 fps", "10 fps", "JPEG 40", "low light and noise", "320x240")


@cache
def readings(clip: str, way: str) -> Mapping[str, SignalReading]:
    """What every signal says of a whole clip, by its name."""
    if not (FILM / clip).is_file():
        pytest.skip("no film of others: make film")
    fps, degrade = VERSIONS[way]
    watching, last_ms, count = observer(Settings(), ModelLibrary(), None, STRICT.name, None), -1e9, 0
    for captured in VideoFile(FILM / clip).frames():
        t_ms = captured.media_ms or 0.0
        if captured.image is not None and t_ms - last_ms >= 1_000 / fps - 1:
            picture = degrade(Moment(captured.image, None, t_ms))
            watching.observe(read_frame(CapturedFrame(picture), count, t_ms), None)
            last_ms, count = t_ms, count + 1
    found = {reading.signal: reading for reading in watching.readings()}
    watching.close()
    return found


class Segment(NamedTuple):
    """A stretch of one expression."""

    lasts_ms: int
    from_ms: int


def longest(segments: Any, name: str) -> Segment:
    """Of the segments that the emotion signal tells of: start, end, expression."""
    return max((Segment(end - start, start) for start, end, shown in segments if shown == name), default=Segment(0, 0))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("clip", [ACTING, TALKING])
def test_nothing_that_denies_refuses_a_real_person(clip: str, way: str):
    found = readings(clip, way)
    judged = {name: found[name] for name in STRICT.deny if name in found and name != "light"}
    assert {"presentation_attack", "deepfake", "identity", "injection"} <= set(judged)
    assert {name: reading.code for name, reading in judged.items() if reading.outcome is Outcome.FAIL} == {}


def test_she_is_sad_and_then_she_is_happy():
    """As she acts it: a bowed head and a wrung forehead for nine seconds, then laughter to the end."""
    sad, happy = (
        longest(readings(ACTING, "plain")["emotion"].details["segments"], name) for name in ("sadness", "happiness")
    )
    assert sad.lasts_ms > 3_000
    assert happy.lasts_ms > 6_000
    assert sad.from_ms < happy.from_ms


def test_light_turns_with_her_head():
    assert readings(ACTING, "plain")["shading"].code == "shading.changes"
