"""What is said in a film: a synthetic voice under a real clip, silence, and what is missing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from medauth.capture.sound import read_sound
from medauth.capture.video_file import VideoFile
from medauth.cli.main import app
from medauth.errors import InputError, MissingTool
from medauth.report.speech import hear, tone_of

pytestmark = pytest.mark.media
SAID = "this is a wonderful and happy day"


@pytest.fixture(autouse=True)
def needs_the_extra() -> None:
    for module in ("pocketsphinx", "av", "vaderSentiment"):
        pytest.importorskip(module, reason="no recogniser: pip install 'medauth[speech]'")


@pytest.fixture(scope="module")
def film(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a real face with a voice under them."""
    av = pytest.importorskip("av")
    voice = shutil.which("espeak-ng") or pytest.skip("no voice: apt-get install espeak-ng")
    folder = tmp_path_factory.mktemp("film")
    subprocess.run([voice, "-v", "en-us", "-s", "140", "-w", str(folder / "voice.wav"), SAID], check=True)
    path = folder / "film.mp4"
    frames = [f.image for f in VideoFile(clip, start_ms=9_000, end_ms=12_000).frames() if f.image is not None]
    with av.open(str(path), "w") as out, av.open(str(folder / "voice.wav")) as spoken:
        pictures, sound = out.add_stream("mpeg4", rate=24), out.add_stream("aac", rate=spoken.streams.audio[0].rate)
        pictures.width, pictures.height, pictures.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        for image in frames:
            out.mux(pictures.encode(av.VideoFrame.from_ndarray(np.asarray(image), format="bgr24")))
        out.mux(pictures.encode(None))
        for heard in spoken.decode(audio=0):
            heard.pts = None
            out.mux(sound.encode(heard))
        out.mux(sound.encode(None))
    return path


def analysed(film: Path, tmp_path: Path, *words: str) -> Any:
    line = ["--data-dir", str(tmp_path / "data"), "analyze", str(film), "--no-heat", "--no-video", "--json", *words]
    result = CliRunner().invoke(app, [*line, "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_pleasant_sentence_is_heard_with_its_times(film: Path, tmp_path: Path) -> None:
    speech = analysed(film, tmp_path, "--speech")["speech"]
    assert "wonderful" in speech["text"]
    assert speech["tone"] == "pleasant"
    word = next(word for word in speech["words"] if word["text"] == "wonderful")
    assert 100 <= word["start_ms"] < word["end_ms"] <= 1_000 * speech["seconds"]
    assert "speech" not in analysed(film, tmp_path)


def test_a_film_without_sound_and_one_of_silence_hold_no_words(clip: Path) -> None:
    assert hear(np.empty(0, np.int16)).tone == "nothing heard"
    assert hear(np.zeros(16_000, np.int16)).words == ()
    assert read_sound(clip, 0, 1_000).dtype == np.int16


def test_a_playlist_in_a_clips_name_opens_no_other_file(film: Path, tmp_path: Path) -> None:
    (tmp_path / "private.mp4").write_bytes(film.read_bytes())
    (tmp_path / "clip.mp4").write_text("ffconcat version 1.0\nfile private.mp4\n")
    with pytest.raises(InputError, match="no recording"):
        read_sound(tmp_path / "clip.mp4")


def test_sound_ends_where_it_is_cut_and_has_a_most(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_sound(film)
    assert np.array_equal(read_sound(film, 200, 700), whole[3_200:11_200])
    monkeypatch.setattr("medauth.capture.sound.MOST_S", 1)
    with pytest.raises(InputError, match="more than 1 s"):
        read_sound(film)
    assert len(read_sound(film, 0, 700)) == 11_200


def test_a_picture_says_nothing(clip: Path, tmp_path: Path) -> None:
    frame = next(iter(VideoFile(clip, start_ms=9_000, end_ms=9_200).frames()))
    cv2.imwrite(str(tmp_path / "face.png"), np.asarray(frame.image))
    assert "speech" not in analysed(tmp_path / "face.png", tmp_path, "--speech")


def test_unpleasant_words_are_told_from_pleasant_and_plain_ones() -> None:
    assert tone_of("I hate this terrible place") < -0.5
    assert tone_of("I love this wonderful place") > 0.5
    assert tone_of("the table is in the room") == 0.0


def test_without_the_extra_its_name_is_said(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(MissingTool, match=r"medauth\[speech\]"):
        read_sound(clip)


@pytest.mark.parametrize("module", ["av", "pocketsphinx", "vaderSentiment.vaderSentiment"])
def test_a_folder_is_refused_at_once_where_a_part_is_missing(
    module: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table in which every line says so, and exit code 0, would pass for an analysis."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "one.mp4").write_bytes(clip.read_bytes())
    monkeypatch.setitem(sys.modules, module, None)
    line = ["--data-dir", str(tmp_path / "data"), "analyze", str(tmp_path / "clips"), "--speech", "--json"]
    result = CliRunner().invoke(app, [*line, "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert result.exit_code == 2
    assert "medauth[speech]" in json.loads(result.stdout)["error"]["next_step"]
    assert not (tmp_path / "out").exists()


def test_word_errors_are_counted_over_recordings(film: Path, tmp_path: Path) -> None:
    """The same film twice: its own words, and words that nobody said."""
    (tmp_path / "film.mp4").write_bytes(film.read_bytes())
    rows = [f"film.mp4,robot,{SAID}", "film.mp4,nobody,elephants never telephone"]
    (tmp_path / "transcripts.csv").write_text("\n".join(["file,speaker,words", *rows]) + "\n")
    words = ["evaluate", "speech", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--json"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["speakers"]["robot"]["word_error_rate"] < 0.5
    assert found["speakers"]["nobody"]["word_error_rate"] >= 1.0
    assert json.loads((tmp_path / "out" / "speech.json").read_text()) == found
