"""Sounds on chosen expressions, with a mixer that only remembers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medauth.desktop.sounds import Sounds, chosen_sounds, tone
from medauth.errors import InputError
from medauth.report.live_overlay import LiveView

CLASSES = ("neutral", "happiness", "anger")


class Mixer:
    def __init__(self) -> None:
        self.played: list[str] = []

    def Sound(self, file: str = "", buffer: bytes = b"") -> Any:  # noqa: N802
        if file == "broken.wav":
            raise RuntimeError("no sound")
        mixer, name = self, file or f"tone of {len(buffer)} bytes"

        class One:
            def play(self) -> None:
                mixer.played.append(name)

        return One()


def heard(*moments: tuple[float, str]) -> list[str]:
    mixer = Mixer()
    sounds = Sounds({"happiness": Path("happy.wav"), "anger": None}, CLASSES, mixer)
    for t_ms, name in moments:
        sounds.hear(LiveView(t_ms, dominant=name))
    return mixer.played


def test_a_sound_comes_with_its_expression_and_not_again_while_it_stays() -> None:
    assert (
        heard((0, "neutral"), (100, "happiness"), (200, "happiness"), (2_000, "neutral"), (2_100, "happiness"))
        == ["happy.wav"] * 2
    )


def test_an_expression_that_stays_for_long_is_heard_once() -> None:
    assert heard(*((500.0 * k, "happiness") for k in range(20))) == ["happy.wav"]


def test_a_flicker_is_heard_once() -> None:
    assert len(heard((0, "happiness"), (100, ""), (200, "happiness"), (300, "neutral"), (400, "happiness"))) == 1


def test_each_has_its_own_and_others_are_silent() -> None:
    assert heard((0, "anger"), (100, "neutral")) == [f"tone of {2 * len(tone(2))} bytes"]
    assert not np.array_equal(tone(1), tone(2))
    assert np.abs(tone(0)).max() < 32_767


def test_unknown_expressions_and_broken_files_are_named() -> None:
    with pytest.raises(InputError, match="joy"):
        Sounds({"joy": None}, CLASSES, Mixer())
    with pytest.raises(InputError, match=r"broken\.wav"):
        Sounds({"anger": Path("broken.wav")}, CLASSES, Mixer())


def test_options_name_an_expression_and_perhaps_a_file() -> None:
    assert chosen_sounds(["anger", "happiness=a/b.wav"]) == {"anger": None, "happiness": Path("a/b.wav")}
