"""The one way by which a captured picture becomes a frame that may be judged.

What is digested, judged and sealed are the same JPEG bytes: a picture that comes as pixels is encoded first and the
*decoded* bytes are judged, so that an auditor who opens the sealed frame sees to the bit what the signals saw.
"""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.capture.interface import CapturedFrame
from medauth.capture.picture_header import check_side, read_header
from medauth.capture.single_picture import require_single_picture
from medauth.errors import InputError
from medauth.protocol.observation import Frame
from medauth.silence import native_silence

JPEG_QUALITY = 92
"""Visually lossless at half the bytes of 97; sensor noise, which the injection signals read, survives."""
MAX_JPEG_BYTES = 8 * 1024 * 1024
"""A 4096 x 4096 photograph at high quality; more is padding."""

MOST_DECLARED_MS = 1e13
"""Of a client's clock: three centuries after any epoch."""


def read_frame(captured: CapturedFrame, index: int, t_ms: float) -> Frame:
    """The frame to judge. `t_ms` is the caller's clock, never the picture's own. Raises `InputError` when the picture
    cannot be used.

    Costs one JPEG encoding (none when the bytes came encoded), one decoding and one SHA-256.
    """
    given = captured.jpeg
    jpeg = encode_jpeg(_checked_pixels(captured.image)) if given is None else checked_jpeg(given)
    image = decode_jpeg(jpeg, trusted=given is None)
    declared_ms = _declared(captured.media_ms)
    return Frame(index, t_ms, jpeg, hashlib.sha256(jpeg).digest(), image, declared_ms)


def _declared(media_ms: object) -> float | None:
    """To a microsecond: judged again, a frame must give the same."""
    if media_ms is None:
        return None
    if isinstance(media_ms, bool) or not isinstance(media_ms, int | float) or not abs(media_ms) < MOST_DECLARED_MS:
        raise InputError("a capture time that is none", expected="milliseconds as a number, or nothing")
    return round(1_000 * media_ms) / 1_000


def encode_jpeg(image: NDArray[np.uint8], quality: int = JPEG_QUALITY) -> bytes:
    """(height, width, 3) uint8 BGR as baseline JPEG."""
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:  # pragma: no cover - pixels were checked
        raise InputError("a picture that the JPEG encoder refused", expected="an 8-bit colour picture")
    return encoded.tobytes()


def decode_jpeg(jpeg: bytes, *, trusted: bool = False) -> NDArray[np.uint8]:
    """(height, width, 3) uint8 BGR, turned upright by its EXIF orientation where it has one.

    `trusted` bytes are our own: nothing about them can make the decoder complain, so nothing has to be silenced.
    """
    packed = np.frombuffer(jpeg, np.uint8)
    try:
        if trusted:
            decoded = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        else:
            with native_silence():
                decoded = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    except cv2.error:
        decoded = None
    if decoded is None:
        raise InputError(
            f"{len(jpeg)} bytes that do not decode as JPEG",
            expected="a whole, undamaged JPEG picture",
            next_step="take the picture again",
        )
    image: NDArray[np.uint8] = np.ascontiguousarray(decoded, dtype=np.uint8)
    return image


def checked_jpeg(jpeg: object) -> bytes:
    """The same bytes when they are a whole JPEG of a usable size; judged by the header alone, before decoding."""
    if not isinstance(jpeg, bytes | bytearray | memoryview):
        raise InputError(f"a JPEG as {type(jpeg).__name__}", expected="bytes", next_step="pass the encoded bytes")
    data = bytes(jpeg)
    if len(data) > MAX_JPEG_BYTES:
        raise InputError(
            f"a JPEG of {len(data)} bytes",
            expected=f"at most {MAX_JPEG_BYTES} bytes",
            next_step="scale the picture; 640 x 480 is plenty for one face",
        )
    header = read_header(data)
    if header.kind != "jpeg":
        raise InputError(
            f"a {header.kind.upper()} picture",
            expected="JPEG bytes, or pixels as a NumPy array",
            next_step="encode as JPEG: lossless pictures of a face would be sealed at ten times the size",
        )
    require_single_picture(data)
    return data


def _checked_pixels(image: object) -> NDArray[np.uint8]:
    """The array when it can be a frame. Raises `InputError` that names type, shape and size of what came."""
    if image is None:
        raise InputError(
            "a frame with neither pixels nor JPEG bytes",
            expected="one of the two",
            next_step="pass the camera's picture, or skip the frame",
        )
    if not isinstance(image, np.ndarray):
        raise InputError(
            f"a picture as {type(image).__name__}",
            expected="a NumPy array (height, width, 3) of uint8 in BGR order",
            next_step="convert it, for PIL: numpy.asarray(picture.convert('RGB'))[:, :, ::-1]",
        )
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:  # noqa: PLR2004 - height, width, channels
        raise InputError(
            f"an array of {image.dtype} with shape {image.shape}",
            expected="uint8 with shape (height, width, 3) in BGR order",
            next_step="scale to 0-255 and drop alpha, or repeat a grey channel three times",
        )
    check_side(image.shape[1], image.shape[0])
    return np.ascontiguousarray(image)
