"""`medauth analyze` on real clips and pictures: what it says, what it saves, and that a forgery moves its number."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from medauth.capture.video_file import VideoFile
from medauth.cli.main import app
from medauth.report.video_writer import VideoWriter

pytestmark = pytest.mark.media
runner = CliRunner()
SMILES = ("--start", "30", "--end", "45")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def run_json(*words: object, code: int = 0) -> Any:
    result = runner.invoke(app, ["analyze", *map(str, words), "--json"], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def frames_of(path: Path) -> list[Any]:
    return [frame.image for frame in VideoFile(path).frames()]


def test_a_clip_is_put_into_words_and_its_heat_into_pictures_and_a_film(clip: Path) -> None:
    report = run_json(clip, *SMILES, "--out", "found")
    summary = report["summary"]
    assert summary["impression"] == "looks real"
    assert summary["confidence"] == pytest.approx(1 - summary["fake_probability"], abs=0.002)
    assert summary["judged_by"] == "16 frames"
    blink = next(reading for reading in report["readings"] if reading["signal"] == "blink")["details"]
    assert summary["blinks"] == len(blink["events"]) + len(blink["too_fast"]) > 0
    assert 0 < summary["micro_irregularity"] < 1
    assert "never a proof" in report["worth"]
    assert not report["live"]
    for file in report["files"]:
        assert (Path("found") / file).stat().st_size > 500
    assert sum(file.startswith("gradcam-") for file in report["files"]) == 6
    motion = [line.split(",") for line in Path("found/motion.csv").read_text().splitlines()]
    assert motion[0] == ["time_ms", "brows", "nose", "mouth"]
    assert len(motion) > 300
    times = [float(line.split(",")[1]) for line in Path("found/frames.csv").read_text().splitlines()[1:]]
    assert len(times) == report["frames"]
    assert 0 < report["frame_ms"] < 1000


def test_the_film_shows_what_was_found_over_the_clip_itself(clip: Path) -> None:
    run_json(clip, "--start", "30", "--end", "34", "--out", "found")
    plain: list[Any] = [frame.image for frame in VideoFile(clip, start_ms=30_000, end_ms=34_000).frames()]
    film = frames_of(Path("found/gradcam.mp4"))
    assert len(film) / 25 == pytest.approx(4, abs=0.1)
    assert film[0].shape == plain[0].shape
    apart = np.abs(film[5].astype(int) - plain[5]).max(axis=2) > 60
    assert apart[:60].any(), "no words in the corner"
    assert apart[100:].sum() > 300, "nothing around the face"
    run_json(clip, "--start", "30", "--end", "34", "--out", "cool", "--no-heat")
    cool = frames_of(Path("cool/gradcam.mp4"))
    heated = [np.abs(a.astype(int) - b).max(axis=2)[110:250, 100:260] for a, b in zip(film, cool, strict=True)]
    assert max((each > 25).mean() for each in heated) > 0.015, "no heat on the face"


def test_a_picture_is_judged_as_one_frame_and_says_so(data_dir: Path) -> None:
    report = run_json(data_dir / "samples_permissive" / "astronaut_512.jpg", "--out", "found")
    assert report["summary"]["judged_by"] == "single frame"
    assert report["summary"]["expression"] == "happiness"
    assert report["summary"]["blinks"] is None
    moment = report["movements"][0]
    units = {seen["unit"]: seen for seen in moment["units"]}
    assert moment["expression"] == moment["movements_read_as"] == "happiness"
    assert {6, 12, 25} <= set(units), "a broad smile: cheeks, corners of the mouth, lips"
    assert not {1, 2, 4, 26} & set(units), "no brow moves, no jaw drops"
    assert units[12]["right"] > 2
    assert units[12]["left"] > 2
    assert moment["against"] == "people"
    assert "mouth corners pulled up (AU 12)" in report["summary"]["movements"]
    assert "pictures" in report["worth"]
    assert "gradcam.mp4" not in report["files"]


def test_every_face_of_a_picture_is_named_and_framed(clip: Path, data_dir: Path) -> None:
    """A man at rest, and beside him, a third as large, a woman who smiles."""
    man = next(iter(VideoFile(clip, start_ms=31_000).frames())).image
    woman = cv2.imread(str(data_dir / "samples_permissive" / "astronaut_512.jpg"))
    assert man is not None
    assert woman is not None
    sized = [cv2.resize(each, (round(each.shape[1] * 400 / each.shape[0]), 400)) for each in (man, woman)]
    two = np.hstack(sized)
    Path("pictures").mkdir()
    cv2.imwrite("pictures/two.png", two)
    row = run_json("pictures", "--out", "found")[0]
    assert row["faces"].split("; ")[0].startswith("neutral")
    assert row["faces"].split("; ")[1].startswith("happiness")
    report = json.loads(Path("found/two.png-analysis/analysis.json").read_text())
    large, small = (face["box"] for face in report["faces"])
    assert large[2] <= sized[0].shape[1] < small[0], "each in its own half"
    framed = cv2.imread("found/two.png-analysis/faces.png")
    assert framed is not None
    for left, top, right, bottom in (large, small):
        middle = framed[(top + bottom) // 2, [left, right]].astype(int)
        assert (np.abs(middle - two[(top + bottom) // 2, [left, right]].astype(int)).max(axis=1) > 30).any()
    assert "faces.png" in report["files"]


def test_a_detector_finds_what_the_mesh_alone_does_not(clip: Path, tmp_path: Path) -> None:
    """The same seconds a quarter as large, in the corner of a grey picture."""
    film = tmp_path / "far.mp4"
    with VideoWriter(film) as writer:
        for frame in VideoFile(clip, start_ms=46_000, end_ms=47_000).frames():
            assert frame.image is not None
            far = np.full_like(frame.image, 127)
            height, width = frame.image.shape[0] // 4, frame.image.shape[1] // 4
            far[:height, :width] = cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_AREA)
            writer.write(far, frame.media_ms or 0.0)
    words = (film, "--no-heat", "--no-video", "--out", "found")
    assert run_json(*words)["judged"] == 0
    found = run_json(*words, "--detector", "haar")
    assert found["detector"] == "haar"
    assert found["judged"] > 0.8 * found["frames"]
    assert found["summary"]["expression"] == "happiness", "he smiles"
    assert "haar, dnn, mediapipe, auto, every" in run_json(*words, "--detector", "eyes", code=2)["error"]["expected"]


def test_a_folder_becomes_a_table_in_which_a_broken_file_is_a_line(clip: Path, data_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    (folder / "inner").mkdir(parents=True)
    with VideoWriter(folder / "short.mp4") as writer:
        for frame in VideoFile(clip, start_ms=30_000, end_ms=33_000).frames():
            assert frame.image is not None
            writer.write(frame.image, frame.media_ms or 0.0)
    portrait = cv2.imread(str(data_dir / "samples_permissive" / "astronaut_512.jpg"))
    cv2.imwrite(str(folder / "inner" / "portrait.png"), np.asarray(portrait))
    (folder / "broken.mp4").write_bytes(b"no film")
    (folder / "notes.txt").write_text("left alone")
    rows = {row["file"]: row for row in run_json(folder, "--out", "found")}
    assert set(rows) == {"short.mp4", "inner/portrait.png", "broken.mp4"}
    assert "is no video" in rows["broken.mp4"]["error"]
    assert rows["inner/portrait.png"]["expression"] == "happiness"
    with Path("found/summary.csv").open(encoding="utf-8") as file:
        table = {row["file"]: row for row in csv.DictReader(file)}
    assert table["short.mp4"]["impression"] == rows["short.mp4"]["impression"]
    assert float(table["short.mp4"]["fake_probability"]) == rows["short.mp4"]["fake_probability"]
    assert table["broken.mp4"]["impression"] == ""
    assert "mouth corners pulled up (AU 12)" in table["inner/portrait.png"]["movements"]
    assert Path("found/short.mp4-analysis/timeline.png").exists()
    assert not Path("found/short.mp4-analysis/gradcam.mp4").exists()


def test_a_folder_without_media_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no clip" in run_json(tmp_path / "empty", code=2)["error"]["got"]


def test_a_face_that_trembles_is_less_regular(clip: Path, tmp_path: Path) -> None:
    """Every frame's mouth and brows drawn a little aside by chance, as a mask does that is fitted anew each time."""
    still, shaken = tmp_path / "still.mp4", tmp_path / "shaken.mp4"
    chance = np.random.default_rng(3)
    with VideoWriter(still) as one, VideoWriter(shaken) as other:
        for frame in VideoFile(clip, start_ms=30_000, end_ms=38_000).frames():
            assert frame.image is not None
            one.write(frame.image, frame.media_ms or 0.0)
            other.write(_shaken(frame.image, chance), frame.media_ms or 0.0)
    plain, trembling = (
        run_json(path, "--no-heat", "--no-video", "--out", path.stem)["summary"]["micro_irregularity"]
        for path in (still, shaken)
    )
    assert trembling > plain + 0.15


def _shaken(image: Any, chance: np.random.Generator) -> Any:
    """A smooth random warp of about two pixels over a picture."""
    coarse = chance.normal(0, 2.5, (6, 6, 2)).astype(np.float32)
    shift = cv2.resize(coarse, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    return cv2.remap(image, x + shift[..., 0], y + shift[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
