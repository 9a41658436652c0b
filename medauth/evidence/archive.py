"""A sealed file of kept frames: one entry a frame, each sealed on its own and bound to its number.

An entry is a 4-byte big-endian length followed by that many sealed bytes. Frames are sealed as they arrive, so that no
picture of a person ever lies on disk in the clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from medauth.errors import EvidenceError
from medauth.evidence.sealing import seal, unseal

FILE = "frames"
_LENGTH_BYTES = 4


class KeepFrames(StrEnum):
    """Which frames are kept, sealed: none, those at which something happened, or all."""

    NONE = "none"
    KEY = "key"
    ALL = "all"


def frame_entry(key: bytes, jpeg: bytes, *, record_id: str, index: int) -> bytes:
    """The bytes to append for one frame."""
    sealed = seal(key, jpeg, record_id=record_id, name=_name(index))
    return len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed


def frames_in(key: bytes, data: bytes, *, record_id: str, indices: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """The (index, JPEG bytes) of each entry, in the order of `indices`. Raises `EvidenceError`."""
    at = 0
    for index in indices:
        length = int.from_bytes(data[at : at + _LENGTH_BYTES], "big")
        sealed = data[at + _LENGTH_BYTES : at + _LENGTH_BYTES + length]
        if not length or len(sealed) != length:
            raise EvidenceError(
                f"the frames of record {record_id} end before frame {index}", expected="all kept frames"
            )
        yield index, unseal(key, sealed, record_id=record_id, name=_name(index))
        at += _LENGTH_BYTES + length
    if at != len(data):
        raise EvidenceError(
            f"the frames of record {record_id} go on after the last one", expected="the kept frames only"
        )


def _name(index: int) -> str:
    return f"{FILE}/{index}"
