"""Pictures of an evaluation as the product would see them: whole, and the face found by the product's own face track."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.video_file import VideoFile
from medauth.errors import InputError
from medauth.evaluation.folders import Item
from medauth.protocol.observation import CaptureProblem, FaceTrack, Frame, Observation
from medauth.signals.face_track import FaceMeshTracker
from medauth.silence import native_silence

STILL_FRAMES = 18
STILL_EVERY_MS = 100.0
"""A still is shown for as long as signals that gather frames need: sixteen of them, the slowest every tenth second."""
_TILE_PX, _TILES_A_ROW = 48, 64
_ROOM = 0.35
"""A crop is given this share of its side as room around it, where the mesh finds no whole face without."""
_LEAST_PX = 320
_BLANK = np.zeros((96, 96, 3), np.uint8)


_TEXTS = {
    "file.missing": "cannot be read: is it there, and may you read it?",
    "file.altered": "is not the file that its manifest names",
    "file.unreadable": "holds no picture that can be read",
    "file.no_such_tile": "does not hold that tile",
    "file.is_a_clip": "is a clip, not a picture",
    "capture.no_face": "shows no face",
    "capture.several_faces": "shows more than one face",
    "capture.face_too_small": "shows a face that is too small",
    "capture.face_cut_off": "shows a face that is cut off",
    "capture.too_dark": "is too dark",
    "capture.too_bright": "is too bright",
    "capture.blurred": "is blurred",
}


class Unusable(Exception):
    """An item that cannot be judged; the code says why."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)

    @property
    def text(self) -> str:
        """The same for people, to follow the item's name."""
        return _TEXTS.get(self.code, f"cannot be used ({self.code})")


def read_picture(item: Item) -> NDArray[np.uint8]:
    """The picture, or tile, uint8 (h, w, 3) BGR. Raises `Unusable` when it is missing, altered or no picture."""
    image = _sheet(item.path) if item.tile is not None else _decoded(_bytes(item))
    if item.tile is not None:
        top, left = item.tile // _TILES_A_ROW * _TILE_PX, item.tile % _TILES_A_ROW * _TILE_PX
        image = image[top : top + _TILE_PX, left : left + _TILE_PX]
        if image.shape[:2] != (_TILE_PX, _TILE_PX):
            raise Unusable("file.no_such_tile")
    return np.ascontiguousarray(image, dtype=np.uint8)


def _bytes(item: Item) -> bytes:
    try:
        data = item.path.read_bytes()
    except OSError:
        raise Unusable("file.missing") from None
    if item.sha256 and hashlib.sha256(data).hexdigest() != item.sha256:
        raise Unusable("file.altered")
    return data


def _decoded(data: bytes) -> NDArray[np.uint8]:
    try:
        with native_silence():
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # nothing at all in the file, or more pixels than OpenCV takes
        image = None
    if image is None:
        raise Unusable("file.unreadable")
    return np.asarray(image, dtype=np.uint8)


@lru_cache(maxsize=1)
def _sheet(path: Path) -> NDArray[np.uint8]:
    """A sheet is decoded once for all its tiles, which come one after the other."""
    try:
        return _decoded(path.read_bytes())
    except OSError:
        raise Unusable("file.missing") from None


class Onlooker:
    """One face track for many unrelated pictures and clips. Use it as a context manager."""

    def __init__(self) -> None:
        self._tracker = FaceMeshTracker()

    def still(self, item: Item) -> tuple[NDArray[np.uint8], FaceTrack]:
        """The picture and its face; a crop that leaves no room for one is given some. Raises `Unusable`."""
        return self.seen(read_picture(item))

    def seen(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], FaceTrack]:
        """The same for a picture (height, width, 3) uint8 BGR that was read already."""
        track, problem = self._found(image)
        if track is None:
            image = _with_room(image)
            track, again = self._found(image)
            problem = again or problem
        if track is None:
            raise Unusable(f"capture.{(problem or CaptureProblem.NO_FACE).value}")
        return image, track

    def observations(self, item: Item) -> Iterator[Observation]:
        """A clip frame by frame, or a picture for a while. Raises `Unusable`."""
        if item.is_clip:
            yield from self._clip(item)
            return
        image, track = self.still(item)
        for index in range(STILL_FRAMES):
            yield Observation(_frame(image, index, index * STILL_EVERY_MS), track, None, None)

    def _clip(self, item: Item) -> Iterator[Observation]:
        self._forget()
        _bytes(item)
        try:
            for index, captured in enumerate(VideoFile(item.path).frames()):
                frame = read_frame(captured, index, captured.media_ms or 0.0)
                yield Observation(frame, *self._tracker.track(frame), None)
        except InputError:
            raise Unusable("file.unreadable") from None

    def _found(self, image: NDArray[np.uint8]) -> tuple[FaceTrack | None, CaptureProblem | None]:
        """Looked at twice: the first look finds the face, the second one measures it."""
        self._forget()
        self._tracker.track(_frame(image, 0, 0.0))
        return self._tracker.track(_frame(image, 1, STILL_EVERY_MS))

    def _forget(self) -> None:
        """The mesh follows a face from picture to picture: an empty one lets go of it."""
        self._tracker.track(_frame(_BLANK, 0, 0.0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._tracker.close()


def _frame(image: NDArray[np.uint8], index: int, t_ms: float) -> Frame:
    """Nothing is digested or sealed in an evaluation."""
    return Frame(index=index, t_ms=t_ms, jpeg=b"", sha256=bytes(32), image=image)


def _with_room(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    border = round(_ROOM * max(image.shape[:2]))
    wide = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)
    scale = _LEAST_PX / min(wide.shape[:2])
    if scale > 1:
        wide = cv2.resize(wide, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(wide, dtype=np.uint8)
