"""One picture from a file. It can be analysed; it can never be a live check."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import cv2
import numpy as np

from medauth.capture.encoding import MAX_JPEG_BYTES
from medauth.capture.interface import CapturedFrame
from medauth.capture.picture_header import check_side, read_header
from medauth.errors import InputError
from medauth.silence import native_silence

MAX_FILE_BYTES = 64 * 1024 * 1024
"""A PNG of 4096 x 4096 random pixels is about 50 MB."""


class Image:
    """A picture file as a source of one frame. A JPEG is passed on byte by byte, so that its digest is the file's."""

    live = False
    duration_ms = None

    def __init__(self, path: str | PathLike[str]) -> None:
        self._path = Path(path)
        self.name = self._path.name

    def frames(self) -> Iterator[CapturedFrame]:
        """Yields the picture. Raises `InputError` when the file is missing, no picture, damaged or too large."""
        data = self._read()
        header = read_header(data)
        if header.kind == "jpeg" and len(data) <= MAX_JPEG_BYTES:
            yield CapturedFrame(image=None, jpeg=data, media_ms=0.0)
            return
        with native_silence():
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise InputError(
                f"{self.name} is damaged",
                expected=f"a whole {header.kind.upper()} picture",
                next_step="export it anew",
            )
        check_side(image.shape[1], image.shape[0])
        yield CapturedFrame(image=np.ascontiguousarray(image, dtype=np.uint8), media_ms=0.0)

    def _read(self) -> bytes:
        try:
            size = self._path.stat().st_size
            if size > MAX_FILE_BYTES:
                raise InputError(
                    f"{self.name} has {size} bytes",
                    expected=f"at most {MAX_FILE_BYTES}",
                    next_step="scale the picture; 640 x 480 is plenty for one face",
                )
            return self._path.read_bytes()
        except OSError as error:
            raise InputError(
                f"{self._path} cannot be read: {error.strerror or error}",
                expected="a JPEG, PNG or WebP file",
                next_step="check the path and its permissions",
            ) from error
