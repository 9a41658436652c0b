"""Forged times and pictures before the injection signal, thousands of times: what it says of each, by what was forged.

The signal is the product's own and whole. Forged pictures are of a real face, set into a small view and swaying as a sitting
person does, filmed once and coded as in a check; a try takes its frames from a drawn place on. Where times alone are forged,
pictures of noise too small to say anything stand in their place, which makes thousands of tries cheap. *Accepted* is what
passes: what is left open no policy takes for live, since `injection` is a cue of all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.evaluation.attacks.cue_tries import HONEST, Counts, Tally
from medauth.evaluation.attacks.forged_times import (
    FILM_FPS,
    FORGED_PICTURES,
    FORGED_TIMES,
    MOST_MS,
    Forger,
    Sent,
    honest,
    silent,
)
from medauth.evaluation.attacks.mesh_warp import Picture
from medauth.protocol.challenge import Action, Challenge, Step
from medauth.protocol.observation import FaceQuality, FaceTrack, Frame, Observation, Pose, Prompt
from medauth.protocol.reading import SignalReading
from medauth.signals.face_crop import OUTER_LEFT, OUTER_RIGHT
from medauth.signals.injection import InjectionSignal

_HONEST_EVERY = 10
SIZE = (160, 144)
"""Width and height of every picture."""
_LENGTH = round(1.5 * MOST_MS * FILM_FPS / 1_000)
"""Pictures: more than the longest try, which may begin later."""
_LEAST_SIDE = 64
"""Of a picture that may come at all."""
_SWAY = (0.03, 0.02, 2.5, 0.03)
"""How far a face strays: to the side and down in shares of the width, roll in degrees, nearness as a share."""
_SLOWLY_MS = (250.0, 900.0)
"""How smooth that is; two courses, so that it neither comes again nor stands still."""
_NOISE = 2.0
_PROMPT = Prompt(0, Step(Action.BLINK, 1, 1, 1, 0, 0, 0), 0.0)
_STRAIGHT = Pose(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class FilmedFace:
    """A film of 30 pictures a second, as a server gets it, with the face in each, where there is one."""

    frames: Sequence[Frame]
    faces: Sequence[FaceTrack | None]


def film_of(picture: Picture, landmarks: NDArray[np.float32], random: np.random.Generator) -> FilmedFace:
    """A still face (h, w, 3) with its landmarks (478, 3), swaying, with a camera's noise, for half as long again as a try."""
    small = np.asarray(cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA), np.uint8)
    marks = landmarks * np.float32(SIZE[0] / picture.shape[1])
    frames, faces = [], []
    for index, (x, y, roll, nearer) in enumerate(_strayed(_LENGTH, random)):
        way = np.asarray(cv2.getRotationMatrix2D((SIZE[0] / 2, SIZE[1] / 2), roll, 1.0 + nearer), np.float64)
        way[:, 2] += np.array([x, y]) * SIZE[0]
        drawn = cv2.warpAffine(small, way, SIZE, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        noisy = np.clip(drawn + random.normal(0.0, _NOISE, drawn.shape), 0, 255).astype(np.uint8)
        frames.append(read_frame(CapturedFrame(noisy), index, 0.0))
        faces.append(_face(marks, way))
    return FilmedFace(frames, faces)


def noise_film(random: np.random.Generator) -> FilmedFace:
    """Nothing but times can be told of it."""
    drawn = random.integers(60, 180, (_LENGTH, _LEAST_SIDE, _LEAST_SIDE, 3), np.uint8)
    return FilmedFace([read_frame(CapturedFrame(one), i, 0.0) for i, one in enumerate(drawn)], [None] * _LENGTH)


def tried(film: FilmedFace, random: np.random.Generator, tries: int) -> Counts:
    """What the signal says of `tries` forgeries, kinds in turns, and of honest times and film now and then."""
    tally, nothing = Tally(), noise_film(random)
    kinds: Mapping[str, Forger] = {**FORGED_TIMES, **FORGED_PICTURES}
    for index in range(tries):
        name = list(kinds)[index % len(kinds)]
        sent = kinds[name](honest(random), random)
        tally.add(name, judged(film if name in FORGED_PICTURES else nothing, sent, random))
        if index % _HONEST_EVERY == 0:
            tally.add(f"{HONEST}: times", judged(nothing, silent(honest(random), random), random))
            tally.add(f"{HONEST}: film", judged(film, silent(honest(random), random), random))
    return tally.counts()


def judged(film: FilmedFace, sent: Sent, random: np.random.Generator) -> SignalReading:
    """The reading at the end of a check that asks for something throughout."""
    signal = InjectionSignal()
    signal.start(Challenge("forged", (_PROMPT.step,), bytes(32)))
    begins = int(random.integers(len(film.frames) - int(sent.shows.max())))
    for index, (came_ms, shown) in enumerate(zip(sent.came_ms, begins + sent.shows, strict=True)):
        said_ms = None if sent.said_ms is None else round(1_000 * float(sent.said_ms[index])) / 1_000
        frame = replace(film.frames[shown], index=index, t_ms=float(came_ms), declared_ms=said_ms)
        signal.update(Observation(frame, film.faces[shown], None, _PROMPT))
    return signal.reading()


def _strayed(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """(count, 4): where the head is in each picture, as smoothed noise."""
    courses = np.zeros((count, len(_SWAY)))
    for slowly_ms in _SLOWLY_MS:
        sigma = slowly_ms * FILM_FPS / 1_000
        smooth = cv2.GaussianBlur(random.normal(0.0, 1.0, courses.shape), (1, 0), sigmaX=1e-9, sigmaY=sigma)
        courses += smooth / smooth.std(axis=0)
    return np.asarray(courses * np.array(_SWAY) / len(_SLOWLY_MS), np.float64)


def _face(marks: NDArray[np.float32], way: NDArray[np.float64]) -> FaceTrack:
    """The landmarks where the picture went."""
    placed = marks.copy()
    placed[:, :2] = marks[:, :2] @ way[:, :2].T + way[:, 2]
    eyes_px = float(np.hypot(*(placed[OUTER_RIGHT, :2] - placed[OUTER_LEFT, :2])))
    return FaceTrack(placed.astype(np.float32), _STRAIGHT, FaceQuality(eyes_px, 100.0, 120.0))
