"""What is judged is what is digested: the decoded bytes of the JPEG."""

from __future__ import annotations

import hashlib
from typing import Any

import cv2
import numpy as np
import pytest

from medauth.capture.encoding import MAX_JPEG_BYTES, encode_jpeg, read_frame
from medauth.capture.interface import CapturedFrame
from medauth.errors import InputError
from medauth.protocol.observation import Frame

RANDOM = np.random.default_rng(7)
PIXELS = cv2.GaussianBlur(RANDOM.integers(0, 256, (120, 160, 3), dtype=np.uint8), (0, 0), 3)


def read(image: Any = None, jpeg: Any = None) -> Frame:
    return read_frame(CapturedFrame(image, jpeg=jpeg), 3, 40.0)


def test_pixels_are_judged_as_their_jpeg_shows_them():
    frame = read(PIXELS)
    assert (frame.index, frame.t_ms) == (3, 40.0)
    assert frame.sha256 == hashlib.sha256(frame.jpeg).digest()
    np.testing.assert_array_equal(frame.image, cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR))
    assert np.abs(frame.image.astype(int) - PIXELS).mean() < 3


def test_given_bytes_are_kept_to_the_bit():
    jpeg = encode_jpeg(np.asarray(PIXELS, dtype=np.uint8), 70)
    frame = read(jpeg=jpeg)
    assert frame.jpeg == jpeg
    np.testing.assert_array_equal(frame.image, read(jpeg=frame.jpeg).image)


def test_the_same_pixels_give_the_same_digest():
    assert read(PIXELS).sha256 == read(PIXELS.copy()).sha256


def test_views_that_are_not_contiguous_are_taken():
    assert read(PIXELS[:, ::-1]).image.shape == (120, 160, 3)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (None, "neither pixels nor JPEG"),
        ("a path", "picture as str"),
        (np.zeros((120, 160, 3)), "float64"),
        (np.zeros((120, 160), np.uint8), r"shape \(120, 160\)"),
        (np.zeros((120, 160, 4), np.uint8), r"\(120, 160, 4\)"),
        (np.zeros((20, 160, 3), np.uint8), "160 x 20"),
        (np.zeros((0, 0, 3), np.uint8), "0 x 0"),
        (np.zeros((64, 5000, 3), np.uint8), "5000 x 64"),
    ],
)
def test_pixels_of_the_wrong_kind_are_refused(image, said):
    with pytest.raises(InputError, match=said):
        read(image)


def test_other_formats_and_types_are_refused_as_bytes():
    png = cv2.imencode(".png", PIXELS)[1].tobytes()
    with pytest.raises(InputError, match="PNG"):
        read(jpeg=png)
    with pytest.raises(InputError, match="JPEG as str"):
        read(jpeg="text")


def test_padding_beyond_the_largest_picture_is_refused():
    with pytest.raises(InputError, match="at most"):
        read(jpeg=b"\xff\xd8" + b"\0" * MAX_JPEG_BYTES)


def test_damage_never_raises_a_foreign_error_nor_writes_to_the_terminal(capfd):
    jpeg = encode_jpeg(np.asarray(PIXELS, dtype=np.uint8))
    for seed in range(40):
        random = np.random.default_rng(seed)
        damaged = bytearray(jpeg)
        for at in random.integers(2, len(jpeg) - 2, 5):
            damaged[at] = random.integers(0, 256)
        try:
            assert read(jpeg=bytes(damaged)).image.ndim == 3
        except InputError:
            continue
    assert capfd.readouterr().err == ""
