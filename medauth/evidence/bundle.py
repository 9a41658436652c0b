"""One self-contained file for a stranger: the signed statement, the key of its leaf, and the way from there to the chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medauth.errors import InputError
from medauth.evidence.signing import Envelope
from medauth.protocol.canonical import Json, canonical, parse_object

FORMAT = "medauth bundle v1"


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The leaf's place under a root of the log (RFC 9162 section 2.1.3), lowest sibling first."""

    leaf_index: int
    size: int
    root: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where the root stands on chain. `local` chains are run by the operator and prove nothing to others."""

    chain_id: int
    genesis: bytes
    address: str
    log_id: bytes
    tx_hash: bytes
    block: int
    local: bool


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a stranger needs to judge one record."""

    log: str
    record_id: str
    envelope: Envelope
    leaf_key: bytes
    """32 bytes; opens the leaf's commitment to this statement and nothing else."""
    proof: InclusionProof | None
    """None while the record waits for a checkpoint."""
    anchor: Anchor | None

    def to_bytes(self) -> bytes:
        """The file's contents: canonical JSON."""
        return canonical(self._to_json())

    def _to_json(self) -> dict[str, Json]:
        return {
            "format": FORMAT,
            "log": self.log,
            "record_id": self.record_id,
            "envelope": self.envelope.to_json(),
            "leaf_key": self.leaf_key.hex(),
            "proof": _proof_json(self.proof),
            "anchor": _anchor_json(self.anchor),
        }

    @classmethod
    def from_bytes(cls, data: bytes) -> Bundle:
        """Reads a bundle file. Raises `InputError` for anything else, and for what medauth would have written otherwise:
        a bundle has one reading, and a reading one bundle.
        """
        value: dict[str, Any] = parse_object(data)
        if value.get("format") != FORMAT:
            raise InputError("a file that is no evidence bundle", expected=f'"format": "{FORMAT}"')
        try:
            bundle = cls(
                log=_text(value["log"]),
                record_id=_text(value["record_id"]),
                envelope=Envelope.from_json(value["envelope"]),
                leaf_key=_digest(value["leaf_key"]),
                proof=_proof(value["proof"]),
                anchor=_anchor(value["anchor"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"a bundle that is incomplete: {error}", expected="a bundle as medauth wrote it"
            ) from error
        if bundle._to_json() != value:
            raise InputError("a bundle with more in it than belongs there", expected="a bundle as medauth wrote it")
        return bundle


def _proof_json(proof: InclusionProof | None) -> Json:
    if proof is None:
        return None
    return {
        "leaf_index": proof.leaf_index,
        "size": proof.size,
        "root": proof.root.hex(),
        "path": [node.hex() for node in proof.path],
    }


def _anchor_json(anchor: Anchor | None) -> Json:
    if anchor is None:
        return None
    return {
        "chain_id": anchor.chain_id,
        "genesis": anchor.genesis.hex(),
        "address": anchor.address,
        "log_id": anchor.log_id.hex(),
        "tx_hash": anchor.tx_hash.hex(),
        "block": anchor.block,
        "local": anchor.local,
    }


def _proof(value: Mapping[str, Any] | None) -> InclusionProof | None:
    if value is None:
        return None
    return InclusionProof(
        leaf_index=_count(value["leaf_index"]),
        size=_count(value["size"]),
        root=_digest(value["root"]),
        path=tuple(_digest(node) for node in value["path"]),
    )


def _anchor(value: Mapping[str, Any] | None) -> Anchor | None:
    if value is None:
        return None
    return Anchor(
        chain_id=_count(value["chain_id"]),
        genesis=_digest(value["genesis"]),
        address=_text(value["address"]),
        log_id=_digest(value["log_id"]),
        tx_hash=_digest(value["tx_hash"]),
        block=_count(value["block"]),
        local=_flag(value["local"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} in place of text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("not a whole number")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


def _digest(value: object) -> bytes:
    digest = bytes.fromhex(_text(value))
    if len(digest) != 32:  # noqa: PLR2004 - SHA-256
        raise ValueError(f"{len(digest)} bytes in place of a digest of 32")
    return digest
