"""Reads width and height from the first bytes of a picture, so that nothing huge is decoded to learn that it is huge.

Only the formats that medauth takes: JPEG (ITU-T T.81, annex B), PNG (RFC 2083, 11.2.1) and WebP (RFC 9649).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from medauth.errors import InputError

MIN_SIDE = 64
"""Below this no face can be judged."""
MAX_SIDE = 4096
"""Above this a frame costs more than it tells, and a decompression bomb begins."""

_SOI = b"\xff\xd8"
_EOI = b"\xff\xd9"
# Start of frame: sequential and progressive Huffman coding. Arithmetic, lossless and hierarchical ones are refused.
_SOF = frozenset({0xC0, 0xC1, 0xC2})
# Markers that stand alone, without a length: TEM and the restarts.
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
_SCAN = 0xDA


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What a picture says about itself before it is decoded."""

    kind: str
    width: int
    height: int


def read_header(data: bytes) -> PictureHeader:
    """Format and size. Raises `InputError` when the bytes are none of the formats, cut off, or of an unusable size."""
    for magic, parse in _PARSERS.items():
        if data.startswith(magic):
            try:
                header = parse(data)
            except (struct.error, IndexError):
                header = None
            if header is None:
                raise InputError(
                    f"a {len(data)}-byte picture with a broken header",
                    expected="a whole JPEG, PNG or WebP file",
                    next_step="take the picture again, or export it anew",
                )
            return _checked(header)
    raise InputError(
        f"{len(data)} bytes that are no picture" if data else "no bytes at all",
        expected="a JPEG, PNG or WebP picture",
        next_step="pass the encoded picture itself, not its path, its Base64 form or another format",
    )


def check_side(width: int, height: int) -> None:
    """Raises `InputError` unless both sides are within what can be judged."""
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        raise InputError(
            f"a picture of {width} x {height} pixels",
            expected=f"{MIN_SIDE} to {MAX_SIDE} pixels on each side",
            next_step="scale the picture; 640 x 480 is plenty for one face",
        )


def _checked(header: PictureHeader) -> PictureHeader:
    check_side(header.width, header.height)
    return header


def _jpeg(data: bytes) -> PictureHeader | None:
    """Walks the segments up to the first scan. A file without its end marker is cut off: the rest would decode to grey,
    and a face made of grey blocks must not be judged."""
    if not data.rstrip(b"\0").endswith(_EOI):
        return None
    at = len(_SOI)
    while data[at] == 0xFF:  # noqa: PLR2004 - every marker begins so
        marker = data[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - fill byte
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _SOF:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return PictureHeader("jpeg", width, height)
        elif marker == _SCAN:
            return None
        else:
            at += 2 + int(struct.unpack_from(">H", data, at + 2)[0])
    return None


def _png(data: bytes) -> PictureHeader | None:
    if data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return PictureHeader("png", width, height)


def _webp(data: bytes) -> PictureHeader | None:
    chunk = data[12:16]
    if data[8:12] != b"WEBP":
        return None
    if chunk == b"VP8 ":  # lossy: key frame header, 14 bits each
        width, height = struct.unpack_from("<HH", data, 26)
        return PictureHeader("webp", width & 0x3FFF, height & 0x3FFF)
    if chunk == b"VP8L":  # lossless: 14 bits each, less one
        bits = int(struct.unpack_from("<I", data, 21)[0])
        return PictureHeader("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if chunk == b"VP8X":  # extended: 24 bits each, less one
        width = int.from_bytes(data[24:27], "little") + 1
        return PictureHeader("webp", width, int.from_bytes(data[27:30], "little") + 1)
    return None


_PARSERS: Mapping[bytes, Callable[[bytes], PictureHeader | None]] = {
    _SOI: _jpeg,
    b"\x89PNG\r\n\x1a\n": _png,
    b"RIFF": _webp,
}
