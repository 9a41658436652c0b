"""Frames to one face each: 478 landmarks, head pose, and how well the face can be judged.

The only importer of MediaPipe; `mesh_graph` drives what is imported here. A tracker belongs to one check and one thread:
a shared one crashes the process, and so does any tracker in a child that was forked after its parent used one.

The mesh follows one face, which costs a third less than following two; a second face is looked for by a face detector
(`second_face`).
"""

from __future__ import annotations

import ctypes
import importlib
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.errors import MissingTool, ModelError
from medauth.protocol.observation import CaptureProblem, FaceQuality, FaceTrack, Frame
from medauth.signals.face_detector import second_opinion, shared_detector
from medauth.signals.face_quality import Box, box_of, cut_off, measure_quality, problem_of
from medauth.signals.head_pose import fit_head
from medauth.signals.mesh_graph import MeshGraph, parse_landmarks
from medauth.signals.second_face import SecondFace
from medauth.silence import native_silence

QUALITY_EVERY_MS = 80.0
"""Light and focus change more slowly than this; the size of the face is measured in every frame."""
MAX_MISFIT = 0.09
"""Rigid points further than this from a head (root mean square, in eye distances) are no face; faces have 0.01 to 0.05."""

_REFUSED = ("tensorflow", "jax")
_LEFT_OUT = (
    "mediapipe.python.solutions.drawing_styles",
    "mediapipe.python.solutions.drawing_utils",
    "mediapipe.tasks",
    "mediapipe.tasks.python",
)
_import_lock = threading.Lock()


class FaceMeshTracker:
    """Follows the largest face. Heavy to create (0.2 s, 30 MB); `close` frees its threads and memory."""

    def __init__(self) -> None:
        mediapipe = load_mediapipe()
        with native_silence():
            try:
                self._mesh = MeshGraph(mediapipe)
                # The graph loads its models, and reports it, with its first frame. An empty one leaves no trace.
                self._mesh.landmarks(np.zeros((64, 64, 3), np.uint8))
            except (RuntimeError, ValueError, OSError) as error:
                raise ModelError(
                    "the face mesh cannot be started",
                    next_step="run `medauth doctor`; reinstall mediapipe if it says so",
                ) from error
        _give_back()
        # The other net is loaded where somebody is found first: most checks never need it.
        self._company = SecondFace(shared_detector().find, lambda rgb: second_opinion().find(rgb))
        self._closed = False
        self._met = False
        self._quality: FaceQuality | None = None
        self._quality_ms = 0.0

    def track(self, frame: Frame) -> tuple[FaceTrack | None, CaptureProblem | None]:
        """The face, or why there is none that can be judged; exactly one of the two is set."""
        if self._closed:
            raise ModelError("a face track after close()", expected="an open tracker", next_step="make a new one")
        pixels = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_BGR2RGB), dtype=np.uint8)
        pixels.flags.writeable = False  # lets MediaPipe share the memory
        landmarks = self._landmarks(pixels)
        if landmarks is None:
            self._company.forget()
            self._quality = None
            return None, CaptureProblem.NO_FACE
        head = fit_head(landmarks)
        if head.misfit > MAX_MISFIT:
            return None, CaptureProblem.NO_FACE
        box = box_of(landmarks)
        if self._company.seen(pixels, box, frame.t_ms):
            return None, CaptureProblem.SEVERAL_FACES
        if cut_off(landmarks, frame.image.shape):
            return None, CaptureProblem.FACE_CUT_OFF
        quality = self._judged(frame, box, head.size_px)
        problem = problem_of(quality)
        return (None, problem) if problem else (FaceTrack(landmarks, head.pose, quality), None)

    def close(self) -> None:
        """Frees the native memory; calling it twice does nothing."""
        if not self._closed:
            self._closed = True
            self._mesh.close()

    def _landmarks(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """(478, 3) float32 in pixels."""
        with nullcontext() if self._met else native_silence():  # the first face loads, and reports, what comes after it
            normalised = self._mesh.landmarks(pixels)
        if normalised is None:
            return None
        self._met = True
        height, width = pixels.shape[:2]
        return normalised * np.array([width, height, width], np.float32)

    def _judged(self, frame: Frame, box: Box, size_px: float) -> FaceQuality:
        last = self._quality
        if last is not None and frame.t_ms - self._quality_ms < QUALITY_EVERY_MS:
            return FaceQuality(size_px, last.sharpness, last.brightness)
        self._quality, self._quality_ms = measure_quality(frame.image, box, size_px), frame.t_ms
        return self._quality


def bare_mesh() -> Callable[[NDArray[np.uint8]], object]:
    """MediaPipe's refined mesh for one face and nothing else, on (height, width, 3) uint8 RGB: the yardstick of the
    benchmark."""
    from medauth.silence import native_silence

    with native_silence():
        mesh = load_mediapipe().solutions.face_mesh.FaceMesh(refine_landmarks=True, max_num_faces=1)
        mesh.process(np.zeros((64, 64, 3), np.uint8))
    process: Callable[[NDArray[np.uint8]], object] = mesh.process
    return process


class StillMesh:
    """The refined mesh on pictures that have nothing to do with each other, such as training images. One thread."""

    def __init__(self) -> None:
        with native_silence():
            mesh = load_mediapipe().solutions.face_mesh
            self._mesh = mesh.FaceMesh(static_image_mode=True, refine_landmarks=True, max_num_faces=1)
            self._mesh.process(np.zeros((64, 64, 3), np.uint8))

    def find(self, image: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Landmarks (478, 3) float32 in pixels of a BGR image, or None where no face is found.

        A border is mirrored on first: the detector misses faces that fill the picture.
        """
        margin = image.shape[0] // 4
        wide = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REFLECT_101)
        found = self._mesh.process(cv2.cvtColor(wide, cv2.COLOR_BGR2RGB)).multi_face_landmarks
        if not found:
            return None
        height, width = wide.shape[:2]
        marks = parse_landmarks(found[0]) * np.array([width, height, width], np.float32)
        return marks - np.array([margin, margin, 0], np.float32)

    def landmarks(self, image: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """(478, 3) float32 in pixels of the (height, width, 3) uint8 BGR `image`, or None where no face is found."""
        found = self._mesh.process(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))).multi_face_landmarks
        height, width = image.shape[:2]
        return parse_landmarks(found[0]) * np.array([width, height, width], np.float32) if found else None

    def close(self) -> None:
        """Frees the native memory."""
        self._mesh.close()


def load_mediapipe() -> Any:
    """MediaPipe without what it would import and never uses for this: TensorFlow and JAX where they are
    installed (2 to 5 s, 0.5 GB), and its drawings and tasks, which bring matplotlib (0.3 s, 35 MB)."""
    with _import_lock:
        hidden: dict[str, Any] = dict.fromkeys(_REFUSED)  # None makes the import fail, as documented
        hidden |= {name: _left_out(name) for name in _LEFT_OUT}
        hidden = {name: stand_in for name, stand_in in hidden.items() if name not in sys.modules}
        sys.modules.update(hidden)
        try:
            return importlib.import_module("mediapipe")
        except ImportError as error:
            raise MissingTool(
                f"mediapipe cannot be imported: {error}",
                expected="mediapipe 0.10.21 and its system libraries",
                next_step="run `medauth doctor`; on Debian: apt-get install libgl1 libglib2.0-0",
            ) from error
        finally:
            for name in hidden:
                sys.modules.pop(name, None)


def _left_out(name: str) -> ModuleType:
    """An empty module in the place of a part of MediaPipe; who imports the part later gets the part."""
    module = ModuleType(name)
    module.__path__ = []
    return module


def _give_back() -> None:
    """Making a graph leaves a fifth of its memory free and in the process: glibc hands that back when told to."""
    with suppress(OSError, AttributeError):  # other C libraries
        ctypes.CDLL(None).malloc_trim(0)
