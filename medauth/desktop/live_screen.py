"""The window of `medauth live`; `q` or Esc ends it, and so does closing it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.desktop.opencv_window import open_window
from medauth.errors import CaptureError

_QUIT_KEYS = {ord("q"), ord("Q"), 27}


class LiveScreen:
    """An OpenCV window that can be made smaller; opened with its first picture."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._open = False

    def show(self, picture: NDArray[np.uint8]) -> bool:
        """False when the person pressed `q` or Esc, or closed the window. Raises `CaptureError` without a screen."""
        try:
            if not self._open:
                width, height = min(1280, picture.shape[1]), min(720, picture.shape[0])
                open_window(self._title, width, height, cv2.WINDOW_KEEPRATIO)
                self._open = True
            cv2.imshow(self._title, picture)
            key = cv2.waitKey(1) & 0xFF
            visible = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error as error:
            raise CaptureError(
                "no window can be opened", expected="a screen", next_step="use --no-window with --record or --seconds"
            ) from error
        return visible and key not in _QUIT_KEYS

    def close(self) -> None:
        """Closes the window; does nothing when there is none."""
        if self._open:
            self._open = False
            cv2.destroyAllWindows()
