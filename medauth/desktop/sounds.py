"""A sound when a chosen expression comes up: a file of one's own, or a tone of its own pitch. Needs the extra `sound`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError, MissingTool
from medauth.report.live_overlay import LiveView
from medauth.silence import native_silence

_RATE_HZ = 44_100
_TONE_S = 0.25
_LOWEST_HZ = 330.0
_AGAIN_MS = 1_500.0
"""An expression that stays is not repeated, and one that flickers not before this."""


class Sounds:
    """Plays on the moment at which an expression begins to be named."""

    def __init__(self, chosen: Mapping[str, Path | None], classes: Sequence[str], mixer: Any = None) -> None:
        """`chosen`: by expression a sound file, or None for its tone. Raises `InputError`, `MissingTool`."""
        unknown = sorted(set(chosen) - set(classes))
        if unknown:
            raise InputError(f"no expression is called {unknown[0]!r}", expected=", ".join(classes))
        self._mixer = mixer if mixer is not None else _open_mixer()
        self._sounds = {
            name: _loaded(self._mixer, path) if path else self._mixer.Sound(buffer=tone(classes.index(name)).tobytes())
            for name, path in chosen.items()
        }
        self._before = ""
        self._last_ms: dict[str, float] = {}

    def hear(self, view: LiveView) -> None:
        """Called after every analysis."""
        name, self._before, before = view.dominant, view.dominant, self._before
        if name == before or name not in self._sounds:
            return
        if view.t_ms - self._last_ms.get(name, -_AGAIN_MS) < _AGAIN_MS:
            return
        self._last_ms[name] = view.t_ms
        self._sounds[name].play()


def chosen_sounds(words: Sequence[str]) -> Mapping[str, Path | None]:
    """`happiness` or `happiness=FILE` as options give them."""
    pairs = (word.partition("=") for word in words)
    return {name.strip(): Path(path) if path else None for name, _, path in pairs}


def tone(index: int) -> NDArray[np.int16]:
    """A soft tone, mono int16: the steps of a pentatonic scale, told apart by ear."""
    cycles = _LOWEST_HZ * 2 ** ((0, 2, 4, 7, 9)[index % 5] / 12 + index // 5)
    times = np.arange(int(_RATE_HZ * _TONE_S)) / _RATE_HZ
    wave = np.sin(2 * np.pi * cycles * times) * np.hanning(len(times))
    return np.asarray(wave * 0.35 * 32_767, np.int16)


def _open_mixer() -> Any:
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        import pygame
    except ImportError as error:
        raise MissingTool(
            "no sound library is installed", expected="the extra `sound`", next_step="pip install 'medauth[sound]'"
        ) from error
    try:
        with native_silence():  # ALSA speaks of every way that it tried
            pygame.mixer.init(_RATE_HZ, -16, 1)
    except pygame.error as error:
        raise MissingTool(
            f"no sound can be played: {error}", expected="a sound device", next_step="leave --sound out"
        ) from error
    return pygame.mixer


def _loaded(mixer: Any, path: Path) -> Any:
    try:
        return mixer.Sound(str(path))
    except Exception as error:
        raise InputError(
            f"{path} is no sound that can be played: {error}", expected="a WAV or Ogg file", next_step="check the path"
        ) from error
