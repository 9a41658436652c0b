"""The keyed leaf of a record, and the digest chain over its frames."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medauth.evidence.commitment import FrameChain, RecordKeys, leaf_commitment

frames = st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 10**8)), min_size=1, max_size=8)
Frames = list[tuple[bytes, int]]


def head(found: Frames, check_id: str = "chk_1") -> bytes:
    """Times in microseconds."""
    chain = FrameChain(check_id)
    for digest, t_us in found:
        chain.add(digest, t_us / 1_000)
    return chain.head


def test_the_chain_is_as_documented() -> None:
    """An auditor in another language computes it from these few words."""
    first, second = b"\x01" * 32, b"\x02" * 32
    link = hashlib.sha256(b"medauth frames v1\x00chk_1").digest()
    link = hashlib.sha256(link + (0).to_bytes(8, "big") + (0).to_bytes(8, "big") + first).digest()
    link = hashlib.sha256(link + (1).to_bytes(8, "big") + (33_333).to_bytes(8, "big") + second).digest()
    assert head([(first, 0), (second, 33_333)]) == link


@given(frames, st.data())
def test_removing_a_frame_changes_it(found: Frames, data: st.DataObject) -> None:
    which = data.draw(st.integers(0, len(found) - 1))
    assert head(found[:which] + found[which + 1 :]) != head(found)


@given(frames, st.data())
def test_adding_a_frame_changes_it(found: Frames, data: st.DataObject) -> None:
    which = data.draw(st.integers(0, len(found)))
    assert head([*found[:which], (bytes(32), 5), *found[which:]]) != head(found)


@given(frames, st.randoms(use_true_random=False))
def test_reordering_frames_changes_it(found: Frames, draw: object) -> None:
    moved = [*found]
    draw.shuffle(moved)  # type: ignore[attr-defined]
    assume(moved != found)
    assert head(moved) != head(found)


@given(frames, st.data(), st.sampled_from([-1, 1, 1_000]))
def test_retiming_a_frame_by_a_microsecond_changes_it(found: Frames, data: st.DataObject, by_us: int) -> None:
    which = data.draw(st.integers(0, len(found) - 1))
    digest, t_us = found[which]
    assume(t_us + by_us >= 0)
    assert head([*found[:which], (digest, t_us + by_us), *found[which + 1 :]]) != head(found)


@given(frames, st.data())
def test_another_picture_changes_it(found: Frames, data: st.DataObject) -> None:
    which = data.draw(st.integers(0, len(found) - 1))
    digest, t_us = found[which]
    other = bytes([digest[0] ^ 1]) + digest[1:]
    assert head([*found[:which], (other, t_us), *found[which + 1 :]]) != head(found)


@given(frames)
def test_a_chain_belongs_to_one_check(found: Frames) -> None:
    assert head(found, "chk_2") != head(found)


def test_a_chain_without_frames_belongs_to_its_check_too() -> None:
    assert FrameChain("chk_1").head != FrameChain("chk_2").head
    assert FrameChain("chk_1").count == 0


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=64))
def test_a_leaf_is_an_hmac(key: bytes, payload: bytes) -> None:
    assert leaf_commitment(key, payload) == hmac.new(key, payload, hashlib.sha256).digest()


def test_keys_are_fresh_and_come_back() -> None:
    keys = RecordKeys.generate()
    assert RecordKeys.from_bytes(keys.to_bytes()) == keys
    assert len({keys.leaf, keys.seal, *RecordKeys.generate().to_bytes().split(b"\xff\xff\xff")}) >= 3
    assert len(keys.leaf) == len(keys.seal) == 32


@pytest.mark.parametrize("show", [repr, str])
def test_keys_never_show(show: object) -> None:
    keys = RecordKeys(b"\xaa" * 32, b"\xbb" * 32)
    shown = show(keys)  # type: ignore[operator]
    assert "aa" * 4 not in shown
    assert "\\xaa" not in shown
    assert "\\xbb" not in shown
