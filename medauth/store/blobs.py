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
from pathlib import Path
from typing import BinaryIO

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

    def delete(self, record_id: str) -> None:
        place = self._place(record_id)
        try:
            if place.exists():
                shutil.rmtree(place)
        except OSError as error:
            raise _trouble(error, place) from error

    def sweep(self) -> int:
        """Removes drafts that a crash left behind; returns how many. To be called while no check runs."""
        staging = self._folder / _STAGING
        drafts = list(staging.iterdir()) if staging.is_dir() else []
        for draft in drafts:
            shutil.rmtree(draft, ignore_errors=True)
        return len(drafts)

    def _place(self, record_id: str) -> Path:
        """Two levels, so that a folder never holds millions of entries."""
        return self._folder / _safe(record_id)[-2:] / record_id


class FileBlobWriter:
    """`BlobWriter` into a draft folder that is moved into place as a whole."""

    def __init__(self, draft: Path, place: Path) -> None:
        self._draft = draft
        self._place = place
        self._files: dict[str, tuple[BinaryIO, hashlib._Hash]] = {}
        self._published: tuple[BlobRow, ...] | None = None

    def append(self, name: str, sealed: bytes) -> None:
        try:
            file, digest = self._open(name)
            file.write(sealed)
        except OSError as error:
            raise _trouble(error, self._draft) from error
        digest.update(sealed)

    def replace(self, name: str, sealed: bytes) -> None:
        try:
            file, _ = self._open(name)
            file.seek(0)
            file.truncate()
            file.write(sealed)
        except OSError as error:
            raise _trouble(error, self._draft) from error
        self._files[name] = (file, hashlib.sha256(sealed))

    def publish(self) -> tuple[BlobRow, ...]:
        if self._published is None:
            try:
                rows = tuple(_made_durable(name, *self._files[name]) for name in sorted(self._files))
                if rows:
                    self._place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    self._draft.rename(self._place)
                    _sync_folder(self._place.parent)
            except OSError as error:
                raise _trouble(error, self._place) from error
            self._published = rows
            self._close()
        return self._published

    def discard(self) -> None:
        self._close()
        for folder in (self._draft, self._place):
            shutil.rmtree(folder, ignore_errors=True)

    def _close(self) -> None:
        for file, _ in self._files.values():
            with contextlib.suppress(OSError):
                file.close()

    def _open(self, name: str) -> tuple[BinaryIO, hashlib._Hash]:
        if name not in self._files:
            self._draft.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = (self._draft / _safe(name)).open("wb")
            self._files[name] = (file, hashlib.sha256())
        return self._files[name]


def _safe(name: str) -> str:
    """Names become paths: nothing but plain letters may pass."""
    if not _SAFE.fullmatch(name) or name.startswith("."):
        raise InputError(f"the name {name[:40]!r}", expected="lower-case letters, digits, '_', '.' and '-'")
    return name


def _made_durable(name: str, file: BinaryIO, digest: hashlib._Hash) -> BlobRow:
    file.flush()
    os.fsync(file.fileno())
    return BlobRow(name, digest.digest(), file.tell())


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
