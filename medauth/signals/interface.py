"""The port of every signal: one sign of life, or of attack."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.canonical import Json, plain
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import Blink, CaptureProblem, FaceTrack, Frame, Observation
from medauth.protocol.reading import SignalReading
from medauth.protocol.sound import Sound


@dataclass(frozen=True, slots=True)
class Trace:
    """A signal's value over time, for plots; kept sealed, never shown to the person. Times in ms since the start."""

    name: str
    unit: str
    times_ms: Sequence[float]
    values: Sequence[float]

    def to_json(self) -> Json:
        """Values in thousandths of the trace's unit: a statement holds no floats. None where nothing was measured."""
        return {
            "name": self.name,
            "unit": self.unit,
            "times_ms": [round(t) for t in self.times_ms],
            "values_milli": [round(1_000 * value) if math.isfinite(value) else None for value in self.values],
        }


DECLARED_TRACE = "declared capture time"
"""The trace that keeps what a client said of each frame's time: who judges again has it from there."""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model file that a signal ran: name and SHA-256, bound into the statement.

    `settings_sha256` is of what its manifest says about running it (preprocessing, calibration, thresholds); "" where a
    model has none.
    """

    name: str
    sha256: str
    settings_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a signal can show beside its reading."""

    traces: tuple[Trace, ...] = ()
    models: tuple[ModelUse, ...] = ()
    events: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)


SETTINGS = " settings"
"""Ends the name under which a model's settings stand beside its file in a statement."""


def models_of(marks: Iterable[Marks]) -> dict[str, str]:
    """Every model file that ran, and its settings: names to SHA-256, as a statement holds them."""
    uses = [use for mark in marks for use in mark.models]
    files = {use.name: use.sha256 for use in uses}
    return files | {use.name + SETTINGS: use.settings_sha256 for use in uses if use.settings_sha256}


class Signal(Protocol):
    """Fed every observation of one check, asked once at the end. One instance serves one check."""

    name: str

    def start(self, challenge: Challenge | None) -> None:
        """Called once before the first frame. `challenge` is None in an analysis of a recording: nothing was asked."""

    def update(self, observation: Observation) -> None:
        """Takes in one frame. Must not keep the frame's image."""

    def reading(self) -> SignalReading:
        """What the frames so far say. Calling it changes nothing."""

    def marks(self) -> Marks:
        """Traces and models for operator and auditor. Calling it changes nothing."""


@runtime_checkable
class Postures(Protocol):
    """A signal that measures how far each action is performed now."""

    def amounts(self) -> Mapping[str, float]:
        """By action, in the action's unit, for the last frame; actions that cannot be measured now are absent."""


@runtime_checkable
class Expressions(Protocol):
    """A signal whose model sees expressions that a step may ask for, whatever the face looked like before."""

    def expressive(self) -> bool:
        """Whether the last look showed one."""


@runtime_checkable
class Blinks(Protocol):
    """A signal that sees blinks."""

    def completed(self) -> tuple[Blink, ...]:
        """Blinks completed by the last frame."""


@runtime_checkable
class Hears(Protocol):
    """A signal that listens to what is said while a step asks for that."""

    def hear(self, sound: Sound) -> None:
        """Takes in one piece of sound, between two frames."""


@dataclass(frozen=True, slots=True)
class Notable:
    """That the last frame shows something a signal goes by: `what`, and how strongly. Of all frames that show the same,
    the strongest is the one to explain."""

    what: str
    strength: float


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """Where in the picture a model looked for `what`."""

    signal: str
    what: str
    method: str
    """E.g. `Grad-CAM`."""
    heat: NDArray[np.float32]
    """(h, w) float32, 0 or more: the larger, the more a place speaks for `what`; all 0 where none does."""
    picture: NDArray[np.uint8]
    """The aligned crop as the model saw it: (H, W) or (H, W, 3) uint8, BGR."""
    model: ModelUse
    place: NDArray[np.float64] | None = None
    """(2, 3): from pixels of the frame to pixels of the crop, where it is known."""


@runtime_checkable
class Explainable(Protocol):
    """A signal that can show where its model looked. Asked a few times, after the verdict, never per frame."""

    def notable(self) -> Notable | None:
        """What the last frame shows; None for nothing worth a picture. Costs nothing."""

    def explained(self, image: NDArray[np.uint8], track: FaceTrack, what: str) -> HeatMap | None:
        """Why the model saw `what` in a frame (height, width, 3) uint8 BGR; None where its file cannot say."""


@dataclass(frozen=True, slots=True)
class Place:
    """A code, and at which sample of the film it stands; `mirrored` where the film was looked at in a mirror."""

    code: int
    at: int
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """What to remember of a check, and what to look for among what is remembered."""

    fingerprint: bytes
    """To be sealed; empty where the film has nothing to know it by."""
    filed: Sequence[Place]
    asked: Sequence[Place]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How far a film is that of an earlier record."""

    record_id: str
    alike_ppm: int
    stretches: int
    """In step in a row; 0 where none was alike."""
    lag: int
    """Samples by which it comes later than it did then."""
    mirrored: bool
    from_ms: int
    face: bool = False
    """By the face alone. Statements of before say nothing of it: they compared whole pictures."""

    def __str__(self) -> str:
        """For operator and auditor."""
        flipped = ", mirrored" if self.mirrored else ""
        what = "face moves as in the film" if self.face else "film is that"
        return f"From {self.from_ms / 1_000:.1f} s on the {what} of record {self.record_id}{flipped}."


@dataclass(frozen=True, slots=True)
class Recalled:
    """What came of looking: how many earlier checks were compared, how many could not be, and the one most alike."""

    compared: int
    unreadable: int
    best: Likeness | None

    def to_json(self) -> dict[str, Json]:
        """As it stands in a reading: an auditor, who has not the memory of then, goes on from here."""
        best: dict[str, Json] | None = None if self.best is None else plain(asdict(self.best))
        return {"compared": self.compared, "unreadable": self.unreadable, "best": best}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recalled:
        """The inverse of `to_json`. Raises `KeyError` and `TypeError` for what is none."""
        best = None if value["best"] is None else Likeness(**value["best"])
        return cls(value["compared"], value["unreadable"], best)


@dataclass(frozen=True, slots=True)
class Lead:
    """An earlier check's fingerprint, and about how many samples later the same film may come."""

    record_id: str
    stored: bytes
    lag: int
    mirrored: bool


@runtime_checkable
class Recollects(Protocol):
    """A signal whose reading needs what the server remembers of earlier checks."""

    name: str

    def offer(self) -> Offer:
        """What the frames so far give to be remembered by. Calling it changes nothing."""

    def compared(self, leads: Sequence[Lead]) -> Sequence[Likeness | None]:
        """How far each is this film's; None for one that cannot be read."""

    def recall(self, recalled: Recalled) -> None:
        """What was found; from now on `reading` goes by it."""


class FaceTracker(Protocol):
    """Finds the one face of a frame. One instance serves one check and one thread."""

    def track(self, frame: Frame) -> tuple[FaceTrack | None, CaptureProblem | None]:
        """The face, or why there is none that can be judged; exactly one of the two is set."""

    def close(self) -> None:
        """Frees the native memory; the tracker cannot be used afterwards."""
