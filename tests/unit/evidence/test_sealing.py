"""Sealed bytes open whole, in their own place, under their own key, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.errors import EvidenceError
from medauth.evidence.archive import frame_entry, frames_in
from medauth.evidence.sealing import OVERHEAD_BYTES, seal, unseal

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))


@given(st.binary(max_size=300), st.text(max_size=10), st.text(max_size=10))
def test_what_was_sealed_is_opened(plaintext: bytes, record_id: str, name: str) -> None:
    sealed = seal(KEY, plaintext, record_id=record_id, name=name)
    assert len(sealed) == len(plaintext) + OVERHEAD_BYTES
    assert unseal(KEY, sealed, record_id=record_id, name=name) == plaintext


@given(st.binary(min_size=1, max_size=60), st.data())
def test_a_flipped_bit_does_not_open(plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(KEY, plaintext, record_id="evd_1", name="traces"))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(EvidenceError):
        unseal(KEY, bytes(sealed), record_id="evd_1", name="traces")


@given(st.integers(0, OVERHEAD_BYTES + 19))
def test_a_cut_off_file_does_not_open(length: int) -> None:
    sealed = seal(KEY, b"x" * 20, record_id="evd_1", name="traces")
    with pytest.raises(EvidenceError):
        unseal(KEY, sealed[:length], record_id="evd_1", name="traces")


@pytest.mark.parametrize(
    ("key", "record_id", "name"),
    [(OTHER_KEY, "evd_1", "traces"), (KEY, "evd_2", "traces"), (KEY, "evd_1", "envelope"), (KEY, "evd_", "1traces")],
)
def test_another_key_record_or_name_does_not_open(key: bytes, record_id: str, name: str) -> None:
    sealed = seal(KEY, b"secret", record_id="evd_1", name="traces")
    with pytest.raises(EvidenceError):
        unseal(key, sealed, record_id=record_id, name=name)


def test_the_same_bytes_never_seal_alike() -> None:
    assert seal(KEY, b"x", record_id="a", name="b") != seal(KEY, b"x", record_id="a", name="b")


def test_nothing_readable_is_left_in_what_is_sealed() -> None:
    assert b"biometric" not in seal(KEY, b"biometric" * 20, record_id="a", name="b")


# The archive of kept frames

pictures = st.lists(st.binary(max_size=80), max_size=6)


def archive(frames: dict[int, bytes]) -> bytes:
    return b"".join(frame_entry(KEY, jpeg, record_id="evd_1", index=index) for index, jpeg in frames.items())


def opened(data: bytes, indices: list[int]) -> dict[int, bytes]:
    return dict(frames_in(KEY, data, record_id="evd_1", indices=indices))


@given(st.dictionaries(st.integers(0, 10_000), st.binary(max_size=80), max_size=6))
def test_kept_frames_are_read_back(frames: dict[int, bytes]) -> None:
    assert opened(archive(frames), list(frames)) == frames


@given(st.dictionaries(st.integers(0, 99), st.binary(max_size=40), min_size=1, max_size=4), st.data())
def test_a_flipped_bit_of_the_archive_is_found(frames: dict[int, bytes], data: st.DataObject) -> None:
    spoilt = bytearray(archive(frames))
    bit = data.draw(st.integers(0, 8 * len(spoilt) - 1))
    spoilt[bit // 8] ^= 1 << bit % 8
    with pytest.raises(EvidenceError):
        opened(bytes(spoilt), list(frames))


ONE, TWO = (archive({index: b"jpeg"}) for index in (0, 7))


@pytest.mark.parametrize(
    ("data", "indices"),
    [
        pytest.param(TWO + ONE, [0, 7], id="exchanged"),
        pytest.param(ONE, [0, 7], id="one removed"),
        pytest.param(ONE + TWO, [0], id="one too many"),
        pytest.param(ONE + ONE, [0, 7], id="one twice"),
        pytest.param(ONE + TWO[:-1], [0, 7], id="cut off"),
        pytest.param(ONE + TWO + b"\x00", [0, 7], id="a byte more"),
        pytest.param(ONE + b"\x00\x00\x00\x00", [0, 7], id="an empty entry"),
        pytest.param(ONE + b"\xff\xff\xff\xff" + TWO, [0, 7], id="a huge length"),
        pytest.param(b"", [0], id="nothing"),
    ],
)
def test_frames_cannot_be_moved_added_or_removed(data: bytes, indices: list[int]) -> None:
    with pytest.raises(EvidenceError):
        opened(data, indices)


def test_frames_of_another_record_do_not_open() -> None:
    with pytest.raises(EvidenceError):
        dict(frames_in(KEY, ONE, record_id="evd_2", indices=[0]))
