"""Sealed files on disk: whole or not there, for their owner alone."""

from __future__ import annotations

import hashlib
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from medauth.errors import InputError, NotFound, StoreError
from medauth.store.blobs import FileBlobs
from medauth.store.interface import BlobRow


@contextmanager
def full_disk(at_bytes: int) -> Iterator[None]:
    """No file can grow beyond so many bytes; what fits is written, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "data" / "evidence")


def row(name: str, data: bytes) -> BlobRow:
    return BlobRow(name, hashlib.sha256(data).digest(), len(data))


def test_what_was_published_is_read_back(blobs: FileBlobs) -> None:
    writer = blobs.writer("evd_ab")
    writer.append("frames", b"one")
    writer.append("frames", b"two")
    writer.replace("traces", b"long draft")
    writer.replace("traces", b"final")
    assert writer.publish() == (row("frames", b"onetwo"), row("traces", b"final"))
    assert blobs.read("evd_ab", "frames") == b"onetwo"
    assert blobs.read("evd_ab", "traces") == b"final"


def test_nothing_is_there_before_it_is_published(blobs: FileBlobs) -> None:
    writer = blobs.writer("evd_ab")
    writer.append("frames", b"one")
    with pytest.raises(NotFound):
        blobs.read("evd_ab", "frames")
    writer.discard()


def test_publishing_again_gives_the_same_rows(blobs: FileBlobs) -> None:
    writer = blobs.writer("evd_ab")
    writer.append("frames", b"one")
    assert writer.publish() == writer.publish()


def test_nothing_written_is_nothing_published(blobs: FileBlobs, tmp_path: Path) -> None:
    assert blobs.writer("evd_ab").publish() == ()
    assert not list(tmp_path.iterdir())


def test_files_and_folders_are_their_owners_alone(blobs: FileBlobs, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        writer = blobs.writer("evd_ab")
        writer.append("frames", b"one")
        draft = list(tmp_path.rglob("*"))
        modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in draft}
        writer.publish()
    finally:
        os.umask(before)
    for path in tmp_path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert modes == {True: 0o700, False: 0o600}


@pytest.mark.parametrize("limit", [0, 1, 7, 100_000])
def test_a_write_that_failed_half_way_is_taken_back(blobs: FileBlobs, limit: int) -> None:
    writer, entry = blobs.writer("evd_ab"), b"x" * 70_000
    writer.append("frames", entry)
    with full_disk(70_000 + limit), pytest.raises(StoreError, match="evidence folder"):
        writer.append("frames", b"y" * 200_000)
    writer.append("frames", b"after")
    assert writer.publish() == (row("frames", entry + b"after"),)
    assert blobs.read("evd_ab", "frames") == entry + b"after"


def test_a_replacement_that_failed_can_be_tried_again(blobs: FileBlobs) -> None:
    writer = blobs.writer("evd_ab")
    writer.replace("traces", b"old")
    with full_disk(5), pytest.raises(StoreError):
        writer.replace("traces", b"new and longer")
    writer.replace("traces", b"new")
    assert writer.publish() == (row("traces", b"new"),)
    assert blobs.read("evd_ab", "traces") == b"new"


def test_publishing_that_failed_can_be_tried_again(blobs: FileBlobs, tmp_path: Path) -> None:
    """Something stands where the record's folder belongs; then it is gone."""
    writer = blobs.writer("evd_ab")
    writer.append("frames", b"one")
    in_the_way = tmp_path / "data" / "evidence" / "ab"
    in_the_way.write_bytes(b"")
    with pytest.raises(StoreError):
        writer.publish()
    in_the_way.unlink()
    assert writer.publish() == (row("frames", b"one"),)
    assert blobs.read("evd_ab", "frames") == b"one"


def test_publishing_goes_on_where_a_first_try_had_moved_the_folder(blobs: FileBlobs, tmp_path: Path) -> None:
    """The rename came through, making it durable did not."""
    writer = blobs.writer("evd_ab")
    writer.append("frames", b"one")
    evidence = tmp_path / "data" / "evidence"
    (evidence / "ab").mkdir()
    (evidence / "staging" / "evd_ab").rename(evidence / "ab" / "evd_ab")
    assert writer.publish() == (row("frames", b"one"),)
    assert blobs.read("evd_ab", "frames") == b"one"


def test_a_published_record_takes_no_more(blobs: FileBlobs) -> None:
    writer = blobs.writer("evd_ab")
    writer.append("frames", b"one")
    writer.publish()
    for write in (writer.append, writer.replace):
        with pytest.raises(StoreError, match="published"):
            write("frames", b"two")
    assert blobs.read("evd_ab", "frames") == b"one"


@pytest.mark.parametrize("published", [True, False])
def test_discarding_removes_everything_and_never_fails(blobs: FileBlobs, published: bool) -> None:
    writer = blobs.writer("evd_ab")
    writer.append("frames", b"one")
    if published:
        writer.publish()
    for _ in range(2):
        writer.discard()
    with pytest.raises(NotFound):
        blobs.read("evd_ab", "frames")


def test_deleting_removes_a_record_and_no_other(blobs: FileBlobs) -> None:
    for record_id in ("evd_1ab", "evd_2ab"):
        writer = blobs.writer(record_id)
        writer.append("frames", b"one")
        writer.publish()
    blobs.delete("evd_1ab")
    blobs.delete("evd_1ab")
    with pytest.raises(NotFound):
        blobs.read("evd_1ab", "frames")
    assert blobs.read("evd_2ab", "frames") == b"one"


def test_a_sweep_removes_what_a_crash_left_and_nothing_that_may_be_in_use(blobs: FileBlobs) -> None:
    writers = [blobs.writer(name) for name in ("evd_old", "evd_new")]
    for writer in writers:
        writer.append("frames", b"one")
    staging = blobs._folder / "staging"
    for path in (staging / "evd_old" / "frames", staging / "evd_old"):
        os.utime(path, (0, 0))
    assert blobs.sweep() == 1
    assert [path.name for path in staging.iterdir()] == ["evd_new"]
    assert blobs.sweep(idle_s=0) == 1
    assert blobs.sweep() == 0
    for writer in writers:
        writer.discard()


def test_a_sweep_of_nothing_finds_nothing(blobs: FileBlobs) -> None:
    assert blobs.sweep() == 0


@pytest.mark.parametrize(
    "name", ["..", ".", "", "../x", "a/b", "A", ".hidden", "a\x00", "a\n", "x" * 81, "\u00e4", "a\\b"], ids=repr
)
def test_names_that_could_leave_the_folder_are_refused(blobs: FileBlobs, name: str) -> None:
    with pytest.raises(InputError):
        blobs.writer(name)
    with pytest.raises(InputError):
        blobs.read(name, "frames")
    with pytest.raises(InputError):
        blobs.read("evd_ab", name)
    writer = blobs.writer("evd_ab")
    with pytest.raises(InputError):
        writer.append(name, b"x")
    writer.discard()


def test_a_folder_that_cannot_be_read_is_named(blobs: FileBlobs, tmp_path: Path) -> None:
    (tmp_path / "data" / "evidence" / "ab" / "evd_ab" / "frames").mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be used"):
        blobs.read("evd_ab", "frames")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot be used"):
        FileBlobs(tmp_path / "file").writer("evd_ab").append("frames", b"x")
