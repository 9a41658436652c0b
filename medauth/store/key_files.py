"""Key files: written whole or not at all, replaced in one step, kept from others; and the list of retired public keys."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medauth.errors import InputError, KeyringError
from medauth.evidence.signing import KeyPurpose, VerifyKey
from medauth.protocol.canonical import canonical, parse_object
from medauth.store.keyring_interface import RetiredKeyRow

RETIRED_FOLDER = "retired"
_RETIRED_FORMAT = "medauth retired key v1"

Stamp = tuple[int, int]
"""Inode and time of change: another file lies there when they differ."""


def stamp_of(path: Path) -> Stamp | None:
    """What tells a file from the one that replaced it; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """One process at a time replaces keys."""
    # For its owner alone, as all that lies beside keys: who could open it could also hold it.
    descriptor = os.open(folder / "rotation.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def replace_key(path: Path, successor: Path) -> None:
    """Puts the successor in place and overwrites the old private key, as far as the disk lets one."""
    try:
        with path.open("r+b") as old:
            size = path.stat().st_size
            successor.replace(path)
            sync_folder(path.parent)
            old.write(bytes(size))
            old.flush()
            os.fsync(old.fileno())
    except OSError as error:
        raise KeyringError(
            f"the key file {path.name} cannot be replaced: {error.strerror}", next_step=f"check {path.parent}"
        ) from error


def create_file(path: Path, data: bytes) -> None:
    """Writes a key so that of two processes that start at once both end up with the same one, and none half written."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        sync_folder(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """What was sealed under a key outlives a power cut; so must the key."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refuse_shared(path: Path) -> None:
    """Raises `KeyringError` for a key that others may read."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise KeyringError(
            f"{path.name} has mode {mode:04o}",
            expected="0600: nobody else may read a key",
            next_step=f"chmod 600 {path}, and think about who may have read it",
        )


def keep_retired(folder: Path, row: RetiredKeyRow) -> None:
    """Keeps a retired public key for as long as there are records that it signed."""
    path = folder / f"{row.key_id.removeprefix('ed25519:')}.json"
    if not path.exists():
        value = {"format": _RETIRED_FORMAT, "purpose": row.purpose.value, "ed25519": row.raw.hex(), "until": row.until}
        try:
            create_file(path, canonical({**value, "successor": row.successor, "record_id": row.record_id}))
        except OSError as error:
            raise KeyringError(
                f"the retired key {path.name} cannot be kept: {error.strerror}", next_step=f"check {folder}"
            ) from error


def read_retired(folder: Path) -> dict[str, RetiredKeyRow]:
    """Retired public keys by key id. Raises `KeyringError` for a file that was altered."""
    if not folder.is_dir():
        return {}
    rows = [_read_retired(path) for path in sorted(folder.glob("*.json"))]
    return {row.key_id: row for row in rows}


def _read_retired(path: Path) -> RetiredKeyRow:
    try:
        value: dict[str, Any] = parse_object(path.read_bytes())
        key = VerifyKey(KeyPurpose(value["purpose"]), bytes.fromhex(value["ed25519"]))
        row = RetiredKeyRow(
            key.key_id, key.purpose, key.raw, int(value["until"]), str(value["successor"]), str(value["record_id"])
        )
        if value["format"] != _RETIRED_FORMAT or path.stem != key.key_id.removeprefix("ed25519:") or row.until < 1:
            raise ValueError(path.name)  # noqa: TRY301 - one message for every file that is not ours
    except (OSError, InputError, KeyError, TypeError, ValueError) as error:
        raise KeyringError(
            f"the retired key {path.name} cannot be read",
            expected="a file as `medauth keys rotate` wrote it",
            next_step="restore it from a backup: without it the records of that time do not verify",
        ) from error
    return row
