"""Figures of the released file, run by LiteRT as a check runs it: people, clips and heat maps it was not made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.deletion import delete
from medauth.evaluation.metrics import Trials, detection_figures, wilson_rate
from medauth.protocol.observation import Observation
from medauth.protocol.reading import PPM
from medauth.signals.explain import GradCam
from medauth.signals.models import Model
from medauth.signals.presentation_attack import PresentationAttackSignal
from medauth.training.presentation.folds import check_scores, views_of
from medauth.training.presentation.lessons import simulate_whole
from medauth.training.presentation.net import CLASSES
from medauth.training.presentation.sets import HELD_OUT_FOLDS, UNSEEN_CLIPS, StoredFace, load_lfw

_TARGETS = (0.01, 0.05, 0.1)
_HELD_OUT_PERSONS = 120
_EVERY_FRAME = 3  # the signal looks four times a second
_WINDOW_MS = 4_000.0


@dataclass(frozen=True)
class Window:
    """What the signal said of a stretch of a clip."""

    clip: str
    start_ms: float
    outcome: str
    score_ppm: int | None


def file_logits(model: Model, views: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits float32 [N, 2, C] of uint8 [N, 2, S, S, 3], crop by crop."""
    return np.stack(
        [[model.run("predict", images=crop[None].astype(np.float32))["logits"][0] for crop in pair] for pair in views]
    )


@dataclass(frozen=True)
class HeldOut:
    """Crops uint8 [N, 2, S, S, 3] of people no training saw, class indices int64 [N], the person of each."""

    views: NDArray[np.uint8]
    truth: NDArray[np.int64]
    persons: NDArray[np.str_]


def simulate_held_out(data: Path, persons: int = _HELD_OUT_PERSONS, seed: int = 11) -> HeldOut:
    """People of `faces_lfw` folds 8 and 9, each as a living face, on paper and on a screen."""
    faces = _one_each(load_lfw(data, HELD_OUT_FOLDS))[:persons]
    views = []
    for index, face in enumerate(faces):
        for label, kind in enumerate(CLASSES):
            picture, box = simulate_whole(face, kind, np.random.default_rng((seed, index, label)))
            views.append(views_of(picture, (box.x, box.y), box.width))
    truth = np.tile(np.arange(len(CLASSES)), len(faces))
    return HeldOut(np.stack(views), truth, np.repeat([face.group for face in faces], len(CLASSES)))


def judge_held_out(model: Model, people: HeldOut, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Simulated prints and replays beside photographs as living faces, at the thresholds of the policies too."""
    scores = check_scores(file_logits(model, people.views))
    species = np.array(["bona_fide", "simulated_print", "simulated_replay"])[people.truth]
    found: dict[str, Any] = {"what": "simulated", "persons": len(np.unique(people.persons))}
    for name in ("simulated_print", "simulated_replay"):
        here = (people.truth == 0) | (species == name)
        trials = Trials(scores[here], people.truth[here] > 0, species[here], people.persons[here])
        found[name] = detection_figures(trials, _TARGETS, thresholds)
    return found


def judge_clips(
    model: Model, data: Path, thresholds: Mapping[str, float], names: Sequence[str] = UNSEEN_CLIPS
) -> dict[str, Any]:
    """False alarms on natural clips that shaped nothing: windows of four seconds, one every four, as short checks."""
    windows = [window for name in names for window in _windows(model, data / "blink_clips" / f"{name}.mp4", name)]
    scores = [window.score_ppm / PPM for window in windows if window.score_ppm is not None]
    return {
        "clips": list(names),
        "false_alarms": {
            policy: wilson_rate(sum(score >= least for score in scores), len(scores)).as_json()
            for policy, least in thresholds.items()
        },
        "inconclusive": len(windows) - len(scores),
        "note": "windows of one clip are not independent: two people, two cameras",
        "windows": [vars(window) for window in windows],
    }


def judge_heat(model: Model, people: HeldOut) -> dict[str, Any]:
    """The deletion test on the simulated attacks of `people`, both crops of each."""
    return delete(model, attack_crops(people), GradCam()).to_json()


def attack_crops(people: HeldOut) -> list[NDArray[np.float32]]:
    """Crops float32 [1, S, S, 3] of every attack, as the model takes them."""
    return [crop[None].astype(np.float32) for pair in people.views[people.truth > 0] for crop in pair]


def _windows(model: Model, path: Path, name: str) -> Iterator[Window]:
    signal, start_ms = PresentationAttackSignal(model), 0.0
    for observation in _observations(path):
        if observation.frame.t_ms >= start_ms + _WINDOW_MS:
            yield _as_window(signal, name, start_ms)
            signal, start_ms = PresentationAttackSignal(model), start_ms + _WINDOW_MS
        signal.update(observation)


def _as_window(signal: PresentationAttackSignal, name: str, start_ms: float) -> Window:
    reading = signal.reading()
    return Window(name, start_ms, reading.outcome.value, reading.score_ppm)


def _observations(path: Path) -> Iterator[Observation]:
    from medauth.capture.encoding import read_frame
    from medauth.capture.video_file import VideoFile
    from medauth.signals.face_track import FaceMeshTracker

    tracker = FaceMeshTracker()
    try:
        for index, captured in enumerate(VideoFile(path).frames()):
            if index % _EVERY_FRAME:
                continue
            frame = read_frame(captured, index, captured.media_ms or 0.0)
            yield Observation(frame, *tracker.track(frame), None)
    finally:
        tracker.close()


def _one_each(faces: Sequence[StoredFace]) -> list[StoredFace]:
    return list({face.group: face for face in faces}.values())
