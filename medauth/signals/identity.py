"""Is the person at the end the one from the beginning?

A chain of custody over small aligned patches of the face (brows to upper lip), 24 pixels wide. From one frame to the next
a patch of the same person hardly changes; a cut, a lost face or somebody stepping in breaks the chain. After a break the
face must be recognised among the patches seen before it, at a similar head pose, within a second or two; a face that
stays unlike all of them is another person's.

With a face embedding the face is also compared, four times a second, with the one that began the check and with the
reference where the app gave one (`face_memory`).

Landmark geometry alone does not carry this: over six clips the shape of the rigid points moves by up to 0.023 eye
distances in one person within half a second, and differs by as little as 0.009 between two people. What this cannot see
either is a face exchanged slowly, or within one frame by one that looks alike: that is the deepfake signal's part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.protocol.canonical import Json
from medauth.protocol.challenge import Challenge
from medauth.protocol.observation import FaceTrack, Observation, Pose
from medauth.protocol.reading import Outcome, SignalReading, to_ppm
from medauth.signals.face_embedder import FaceEmbedder, FaceReference
from medauth.signals.face_memory import Comparison, FaceMemory
from medauth.signals.interface import Marks, Trace

Patch = NDArray[np.float32]
"""(576,) float32 of mean 0 and length 1: the product of two patches is their correlation."""

SIDE = 24
# Where the outer eye corners (right, left) and the point under the nose come to lie in the patch, in its own pixels.
_ANCHORS = np.array([[4.5, 7.5], [19.5, 7.5], [12.0, 20.3]], np.float32)
_ANCHOR_POINTS = np.array([33, 263, 2], dtype=np.intp)
_LOW_PASS = 13
"""Side of the mean that is subtracted: takes shade and exposure away, leaves brows, eyes and nose."""

CONTINUOUS = 0.8
"""Correlation from frame to frame below which the chain is broken. Blinks and fast turns break it now and then."""
KNOWN = 0.82
"""Correlation with an earlier patch from which on a face counts as recognised."""
STRANGER = 0.74
"""A face that never exceeds this after a break is another person's."""
GAP_MS = 300.0
"""A face out of sight for longer may be another one when it comes back."""
DECIDE_MS = 900.0
"""For this long a face at a known pose must stay strange."""
DECIDE_FRAMES = 8
MAX_TURN = 12.0
"""Patches are compared only within this difference of yaw and of pitch, in degrees."""
NOVEL = 0.94
CAPACITY = 40
MIN_FRAMES = 15
LOOK_MS = 250.0
"""How often the embedding looks: faces are exchanged less often, and a look costs more than a patch."""
MAX_LOOK_YAW, MAX_LOOK_PITCH = 25.0, 20.0
"""Beyond, in degrees, a face shows too little of itself for an embedding."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """One look at the face."""

    t_ms: float
    pose: Pose
    patch: Patch


def cut_patch(image: NDArray[np.uint8], track: FaceTrack) -> Patch:
    """The aligned patch of a face, from an image (height, width, 3) uint8 BGR."""
    corners = np.ascontiguousarray(track.landmarks[_ANCHOR_POINTS, :2], dtype=np.float32)
    onto = cv2.getAffineTransform(corners, _ANCHORS * 2)
    doubled = cv2.warpAffine(image, onto, (2 * SIDE, 2 * SIDE), borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.resize(cv2.cvtColor(doubled, cv2.COLOR_BGR2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return normalise(grey.astype(np.float32))


def normalise(grey: NDArray[np.float32]) -> Patch:
    """(24, 24) grey levels without slow shade, of mean 0 and length 1."""
    detail = (grey - cv2.blur(grey, (_LOW_PASS, _LOW_PASS))).ravel()
    detail -= detail.mean()
    length = float(np.linalg.norm(detail))
    return np.asarray(detail / max(length, 1e-6), dtype=np.float32)


class Gallery:
    """Patches of one person seen so far, with their poses."""

    def __init__(self) -> None:
        self._patches = np.zeros((CAPACITY, SIDE * SIDE), np.float32)
        self._turns = np.zeros((CAPACITY, 2))
        self._count = 0

    def add(self, sight: Sight) -> None:
        """Keeps a sight. When full the oldest goes, but never the first tenth: it is who began the check."""
        if self._count == CAPACITY:
            first = CAPACITY // 10
            self._patches[first:-1], self._turns[first:-1] = self._patches[first + 1 :], self._turns[first + 1 :]
            self._count -= 1
        self._patches[self._count] = sight.patch
        self._turns[self._count] = sight.pose.yaw, sight.pose.pitch
        self._count += 1

    def best(self, sight: Sight) -> float | None:
        """Best correlation with a patch at a similar pose; None when none is similar."""
        away = np.abs(self._turns[: self._count] - (sight.pose.yaw, sight.pose.pitch)).max(axis=1, initial=0.0)
        # Not `@`, which wakes the threads of BLAS for this little.
        alike = np.einsum("ij,j->i", self._patches[: self._count], sight.patch)[away <= MAX_TURN]
        return float(alike.max()) if alike.size else None


@dataclass(slots=True)
class Custody:
    """Follows one face; pure, fed with sights in order."""

    likeness: float | None = None
    """The weakest recognition after a break so far; None when the chain never broke."""
    breaks: int = 0
    strangers: int = 0
    _known: Gallery = field(default_factory=Gallery)
    _last: Sight | None = None
    _doubt: list[tuple[float, float]] | None = None
    """Since an open break: time and best correlation of every sight at a known pose."""

    @property
    def in_doubt(self) -> bool:
        """True between a break and its resolution."""
        return self._doubt is not None

    def add(self, sight: Sight) -> float:
        """Takes in a sight; returns its best correlation with what is known: 1 for the first, 0 at an unknown pose."""
        last, self._last = self._last, sight
        if last is None:
            self._known.add(sight)
            return 1.0
        best = self._known.best(sight)
        if self._doubt is None and _is_broken(last, sight):
            self.breaks += 1
            self._doubt = []
        if self._doubt is not None:
            self._resolve(self._doubt, sight, best)
        elif best is None or best < NOVEL:
            self._known.add(sight)
        return 0.0 if best is None else best

    def _resolve(self, doubt: list[tuple[float, float]], sight: Sight, best: float | None) -> None:
        """Ends a doubt when the face is recognised, or when it stayed strange for long enough."""
        if best is None:
            return
        doubt.append((sight.t_ms, best))
        top = max(value for _, value in doubt)
        if best >= KNOWN:
            self._settle(top)
        elif doubt[-1][0] - doubt[0][0] >= DECIDE_MS and len(doubt) >= DECIDE_FRAMES:
            if top < STRANGER:
                self.strangers += 1
                self._known = Gallery()
                self._known.add(sight)
                self._settle(top)
            else:
                del doubt[0]

    def _settle(self, top: float) -> None:
        self.likeness = top if self.likeness is None else min(self.likeness, top)
        self._doubt = None


def _is_broken(last: Sight, sight: Sight) -> bool:
    return sight.t_ms - last.t_ms > GAP_MS or float(sight.patch @ last.patch) < CONTINUOUS


class IdentitySignal:
    """Denies a check in which the person changed, or, where the app gave a reference, is another one."""

    name = "identity"

    def __init__(self, embedder: FaceEmbedder | None = None, reference: FaceReference | None = None) -> None:
        if reference is not None and (embedder is None or embedder.use.sha256 != reference.model_sha256):
            raise InputError(
                "a reference of another model",
                expected="a reference made by embed() under the same MEDAUTH_FACE_MODEL",
                next_step="enrol the face again with the model that checks it",
            )
        self._custody = Custody()
        self._embedder = embedder
        self._memory = FaceMemory(embedder.stranger, embedder.match) if embedder else None
        self._comparison = Comparison(reference.embedding) if reference else None
        self._times: list[float] = []
        self._values: list[float] = []
        self._look_times: list[float] = []
        self._look_values: list[float] = []

    def start(self, challenge: Challenge | None) -> None:
        """Needs nothing of the challenge."""

    def update(self, observation: Observation) -> None:
        if observation.track is None:
            return
        patch = cut_patch(observation.frame.image, observation.track)
        t_ms = observation.frame.t_ms
        self._times.append(t_ms)
        self._values.append(self._custody.add(Sight(t_ms, observation.track.pose, patch)))
        if self._embedder is not None and self._memory is not None and self._is_due(t_ms, observation.track.pose):
            self._look(self._embedder, self._memory, observation.frame.image, observation.track, t_ms)

    def reading(self) -> SignalReading:
        outcome, code, text = self._conclude()
        known = self._custody.likeness
        score = None if outcome is Outcome.INCONCLUSIVE else to_ppm(1 - known) if known is not None else 0
        return SignalReading(self.name, outcome, code, text, score, self._details())

    def marks(self) -> Marks:
        traces = [Trace("likeness", "correlation", tuple(self._times), tuple(self._values))]
        if self._embedder is None:
            return Marks(traces=tuple(traces))
        traces.append(Trace("face likeness", "cosine", tuple(self._look_times), tuple(self._look_values)))
        return Marks(traces=tuple(traces), models=(self._embedder.use,))

    def _is_due(self, t_ms: float, pose: Pose) -> bool:
        fresh = bool(self._look_times) and t_ms - self._look_times[-1] < LOOK_MS
        return not fresh and abs(pose.yaw) <= MAX_LOOK_YAW and abs(pose.pitch) <= MAX_LOOK_PITCH

    def _look(
        self, embedder: FaceEmbedder, memory: FaceMemory, image: NDArray[np.uint8], track: FaceTrack, t_ms: float
    ) -> None:
        look = embedder.embed(image, track.landmarks)
        memory.add(t_ms, look)
        if self._comparison is not None:
            self._comparison.add(look)
        self._look_times.append(t_ms)
        self._look_values.append(memory.likeness if memory.likeness is not None else 1.0)

    def _conclude(self) -> tuple[Outcome, str, str]:
        if self._custody.strangers or (self._memory is not None and self._memory.changes):
            return Outcome.FAIL, "identity.changed", "The face was exchanged for another one during the check."
        compared = self._compare()
        if compared is not None and compared[0] is Outcome.FAIL:
            return compared
        if len(self._times) < MIN_FRAMES or self._custody.in_doubt:
            text = "The face was not seen long enough to say whether it stayed the same."
            return Outcome.INCONCLUSIVE, "identity.too_few_frames", text
        return compared or (Outcome.PASS, "identity.same", "The same face was seen from beginning to end.")

    def _compare(self) -> tuple[Outcome, str, str] | None:
        """What the reference says; None without one, or when the face matches it."""
        if self._comparison is None or self._embedder is None:
            return None
        likeness = self._comparison.likeness
        if likeness is not None and likeness >= self._embedder.match:
            return None
        if likeness is not None and likeness < self._embedder.stranger:
            return Outcome.FAIL, "identity.not_the_reference", "The face is not that of the reference."
        text = "It could not be told whether the face is that of the reference."
        return Outcome.INCONCLUSIVE, "identity.reference_unclear", text

    def _details(self) -> Mapping[str, Json]:
        changes = self._custody.strangers + (self._memory.changes if self._memory else 0)
        details: dict[str, Json] = {"frames": len(self._times), "breaks": self._custody.breaks, "changes": changes}
        if self._embedder is not None:
            details["looks"] = len(self._look_times)
        if self._comparison is not None and self._comparison.likeness is not None:
            details["reference_likeness_ppm"] = to_ppm(max(0.0, self._comparison.likeness))
        return details
