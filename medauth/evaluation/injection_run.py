"""How the injection signal does on a folder of clips: windows of real people as they arrive, and what programs play.

Every frame is encoded as in a check; the face is looked for once, in the film as it is. Windows of one clip are no independent trials, and
clips of one person neither: the number of clips stands beside every count.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.capture.video_file import VideoFile
from medauth.errors import InputError
from medauth.evaluation.cutting_player import JUMPING
from medauth.evaluation.honest_cameras import HONEST_CAMERAS
from medauth.evaluation.injected import ATTACKS, CLOCKS, NATURAL, Change, Film, Shot, TooShort, arriving
from medauth.protocol.challenge import Action, Challenge, Step
from medauth.protocol.observation import CaptureProblem, FaceTrack, Observation, Prompt
from medauth.protocol.reading import Outcome, SignalReading
from medauth.signals.face_track import FaceMeshTracker, bare_mesh
from medauth.signals.injection import InjectionSignal, InjectionTuning

WINDOW_MS = 16_000.0
LEAST_MS = 6_000.0
_CLIPS = frozenset({".mp4", ".mov", ".webm", ".mkv", ".avi"})
_PROMPT = Prompt(0, Step(Action.BLINK, 1, 1, 1, 0, 0, 0), 0.0)


@dataclass(slots=True)
class Row:
    """One condition: what the signal said of each window."""

    name: str
    attack: bool
    clips: set[str] = field(default_factory=set)
    outcomes: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    loop_shares: list[float] = field(default_factory=list)
    noises: list[float] = field(default_factory=list)
    leaps: list[int] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)

    def add(self, clip: str, reading: SignalReading) -> None:
        """Takes in one window."""
        self.clips.add(clip)
        self.outcomes[reading.outcome.value] += 1
        self.codes[reading.code] += 1
        self.loop_shares.append(_number(reading.details["loop_share_ppm"]) / 1e6)
        self.noises.append(_number(reading.details["noise_milli"]) / 1e3)
        self.leaps.append(round(_number(reading.details["jumps"])))
        self.hidden.append(round(_number(reading.details["jumps_hidden"])))

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "attack": self.attack,
            "windows": sum(self.outcomes.values()),
            "clips": len(self.clips),
            **{outcome.value: self.outcomes[outcome.value] for outcome in Outcome},
            "codes": dict(self.codes),
            "leapt": sum(count >= InjectionTuning().jumps for count in self.leaps),
            "leapt_unseen": sum(
                seen < InjectionTuning().jumps <= seen + hidden
                for seen, hidden in zip(self.leaps, self.hidden, strict=True)
            ),
            "most_leaps": max(map(sum, zip(self.leaps, self.hidden, strict=True)), default=0),
            "most_loop_share": round(max(self.loop_shares, default=0.0), 3),
            "median_noise": round(float(np.median(self.noises)), 3) if self.noises else None,
        }


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU time a frame in milliseconds, both over the same frames."""

    signal_ms: float
    mesh_ms: float
    frames: int


def clips_in(folder: Path) -> list[Path]:
    """Clips anywhere under a folder, in order. Raises `InputError` where there is none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _CLIPS)
    if not found:
        raise InputError(f"no clip in {folder}", expected="clips of people: MP4, MOV, WebM, MKV or AVI")
    return found


def conditions(only: Sequence[str] = ()) -> dict[str, tuple[Change, bool, bool]]:
    """By name: the change, whether it is an attack, whether its times stay as it made them. Raises `InputError`."""
    known = {name: (change, False, False) for name, change in (*NATURAL.items(), *HONEST_CAMERAS.items())}
    known |= {name: (change, True, False) for name, change in ATTACKS.items()}
    known |= {name: (change, True, False) for name, change in JUMPING.items()}
    known |= {name: (change, True, True) for name, change in CLOCKS.items()}
    unknown = sorted(set(only) - set(known))
    if unknown:
        raise InputError(f"no condition {unknown[0]!r}", expected=f"some of {', '.join(known)}")
    return {name: entry for name, entry in known.items() if not only or name in only}


def evaluate(
    clips: Sequence[Path], only: Sequence[str] = (), on_window: Callable[[], None] | None = None, most: int = 12
) -> list[Row]:
    """Every condition over at most `most` windows of every clip. Cuts go to the first window of the clip after."""
    wanted = conditions(only)
    rows = {name: Row(name, attack) for name, (_, attack, _) in wanted.items()}
    firsts = [next(windows(clip)) for clip in clips]
    for number, clip in enumerate(clips):
        other = firsts[(number + 1) % len(clips)]
        for index, film in zip(range(most), windows(clip), strict=False):
            for name, (change, _, own_clock) in wanted.items():
                reading = _judged(film, other, change, own_clock, seed=1_000 * number + index)
                if reading is not None:
                    rows[name].add(clip.name, reading)
            if on_window is not None:
                on_window()
    return list(rows.values())


def windows(clip: Path) -> Iterator[Film]:
    """A clip in windows of 16 s, faces found; a last one shorter than 6 s is left out, unless it is all there is."""
    film: list[Shot] = []
    given = False
    tracker = FaceMeshTracker()
    try:
        for index, captured in enumerate(VideoFile(clip).frames()):
            frame = read_frame(captured, index, captured.media_ms or 0.0)
            if film and frame.t_ms - film[0].t_ms >= WINDOW_MS:
                yield _from_zero(film)
                film, given = [], True
            track, _ = tracker.track(frame)
            film.append(Shot(frame.image, frame.t_ms, None if track is None else _scaled(track, frame.image, -1)))
    finally:
        tracker.close()
    if film and (not given or film[-1].t_ms - film[0].t_ms >= LEAST_MS):
        yield _from_zero(film)


def judge(film: Film) -> SignalReading:
    """The signal's reading of one film, encoded as in a check that asks for a blink."""
    signal = InjectionSignal()
    signal.start(Challenge("evaluation", (_PROMPT.step,), bytes(32)))
    for index, shot in enumerate(film):
        frame = read_frame(CapturedFrame(shot.picture), index, shot.t_ms)
        track = None if shot.face is None else _scaled(shot.face, frame.image, 1)
        signal.update(Observation(frame, track, CaptureProblem.NO_FACE if track is None else None, _PROMPT))
    return signal.reading()


def cost(clip: Path, frames: int = 400) -> Cost:
    """The signal beside bare FaceMesh, frame by frame in turn, at 640 x 480 and with one thread of OpenCV's."""
    cv2.setNumThreads(1)
    signal, tracker, mesh = InjectionSignal(), FaceMeshTracker(), bare_mesh()
    spent = {"signal": 0.0, "mesh": 0.0}
    count = 0
    for captured, _ in zip(VideoFile(clip).frames(), range(frames), strict=False):
        picture = np.asarray(cv2.resize(np.asarray(captured.image), (640, 480)), np.uint8)
        frame = read_frame(CapturedFrame(picture), count, captured.media_ms or 0.0)
        observation = Observation(frame, *tracker.track(frame), _PROMPT)
        rgb = np.ascontiguousarray(frame.image[:, :, ::-1])
        began = time.process_time()
        mesh(rgb)
        between = time.process_time()
        signal.update(observation)
        spent["signal"] += time.process_time() - between
        spent["mesh"] += between - began
        count += 1
    tracker.close()
    return Cost(1_000 * spent["signal"] / count, 1_000 * spent["mesh"] / count, count)


def _judged(film: Film, other: Film, change: Change, own_clock: bool, seed: int) -> SignalReading | None:
    random = np.random.default_rng(seed)
    try:
        changed = change(film, other, random)
    except TooShort:
        return None
    return judge(changed if own_clock else arriving(changed, random))


def _from_zero(film: Film) -> Film:
    return [replace(shot, t_ms=shot.t_ms - film[0].t_ms) for shot in film]


def _scaled(track: FaceTrack, picture: NDArray[np.uint8], power: int) -> FaceTrack:
    """From shares of the picture's sides to pixels (1), or back (-1)."""
    height, width = picture.shape[:2]
    sides = np.array([width, height, width], np.float32) ** power
    return replace(track, landmarks=np.asarray(track.landmarks * sides, np.float32))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def totals(rows: Sequence[Row]) -> Mapping[str, int]:
    """Windows of honest people, how many of them were refused, and how many were left unclear."""
    honest = [row for row in rows if not row.attack]
    return {
        "honest_windows": sum(sum(row.outcomes.values()) for row in honest),
        "refused": sum(row.outcomes[Outcome.FAIL.value] for row in honest),
        "unclear": sum(row.outcomes[Outcome.INCONCLUSIVE.value] for row in honest),
    }
