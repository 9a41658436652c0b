"""`medauth evaluate hand`: is a drawn hand seen to pass before a real face, and nothing taken for one?

One step asks for a hand, and the ceremony decides as in a check. Clips are people who move as they like; a picture is a
person who hardly moves. The hands are drawn, so how many real ones are seen stays unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.capture.video_file import VideoFile
from medauth.errors import InputError
from medauth.evaluation.hand_pass import HandPass, Landmarks, Picture, drawn_pass, under_the_face, with_hand
from medauth.evaluation.metrics import wilson_rate
from medauth.protocol.ceremony import Ceremony, Phase
from medauth.protocol.challenge import Action, Challenge, scripted_step
from medauth.protocol.policy import Timing
from medauth.service.observing import Observer
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.gesture import GestureSignal
from medauth.signals.hand import HandSignal

CLIPS, PICTURES = frozenset({".mp4", ".webm", ".mov", ".avi", ".mkv"}), frozenset({".jpg", ".jpeg", ".png"})
WINDOW_MS = 8_000.0
LEAST_SHARE = 0.75
"""A shorter window ends before a hand has passed."""
_FPS = 30
_STILL_SIDE = 384
_TIMING = Timing(onset_max_ms=4_000)
"""Long enough to see that nobody raises a hand."""


class Scene(StrEnum):
    """What happens after the prompt."""

    PASSES = "hand passes"
    TOUCH = "hand touches a cheek"
    PAINTED = "face painted over the hand"
    NOTHING = "no hand"


@dataclass
class Tally:
    """How the step ended, over windows; `people` by file."""

    scene: Scene
    outcomes: Counter[str] = field(default_factory=Counter)
    answered: list[bool] = field(default_factory=list)
    people: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """For programs. The interval is given where every window is another person's."""
        n, people = len(self.answered), len(set(self.people))
        share = wilson_rate(sum(self.answered), n) if n and n == people else None
        return {
            "scene": self.scene.value,
            "windows": n,
            "people": people,
            "answered": sum(self.answered),
            "interval95": None if share is None else share.interval(),
            "outcomes": dict(self.outcomes),
        }


def files_in(folder: Path) -> list[Path]:
    """Clips and pictures of a folder and below, in order. Raises `InputError` for none."""
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in CLIPS | PICTURES)
    if not found:
        raise InputError(f"{folder} holds no clip and no picture", expected="people facing a camera")
    return found


def evaluate_hand(
    files: Sequence[Path], seed: int = 1, windows: int = 3, on_window: Callable[[], None] = lambda: None
) -> list[Tally]:
    """Plays every scene over every window of every file."""
    tallies = {scene: Tally(scene) for scene in Scene}
    for number, path in enumerate(files):
        for place in range(windows if path.suffix.lower() in CLIPS else 1):
            frames = list(frames_of(path, place * WINDOW_MS))
            if not frames or frames[-1][0] < LEAST_SHARE * WINDOW_MS:
                break
            marks = bare_marks(frames)
            for scene, tally in tallies.items():
                random = np.random.default_rng((seed, number, place))
                outcome = play(frames, marks, scene, random)
                tally.outcomes[outcome] += 1
                tally.answered.append(outcome == "answered")
                tally.people.append(path.stem)
                on_window()
    return list(tallies.values())


def play(
    frames: Sequence[tuple[float, Picture]],
    marks: Sequence[Landmarks | None],
    scene: Scene,
    random: np.random.Generator,
) -> str:
    """How the step of one window ended; `unfinished` when the film was over first."""
    challenge = Challenge("hand", (scripted_step(Action.HAND_ACROSS, 0, pause_ms=700),), bytes(32), scripted=True)
    observer = Observer(FaceMeshTracker(), (GestureSignal(), HandSignal()), challenge)
    ceremony = Ceremony(challenge, _TIMING)
    hand: HandPass | None = None
    try:
        for index, ((t_ms, image), landmarks) in enumerate(zip(frames, marks, strict=True)):
            if hand is None and ceremony.prompt is not None:
                hand = drawn_pass(random, ceremony.prompt.shown_ms + float(random.uniform(300, 800)))
                hand = replace(hand, turns_back=scene is Scene.TOUCH)
            shown = _shown(image, landmarks, hand, scene, t_ms)
            frame = read_frame(CapturedFrame(shown), index, t_ms)
            observation = observer.observe(frame, ceremony.prompt)
            ceremony.advance(t_ms, observer.posture(observation))
            if ceremony.phase is Phase.DONE:
                return ceremony.results[0].outcome.value
    finally:
        observer.close()
    return "unfinished"


def _shown(image: Picture, landmarks: Landmarks | None, hand: HandPass | None, scene: Scene, t_ms: float) -> Picture:
    if hand is None or landmarks is None or scene is Scene.NOTHING:
        return image
    drawn = with_hand(image, landmarks, hand, t_ms)
    return under_the_face(drawn, image, landmarks) if scene is Scene.PAINTED else drawn


def bare_marks(frames: Sequence[tuple[float, Picture]]) -> list[Landmarks | None]:
    """Landmarks of the face before anything is drawn over it."""
    tracker = FaceMeshTracker()
    try:
        tracks = [tracker.track(read_frame(CapturedFrame(image), n, t_ms))[0] for n, (t_ms, image) in enumerate(frames)]
    finally:
        tracker.close()
    return [None if track is None else track.landmarks for track in tracks]


def frames_of(path: Path, start_ms: float) -> Iterator[tuple[float, Picture]]:
    """Times from `start_ms` on, and pictures, of one window of a clip, or of a picture as if filmed."""
    if path.suffix.lower() in PICTURES:
        yield from _held_still(path)
        return
    for captured in VideoFile(path).frames():
        t_ms = (captured.media_ms or 0.0) - start_ms
        if t_ms > WINDOW_MS:
            break
        if captured.image is not None and t_ms >= 0:
            yield t_ms, captured.image


def _held_still(path: Path) -> Iterator[tuple[float, Picture]]:
    """A picture as a person who sways a little before a camera with noise."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise InputError(f"{path.name} is no picture", expected="JPEG or PNG")
    random = np.random.default_rng(1)
    large = cv2.resize(picture, (_STILL_SIDE, _STILL_SIDE), interpolation=cv2.INTER_CUBIC)
    large = cv2.copyMakeBorder(large, 0, 0, 128, 128, cv2.BORDER_REPLICATE)
    for index in range(round(WINDOW_MS / 1_000 * _FPS)):
        sway = np.array([[1, 0, 2 * np.sin(index / 11)], [0, 1, 1.5 * np.sin(index / 17)]], np.float32)
        moved = cv2.warpAffine(large, sway, (large.shape[1], large.shape[0]), borderMode=cv2.BORDER_REPLICATE)
        noisy = moved + random.normal(0, 2.5, moved.shape)
        yield 1_000.0 * index / _FPS, np.clip(noisy, 0, 255).astype(np.uint8)
