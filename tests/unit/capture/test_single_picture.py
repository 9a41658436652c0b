"""Pictures that are something else too: an archive behind, a page inside, a second picture after."""

from __future__ import annotations

import io
import struct
import zipfile

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.capture.encoding import checked_jpeg
from medauth.capture.single_picture import MAX_BESIDE_BYTES, require_single_picture
from medauth.errors import InputError


def jpeg(*options: int) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", noise, list(options))[1])


PICTURE = jpeg()


def archive() -> bytes:
    """A ZIP whose comment ends it as a JPEG ends."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as files:
        files.writestr("run.sh", "echo")
        files.comment = b"\xff\xd9"
    return buffer.getvalue()


def with_segment(marker: int, body: bytes) -> bytes:
    return PICTURE[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + PICTURE[2:]


@pytest.mark.parametrize(
    "options",
    [
        (),
        (cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        (cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
        (cv2.IMWRITE_JPEG_OPTIMIZE, 1),
        (cv2.IMWRITE_JPEG_QUALITY, 100),
    ],
)
def test_pictures_are_pictures(options: tuple[int, ...]) -> None:
    assert checked_jpeg(jpeg(*options)) == jpeg(*options)


def test_what_cameras_add_is_left() -> None:
    for usual in (
        PICTURE + b"\0" * 400,
        with_segment(0xE1, b"Exif\0\0" + b"x" * 9_000),
        with_segment(0xE2, b"ICC_PROFILE\0" + b"x" * 3_000),
        with_segment(0xFE, b"Lavc60.31.102\0"),
        PICTURE[:2] + b"\xff\xff" + PICTURE[2:],
    ):
        require_single_picture(usual)


@pytest.mark.parametrize(
    "hidden",
    [archive(), b"<script>alert(1)</script>\xff\xd9", PICTURE, b"%PDF-1.7\xff\xd9", b"\0\0MZ\xff\xd9", b"\xff\xd9"],
)
def test_nothing_hides_behind_a_picture(hidden: bytes) -> None:
    assert zipfile.is_zipfile(io.BytesIO(PICTURE + archive())), "it is both"
    with pytest.raises(InputError, match="behind the picture"):
        checked_jpeg(PICTURE + hidden)


@pytest.mark.parametrize("marker", [0xE0, 0xE1, 0xEF, 0xFE])
def test_nothing_large_hides_beside_it(marker: int) -> None:
    body = b"<html>" + b"x" * 40_000
    once = with_segment(marker, body)
    require_single_picture(once)
    twice = once[:2] + with_segment(marker, body)[2 : 2 + 4 + len(body)] + once[2:]
    assert 2 * len(body) > MAX_BESIDE_BYTES
    with pytest.raises(InputError, match="application data"):
        checked_jpeg(twice)


@given(st.integers(2, len(PICTURE) - 1))
def test_a_picture_cut_anywhere_is_none(at: int) -> None:
    with pytest.raises(InputError):
        require_single_picture(PICTURE[:at])


@given(st.binary(max_size=400))
def test_any_bytes_get_an_answer_of_ours(data: bytes) -> None:
    try:
        require_single_picture(b"\xff\xd8" + data)
    except InputError:
        return
    assert b"\xff\xd9" in data
