"""The window of a check: the person's mirrored picture, what to do now, one hint; never a score."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.desktop.opencv_window import open_window
from medauth.errors import CaptureError
from medauth.protocol.ceremony import Phase
from medauth.protocol.observation import Observation
from medauth.protocol.wording import UNDER_LIGHT, instruction
from medauth.report.overlay import draw_person_view, draw_under_light
from medauth.session import Progress

Picture = NDArray[np.uint8]

_LEAST_HEIGHT = 540
_QUIT_KEYS = {ord("q"), 27}
_READY = "Look into the camera."
_DONE = "Thank you."


class CheckWindow:
    """Shows every frame of one check as it comes, and fills the screen with the colours it is to show; `q` or Esc ends
    it."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._open = False
        self._full = False

    def show(self, progress: Progress, observation: Observation) -> None:
        """Called after every frame. Raises `CaptureError` when the person closes the window."""
        picture = view_of(progress, observation)
        try:
            self._fit(picture, full=progress.light is not None)
            cv2.imshow(self._title, picture)
            key = cv2.waitKey(1) & 0xFF
        except cv2.error as error:
            raise CaptureError(
                "no window can be opened",
                expected="a screen",
                next_step="use --no-window to be prompted in the terminal",
            ) from error
        if key in _QUIT_KEYS:
            raise CaptureError("the check was ended at the keyboard", next_step="start it again when you are ready")
        if progress.done:
            self.close()

    def close(self) -> None:
        """Closes the window; does nothing when there is none."""
        if self._open:
            self._open = self._full = False
            cv2.destroyWindow(self._title)

    def _fit(self, picture: Picture, *, full: bool) -> None:
        """A window of the picture's size; the whole screen while colours light the face."""
        if not self._open:
            open_window(self._title, picture.shape[1], picture.shape[0], cv2.WINDOW_FREERATIO)
            self._open = True
        if full != self._full:
            self._full = full
            mode = cv2.WINDOW_FULLSCREEN if full else cv2.WINDOW_NORMAL
            cv2.setWindowProperty(self._title, cv2.WND_PROP_FULLSCREEN, mode)


def view_of(progress: Progress, observation: Observation) -> Picture:
    """What the screen shows after a frame."""
    mirrored = np.ascontiguousarray(enlarged(observation.frame.image)[:, ::-1])
    if progress.light is not None:
        return draw_under_light(mirrored, progress.light.rgb, text=UNDER_LIGHT)
    return draw_person_view(
        mirrored, text=_text(progress), hint=progress.hint, done=progress.steps_done, total=progress.steps
    )


def enlarged(image: Picture) -> Picture:
    """Small camera pictures grow, so that prompts can be read from an arm's length away."""
    scale = _LEAST_HEIGHT / image.shape[0]
    if scale <= 1:
        return image
    size = (round(image.shape[1] * scale), _LEAST_HEIGHT)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _text(progress: Progress) -> str:
    if progress.phase is Phase.DONE:
        return _DONE
    return instruction(progress.prompt.step) if progress.prompt else _READY
