"""Formats and sizes are read from the header; nothing is decoded to learn that it is too large."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.capture.picture_header import PictureHeader, read_header
from medauth.errors import InputError


def encoded(suffix: str, width: int = 96, height: int = 80, *options: int) -> bytes:
    done, data = cv2.imencode(suffix, np.full((height, width, 3), 90, np.uint8), list(options))
    assert done
    return data.tobytes()


@pytest.mark.parametrize(
    ("suffix", "options", "kind"),
    [
        (".jpg", (), "jpeg"),
        (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), "jpeg"),
        (".png", (), "png"),
        (".webp", (cv2.IMWRITE_WEBP_QUALITY, 80), "webp"),
        (".webp", (cv2.IMWRITE_WEBP_QUALITY, 101), "webp"),
    ],
)
def test_format_and_size_are_read(suffix, options, kind):
    assert read_header(encoded(suffix, 96, 80, *options)) == PictureHeader(kind, 96, 80)


def test_extended_webp_is_read():
    head = b"RIFF\0\0\0\0WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + (639).to_bytes(3, "little")
    assert read_header(head + (479).to_bytes(3, "little")) == PictureHeader("webp", 640, 480)


def test_a_decompression_bomb_is_refused_by_its_header():
    bomb = bytearray(encoded(".png"))
    bomb[16:24] = struct.pack(">II", 60_000, 60_000)
    with pytest.raises(InputError, match="60000 x 60000"):
        read_header(bytes(bomb))


def test_a_jpeg_that_claims_to_be_huge_is_refused():
    bomb = bytearray(encoded(".jpg"))
    at = bomb.index(b"\xff\xc0") + 5
    bomb[at : at + 4] = struct.pack(">HH", 65_500, 65_500)
    with pytest.raises(InputError, match="65500"):
        read_header(bytes(bomb))


@pytest.mark.parametrize("size", [(63, 80), (80, 63), (4097, 80)])
def test_unusable_sizes_are_refused(size):
    with pytest.raises(InputError, match="64 to 4096"):
        read_header(encoded(".jpg", *size))


def test_a_jpeg_without_its_end_is_refused():
    whole = encoded(".jpg")
    assert read_header(whole + b"\0\0").kind == "jpeg"  # some cameras pad
    with pytest.raises(InputError, match="broken header"):
        read_header(whole[:-2])


@pytest.mark.parametrize("data", [b"", b"hello", b"GIF89a" + b"\0" * 40, b"BM" + b"\0" * 60])
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(InputError, match="next step"):
        read_header(data)


@given(st.binary(max_size=64), st.sampled_from([b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF"]), st.booleans())
def test_any_bytes_give_a_header_or_our_error(tail, magic, ended):
    try:
        read_header(magic + tail + (b"\xff\xd9" if ended else b""))
    except InputError:
        return


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_changed_byte_gives_a_header_or_our_error(at, value):
    data = bytearray(encoded(".jpg"))
    data[at % len(data)] = value
    try:
        read_header(bytes(data))
    except InputError:
        return
