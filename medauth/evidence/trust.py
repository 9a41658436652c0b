"""The file an auditor keeps: which keys, contracts, checkpoints and time stamp authorities are believed before any bundle
is read. A bundle may choose none of them for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from medauth.errors import InputError
from medauth.evidence.bundle import Contract
from medauth.evidence.signing import KEY_BYTES, KeyPurpose, VerifyKey
from medauth.protocol.canonical import canonical, parse_object

FORMAT = "medauth trust v1"
DIGEST_BYTES = 32

Contracts = Mapping[str, tuple[Contract, ...]]
"""By log; several where a log went on in a new contract."""


@dataclass(frozen=True, slots=True)
class TrustFile:
    """Public keys by key id, pinned checkpoints as root to size, contracts by log, authorities' certificates as PEM."""

    keys: Mapping[str, VerifyKey]
    checkpoints: Mapping[bytes, int]
    contracts: Contracts = field(default_factory=dict)
    authorities: tuple[str, ...] = ()
    retired: Mapping[str, int] = field(default_factory=dict)
    """Key id to the size of the log until which a key counted that was replaced since: its leaves lie below."""

    @classmethod
    def of(
        cls,
        keys: Iterable[VerifyKey],
        checkpoints: Mapping[bytes, int],
        contracts: Contracts | None = None,
        authorities: Iterable[str] = (),
        retired: Mapping[str, int] | None = None,
    ) -> TrustFile:
        """From an operator's own keys, checkpoints and contracts."""
        by_id = {key.key_id: key for key in keys}
        return cls(by_id, checkpoints, contracts or {}, tuple(authorities), retired or {})

    def to_bytes(self) -> bytes:
        """The file's contents: canonical JSON."""
        return canonical(
            {
                "format": FORMAT,
                "keys": [
                    {
                        "purpose": key.purpose.value,
                        "key_id": key.key_id,
                        "ed25519": key.raw.hex(),
                        "until_size": self.retired.get(key.key_id),
                    }
                    for key in self.keys.values()
                ],
                "checkpoints": [{"root": root.hex(), "size": size} for root, size in self.checkpoints.items()],
                "contracts": [
                    {"log": log, **contract.to_json()} for log, known in self.contracts.items() for contract in known
                ],
                "time_stamp_authorities": list(self.authorities),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> TrustFile:
        """Reads a trust file. Raises `InputError`; a key id that does not fit its key is refused."""
        value: dict[str, Any] = parse_object(data)
        if value.get("format") != FORMAT:
            raise InputError("a file that is no trust file", expected=f'"format": "{FORMAT}"')
        try:
            file = cls.of(
                [_key(entry) for entry in value["keys"]],
                dict(_checkpoint(entry) for entry in value["checkpoints"]),
                _contracts(value["contracts"]),
                [_certificate(text) for text in value["time_stamp_authorities"]],
                {
                    entry["key_id"]: _size(entry["until_size"])
                    for entry in value["keys"]
                    if entry["until_size"] is not None
                },
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"a trust file that is malformed: {error}", next_step="make it by `medauth trust`"
            ) from error
        if parse_object(file.to_bytes()) != value:
            raise InputError("a trust file with more in it than belongs there", next_step="make it by `medauth trust`")
        return file


@dataclass(frozen=True, slots=True)
class Trust:
    """What a verifier believes before reading a bundle: keys, and perhaps a checkpoint and a chain."""

    keys: Mapping[str, VerifyKey]
    checkpoints: Mapping[bytes, int] | None = None
    """Trusted roots and their sizes; None: roots are not pinned."""
    size_on_chain: Callable[[bytes], int | None] | None = None
    """Asks the contract for the size it holds under a root; None: no chain is at hand."""
    contracts: Contracts | None = None
    """The contracts that count, by log; None: the one that the bundle names is taken."""
    stamped_ms: Callable[[bytes, bytes], int] | None = None
    """(token, text) to the time stamped, in ms. Raises `EvidenceError`; None: no authority is trusted."""
    retired: Mapping[str, int] = field(default_factory=dict)
    """Key id to the size of the log until which a replaced key counted."""
    revoked: Callable[[bytes], str | None] | None = None
    """Asks the contracts when and why they revoked a leaf (unhashed); None: they cannot be asked."""

    @classmethod
    def of(
        cls,
        file: TrustFile,
        *,
        size_on_chain: Callable[[bytes], int | None] | None = None,
        stamped_ms: Callable[[bytes, bytes], int] | None = None,
        revoked: Callable[[bytes], str | None] | None = None,
    ) -> Trust:
        """What a trust file names; what it leaves out is not pinned."""
        pinned, contracts = file.checkpoints or None, file.contracts or None
        return cls(file.keys, pinned, size_on_chain, contracts, stamped_ms, file.retired, revoked)


def _checkpoint(entry: Mapping[str, Any]) -> tuple[bytes, int]:
    root, size = bytes.fromhex(entry["root"]), _size(entry["size"])
    if len(root) != DIGEST_BYTES:
        raise ValueError("a checkpoint without a digest")
    return root, size


def _size(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("a size that is none")
    return value


def _contracts(entries: Iterable[Mapping[str, Any]]) -> Contracts:
    found: dict[str, tuple[Contract, ...]] = {}
    for entry in entries:
        log = str(entry["log"])
        found[log] = (*found.get(log, ()), Contract.from_json(entry))
    return found


def _certificate(text: object) -> str:
    if not isinstance(text, str) or not text.startswith("-----BEGIN CERTIFICATE-----"):
        raise ValueError("an authority without a certificate in PEM form")
    return text


def _key(entry: Mapping[str, Any]) -> VerifyKey:
    key = VerifyKey(KeyPurpose(entry["purpose"]), bytes.fromhex(entry["ed25519"]))
    if len(key.raw) != KEY_BYTES or key.key_id != entry["key_id"]:
        raise ValueError("a key id that does not fit its key")
    return key
