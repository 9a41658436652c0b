"""How well short movements are spotted: some put into real clips at known times, and none put into the same clips.

The clips of `blink_clips` are split before anything is measured: what the spotter was built on, and persons that only
judge. Every frame that is judged is warped, compressed and tracked anew, as a camera's would be.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.capture.video_file import VideoFile
from medauth.evaluation.action_units import CLASSES, COMBINATIONS
from medauth.evaluation.metrics import wilson_rate
from medauth.evaluation.micro_motion import MicroMotion, insert_motion
from medauth.protocol.canonical import Json
from medauth.protocol.observation import FaceTrack, Observation
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.micro_classifier import MovementModel
from medauth.signals.micro_expression import LEAST_FRAMES, MicroExpressionSignal
from medauth.signals.micro_spotter import SpotterTuning
from medauth.signals.models import ModelLibrary

BUILT_ON = ("b01_talkingface", "b02_cap12", "b05_lp_d10")
"""Clips on which the spotter's constants were chosen; every other clip judges."""
DURATIONS_MS = (40, 80, 120, 160, 200, 260, 320, 400, 500)
AMPLITUDES_PX = (0.8, 3.0)
SLOW_MS = 1000 / 15
_CLEAR_PX = 1.5
_SLACK_MS = 60.0

Picture = tuple[float, NDArray[np.uint8]]
Spotted = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Trial:
    """One inserted movement and what became of it."""

    clip: str
    frame_ms: float
    duration_ms: float
    amplitude_px: float
    label: str
    found: bool
    named: str

    @property
    def observable(self) -> bool:
        """Whether three frames lie in it."""
        return self.duration_ms >= LEAST_FRAMES * self.frame_ms - 1.0


@dataclass(frozen=True, slots=True)
class Quiet:
    """Events where nothing was inserted."""

    clip: str
    frame_ms: float
    minutes: float
    events: int


def judge_spotter(data: Path, models: Path, *, passes: int, seed: int) -> dict[str, Any]:
    """Writes `spotting.json` beside the model and returns its content."""
    net = _net(models)

    def fresh() -> MicroExpressionSignal:
        return MicroExpressionSignal(net)

    clips = json.loads((data / "blink_clips" / "blinks.json").read_text())
    trials: list[Trial] = []
    quiet: list[Quiet] = []
    for index, (name, clip) in enumerate(clips.items()):
        pictures = [(c.media_ms or 0.0, c.image) for c in VideoFile(data / "blink_clips" / clip["file"]).frames()]
        native = [(t_ms, image) for t_ms, image in pictures if image is not None]
        for thinned in (native, _thin(native)):
            tracks: list[FaceTrack | None] = []
            quiet.append(_quiet(name, thinned, fresh(), tracks))
            for number in range(passes):
                rng = np.random.default_rng((seed, index, number))
                trials += _inserted(name, thinned, tracks, fresh(), rng)
    stills = {kind: _still(data, kind, fresh()) for kind in ("noise", "moved", "nods")}
    figures = summarise(trials, quiet, stills) | {"passes": passes, "seed": seed}
    (models / "micro_expression").mkdir(parents=True, exist_ok=True)
    (models / "micro_expression" / "spotting.json").write_text(json.dumps(figures, indent=2) + "\n")
    return figures


def plan_motions(rng: np.random.Generator, start_ms: float, end_ms: float) -> list[MicroMotion]:
    """Movements one to two seconds apart, of every duration, amplitude (log-uniform) and class, wherever they fall."""
    planned, t_ms = [], start_ms + float(rng.uniform(600, 1400))
    while t_ms < end_ms - 1200:
        length = float(rng.choice(DURATIONS_MS))
        label = CLASSES[int(rng.integers(len(CLASSES)))]
        units = COMBINATIONS[label][int(rng.integers(len(COMBINATIONS[label])))]
        strengths = {unit: float(rng.uniform(0.7, 1.0)) for unit in units}
        amplitude = float(np.exp(rng.uniform(*np.log(AMPLITUDES_PX))))
        apex_ms = t_ms + length * float(rng.uniform(0.35, 0.55))
        planned.append(MicroMotion(t_ms, apex_ms, t_ms + length, strengths, amplitude, label))
        t_ms += length + float(rng.uniform(1200, 2000))
    return planned


def run_signal(
    pictures: Iterable[Picture],
    signal: MicroExpressionSignal,
    tracks: list[FaceTrack | None] | None = None,
) -> Spotted:
    """Events that the signal reports over pictures, each compressed and tracked as in a check; `tracks` takes the faces."""
    tracker = FaceMeshTracker()
    signal.start(None)
    try:
        for index, (t_ms, image) in enumerate(pictures):
            frame = read_frame(CapturedFrame(image), index, t_ms)
            track, problem = tracker.track(frame)
            if tracks is not None:
                tracks.append(track)
            signal.update(Observation(frame, track, problem, None))
    finally:
        tracker.close()
    events: Json = signal.reading().details["events"]
    assert isinstance(events, list)
    return [dict(event) for event in events if isinstance(event, Mapping)]


def summarise(trials: Sequence[Trial], quiet: Sequence[Quiet], stills: Mapping[str, int]) -> dict[str, Any]:
    """Figures by part of the clips and frame rate."""
    parts: dict[str, Any] = {}
    for part, built in (("judging", False), ("built on", True)):
        for rate, slow in (("25 to 30 fps", False), ("15 fps", True)):
            seen = [t for t in trials if (t.clip in BUILT_ON) is built and (t.frame_ms > 50) is slow]  # noqa: PLR2004
            still = [q for q in quiet if (q.clip in BUILT_ON) is built and (q.frame_ms > 50) is slow]  # noqa: PLR2004
            parts[f"{part}, {rate}"] = _figures(seen, still)
    return {
        "built_on": list(BUILT_ON),
        "amplitudes_px": list(AMPLITUDES_PX),
        "tuning": asdict(SpotterTuning()),
        "parts": parts,
        "events_on_a_photograph": dict(stills),
    }


def table(figures: Mapping[str, Any]) -> str:
    """The figures as text."""
    lines = [
        (
            f"Movements inserted into real clips: drawn action units of {figures['amplitudes_px'][0]} to "
            f"{figures['amplitudes_px'][1]} working pixels (log-uniform), {figures['passes']} passes a clip."
        ),
        f"The spotter was built on {', '.join(figures['built_on'])}; the other clips only judge",
        "(b03_cap13 shows the person of b02_cap12: of the three that judge, two are of people it was not built on).",
        "",
        f"{'clips':<24}{'found of observable':<30}{'of 1.5 px and more':<28}{'unobservable found':<20}{'named right':<14}false events",
    ]
    measured = {name: part for name, part in figures["parts"].items() if part["false_events"]["minutes"]}
    for name, part in measured.items():
        named, false = part["named_right"], part["false_events"]
        lines.append(
            f"{name:<24}{_text(part['observable']):<30}{_text(part['clear']):<28}"
            f"{part['unobservable']['hits']} of {part['unobservable']['n']:<15}"
            f"{named['hits']} of {named['n']:<9}{false['events']} in {false['minutes']:.2f} min"
            f" = {false['a_minute']:.1f} a minute (at most {false['a_minute_at_most']:.1f} at 95 %)"
        )
    for name, part in measured.items():
        rates = (f"{ms} ms {rate['hits']}/{rate['n']}" for ms, rate in part["by_duration"].items())
        lines.append(f"\n{name}, by duration: {', '.join(rates)}")
        rates = (f"{clip} {rate['hits']}/{rate['n']}" for clip, rate in part["by_clip"].items())
        lines.append(f"  observable ones by clip: {', '.join(rates)}")
    stills = (f"{kind} {count}" for kind, count in figures["events_on_a_photograph"].items())
    return "\n".join([*lines, "", f"Events on a photograph in 15 s each: {', '.join(stills)}.", "",
                      f"Command: `medauth train judge-micro-expression --data DIR --passes {figures['passes']}`.", ""])  # fmt: skip


def _text(rate: Mapping[str, Any]) -> str:
    low, high = rate["interval95"]
    return f"{rate['value']:.2f} [{low:.2f}, {high:.2f}] n={rate['n']}"


def _figures(trials: Sequence[Trial], quiet: Sequence[Quiet]) -> dict[str, Any]:
    observable = [trial for trial in trials if trial.observable]
    found = [trial for trial in trials if trial.found]
    minutes, events = sum(q.minutes for q in quiet), sum(q.events for q in quiet)
    return {
        "observable": _rate(observable),
        "clear": _rate([t for t in observable if t.amplitude_px >= _CLEAR_PX]),
        "unobservable": _rate([t for t in trials if not t.observable]),
        "by_duration": {str(d): _rate([t for t in trials if round(t.duration_ms) == d]) for d in DURATIONS_MS},
        "by_clip": {c: _rate([t for t in observable if t.clip == c]) for c in sorted({t.clip for t in trials})},
        "by_class": {c: _rate([t for t in observable if t.label == c]) for c in CLASSES},
        "named_right": wilson_rate(sum(t.named == t.label for t in found), len(found)).as_json(),
        "false_events": {
            "events": events,
            "minutes": round(minutes, 3),
            "a_minute": round(events / minutes, 2) if minutes else None,
            "a_minute_at_most": round(_poisson_upper(events) / minutes, 2) if minutes else None,
        },
    }


def _rate(trials: Sequence[Trial]) -> dict[str, Any]:
    return wilson_rate(sum(trial.found for trial in trials), len(trials)).as_json()


def _poisson_upper(count: int) -> float:
    """Upper end of the 95 % interval of a count (Byar's approximation; Breslow & Day 1987)."""
    more = count + 1
    return float(more * (1 - 1 / (9 * more) + 1.959964 / (3 * math.sqrt(more))) ** 3)


def _thin(pictures: Sequence[Picture]) -> list[Picture]:
    """About 15 frames a second."""
    kept: list[Picture] = []
    for picture in pictures:
        if not kept or picture[0] - kept[-1][0] >= SLOW_MS - 5.0:
            kept.append(picture)
    return kept


def _frame_ms(pictures: Sequence[Picture]) -> float:
    return float(np.median(np.diff([t_ms for t_ms, _ in pictures])))


def _quiet(
    name: str, pictures: Sequence[Picture], signal: MicroExpressionSignal, tracks: list[FaceTrack | None]
) -> Quiet:
    events = run_signal(pictures, signal, tracks)
    return Quiet(name, _frame_ms(pictures), (pictures[-1][0] - pictures[0][0]) / 60_000, len(events))


def _inserted(
    name: str,
    pictures: Sequence[Picture],
    tracks: Sequence[FaceTrack | None],
    signal: MicroExpressionSignal,
    rng: np.random.Generator,
) -> Iterator[Trial]:
    motions = plan_motions(rng, pictures[0][0], pictures[-1][0])
    events = run_signal((_moved(p, track, motions) for p, track in zip(pictures, tracks, strict=True)), signal)
    for motion in motions:
        hits = [e for e in events if motion.onset_ms - _SLACK_MS <= e["apex_ms"] <= motion.offset_ms + _SLACK_MS]
        named = str(hits[0]["class"]) if hits else ""
        frame_ms = _frame_ms(pictures)
        yield Trial(name, frame_ms, motion.duration_ms, motion.amplitude_px, motion.label, bool(hits), named)


def _moved(picture: Picture, track: FaceTrack | None, motions: Sequence[MicroMotion]) -> Picture:
    t_ms, image = picture
    for motion in motions if track is not None else ():
        share = motion.strength_at(t_ms)
        if share > 0.0 and track is not None:
            image = insert_motion(image, track.landmarks, motion, share)
    return t_ms, image


def _net(models: Path) -> MovementModel | None:
    """The net, or nothing before it is trained: the spotter can be judged without names."""
    library = ModelLibrary([models])
    return library.load("micro_expression") if "micro_expression" in library.names() else None


def _still(data: Path, kind: str, signal: MicroExpressionSignal) -> int:
    """Events on the public-domain portrait, filmed for 15 s at 30 frames a second: held, moved by hand, or nodding."""
    portrait = cv2.imread(str(data / "samples_permissive" / "astronaut_512.jpg"))
    rng = np.random.default_rng(11)
    side = portrait.shape[0]
    pictures: list[Picture] = []
    at = np.zeros(3)
    for index in range(450):
        t_s = index / 30
        at = 0.9 * at + rng.normal(0.0, (0.6, 0.6, 0.05)) if kind == "moved" else 0 * at
        nod = 2.2e-4 * math.sin(2 * math.pi * 1.5 * t_s) if kind == "nods" else 0.0
        turn = math.radians(float(at[2]) * 3)
        centre = np.array([[1, 0, -side / 2], [0, 1, -side / 2], [0, 0, 1.0]])
        matrix = np.array(
            [[math.cos(turn), -math.sin(turn), at[0]], [math.sin(turn), math.cos(turn), at[1]], [0, nod, 1]]
        )
        back = np.array([[1, 0, side / 2], [0, 1, side / 2 + 60_000 * nod], [0, 0, 1.0]])
        moved = cv2.warpPerspective(portrait, back @ matrix @ centre, (side, side), borderMode=cv2.BORDER_REPLICATE)
        noisy = moved + rng.standard_normal(moved.shape, np.float32) * 3.0
        pictures.append((1000 * t_s, np.clip(noisy, 0, 255).astype(np.uint8)))
    return len(run_signal(pictures, signal))
