"""Every command of `docs/coming-from.md` runs, on a real clip, a portrait and folders of them."""

from __future__ import annotations

import json
import os
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from medauth.capture.video_file import VideoFile
from medauth.cli.main import app
from medauth.report.video_writer import VideoWriter

pytestmark = pytest.mark.media
PAGE = Path(__file__).resolve().parents[2] / "docs" / "coming-from.md"
TEXT = PAGE.read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"`medauth ([^`]+)`", TEXT)))
FOR_LATER = set(re.findall(r"† `medauth ([^`]+)`", TEXT))
"""Those that the page itself says are held to their options."""
ELSEWHERE = {
    "check": "a camera",
    "desktop": "a screen: test_desktop_window.py",
    "serve": "a port: tests of the web",
    "show": "a record: test_commands.py",
    "verify": "a bundle: test_commands.py",
    "anchor": "a chain: test_commands.py",
}
"""Named without words of their own; what they need, or where they run."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Path:
    """clip.mp4, portrait.jpg, clips/, pictures/, faces/."""
    folder = tmp_path_factory.mktemp("files")
    frames = [frame for frame in VideoFile(clip, start_ms=30_000, end_ms=34_000).frames() if frame.image is not None]
    (folder / "clips").mkdir()
    for name in ("clip.mp4", "clips/one.mp4"):
        with VideoWriter(folder / name) as writer:
            for frame in frames:
                writer.write(np.asarray(frame.image), frame.media_ms or 0.0)
    (folder / "pictures").mkdir()
    for name in ("portrait.jpg", "pictures/one.jpg", "pictures/two.png"):
        cv2.imwrite(str(folder / name), np.asarray(frames[0].image))
    for label in ("happy", "neutral"):
        (folder / "faces" / label).mkdir(parents=True)
        for number, frame in enumerate(frames[::30]):
            cv2.imwrite(str(folder / "faces" / label / f"{number}.png"), np.asarray(frame.image))
    return folder


def test_the_page_names_commands() -> None:
    assert len(COMMANDS) > 15
    assert set(COMMANDS) > FOR_LATER


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_of_the_page_runs(words: str, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    arguments = shlex.split(words)
    if words in FOR_LATER or arguments[0] in ELSEWHERE:
        _has_options(arguments)
        return
    if "--sound" in arguments and find_spec("pygame") is None:
        pytest.skip("no sound library: pip install 'medauth[sound]'")
    if "--speech" in arguments:
        pytest.importorskip("pocketsphinx", reason="no recogniser: pip install 'medauth[speech]'")
    if "--protect" in arguments:
        pytest.importorskip("tensorflow", reason="no TensorFlow: pip install 'medauth[train]'")
    if arguments[0] == "analyze":
        arguments += ["--out", str(tmp_path / "out")]
    if arguments[0] == "export":
        arguments += ["--out", str(tmp_path / "model.tflite")]
    result = CliRunner().invoke(app, arguments, env=dict(os.environ), catch_exceptions=False)
    assert result.exit_code == 0, result.output


def _has_options(arguments: list[str]) -> None:
    """The command exists, and has every option that the page gives it."""
    path = [word for word in arguments[:2] if not word.startswith("-")]
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    assert shown.exit_code == 0, shown.output
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.output)
    for option in (word for word in arguments if word.startswith("--")):
        assert option in plain, option


def test_every_file_and_heading_that_the_page_promises_is_there(files: Path, tmp_path: Path) -> None:
    """What it says `medauth analyze clip.mp4` leaves."""
    words = ["--data-dir", str(tmp_path / "data"), "analyze", str(files / "clip.mp4"), "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    left = {path.name for path in (tmp_path / "out").iterdir()}
    promised = set(re.findall(r"`((?:motion|frames|timeline|gradcam)[\w-]*\.\w+)`", TEXT))
    assert promised
    assert promised <= left
    for page, anchor in re.findall(r"\]\(([\w-]+\.md)#([\w-]+)\)", TEXT):
        headings = re.findall(r"^#+ (.+)$", (PAGE.parent / page).read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("name", "path", "key"),
    [
        ("expression", ("accuracy",), "value"),
        ("expression_mobilenet", ("accuracy",), "value"),
        ("expression_student", ("accuracy",), "value"),
        ("expression_landmarks", ("accuracy",), "value"),
        ("expression_robust", ("accuracy",), "value"),
        ("deepfake", ("sequences", "all"), "auc"),
    ],
)
def test_figures_are_those_of_the_models(name: str, path: tuple[str, ...], key: str) -> None:
    manifest = json.loads((PAGE.parents[1] / "models" / name / "manifest.json").read_text(encoding="utf-8"))
    found = manifest["metrics"]["test"]
    for part in path:
        found = found[part]
    written = [f"{value:.3f}".lstrip("0") for value in (found[key], *found["interval95"])]
    assert f"{written[0]} [{written[1]}, {written[2]}]" in TEXT
