"""What was seen: frames, face tracks and how far each action is being performed.

Left and right are always the person's own. Image coordinates are pixels, x to the right and y down, in the unmirrored
picture, so the person's left is the right side of the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from medauth.protocol.challenge import Action, Step
from medauth.protocol.light import ColourShown

LANDMARK_COUNT = 478
"""FaceMesh with refined irises."""


class CaptureProblem(StrEnum):
    """Why a frame says nothing about the person. The value is a stable code."""

    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    FACE_TOO_SMALL = "face_too_small"
    FACE_CUT_OFF = "face_cut_off"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    BLURRED = "blurred"


HINTS: Mapping[CaptureProblem, str] = {
    CaptureProblem.NO_FACE: "Look into the camera.",
    CaptureProblem.SEVERAL_FACES: "Only one face may be in view.",
    CaptureProblem.FACE_TOO_SMALL: "Come closer.",
    CaptureProblem.FACE_CUT_OFF: "Move into the middle of the picture.",
    CaptureProblem.TOO_DARK: "More light, please.",
    CaptureProblem.TOO_BRIGHT: "Less light, please.",
    CaptureProblem.BLURRED: "Hold the camera still.",
}
"""What the person at the camera is told: one thing to do, no scores."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame as it is digested, judged and sealed: `image` is what decoding `jpeg` gives."""

    index: int
    t_ms: float
    """Milliseconds since the check began, on the server's clock (in a rehearsal: the clip's)."""
    jpeg: bytes
    sha256: bytes
    image: NDArray[np.uint8]
    """(height, width, 3) uint8, BGR."""
    declared_ms: float | None = None
    """When the client says that it was taken, on a clock of its own, to a microsecond. Untrusted: `injection` looks whether
    it can be true, and nothing else looks at it."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose in degrees; 0 is straight into the camera."""

    yaw: float
    """Positive to the person's left."""
    pitch: float
    """Positive upwards."""
    roll: float
    """Positive towards the person's left shoulder."""


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """How well the face can be judged."""

    size_px: float
    """Distance between the outer eye corners in pixels, corrected for head turn."""
    sharpness: float
    """Variance of the Laplacian of the face crop at a fixed size (grey levels squared)."""
    brightness: float
    """Mean grey level of the face, 0-255."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """The one face of a frame."""

    landmarks: NDArray[np.float32]
    """(478, 3) float32, pixels; z in the same scale as x, negative towards the camera."""
    pose: Pose
    quality: FaceQuality


@dataclass(frozen=True, slots=True)
class Blink:
    """A completed blink; times in milliseconds since the check began."""

    onset_ms: float
    closed_ms: float
    reopened_ms: float


@dataclass(frozen=True, slots=True)
class Posture:
    """How far each action is being performed now, against the person's own neutral face.

    `amounts` are in the action's unit (see `challenge.Unit`); an action that cannot be measured now (a smile on a head
    in profile) is absent. `blinks` are those completed since the last posture.
    """

    amounts: Mapping[Action, float] = field(default_factory=dict)
    blinks: tuple[Blink, ...] = ()
    expressive: bool = False
    """A model sees an expression that a step may ask for. It needs no face at rest to compare with."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A step that has been shown to the person."""

    index: int
    step: Step
    shown_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """All that a signal gets to see of one frame: exactly one of `track` and `problem` is set."""

    frame: Frame
    track: FaceTrack | None
    problem: CaptureProblem | None
    prompt: Prompt | None
    """The prompt on show when the frame was taken."""
    light: ColourShown | None = None
    """The colour on show when the frame was taken."""
