"""`medauth desktop` on an X server of its own: a real clip plays, captures are cut out, a folder is read, time is drawn."""

from __future__ import annotations

import csv
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from medauth.capture.played_clip import PlayedClip
from medauth.capture.video_file import VideoFile
from medauth.capture.webcam import Webcam
from medauth.cli.main import app
from medauth.config import Settings
from medauth.desktop.app import DesktopWindow
from medauth.desktop.feed import Feed
from medauth.desktop.gallery import Gallery, opened
from medauth.desktop.live_findings import LiveAnalysis
from medauth.desktop.picture_reader import PictureReader
from medauth.sensing import emotion_reader, face_finder, face_tracker
from medauth.signals.models import ModelLibrary
from tests.integration.screens import own_display, running_command, screenshot, until

pytestmark = pytest.mark.media


@pytest.fixture(scope="session")
def own_screen() -> Iterator[str]:
    """One to the end: Tk holds on to a display, and ends the process when that goes away."""
    with own_display() as display:
        yield display


@pytest.fixture
def display(own_screen: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DISPLAY", own_screen)
    return own_screen


@pytest.fixture
def window(display: str, clip: Path, tmp_path: Path) -> Iterator[DesktopWindow]:
    settings = Settings(data_dir=tmp_path / "data")
    reader = emotion_reader(settings, ModelLibrary())
    pictures = PictureReader(face_finder(settings, "auto"), reader)
    analysis = LiveAnalysis(face_tracker(settings), reader)
    feed = Feed(Webcam(open_device=lambda _: PlayedClip(clip)))
    window = DesktopWindow(feed, analysis.look, pictures, Gallery(tmp_path / "gallery"))
    yield window
    window.close()
    analysis.close()
    pictures.close()


def pump(window: DesktopWindow, there: Callable[[], bool], seconds: float = 40.0) -> None:
    """Lets the window live until something is so."""
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "nothing came"
        window.root.update()
        time.sleep(0.01)


def test_the_picture_lives_and_a_capture_is_cut_out_and_shown(
    window: DesktopWindow, display: str, tmp_path: Path
) -> None:
    pump(window, lambda: bool(window._last.emotions))
    window.buttons["Capture"].invoke()
    (capture,) = Gallery(tmp_path / "gallery").captures()
    assert capture.face is not None
    whole, face = opened(capture.picture), opened(capture.face)
    assert face.shape[0] < whole.shape[0]
    # The cut-out is a part of the picture, to within what JPEG loses.
    found = cv2.matchTemplate(whole, face, cv2.TM_SQDIFF_NORMED)
    assert found.min() < 0.005
    assert capture.picture.name in window.status.get()
    assert len(window.thumbs.winfo_children()) == 1
    window.root.update()
    seen = screenshot(display, tmp_path / "screen.png")
    assert seen[100:300, 200:450].std() > 20, "no picture"
    assert seen[40:120, 680:760].std() > 20, "no capture in the gallery"


def test_a_folder_of_pictures_is_listed_and_left_as_a_table(window: DesktopWindow, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    image = next(iter(VideoFile(clip, start_ms=30_000).frames())).image
    assert image is not None
    cv2.imwrite(str(folder / "a-face.png"), image)
    cv2.imwrite(str(folder / "b-nobody.png"), np.full_like(image, 90))
    (folder / "c-broken.jpg").write_bytes(b"nothing")
    window.predict(folder)
    pump(window, (folder / "predictions.csv").exists)
    with (folder / "predictions.csv").open(encoding="utf-8") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert rows["a-face.png"]["expression"] in ModelLibrary().load("expression").manifest.classes
    assert 0 < float(rows["a-face.png"]["confidence"]) <= 1
    assert rows["b-nobody.png"]["trouble"] == "no face"
    assert "picture" in rows["c-broken.jpg"]["trouble"]
    assert len(window.rows.get_children()) == 3
    window.predict(tmp_path / "data")
    assert "holds no picture" in window.status.get()


def test_the_expressions_over_time_are_drawn_and_saved(window: DesktopWindow) -> None:
    pump(window, lambda: len(window._history) > 8)
    strip = window._history.strip(200, 40, 30_000)
    assert (strip[:, -3:] != 32).any()
    assert (strip[:, :20] == 32).all()
    path = window.save_timeline()
    assert path is not None
    figure = cv2.imread(str(path))
    assert figure is not None
    assert figure.std() > 10


def test_space_captures_and_q_closes(window: DesktopWindow, tmp_path: Path) -> None:
    pump(window, lambda: window._image is not None)
    window.root.focus_force()
    window.root.event_generate("<space>")
    window.root.update()
    assert len(Gallery(tmp_path / "gallery").captures()) == 1
    window.root.event_generate("<KeyPress-q>")
    window.root.update_idletasks() if not window._closed else None
    assert window._closed


def test_the_command_opens_it_with_movements_and_q_ends_it(display: str, clip: Path, tmp_path: Path) -> None:
    """The command itself, in a process of its own."""
    kept = tmp_path / "kept"
    line = ["--data-dir", str(tmp_path), "desktop", "--video", str(clip), "--movements", "--gallery", str(kept)]
    with running_command(line, display, tmp_path) as running:
        # Bars at the upper left and, above the history, the ground of the words: both darker than the film.
        until(lambda: screenshot(display, tmp_path / "screen.png")[20:100, 20:150].std() > 20)
        until(lambda: _words_are_there(screenshot(display, tmp_path / "screen.png")))
        find = ["xdotool", "search", "--name", "medauth desktop"]
        found = subprocess.run(find, capture_output=True, text=True, check=True).stdout.split()
        for words in (["windowfocus", found[-1]], ["key", "space"]):
            subprocess.run(["xdotool", *words], check=True, capture_output=True)
        until(lambda: len(list(kept.glob("*.jpg"))) > 0)
        subprocess.run(["xdotool", "key", "q"], check=True, capture_output=True)
        assert running.wait(timeout=30) == 0


def _words_are_there(seen: NDArray[np.uint8]) -> bool:
    """A darkened ground with letters on it, left above the history; the film is bright blue there."""
    part = seen[400:425, 15:150]
    return bool(part.mean() < 100 and part.max() > 140)


def test_without_a_screen_the_command_says_what_to_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(app, ["--data-dir", str(tmp_path), "desktop"], catch_exceptions=False)
    assert result.exit_code == 2
