"""Sealed files of kept frames and of kept sound: one entry a frame or piece, each sealed on its own and bound to its number.

An entry is a 4-byte big-endian length followed by that many sealed bytes. Frames are sealed as they arrive, so that no
picture of a person ever lies on disk in the clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from medauth.errors import EvidenceError
from medauth.evidence.sealing import seal, unseal

FILE = "frames"
SOUND_FILE = "sound"
"""Kept only where all frames are: with less nothing can be judged again, and a voice tells who somebody is."""
_LENGTH_BYTES = 4


class KeepFrames(StrEnum):
    """Which frames are kept, sealed: none, those at which something happened, or all."""

    NONE = "none"
    KEY = "key"
    ALL = "all"


def frame_entry(key: bytes, content: bytes, *, record_id: str, index: int, file: str = FILE) -> bytes:
    """The bytes to append for one frame, or piece of sound."""
    sealed = seal(key, content, record_id=record_id, name=_name(file, index))
    return len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed


def frames_in(
    key: bytes, data: bytes, *, record_id: str, indices: Iterable[int], file: str = FILE
) -> Iterator[tuple[int, bytes]]:
    """The (index, bytes) of each entry, in the order of `indices`. Raises `EvidenceError`."""
    at = 0
    for index in indices:
        length = int.from_bytes(data[at : at + _LENGTH_BYTES], "big")
        sealed = data[at + _LENGTH_BYTES : at + _LENGTH_BYTES + length]
        if not length or len(sealed) != length:
            raise EvidenceError(
                f"the {file} of record {record_id} ends before entry {index}", expected="all that was kept"
            )
        yield index, unseal(key, sealed, record_id=record_id, name=_name(file, index))
        at += _LENGTH_BYTES + length
    if at != len(data):
        raise EvidenceError(
            f"the {file} of record {record_id} goes on after the last entry", expected="what was kept alone"
        )


def _name(file: str, index: int) -> str:
    return f"{file}/{index}"
