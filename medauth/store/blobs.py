"""Sealed files on disk, one folder a record: written while a check runs, published before its record commits.

A crash before the commit leaves a folder without a record, which holds nothing readable and is removed at the next
start; a record never points to a file that is not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from pathlib import Path

from medauth.errors import InputError, NotFound, StoreError
from medauth.store.interface import BlobRow

_SAFE = re.compile(r"[a-z0-9_.-]{1,80}")
_STAGING = "staging"


class FileBlobs:
    """`BlobStore` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def writer(self, record_id: str) -> FileBlobWriter:
        return FileBlobWriter(self._folder / _STAGING / _safe(record_id), self._place(record_id))

    def read(self, record_id: str, name: str) -> bytes:
        path = self._place(record_id) / _safe(name)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise NotFound(
                f"file {name} of record {record_id} is gone", next_step="restore the evidence folder from a backup"
            ) from None
        except OSError as error:
            raise _trouble(error, path) from error

    def any_of(self, record_id: str) -> bool:
        return self._place(record_id).exists()

    def delete(self, record_id: str) -> None:
        place = self._place(record_id)
        try:
            if place.exists():
                for path in place.iterdir():
                    _overwrite(path)
                shutil.rmtree(place)
        except OSError as error:
            raise _trouble(error, place) from error

    def sweep(self, *, idle_s: float = 3_600) -> int:
        """Removes drafts that a crash left behind; returns how many.

        Those that were touched within `idle_s` may belong to a check that another process is running.
        """
        staging = self._folder / _STAGING
        drafts = list(staging.iterdir()) if staging.is_dir() else []
        left = [draft for draft in drafts if _idle_s(draft) >= idle_s]
        for draft in left:
            shutil.rmtree(draft, ignore_errors=True)
        return len(left)

    def _place(self, record_id: str) -> Path:
        """Two levels, so that a folder never holds millions of entries."""
        return self._folder / _safe(record_id)[-2:] / record_id


class FileBlobWriter:
    """`BlobWriter` into a draft folder that is moved into place as a whole."""

    def __init__(self, draft: Path, place: Path) -> None:
        self._draft = draft
        self._place = place
        self._files: dict[str, _Draft] = {}
        self._published: tuple[BlobRow, ...] | None = None

    def append(self, name: str, sealed: bytes) -> None:
        try:
            self._open(name).append(sealed)
        except OSError as error:
            raise _trouble(error, self._draft) from error

    def replace(self, name: str, sealed: bytes) -> None:
        try:
            file = self._open(name)
            file.clear()
            file.append(sealed)
        except OSError as error:
            raise _trouble(error, self._draft) from error

    def publish(self) -> tuple[BlobRow, ...]:
        if self._published is None:
            try:
                rows = tuple(self._files[name].made_durable(name) for name in sorted(self._files))
                if rows:
                    self._move()
            except OSError as error:
                raise _trouble(error, self._place) from error
            self._published = rows
            self._close()
        return self._published

    def discard(self) -> None:
        self._close()
        for folder in (self._draft, self._place):
            shutil.rmtree(folder, ignore_errors=True)

    def _move(self) -> None:
        """Renames the draft folder, which a try before this one may have done already; then makes the names durable."""
        bucket = self._place.parent
        _make_folder(bucket)
        if self._draft.exists():
            _sync_folder(self._draft)
            self._draft.rename(self._place)
        for folder in (bucket, bucket.parent):
            _sync_folder(folder)

    def _close(self) -> None:
        for file in self._files.values():
            file.close()

    def _open(self, name: str) -> _Draft:
        if self._published is not None:
            raise StoreError("files that are published already", expected="a draft", next_step="start a new check")
        if name not in self._files:
            _make_folder(self._draft)
            self._files[name] = _Draft(self._draft / _safe(name))
        return self._files[name]


class _Draft:
    """One file while it grows. A write that fails half way is taken back: what was digested is what is there."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "wb", buffering=0, opener=_private)  # noqa: SIM115 - Path.open has no opener
        self._digest = hashlib.sha256()
        self._length = 0

    def append(self, data: bytes) -> None:
        self._file.seek(self._length)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(self._length)
            raise
        self._digest.update(data)
        self._length += len(data)

    def clear(self) -> None:
        self._file.truncate(0)
        self._digest, self._length = hashlib.sha256(), 0

    def made_durable(self, name: str) -> BlobRow:
        os.fsync(self._file.fileno())
        return BlobRow(name, self._digest.digest(), self._length)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()


def _safe(name: str) -> str:
    """Names become paths: nothing but plain letters may pass."""
    if not _SAFE.fullmatch(name) or name.startswith("."):
        raise InputError(f"the name {name[:40]!r}", expected="lower-case letters, digits, '_', '.' and '-'")
    return name


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _make_folder(folder: Path) -> None:
    """Every folder on the way is its owner's alone; `mkdir(parents=True)` gives the mode to the last one only."""
    for part in (*reversed(folder.parents), folder):
        if not part.exists():
            part.mkdir(mode=0o700, exist_ok=True)


def _idle_s(draft: Path) -> float:
    """Seconds since anything in a draft was written; 0 when it is just being moved away."""
    try:
        return time.time() - max(path.stat().st_mtime for path in (draft, *draft.iterdir()))
    except OSError:
        return 0.0


def _overwrite(path: Path) -> None:
    """Zeros over the contents: their key is gone already, this is for those who look for them all the same."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _trouble(error: OSError, path: Path) -> StoreError:
    return StoreError(
        f"the evidence folder cannot be used: {error.strerror or error}",
        expected="a writable folder with free space",
        next_step=f"check {path.parent}; nothing was half stored",
    )
