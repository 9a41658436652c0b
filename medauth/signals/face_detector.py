"""Finds all faces of a picture, to see whether the tracked one is alone.

BlazeFace (Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection on mobile GPUs", 2019), as it lies in
MediaPipe's own wheel, run in LiteRT: a third less time than MediaPipe's graph around the same file, and one instance serves
all checks of a process, where a graph for each would cost 8 MB and two threads. The wheel has two nets, trained apart: one
for faces near the camera, which looks, and one for faces farther away as well, which is asked where the first found somebody.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import MissingTool
from medauth.signals.face_quality import Box
from medauth.silence import native_silence

_FOLDER = Path("modules", "face_detection")
_MIN_LOGIT = float(np.log(0.6 / 0.4))
"""Faces found with a probability of at least 0.6."""
_OVERLAP = 0.3
"""Boxes that share more of their union show the same face."""


@dataclass(frozen=True, slots=True)
class Net:
    """One of the wheel's nets: its file, the side of its input, and the grids whose cells hold its anchors (cells along a
    side, anchors each).
    """

    file: str
    side: int
    grids: tuple[tuple[int, int], ...]


NEAR = Net("face_detection_short_range.tflite", 128, ((16, 2), (8, 6)))
FAR = Net("face_detection_full_range_sparse.tflite", 192, ((48, 1),))


class FaceDetector:
    """Safe to share between threads: calls queue up for the few tenths of a millisecond, or few milliseconds (`FAR`), that
    one takes.
    """

    def __init__(self, net: Net = NEAR) -> None:
        self._net = net
        with native_silence():
            self._interpreter = _open_interpreter(net.file)
        self._input = self._interpreter.get_input_details()[0]["index"]
        boxes, scores = sorted(self._interpreter.get_output_details(), key=lambda d: -int(d["shape"][-1]))
        self._boxes, self._scores = boxes["index"], scores["index"]
        self._lock = threading.Lock()

    def find(self, rgb: NDArray[np.uint8]) -> list[Box]:
        """Faces of a (height, width, 3) uint8 RGB picture in its pixels, the surest first."""
        height, width = rgb.shape[:2]
        side = max(height, width)
        boxes, logits = self._run(_squared(rgb, side, self._net.side))
        sure = np.flatnonzero(logits > _MIN_LOGIT)
        sure = sure[np.argsort(-logits[sure])]
        centres = _anchors(self._net.grids)[sure] + boxes[sure, :2] / self._net.side
        half = boxes[sure, 2:4] / (2 * self._net.side)
        left_top, right_bottom = (centres - half) * side, (centres + half) * side
        offset = np.array([(side - width) / 2, (side - height) / 2])
        corners = np.hstack([left_top - offset, right_bottom - offset])
        return _distinct([Box(*map(float, row)) for row in corners])

    def _run(self, square: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with self._lock:
            self._interpreter.set_tensor(self._input, square)
            self._interpreter.invoke()
            return (
                self._interpreter.get_tensor(self._boxes)[0],
                self._interpreter.get_tensor(self._scores)[0, :, 0],
            )


@cache
def shared_detector() -> FaceDetector:
    """The one of this process, made when first asked for."""
    return FaceDetector()


@cache
def second_opinion() -> FaceDetector:
    """The other net, likewise."""
    return FaceDetector(FAR)


def _open_interpreter(file: str) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    spec = find_spec("mediapipe")
    path = Path(spec.origin).parent / _FOLDER / file if spec and spec.origin else _FOLDER / file
    if not path.is_file():
        raise MissingTool(
            "MediaPipe's face detector is not where it should be",
            expected=str(_FOLDER / file),
            next_step="pip install mediapipe==0.10.21",
        )
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def _squared(rgb: NDArray[np.uint8], side: int, to: int) -> NDArray[np.float32]:
    """(1, to, to, 3) float32 in [-1, 1]: a picture with that longer side, scaled with its proportions, black beside it."""
    scale = to / side
    height, width = rgb.shape[:2]
    small = cv2.resize(
        rgb, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_LINEAR
    )
    square = np.full((1, to, to, 3), -1.0, np.float32)
    top, left = (to - small.shape[0]) // 2, (to - small.shape[1]) // 2
    square[0, top : top + small.shape[0], left : left + small.shape[1]] = small * np.float32(1 / 127.5) - 1
    return square


@cache
def _anchors(of: tuple[tuple[int, int], ...]) -> NDArray[np.float64]:
    """(n, 2) centres of the cells, in the order of the net's outputs, x and y in shares of the square."""
    grids = []
    for cells, each in of:
        along = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(along, along, indexing="ij")
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), each, axis=0))
    return np.vstack(grids)


def _distinct(boxes: list[Box]) -> list[Box]:
    """The surest box of each face."""
    found: list[Box] = []
    for box in boxes:
        if all(overlap(box, other) <= _OVERLAP for other in found):
            found.append(box)
    return found


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (_area(one) + _area(other) - shared)


def _area(box: Box) -> float:
    return (box.right - box.left) * (box.bottom - box.top)
