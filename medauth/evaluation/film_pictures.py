"""The pictures of a recording, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.video_file import check_container
from medauth.errors import InputError


def pictures(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Every frame (height, width, 3) uint8 BGR of a recording; none where there is no film, nor of a list of other files."""
    try:
        check_container(path)
    except InputError:
        return
    capture = cv2.VideoCapture(str(path))
    try:
        while True:
            there, picture = capture.read()
            if not there:
                return
            yield np.asarray(picture, np.uint8)
    finally:
        capture.release()
