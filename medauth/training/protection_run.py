"""How often protection works: many pictures bent against some nets, and what these and other nets read in them afterwards.

Every reader finds the face anew in the picture as it was sent, as a stranger's program would. Beside the bent pictures
stand the plain ones, sent the same way, and noise of the same size: what these turn too is no protection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.folders import Item
from medauth.evaluation.jpeg import through_jpeg
from medauth.evaluation.likeness import psnr, ssim
from medauth.evaluation.metrics import wilson_rate
from medauth.evaluation.still import Onlooker, Unusable
from medauth.protocol.observation import FaceTrack
from medauth.signals.emotion_reader import EmotionModel, TrackModel
from medauth.training.attacked_model import Reader
from medauth.training.protecting import Picture, Protection, protected, readings

_LEAST_PX = 16


def _half(picture: Picture) -> Picture:
    size = (max(_LEAST_PX, picture.shape[1] // 2), max(_LEAST_PX, picture.shape[0] // 2))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


SENT: Mapping[str, Callable[[Picture], Picture]] = {
    "as it is": lambda picture: picture,
    "JPEG 75": lambda picture: through_jpeg(picture, 75),
    "half as large": _half,
    "half as large, JPEG 75": lambda picture: through_jpeg(_half(picture), 75),
}
"""What happens to a picture on its way to a reader."""
KINDS = ("plain", "noise", "protected")


@dataclass(slots=True)
class ProtectionReport:
    """`turned` counts by (kind, sent, model) the pictures read as another expression than before; `lost`, by (kind, sent),
    those in which no face was found any more, which count as turned for nobody."""

    attacked: tuple[str, ...]
    models: tuple[str, ...]
    how: Protection
    turned: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    unusable: Counter[str] = field(default_factory=Counter)
    face_psnr: list[float] = field(default_factory=list)
    face_ssim: list[float] = field(default_factory=list)

    @property
    def pictures(self) -> int:
        """How many were bent."""
        return len(self.face_psnr)

    def to_json(self) -> dict[str, Any]:
        """Every share with its interval, and how visible the change is in the face."""
        rows = [
            {
                "picture": kind,
                "sent": sent,
                "faces_lost": self.lost[kind, sent],
                "turned": {
                    name: wilson_rate(self.turned[kind, sent, name], self.pictures - self.lost[kind, sent]).as_json()
                    for name in self.models
                },
            }
            for kind in KINDS
            for sent in SENT
        ]
        return {
            "format": "medauth protection v1",
            "attacked": list(self.attacked),
            "epsilon": self.how.epsilon,
            "steps": self.how.steps,
            "pictures": self.pictures,
            "unusable": dict(self.unusable),
            "face_psnr_db": _spread(self.face_psnr),
            "face_ssim": _spread(self.face_ssim),
            "rows": rows,
        }


def protect_many(
    items: Iterable[Item],
    readers: Sequence[Reader],
    models: Sequence[EmotionModel | TrackModel],
    how: Protection,
    onlooker: Onlooker,
    on_item: Callable[[], None] = lambda: None,
) -> ProtectionReport:
    """Bends every picture against `readers` and asks `models`."""
    attacked = tuple(reader.model.use.name for reader in readers)
    report = ProtectionReport(attacked, tuple(model.name for model in models), how)
    for number, item in enumerate(items):
        try:
            image, track = onlooker.still(item)
        except Unusable as problem:
            report.unusable[problem.code] += 1
        else:
            moved = protected(image, track, readers, how)
            noise = _noise(image, moved, np.random.default_rng((how.seed, number)), how.epsilon)
            before = readings(image, track, models)
            for kind, picture in zip(KINDS, (image, noise, moved), strict=True):
                _count(report, kind, picture, before, models, onlooker)
            top, bottom, left, right = _face(track, image)
            pair = image[top:bottom, left:right], moved[top:bottom, left:right]
            report.face_psnr.append(psnr(*pair))
            report.face_ssim.append(ssim(*pair))
        on_item()
    return report


def _count(
    report: ProtectionReport,
    kind: str,
    picture: Picture,
    before: Mapping[str, tuple[str, float]],
    models: Sequence[EmotionModel | TrackModel],
    onlooker: Onlooker,
) -> None:
    for sent, changed in SENT.items():
        try:
            image, track = onlooker.seen(changed(picture))
        except Unusable:
            report.lost[kind, sent] += 1
            continue
        for name, (expression, _) in readings(image, track, models).items():
            report.turned[kind, sent, name] += expression != before[name][0]


def _noise(image: Picture, moved: Picture, rng: np.random.Generator, epsilon: float) -> Picture:
    """Every pixel that protection moved, moved by epsilon up or down by chance, all colours alike."""
    signs = rng.choice(np.array([-1.0, 1.0]), image.shape[:2])[..., None]
    touched = (moved != image).any(axis=2, keepdims=True)
    return np.asarray(np.clip(np.rint(image + touched * signs * epsilon), 0, 255), np.uint8)


def _face(track: FaceTrack, image: Picture) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the mesh within the picture."""
    height, width = image.shape[:2]
    low, high = np.floor(track.landmarks[:, :2].min(axis=0)), np.ceil(track.landmarks[:, :2].max(axis=0))
    (left, top), (right, bottom) = np.clip(low, 0, (width, height)), np.clip(high, 0, (width, height))
    return int(top), int(bottom), int(left), int(right)


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Median and both ends."""
    found: NDArray[np.float64] = np.array(values) if values else np.zeros(1)
    return {
        "median": round(float(np.median(found)), 4),
        "least": round(float(found.min()), 4),
        "most": round(float(found.max()), 4),
    }
