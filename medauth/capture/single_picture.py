"""A JPEG that is a picture and nothing else: what hides in or behind it could be another kind of file.

A *polyglot* is a picture to the one who judges it and an archive, a page or a program to the one who opens it later. A
frame is sealed and handed to auditors as it came, so such a one is refused before it is judged. Segments as in ITU-T
T.81, annex B.
"""

from __future__ import annotations

import struct

from medauth.errors import InputError

MAX_BESIDE_BYTES = 64 * 1024
"""Of all comments and application data together: Exif with its thumbnail, and a colour profile."""
_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_APPLICATION = range(0xE0, 0xF0)
_RESTARTS = range(0xD0, 0xD8)
_STUFFED = 0x00


def require_single_picture(data: bytes) -> None:
    """Raises `InputError` for bytes behind the picture (other than a camera's padding with zeros), or too many beside it."""
    try:
        end, beside = _walked(data)
    except (struct.error, IndexError):
        raise _refused("a JPEG whose parts do not follow one another") from None
    if data[end:].strip(b"\0"):
        raise _refused(f"a JPEG with {len(data) - end} bytes behind the picture")
    if beside > MAX_BESIDE_BYTES:
        raise _refused(f"a JPEG with {beside} bytes of comments and application data")


def _walked(data: bytes) -> tuple[int, int]:
    """Where the picture ends, and how many bytes of its segments are no picture."""
    at, beside = 2, 0
    while True:
        _marker(data, at)
        while data[at + 1] == 0xFF:  # noqa: PLR2004 - fill bytes before a marker
            at += 1
        marker = _marker(data, at)
        if marker == _EOI:
            return at + 2, beside
        if marker in {_SOI, _STUFFED} or marker in _RESTARTS:
            raise IndexError(at)
        length = int(struct.unpack_from(">H", data, at + 2)[0])
        if marker == _COM or marker in _APPLICATION:
            beside += length
        at += 2 + length
        if marker == _SOS:
            at = _after_scan(data, at)


def _after_scan(data: bytes, at: int) -> int:
    """The first marker behind coded data: zeros behind 0xFF and restarts belong to it."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise IndexError(at)
        following = data[at + 1]
        if following != _STUFFED and following not in _RESTARTS:
            return at
        at += 2


def _marker(data: bytes, at: int) -> int:
    if data[at] != 0xFF:  # noqa: PLR2004 - every marker begins so
        raise IndexError(at)
    return data[at + 1]


def _refused(got: str) -> InputError:
    return InputError(got, expected="one whole JPEG picture and nothing else", next_step="encode the picture anew")
