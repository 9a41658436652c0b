"""Where sound comes from while digits are asked for: a microphone, or a recording played in its place."""

from __future__ import annotations

import importlib
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.capture.sound import read_sound
from medauth.errors import CaptureError, InputError, MissingTool
from medauth.protocol.sound import RATE_HZ

PIECE = RATE_HZ // 20
"""Samples of one piece: a twentieth of a second."""
MOST_WAITING = 200
"""Pieces kept for a check that fell behind; then the oldest go."""


class Microphone:
    """The computer's own microphone, through PortAudio (`sounddevice`). Opened with the first `listen`; that the library is
    there is found out at once. Raises `MissingTool`."""

    def __init__(self, device: int | None = None) -> None:
        self._device = device
        self._library = sound_library()
        self._stream: Any = None
        self._pieces: deque[NDArray[np.int16]] = deque(maxlen=MOST_WAITING)

    def listen(self) -> None:
        """From now on: what was recorded before is left out. Raises `CaptureError`."""
        if self._stream is None:
            self._stream = self._opened()
        self.heard()

    def heard(self) -> list[NDArray[np.int16]]:
        """What was recorded since the last call, in pieces of (n,) int16 at 16 kHz."""
        found = []
        while self._pieces:
            found.append(self._pieces.popleft())
        return found

    def close(self) -> None:
        """Lets the microphone go."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _opened(self) -> Any:
        try:
            stream = self._library.InputStream(
                RATE_HZ, PIECE, self._device, channels=1, dtype="int16",
                callback=lambda data, *_: self._pieces.append(np.array(data[:, 0], np.int16)),
            )  # fmt: skip
            stream.start()
        except Exception as error:
            raise CaptureError(
                f"the microphone cannot be opened: {error}", expected="a microphone", next_step="connect or allow one"
            ) from error
        return stream


def sound_library() -> Any:
    """PortAudio's binding. Raises `MissingTool` that says where both come from."""
    try:
        return importlib.import_module("sounddevice")
    except (ImportError, OSError) as error:
        raise MissingTool(
            "no library for microphones can be loaded",
            expected="sounddevice with PortAudio",
            next_step="pip install 'medauth[speech]', and libportaudio2 on Linux",
        ) from error


class PlayedSound:
    """A recording in place of a microphone, played at its own pace from the first `listen` on, and silence after it. Raises
    `InputError` where there is no sound in the file."""

    def __init__(self, path: Path, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._samples = read_sound(path)
        if not self._samples.size:
            raise InputError(f"{path} holds no sound", expected="what the microphone would hear", next_step="record it")
        self._clock_s = clock_s
        self._began_s: float | None = None
        self._at = 0

    def listen(self) -> None:
        """From now on: what was played before is left out."""
        if self._began_s is None:
            self._began_s = self._clock_s()
        self._at = self._now()

    def heard(self) -> list[NDArray[np.int16]]:
        """What was played since the last call, in pieces of (n,) int16 at 16 kHz."""
        now, found = self._now(), []
        while now - self._at >= PIECE:
            piece = self._samples[self._at : self._at + PIECE]
            found.append(np.pad(piece, (0, PIECE - len(piece))))
            self._at += PIECE
        return found

    def close(self) -> None:
        """Nothing to let go of."""

    def _now(self) -> int:
        assert self._began_s is not None
        return int((self._clock_s() - self._began_s) * RATE_HZ)
