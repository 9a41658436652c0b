"""One picture from a file."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from medauth.capture import image as image_module
from medauth.capture.image import Image
from medauth.errors import InputError

PIXELS = np.full((80, 96, 3), 120, np.uint8)


def test_a_jpeg_is_passed_on_byte_by_byte(tmp_path):
    path = tmp_path / "face.jpg"
    cv2.imwrite(str(path), PIXELS)
    (frame,) = Image(path).frames()
    assert (frame.image, frame.jpeg) == (None, path.read_bytes())
    assert (Image(path).name, Image(path).live) == ("face.jpg", False)


def test_a_png_is_decoded(tmp_path):
    path = tmp_path / "face.png"
    cv2.imwrite(str(path), PIXELS)
    (frame,) = Image(path).frames()
    assert frame.image is not None
    np.testing.assert_array_equal(frame.image, PIXELS)


@pytest.mark.parametrize("name", ["missing.png", "."])
def test_an_absent_file_is_named(tmp_path, name):
    with pytest.raises(InputError, match="cannot be read"):
        next(Image(tmp_path / name).frames())


def test_a_damaged_png_is_refused(tmp_path):
    path = tmp_path / "face.png"
    done, data = cv2.imencode(".png", PIXELS)
    assert done
    path.write_bytes(data.tobytes()[:60])
    with pytest.raises(InputError, match="damaged"):
        next(Image(path).frames())


def test_a_file_larger_than_any_picture_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(image_module, "MAX_FILE_BYTES", 10)
    path = tmp_path / "face.png"
    cv2.imwrite(str(path), PIXELS)
    with pytest.raises(InputError, match="at most 10"):
        next(Image(path).frames())
