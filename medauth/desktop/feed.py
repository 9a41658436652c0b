"""Frames for a window that must never wait for them: a thread takes them, the window asks for the newest."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from medauth.capture.interface import FrameSource, release
from medauth.errors import MedauthError


class Feed:
    """Reads a camera, or a clip that plays like one, until it ends or is stopped."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._image: NDArray[np.uint8] | None = None
        self._running = True
        self.trouble: MedauthError | None = None
        """Why no more frames come, where that is an error."""
        self._thread = threading.Thread(target=self._run, name="medauth-feed", daemon=True)
        self._thread.start()

    def newest(self) -> NDArray[np.uint8] | None:
        """The frame that came since the last call, (height, width, 3) uint8 BGR; None where none did."""
        with self._lock:
            image, self._image = self._image, None
            return image

    def stop(self) -> None:
        """Ends the thread and releases the camera."""
        self._running = False
        self._thread.join(timeout=5)

    def _run(self) -> None:
        frames = self._source.frames()
        try:
            for captured in frames:
                if not self._running:
                    return
                with self._lock:
                    self._image = captured.image
        except MedauthError as error:
            self.trouble = error
        finally:
            release(frames)
