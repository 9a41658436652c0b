"""`medauth live` over a real clip: what it counts, finds and films; and its window, on an X server of its own."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from medauth.capture.video_file import VideoFile
from medauth.cli.main import app
from medauth.config import Settings
from medauth.desktop.live_findings import LiveAnalysis, LiveTuning
from medauth.sensing import emotion_reader, face_tracker
from medauth.signals.models import ModelLibrary
from tests.integration.screens import own_display, running_command, screenshot, until

pytestmark = pytest.mark.media
runner = CliRunner()


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    monkeypatch.chdir(tmp_path)


def run_json(*words: object, code: int = 0) -> Any:
    result = runner.invoke(app, ["live", *map(str, words), "--json"], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_a_clip_is_played_analysed_and_filmed(clip: Path) -> None:
    sound = ("--sound", "neutral") if find_spec("pygame") else ()  # the extra `sound`
    report = run_json("--video", clip, "--no-window", "--record", "film.mp4", "--seconds", "4", *sound)
    assert report["captured"] == report["shown"] + report["dropped"]
    assert 12 < report["captured_fps"] < 27, "the camera was read at the clip's own pace, as far as the machine can"
    assert report["analysed"] > 4
    assert sum(report["expressions"].values()) > 0
    film = [frame.image for frame in VideoFile("film.mp4").frames()]
    assert len(film) == report["recorded"]
    assert film[-1] is not None
    bars, side = film[-1][:60, :200], film[-1][150:350]
    assert (bars > 240).sum() > 100, "no bars in the corner"
    assert side.std() > 20, "no picture below them"


def test_an_analysis_every_second_costs_the_camera_nothing(clip: Path) -> None:
    report = run_json("--video", clip, "--no-window", "--interval", "1", "--seconds", "3.5")
    assert report["analysed"] <= 5
    assert report["captured_fps"] > 12


def test_thresholds_decide_what_is_named(clip: Path) -> None:
    for least, named in ((0.0, True), (1.0, False)):
        report = run_json("--video", clip, "--no-window", "--confidence", least, "--seconds", "2.5")
        assert bool(report["expressions"]) is named


def test_the_threshold_of_motion_decides_what_moved(clip: Path) -> None:
    for least, some in ((2, True), (5_000, False)):
        report = run_json("--video", clip, "--no-window", "--motion", least, "--seconds", "2.5")
        assert bool(report["motion"]) is some
        assert all(": " in name and count > 0 for name, count in report["motion"].items())


def test_a_detector_of_ones_choice_finds_the_face(clip: Path) -> None:
    """Named wrongly, it is refused: so it is asked; named rightly, expressions come."""
    assert (
        "haar"
        in run_json("--video", clip, "--no-window", "--seconds", "1", "--detector", "x", code=2)["error"]["expected"]
    )
    report = run_json("--video", clip, "--no-window", "--seconds", "4", "--detector", "mediapipe", "--confidence", "0")
    assert sum(report["expressions"].values()) > 0


def test_words_that_cannot_be_used_are_refused(clip: Path) -> None:
    assert run_json("--video", clip, "--no-window", code=2)["error"]["got"] == "nothing to do"
    assert "WIDTHxHEIGHT" in run_json("--size", "big", "--seconds", "1", "--no-window", code=2)["error"]["expected"]
    assert "joy" in run_json("--video", clip, "--seconds", "1", "--sound", "joy", code=2)["error"]["got"]


def test_a_mouth_drawn_upwards_is_an_arrow_up(clip: Path) -> None:
    """The lower half of a still face moved up by three pixels between two looks, everything else left."""
    frame = next(iter(VideoFile(clip, start_ms=30_000).frames())).image
    assert frame is not None
    analysis = LiveAnalysis(
        face_tracker(Settings()), emotion_reader(Settings(), ModelLibrary()), LiveTuning(least_motion=15)
    )
    analysis.look(frame, 0)
    first = analysis.look(frame, 100)
    assert first.box is not None
    assert first.arrows == ()
    left, top, right, bottom = first.box
    middle = top + round(0.7 * (bottom - top))
    weight = np.exp(-(((np.mgrid[: frame.shape[0], : frame.shape[1]][0] - middle - 12) / 18.0) ** 2))
    weight *= np.exp(-(((np.mgrid[: frame.shape[0], : frame.shape[1]][1] - (left + right) / 2) / 40.0) ** 2))
    y, x = np.mgrid[: frame.shape[0], : frame.shape[1]].astype(np.float32)
    moved = cv2.remap(frame, x, (y + 7 * weight).astype(np.float32), cv2.INTER_LINEAR)
    found = analysis.look(np.asarray(moved, np.uint8), 200)
    analysis.close()
    mouth = [arrow for arrow in found.arrows if "mouth" in arrow.region or "lip" in arrow.region]
    assert mouth
    assert {arrow.direction for arrow in mouth} <= {"up", "up-left", "up-right"}
    assert all(arrow.end[1] < arrow.start[1] for arrow in mouth)


def test_movements_of_a_smile_are_told_against_this_persons_rest(clip: Path) -> None:
    """At rest, then broadly smiling; the words of the smile do not blink."""
    tuning = LiveTuning(movements=True)
    analysis = LiveAnalysis(face_tracker(Settings()), emotion_reader(Settings(), ModelLibrary()), tuning)
    views = []
    for start in (31_000, 85_000):
        for frame in VideoFile(clip, start_ms=start, end_ms=start + 3_000).frames():
            assert frame.image is not None
            views.append(analysis.look(frame.image, frame.media_ms or 0.0))
    analysis.close()
    at_rest, smiling = views[30:60], views[-40:]
    assert at_rest[-1].against == "against this face at rest"
    assert sum(len(view.movements or ()) for view in at_rest) < 0.5 * len(at_rest)
    told = ["mouth corners pulled up (AU 12)" in (view.movements or ()) for view in smiling]
    assert sum(told) > 0.8 * len(told)
    assert sum(one != other for one, other in pairwise(told)) <= 1


def test_landmarks_and_a_caption_are_drawn_when_they_are_asked_for(clip: Path) -> None:
    pictures = []
    for words in ((), ("--landmarks", "--caption", "A STUDY OF FACES")):
        run_json("--video", clip, "--no-window", "--record", "film.mp4", "--seconds", "2.5", "--interval", "9", *words)
        image = [frame.image for frame in VideoFile("film.mp4").frames()][-1]
        assert image is not None
        pictures.append(image.astype(int))
    plain, shown = pictures
    height, width = plain.shape[:2]
    corner = np.abs(plain - shown)[-14:, width * 2 // 3 :]
    assert (corner > 60).sum() > 50, "no caption"
    face = [
        (picture[height // 4 : height * 3 // 4, width // 3 : width * 2 // 3, 1] > 225).mean() for picture in pictures
    ]
    assert face[1] > face[0] + 0.01, "no dots on the face"


def test_movements_are_drawn_when_they_are_switched_on(clip: Path) -> None:
    corners = []
    for words in ((), ("--movements",)):
        run_json("--video", clip, "--no-window", "--record", "film.mp4", "--seconds", "2.5", *words)
        image = [frame.image for frame in VideoFile("film.mp4").frames()][-1]
        assert image is not None
        height = image.shape[0] - 7 * max(10, image.shape[0] // 45)
        corners.append(float(image[height - 12 : height, : image.shape[1] // 4].mean()))
    assert corners[1] < 0.75 * corners[0], "no darkened ground for words above the history"


def test_q_ends_a_window_that_shows_the_picture(clip: Path, tmp_path: Path) -> None:
    with (
        own_display() as display,
        running_command(["live", "--video", str(clip), "--json"], display, tmp_path) as running,
    ):
        until(lambda: screenshot(display, tmp_path / "screen.png").std() > 20)
        environment = os.environ | {"DISPLAY": display}
        find = ["xdotool", "search", "--name", "medauth live"]
        window = subprocess.run(find, env=environment, capture_output=True, text=True, check=True).stdout.split()[-1]
        for words in (["windowfocus", window], ["key", "q"]):
            subprocess.run(["xdotool", *words], env=environment, check=True, capture_output=True)
        report = json.loads(running.communicate(timeout=30)[0])
        assert running.returncode == 0
        assert 0 < report["shown"] <= report["captured"]
