"""The sound of a recording as numbers. The only importer of PyAV (extra `speech`)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.capture.video_file import Wanted, check_container
from medauth.errors import InputError, MissingTool
from medauth.protocol.sound import RATE_HZ

MOST_S = 3_600
"""Silence packs a thousand to one: a small file must not fill the memory."""

_SOUND = Wanted(
    "recording",
    "a WAV, Ogg, MP4, MOV or WebM file with sound",
    "play it to hear that it is whole, or export it anew (ffmpeg -i IN OUT.wav)",
)


def read_sound(path: Path, start_ms: float = 0.0, end_ms: float | None = None) -> NDArray[np.int16]:
    """(n,) int16 mono at 16 kHz; empty where the file has no sound.

    Raises `InputError` for what is no recording, or an end beyond an hour, and `MissingTool` without PyAV.
    """
    av = load_extra("av", "PyAV")
    check_container(path, _SOUND)
    last = None if end_ms is None else int(end_ms * RATE_HZ / 1000)
    parts, count = list[NDArray[np.int16]](), 0
    try:
        with av.open(str(path)) as file:
            for part in _decoded(av, file) if file.streams.audio else ():
                parts.append(part)
                count += part.size
                if last is not None and count >= last:
                    break
                if count > MOST_S * RATE_HZ:
                    raise InputError(
                        f"{path} holds more than {MOST_S} s of sound", expected="less", next_step="give --end"
                    )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"the sound of {path} cannot be read: {error}", expected="a recording") from error
    samples = np.concatenate(parts) if parts else np.empty(0, np.int16)
    return np.asarray(samples[int(start_ms * RATE_HZ / 1000) : last], np.int16)


def _decoded(av: Any, file: Any) -> Iterator[NDArray[np.int16]]:
    evened = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    for frame in chain(file.decode(audio=0), (None,)):
        for part in evened.resample(frame):
            yield part.to_ndarray().ravel()


def load_extra(module: str, name: str) -> Any:
    """A library of the extra `speech`. Raises `MissingTool` that names it."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingTool(
            f"{name} is not installed", expected="the extra `speech`", next_step="pip install 'medauth[speech]'"
        ) from error
