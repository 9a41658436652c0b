"""`medauth evaluate fusion`: fits the liveness model on windows of real people and of photographs held to a camera.

The signals run as in a check. Nothing is asked, so challenge and emotion have no score here; they, and whatever else the run
shows nothing of, keep the least weight. Figures are of people that the fit has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.capture.video_file import VideoFile
from medauth.errors import InputError
from medauth.evaluation.attacks.victims import person_of
from medauth.evaluation.degraded import VERSIONS, Moment, Picture
from medauth.evaluation.held_photo import GENTLE, PHOTO_KINDS, STILL, WILD, filmed, lids_moving
from medauth.protocol.coverage import Coverage
from medauth.protocol.liveness import LivenessModel
from medauth.protocol.policy import STANDARD
from medauth.protocol.reading import PPM, SignalReading
from medauth.service.observing import Observer
from medauth.signals.face_track import StillMesh

CONFIRM = ("capture", "challenge", "blink", "emotion")
ATTACK = ("presentation_attack", "deepfake", "identity", "injection", "replay")
UNFITTED = ("challenge", "emotion", "injection", "replay")
"""Not asked here, or made by the way that the photographs are drawn."""
LEAST_WEIGHT = 1.0
"""In nats: what a full score moves at least, also where the run shows nothing of it."""
WINDOW_MS = 8_000.0
LIVE_VERSIONS = ("plain", "15 fps", "JPEG 40", "low light and noise", "320x240")
_RIDGE = 0.02
_SIDE = 384
_ROUNDS = 6_000
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

Frames = Iterator[tuple[float, Picture]]


@dataclass(frozen=True, slots=True)
class Window:
    """What the signals said of one stretch of film."""

    person: str
    species: str
    scores: Mapping[str, int]

    @property
    def is_live(self) -> bool:
        """True for a real person's film."""
        return self.species == "live"


def windows_of_clip(path: Path, make: Callable[[], Observer], most: int) -> Iterator[Window]:
    """A person filmed, as cameras differ."""
    for place in range(most):
        version = LIVE_VERSIONS[place % len(LIVE_VERSIONS)]
        frames = list(_clip(path, (place // 2) * WINDOW_MS, version))
        if len(frames) > 1 and frames[-1][0] >= WINDOW_MS / 2:
            yield Window(person_of(path), "live", _scores(iter(frames), make()))


def window_of_photo(path: Path, number: int, make: Callable[[], Observer]) -> Window | None:
    """A photograph before the camera; None where no face is found in it."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise InputError(f"{path.name} is no picture", expected="JPEG or PNG")
    photo = np.asarray(cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
    kind, frames = PHOTO_KINDS[number % len(PHOTO_KINDS)], round(0.75 * WINDOW_MS / 1_000 * 30)
    photos, hand = [photo] * frames, {"held still": STILL, "moved wildly": WILD}.get(kind, GENTLE)
    if kind.startswith("lids"):
        mesh = StillMesh()
        landmarks = mesh.landmarks(photo)
        mesh.close()
        if landmarks is None:
            return None
        photos = lids_moving(photo, landmarks, frames, squeezed="squeezed" in kind)
    return Window(path.stem, kind, _scores(filmed(photos, hand, number), make()))


def fit(windows: Sequence[Window]) -> LivenessModel:
    """Weights under bounds, both kinds weighing the same. Raises `InputError` where one kind is missing."""
    live = np.array([window.is_live for window in windows])
    people = [len({w.person for w in windows if w.is_live is kind}) for kind in (True, False)]
    if not min(people):
        raise InputError("windows of one kind alone", expected="films of people and of attacks")
    signals, usual = (*CONFIRM, *ATTACK), _usual(windows)
    table = np.array([[w.scores.get(s, usual[s]) / PPM for s in signals] for w in windows])
    signs = np.array([1.0] * len(CONFIRM) + [-1.0] * len(ATTACK))
    weight, intercept = _descend(table * signs, live, np.array([s in UNFITTED for s in signals]))
    thousandths = {s: round(1_000 * float(w)) for s, w in zip(signals, weight, strict=True)}
    return LivenessModel(
        version=1,
        intercept_milli=round(1_000 * intercept),
        confirm={s: thousandths[s] for s in CONFIRM},
        attack={s: thousandths[s] for s in ATTACK},
        usual=usual,
        least_ppm=round(PPM / (min(people) + 2)),
    )


def left_out(windows: Sequence[Window], folds: int = 5) -> list[tuple[Window, float]]:
    """Each window with its probability by a model that has seen nobody of its fold; folds divide people of both kinds."""
    fold = {
        person: place % folds
        for kind in (True, False)
        for place, person in enumerate(sorted({w.person for w in windows if w.is_live is kind}))
    }
    found = []
    for number in range(folds):
        model = fit([w for w in windows if fold[w.person] != number])
        found += [(w, model.of_scores(w.scores) / PPM) for w in windows if fold[w.person] == number]
    return found


def reliability(found: Sequence[tuple[Window, float]]) -> dict[str, Any]:
    """Brier score and what came true by what was said, both kinds weighing the same."""
    live = np.array([window.is_live for window, _ in found])
    said = np.array([chance for _, chance in found])
    weight = _balance(live)
    bins = []
    for low, high in pairwise(BINS):
        inside = (said >= low) & ((said < high) | (high == BINS[-1]))
        if inside.any():
            share = float(np.average(live[inside], weights=weight[inside]))
            mean = float(np.average(said[inside], weights=weight[inside]))
            people = len({w.person for (w, _), here in zip(found, inside, strict=True) if here})
            bins.append({"said": round(mean, 3), "live": round(share, 3), "n": int(inside.sum()), "people": people})
    return {
        "brier": round(float(np.average((said - live) ** 2, weights=weight)), 4),
        "brier_of_half": 0.25,
        "bins": bins,
        "live_windows": int(live.sum()),
        "live_people": len({w.person for w, _ in found if w.is_live}),
        "attack_windows": int((~live).sum()),
        "attack_people": len({w.person for w, _ in found if not w.is_live}),
    }


def fusion_report(windows: Sequence[Window]) -> dict[str, Any]:
    """The fitted model, how true it was of people left out, and every window that it rests on."""
    return {
        "format": "medauth fusion evaluation v1",
        "model": fit(windows).to_json(),
        "left_out": reliability(left_out(windows)),
        "windows": [{"species": w.species, "scores": dict(w.scores)} for w in windows],
    }


def _descend(
    table: NDArray[np.float64], live: NDArray[np.bool_], unfitted: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], float]:
    """Projected gradient descent on the balanced log-loss with a ridge; `unfitted` columns keep the least weight."""
    weight, intercept, balance = np.full(table.shape[1], LEAST_WEIGHT), 0.0, _balance(live)
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-(table @ weight + intercept)))
        error = balance * (chance - live)
        slope = table.T @ error + _RIDGE * (weight - LEAST_WEIGHT)
        weight = np.where(unfitted, LEAST_WEIGHT, np.maximum(LEAST_WEIGHT, weight - slope))
        intercept -= float(error.sum())
    return weight, intercept


def _balance(live: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(live, 0.5 / max(1, live.sum()), 0.5 / max(1, (~live).sum()))


def _usual(windows: Sequence[Window]) -> dict[str, int]:
    """Mean score of live people; a full one for what confirms and none for what attacks where the run has none."""
    usual = {}
    for signal in (*CONFIRM, *ATTACK):
        scores = [w.scores[signal] for w in windows if w.is_live and signal in w.scores]
        known = scores and signal not in UNFITTED
        usual[signal] = round(float(np.mean(scores))) if known else PPM * (signal in CONFIRM)
    return usual


def _scores(frames: Frames, observer: Observer) -> Mapping[str, int]:
    coverage, readings = Coverage(), list[SignalReading]()
    try:
        for index, (t_ms, image) in enumerate(frames):
            observation = observer.observe(read_frame(CapturedFrame(image), index, t_ms), None)
            coverage.add(observation)
        readings = [*coverage.readings(STANDARD), *observer.readings()]
    finally:
        observer.close()
    known = {*CONFIRM, *ATTACK} - set(UNFITTED)
    return {r.signal: r.score_ppm for r in readings if r.score_ppm is not None and r.signal in known}


def _clip(path: Path, start_ms: float, version: str) -> Frames:
    fps, degrade = VERSIONS[version]
    last_ms = -1e9
    for captured in VideoFile(path).frames():
        t_ms = (captured.media_ms or 0.0) - start_ms
        if t_ms > WINDOW_MS:
            break
        if captured.image is not None and t_ms >= 0 and t_ms - last_ms >= 1_000 / fps - 1:
            last_ms = t_ms
            yield t_ms, degrade(Moment(captured.image, None, t_ms))
