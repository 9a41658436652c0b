"""A hand that passes before the face: seen by what it hides and by its colour.

While a step asks for it, the aligned face is compared with itself as it was in the moment before the prompt. Where brows,
eyes, nose, lips or their edges have given way to skin of the person's own colour, something of skin lies before the face;
which of six columns of the face it hides, and in which order, tells a pass from a touch. A program that paints a face over
another one paints it over the hand as well, and then nothing is hidden.

Measured with drawn hands over real clips (`medauth evaluate hand`): nobody has been filmed doing it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Action, Challenge
from medauth.protocol.observation import Observation
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals.face_crop import FaceBox, crop_face
from medauth.signals.interface import Marks, Trace

Pixels = NDArray[np.float32]

SIDE = 64
COLUMNS = 6
REST_MS = 800.0
"""How long before the prompt the bare face is remembered."""
EVERY_MS = 45.0
"""Between two pictures of the bare face."""
LEAST_PICTURES = 4
GREY = 10.0
COLOUR = 9.0
"""Grey levels, and levels of both chroma channels together, beyond what the bare face shows within two pixels around."""
OWN_SKIN = 40.0
"""Greatest distance in chroma from the cheeks and the forehead: a palm is redder than a cheek, and in other light."""
EXPOSURE = 1.25
"""Greatest change of exposure that is made up for."""
HIDDEN = 0.32
"""Share of a column that must have changed into skin. Over seven clips of faces without a hand no column reached more."""
SWEPT_MS = 60.0
"""Between the first and the last side hidden: a hand travels, a change of light does not."""
GONE_MS = 150.0
"""A hand that hides nothing for this long has left."""
_BOX = FaceBox(eyes_y=0.42, outer_eyes=0.5)
_FACE = slice(15, 57), slice(11, 53)
"""Rows and columns from the brows to the chin and from temple to temple."""
_NEAR = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))


class BareFace:
    """The face as it was before the prompt: per pixel what it shows within two pixels around, and the colour of its skin."""

    def __init__(self, pictures: list[Pixels]) -> None:
        self._typical = np.median(pictures, axis=0).astype(np.float32)
        self._least, self._most = cv2.erode(self._typical, _NEAR), cv2.dilate(self._typical, _NEAR)
        cheeks = self._typical[20:30, 4:12], self._typical[20:30, -12:-4], self._typical[2:8, 14:28]
        self._skin = np.median(np.concatenate([part.reshape(-1, 3) for part in cheeks]), axis=0)

    def hidden(self, picture: Pixels) -> NDArray[np.float64]:
        """(6,) share of each column, the person's right first, that has changed into skin."""
        seen = picture.copy()
        seen[..., 0] *= self._gain(seen[..., 0])
        beyond = np.maximum(0.0, np.maximum(seen - self._most, self._least - seen))
        changed = (beyond[..., 0] > GREY) | (beyond[..., 1] + beyond[..., 2] > COLOUR)
        away = np.abs(seen[..., 1:] - self._skin[1:]).sum(axis=2)
        lit = (seen[..., 0] > 0.3 * self._skin[0]) & (seen[..., 0] < 1.8 * self._skin[0])
        skin = changed & lit & (away < OWN_SKIN)
        shares: NDArray[np.float64] = skin.reshape(skin.shape[0], COLUMNS, -1).mean(axis=(0, 2))
        return shares

    def _gain(self, grey: NDArray[np.float32]) -> float:
        """What the camera changed its exposure by, for a palm that is brighter or darker: told by what is like before."""
        ratios = self._typical[..., 0] / np.maximum(grey, 1.0)
        alike = ratios[(ratios > 1 / EXPOSURE) & (ratios < EXPOSURE)]
        return float(np.median(alike)) if alike.size else 1.0


class Pass:
    """How far a hand has come across the face; pure, fed with columns in order."""

    def __init__(self) -> None:
        self._first_ms: list[float | None] = [None] * COLUMNS
        self._last_ms = 0.0

    def add(self, t_ms: float, hidden: NDArray[np.float64]) -> float:
        """Percent of the face that the hand now before it has crossed; 0 when it is gone, or hid all at once."""
        covered = hidden >= HIDDEN
        if covered.any():
            self._last_ms = t_ms
        elif t_ms - self._last_ms >= GONE_MS:
            self._first_ms = [None] * COLUMNS
        for column in np.flatnonzero(covered).tolist():
            first = self._first_ms[column]
            self._first_ms[column] = t_ms if first is None else first
        times = [first for first in self._first_ms if first is not None]
        if len(times) > COLUMNS // 2 and max(times) - min(times) < SWEPT_MS:
            return 0.0
        return 100.0 * len(times) / COLUMNS


class HandSignal:
    """Measures a hand's pass for the ceremony; its own reading tells what was seen, and decides nothing. A `Signal`."""

    name = "hand"

    def __init__(self) -> None:
        self._asked = False
        self._bare: deque[tuple[float, Pixels]] = deque()
        self._face: BareFace | None = None
        self._pass = Pass()
        self._now: dict[str, float] = {}
        self._times: list[float] = []
        self._crossed: list[float] = []

    def start(self, challenge: Challenge | None) -> None:
        """Looks at nothing unless a step will ask for a hand."""
        self._asked = challenge is not None and any(step.action is Action.HAND_ACROSS for step in challenge.steps)

    def update(self, observation: Observation) -> None:
        self._now = {}
        if not self._asked or observation.track is None:
            return
        t_ms, prompt = observation.frame.t_ms, observation.prompt
        if prompt is None:
            self._face = None
            self._remember(t_ms, observation)
        elif prompt.step.action is Action.HAND_ACROSS:
            if self._face is None and len(self._bare) >= LEAST_PICTURES:
                self._face, self._pass = BareFace([picture for _, picture in self._bare]), Pass()
            if self._face is not None:
                self._measure(t_ms, self._face.hidden(picture_of(observation)))

    def amounts(self) -> Mapping[str, float]:
        return self._now

    def reading(self) -> SignalReading:
        details: dict[str, Json] = {"frames": len(self._times)}
        if not self._asked:
            return _told("hand.not_asked", "No step asked for a hand before the face.", None, details)
        if not self._times:
            return _told("hand.not_measured", "The face was not seen while a hand was asked for.", None, details)
        most = max(self._crossed)
        text = f"Something of skin hid {round(most)} % of the face's width, one side after the other."
        return _told("hand.measured", text, to_ppm(most / 100), details)

    def marks(self) -> Marks:
        return Marks(traces=(Trace("hand across", "percent", tuple(self._times), tuple(self._crossed)),))

    def _remember(self, t_ms: float, observation: Observation) -> None:
        if self._bare and t_ms - self._bare[-1][0] < EVERY_MS:
            return
        self._bare.append((t_ms, picture_of(observation)))
        while t_ms - self._bare[0][0] > REST_MS:
            self._bare.popleft()

    def _measure(self, t_ms: float, hidden: NDArray[np.float64]) -> None:
        crossed = self._pass.add(t_ms, hidden)
        self._now = {Action.HAND_ACROSS.value: crossed}
        self._times.append(t_ms)
        self._crossed.append(crossed)


def picture_of(observation: Observation) -> Pixels:
    """The aligned face (42, 42, 3) float32 as grey and two chroma channels."""
    track = observation.track
    assert track is not None
    crop = crop_face(observation.frame.image, track.landmarks, SIDE, _BOX, track.quality.size_px, colour=True)
    smooth = cv2.GaussianBlur(crop[_FACE], (0, 0), 0.8)
    return np.asarray(cv2.cvtColor(smooth, cv2.COLOR_BGR2YCrCb), np.float32)


def _told(code: str, text: str, score: int | None, details: dict[str, Json]) -> SignalReading:
    return SignalReading(HandSignal.name, Outcome.INCONCLUSIVE, code, text, score, details)
