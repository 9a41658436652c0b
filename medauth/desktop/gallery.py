"""Captures in a folder: the whole picture and the face cut out of it; and what a folder of pictures shows, as a table."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.encoding import encode_jpeg, read_frame
from medauth.capture.image import Image
from medauth.desktop.picture_reader import PictureReader, ReadFace
from medauth.errors import InputError, MedauthError, StoreError

PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_FACE = "-face"


@dataclass(frozen=True, slots=True)
class Capture:
    """One picture of the gallery, and the face that was cut out of it, where there is one."""

    picture: Path
    face: Path | None
    expression: str = ""
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Predicted:
    """A line of a table: one face of a picture, or why there is none."""

    file: str
    expression: str = ""
    confidence: float = 0.0
    trouble: str = ""


class Gallery:
    """A folder that captures are put into."""

    def __init__(self, folder: Path, *, now: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._now = now

    def add(self, image: NDArray[np.uint8], faces: Sequence[ReadFace]) -> Capture:
        """Saves a picture, and its largest face cut out. Raises `StoreError`."""
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self._now()))
        picture = self._free(stamp)
        self._write(picture, image)
        if not faces:
            return Capture(picture, None)
        face = picture.with_name(f"{picture.stem}{_FACE}.jpg")
        self._write(face, faces[0].crop)
        return Capture(picture, face, faces[0].expression, faces[0].confidence)

    def captures(self) -> Sequence[Capture]:
        """What is there, the newest first."""
        found = [path for path in self.folder.glob("*.jpg") if not path.stem.endswith(_FACE)]
        pairs = [(path, path.with_name(f"{path.stem}{_FACE}.jpg")) for path in sorted(found, reverse=True)]
        return [Capture(path, face if face.exists() else None) for path, face in pairs]

    def _free(self, stamp: str) -> Path:
        names = (f"{stamp}{f'-{number}' if number else ''}.jpg" for number in range(10_000))
        return next(path for path in (self.folder / name for name in names) if not path.exists())

    def _write(self, path: Path, image: NDArray[np.uint8]) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(encode_jpeg(image))
        except OSError as error:
            raise StoreError(
                f"{path} cannot be written: {error.strerror}", next_step="choose another folder by --gallery"
            ) from error


def predict_folder(folder: Path, reader: PictureReader) -> Iterator[Predicted]:
    """A line for every picture of a folder, by name; one that cannot be read is a line with its reason.

    Raises `InputError` where there is no picture.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES) if folder.is_dir() else []
    if not paths:
        raise InputError(f"{folder} holds no picture", expected=", ".join(PICTURES))
    for path in paths:
        try:
            faces = reader.read(opened(path))
        except MedauthError as error:
            yield Predicted(path.name, trouble=error.got)
            continue
        if faces:
            yield Predicted(path.name, faces[0].expression, faces[0].confidence)
        else:
            yield Predicted(path.name, trouble="no face")


def table(rows: Sequence[Predicted]) -> bytes:
    """As CSV."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(("file", "expression", "confidence", "trouble"))
    writer.writerows((row.file, row.expression, f"{row.confidence:.3f}", row.trouble) for row in rows)
    return written.getvalue().encode()


def thumbnail(image: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """(side, side, 3): the middle square of a picture."""
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = image[top : top + side, left : left + side]
    return np.asarray(cv2.resize(square, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)


def opened(path: Path) -> NDArray[np.uint8]:
    """A picture of the gallery, (height, width, 3) uint8 BGR. Raises `InputError`."""
    return read_frame(next(Image(path).frames()), 0, 0.0).image
