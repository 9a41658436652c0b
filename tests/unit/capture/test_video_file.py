"""Clips: synthetic ones in motion JPEG, which OpenCV writes by itself, and everything that is no clip."""

from __future__ import annotations

import os

import cv2
import numpy as np
import pytest
from PIL import Image

from medauth.capture.interface import CapturedFrame
from medauth.capture.video_file import VideoFile
from medauth.errors import CaptureError, InputError, MedauthError

FRAMES, FPS = 20, 25.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (96, 80))
    for n in range(FRAMES):
        writer.write(np.full((80, 96, 3), 10 * n, np.uint8))
    writer.release()
    return path


def test_frames_come_with_the_same_times_on_every_run(clip):
    runs = [[frame.media_ms for frame in VideoFile(clip).frames()] for _ in range(2)]
    assert runs[0] == runs[1] == pytest.approx([40.0 * n for n in range(FRAMES)])


def test_a_cut_keeps_the_clips_own_times(clip):
    frames = list(VideoFile(clip, start_ms=200, end_ms=400).frames())
    assert [frame.media_ms for frame in frames] == pytest.approx([200.0, 240.0, 280.0, 320.0, 360.0])
    assert frames[0].image is not None
    assert abs(int(frames[0].image[0, 0, 0]) - 50) <= 2


def test_realtime_waits_for_each_frame(clip):
    now = [100.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    source = VideoFile(clip, start_ms=400, realtime=True, sleep=sleep, monotonic=lambda: now[0])
    assert len(list(source.frames())) == FRAMES // 2
    assert sum(waits) == pytest.approx(0.36)


@pytest.mark.parametrize("cut", [{"start_ms": -1}, {"start_ms": 500, "end_ms": 500}])
def test_an_impossible_cut_is_refused(clip, cut):
    with pytest.raises(InputError, match="0 <= start_ms < end_ms"):
        VideoFile(clip, **cut)


def test_a_start_behind_the_end_is_refused(clip):
    with pytest.raises(InputError, match="760 ms long"):
        list(VideoFile(clip, start_ms=5000).frames())


PLAYLIST = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
CASES = [
    (b"", "is empty"),
    (b"hello, this is no video at all", "is no video"),
    (PLAYLIST, "is no video"),
    (b"ffconcat version 1.0\nfile '/etc/passwd'\n", "is no video"),
    (b"\0\0\0\x20ftypisom" + b"\0" * 100, "no readable video track"),
    (b"RIFF" + b"\0" * 100, "no readable video track"),
    (b"\x1aE\xdf\xa3" + b"\xff" * 100, "no readable video track"),
]


@pytest.mark.parametrize(("data", "said"), CASES)
def test_what_is_no_clip_is_refused_without_noise(tmp_path, capfd, data, said):
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    with pytest.raises(InputError, match=said):
        list(VideoFile(path).frames())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["missing.mp4", "."])
def test_an_absent_file_is_named(tmp_path, name):
    with pytest.raises(InputError, match="cannot be read"):
        list(VideoFile(tmp_path / name).frames())


def test_a_sound_file_holds_no_picture(tmp_path, capfd):
    path = tmp_path / "sound.wav"
    path.write_bytes(
        b"RIFF\x74\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x50\0\0\0" + b"\0" * 80
    )
    with pytest.raises(InputError, match="no readable video track"):
        list(VideoFile(path).frames())
    assert capfd.readouterr().err == ""


def test_a_clip_that_breaks_off_is_an_error_after_its_last_frame(clip, tmp_path, capfd):
    whole = clip.read_bytes()
    path = tmp_path / "cut.avi"
    path.write_bytes(whole[: len(whole) // 2])
    frames: list[CapturedFrame] = []
    with pytest.raises(MedauthError) as caught:
        frames.extend(VideoFile(path).frames())
    assert isinstance(caught.value, CaptureError | InputError)
    assert capfd.readouterr().err == ""


def test_small_pictures_are_refused(tmp_path):
    path = tmp_path / "tiny.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (48, 48))
    writer.write(np.zeros((48, 48, 3), np.uint8))
    writer.release()
    with pytest.raises(InputError, match="48 x 48"):
        list(VideoFile(path).frames())


def test_a_moving_picture_file_is_a_clip(tmp_path):
    frames = [Image.fromarray(np.full((120, 160, 3), 40 * level, np.uint8)) for level in range(5)]
    frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:], duration=100)
    assert [frame.media_ms for frame in VideoFile(tmp_path / "clip.gif").frames()] == [0, 100, 200, 300, 400]


def test_the_environment_stays_as_it_was(clip):
    before = dict(os.environ)
    next(VideoFile(clip).frames())
    assert dict(os.environ) == before
