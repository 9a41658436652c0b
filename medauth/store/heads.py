"""Remembered heads in one file beside the keys: whoever can change the mirror's database cannot make it forget them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medauth.errors import InputError, KeyringError
from medauth.evidence.bundle import Contract
from medauth.evidence.note import CheckpointNote
from medauth.protocol.canonical import Json, canonical, parse_object
from medauth.store.heads_interface import RememberedHead
from medauth.store.key_files import one_at_a_time, sync_folder

_FORMAT = "medauth heads v1"


class FileHeads:
    """`HeadMemory` in `heads.json` of a folder of keys. Signed notes need no other protection than to be there."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "heads.json"

    def remember(self, log: str, head: RememberedHead) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with one_at_a_time(self._path.parent):
                kept, stamped = self._kept()
                if log in kept and kept[log].note.size >= head.note.size:
                    return
                self._write(kept | {log: head}, stamped)
        except OSError as error:
            raise self._trouble(error) from error

    def remember_stamped(self, log: str, authority: str, size: int) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with one_at_a_time(self._path.parent):
                kept, stamped = self._kept()
                known = stamped.get(log, {})
                if size > known.get(authority, 0):
                    self._write(kept, stamped | {log: {**known, authority: size}})
        except OSError as error:
            raise self._trouble(error) from error

    def heads(self) -> Mapping[str, RememberedHead]:
        return self._kept()[0]

    def stamped(self) -> Mapping[str, Mapping[str, int]]:
        return self._kept()[1]

    def _kept(self) -> tuple[dict[str, RememberedHead], dict[str, dict[str, int]]]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return {}, {}
        except OSError as error:
            raise self._trouble(error) from error
        try:
            return _read(parse_object(data))
        except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise KeyringError(
                f"{self._path.name} was altered", expected=_FORMAT, next_step="restore it from a backup of the keys"
            ) from error

    def _write(self, heads: Mapping[str, RememberedHead], stamped: Mapping[str, Mapping[str, int]]) -> None:
        entries: dict[str, Json] = {
            log: {"note": head.note.to_text(), "contract": head.contract.to_json()} for log, head in heads.items()
        }
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                value: dict[str, Json] = {"format": _FORMAT, "heads": entries}
                if stamped:
                    value["stamped"] = {log: dict(sizes) for log, sizes in stamped.items()}
                file.write(canonical(value) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
            sync_folder(self._path.parent)
        finally:
            draft.unlink(missing_ok=True)

    def _trouble(self, error: OSError) -> KeyringError:
        return KeyringError(
            f"{self._path.name} cannot be used: {error.strerror}", next_step=f"check {self._path.parent}"
        )


def _read(value: Mapping[str, Any]) -> tuple[dict[str, RememberedHead], dict[str, dict[str, int]]]:
    if value["format"] != _FORMAT:
        raise ValueError("another format")
    stamped = {log: {name: int(size) for name, size in of.items()} for log, of in value.get("stamped", {}).items()}
    return {log: _head(entry) for log, entry in value["heads"].items()}, stamped


def _head(entry: Mapping[str, Any]) -> RememberedHead:
    return RememberedHead(CheckpointNote.from_text(entry["note"]), Contract.from_json(entry["contract"]))
