"""The sound of a recording as numbers. The only importer of PyAV (extra `speech`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError, MissingTool

RATE_HZ = 16_000


def read_sound(path: Path, start_ms: float = 0.0, end_ms: float | None = None) -> NDArray[np.int16]:
    """(n,) int16 mono at 16 kHz; empty where the file has no sound. Raises `InputError`, and `MissingTool` without PyAV."""
    av = load_extra("av", "PyAV")
    try:
        with av.open(str(path)) as file:
            if not file.streams.audio:
                return np.empty(0, np.int16)
            evened = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
            parts = [part.to_ndarray().ravel() for frame in file.decode(audio=0) for part in evened.resample(frame)]
            parts += [part.to_ndarray().ravel() for part in evened.resample(None)]
    except (av.error.FFmpegError, OSError) as error:
        raise InputError(f"the sound of {path} cannot be read: {error}", expected="a recording") from error
    samples = np.concatenate(parts) if parts else np.empty(0, np.int16)
    last = None if end_ms is None else int(end_ms * RATE_HZ / 1000)
    return np.asarray(samples[int(start_ms * RATE_HZ / 1000) : last], np.int16)


def load_extra(module: str, name: str) -> Any:
    """A library of the extra `speech`. Raises `MissingTool` that names it."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingTool(
            f"{name} is not installed", expected="the extra `speech`", next_step="pip install 'medauth[speech]'"
        ) from error
