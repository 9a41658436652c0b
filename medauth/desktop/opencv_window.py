"""Opens the windows that OpenCV draws, so that they get to know that they are seen.

OpenCV's wheels for Linux bring Qt and, for it, a libX11-xcb of 2014, but no libX11: that is the system's. Qt asks
libX11-xcb to become the owner of the events (XSetEventQueueOwner(3)), which it notes in a private structure of libX11, 64
bytes from its start; libX11 has since moved the field to 72. So nothing comes of it, and libX11 keeps for itself what events
it finds whenever it waits for an answer. Where the machine is busy, the one that says that the window is there now is among
them, and the window stays black for good. The system's own libX11-xcb, loaded first, knows its libX11.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

import cv2

_X_EVENTS = "libX11-xcb.so.1"
"""Debian's libgl1, which OpenCV needs, brings it; without it a window is opened all the same."""


def open_window(title: str, width: int, height: int, ratio: int) -> None:
    """A window without Qt's tool bar, which has nothing of use here. `ratio` is `cv2.WINDOW_KEEPRATIO` or
    `WINDOW_FREERATIO`; raises `cv2.error` without a screen."""
    if sys.platform.startswith("linux"):
        with suppress(OSError):
            ctypes.CDLL(_X_EVENTS, mode=ctypes.RTLD_GLOBAL)
    cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_GUI_NORMAL | ratio)
    cv2.resizeWindow(title, width, height)
