"""The file an auditor keeps: which keys, and perhaps which checkpoints, are believed before any bundle is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from medauth.errors import InputError
from medauth.evidence.signing import KEY_BYTES, KeyPurpose, VerifyKey
from medauth.protocol.canonical import canonical, parse_object

FORMAT = "medauth trust v1"
DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class TrustFile:
    """Public keys by key id, and pinned checkpoints as root to size."""

    keys: Mapping[str, VerifyKey]
    checkpoints: Mapping[bytes, int]

    @classmethod
    def of(cls, keys: Iterable[VerifyKey], checkpoints: Mapping[bytes, int]) -> TrustFile:
        """From an operator's own keys and checkpoints."""
        return cls({key.key_id: key for key in keys}, checkpoints)

    def to_bytes(self) -> bytes:
        """The file's contents: canonical JSON."""
        return canonical(
            {
                "format": FORMAT,
                "keys": [
                    {"purpose": key.purpose.value, "key_id": key.key_id, "ed25519": key.raw.hex()}
                    for key in self.keys.values()
                ],
                "checkpoints": [{"root": root.hex(), "size": size} for root, size in self.checkpoints.items()],
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> TrustFile:
        """Reads a trust file. Raises `InputError`; a key id that does not fit its key is refused."""
        value: dict[str, Any] = parse_object(data)
        if value.get("format") != FORMAT:
            raise InputError("a file that is no trust file", expected=f'"format": "{FORMAT}"')
        try:
            keys = [_key(entry) for entry in value["keys"]]
            file = cls.of(keys, dict(_checkpoint(entry) for entry in value["checkpoints"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"a trust file that is malformed: {error}", next_step="make it by `medauth trust`"
            ) from error
        if parse_object(file.to_bytes()) != value:
            raise InputError("a trust file with more in it than belongs there", next_step="make it by `medauth trust`")
        return file


def _checkpoint(entry: Mapping[str, Any]) -> tuple[bytes, int]:
    root, size = bytes.fromhex(entry["root"]), entry["size"]
    if len(root) != DIGEST_BYTES or not isinstance(size, int) or size < 1:
        raise ValueError("a checkpoint without a digest and a size")
    return root, size


def _key(entry: Mapping[str, Any]) -> VerifyKey:
    key = VerifyKey(KeyPurpose(entry["purpose"]), bytes.fromhex(entry["ed25519"]))
    if len(key.raw) != KEY_BYTES or key.key_id != entry["key_id"]:
        raise ValueError("a key id that does not fit its key")
    return key
