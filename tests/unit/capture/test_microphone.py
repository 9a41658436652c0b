"""The computer's microphone by a double of its library: found missing at once, bounded, let go."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from medauth.capture import microphone
from medauth.capture.microphone import MOST_WAITING, PIECE, Microphone, PlayedSound
from medauth.cli.main import app
from medauth.errors import CaptureError, InputError, MissingTool
from medauth.sensing import microphone_for


class Stream:
    """As much of `sounddevice.InputStream` as is used."""

    def __init__(self, *_: Any, callback: Callable[..., None], **__: Any) -> None:
        self.callback, self.started, self.closed = callback, False, False
        OPENED.append(self)

    def start(self) -> None:
        self.started = True

    def close(self) -> None:
        self.closed = True

    def record(self, pieces: int) -> None:
        for number in range(pieces):
            self.callback(np.full((PIECE, 1), number, np.int16), PIECE, None, None)


OPENED: list[Stream] = []


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    OPENED.clear()
    monkeypatch.setitem(sys.modules, "sounddevice", SimpleNamespace(InputStream=Stream))


@pytest.mark.usefixtures("library")
def test_it_opens_with_the_first_listen_and_leaves_out_what_came_before() -> None:
    microphone = Microphone()
    assert not OPENED
    microphone.listen()
    (stream,) = OPENED
    stream.record(3)
    microphone.listen()
    stream.record(2)
    assert [piece[0] for piece in microphone.heard()] == [0, 1]
    assert microphone.heard() == []
    microphone.close()
    assert (len(OPENED), stream.started, stream.closed) == (1, True, True)


@pytest.mark.usefixtures("library")
def test_what_nobody_asked_for_does_not_pile_up() -> None:
    microphone = Microphone()
    microphone.listen()
    OPENED[0].record(3 * MOST_WAITING)
    assert len(microphone._pieces) == MOST_WAITING
    assert microphone.heard()[0][0] == 2 * MOST_WAITING, "the oldest go"


def test_one_that_cannot_be_opened_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any, **__: Any) -> None:
        raise OSError("no device")

    monkeypatch.setitem(sys.modules, "sounddevice", SimpleNamespace(InputStream=none))
    with pytest.raises(CaptureError, match="no device"):
        Microphone().listen()


def test_a_missing_library_is_said_before_the_check_is_on_record(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(tmp_path))
    with pytest.raises(MissingTool, match="microphones"):
        microphone_for("by-voice")

    def started(*_: Any, **__: Any) -> None:
        pytest.fail("a check was begun")

    monkeypatch.setattr("medauth.bootstrap.Medauth.start", started)
    said = CliRunner().invoke(app, ["check", "--subject", "user-1", "--policy", "by-voice"])
    assert said.exit_code == 2
    assert "libportaudio2" in said.output


def test_a_recording_that_nobody_would_listen_to_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="standard"):
        microphone_for("standard", tmp_path / "said.wav")
    assert microphone_for("standard") is None


def test_a_recording_that_is_missing_or_none_is_told_as_sound(tmp_path: Path) -> None:
    pytest.importorskip("av")
    with pytest.raises(InputError) as missing:
        PlayedSound(tmp_path / "missing.wav")
    assert "cannot be read: No such file" in missing.value.got
    assert missing.value.expected == "a WAV, Ogg, MP4, MOV or WebM file with sound"
    (tmp_path / "letter.wav").write_text("Dear Sir or Madam")
    with pytest.raises(InputError) as none:
        PlayedSound(tmp_path / "letter.wav")
    assert "is no recording" in none.value.got
    assert "video" not in str(none.value)


def test_a_recording_without_sound_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be taken for a person who says nothing."""
    monkeypatch.setattr(microphone, "read_sound", lambda _: np.empty(0, np.int16))
    with pytest.raises(InputError, match="holds no sound"):
        PlayedSound(tmp_path / "silent.mp4")
