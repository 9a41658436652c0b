"""One self-contained file for a stranger: the signed statement, the start of its check, the keys of their leaves, and the
way from there to the chain.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from medauth.errors import InputError
from medauth.evidence.note import CheckpointNote
from medauth.evidence.signing import Envelope
from medauth.protocol.canonical import Json, canonical, parse_object

FORMAT = "medauth bundle v1"
LOCAL_CHAINS = frozenset({1337, 31337})
"""Chain ids of development nodes: whoever runs one can write any history."""

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_MAX_STAMPS = 16


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The leaf's place under a root of the log (RFC 9162 section 2.1.3), lowest sibling first."""

    leaf_index: int
    size: int
    root: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """One log's contract: on which chain, where, and for which log id it was deployed."""

    chain_id: int
    genesis: bytes
    address: str
    log_id: bytes

    def to_json(self) -> dict[str, Json]:
        """As it stands in bundles and trust files."""
        return {
            "chain_id": self.chain_id,
            "genesis": self.genesis.hex(),
            "address": self.address,
            "log_id": self.log_id.hex(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Contract:
        """The inverse of `to_json`. Raises `TypeError`, `ValueError` or `KeyError`."""
        if not _ADDRESS.fullmatch(_text(value["address"])):
            raise ValueError("an address that is none")
        chain_id, genesis, log_id = _count(value["chain_id"]), _digest(value["genesis"]), _digest(value["log_id"])
        return cls(chain_id, genesis, value["address"], log_id)

    def same_as(self, other: Contract) -> bool:
        """Whether both name one contract; the capitals of an address are a checksum, not part of it."""
        return (self.chain_id, self.genesis, self.address.lower(), self.log_id) == (
            other.chain_id,
            other.genesis,
            other.address.lower(),
            other.log_id,
        )

    def epochs(self, known: Iterable[Contract]) -> tuple[Contract, ...]:
        """This contract, and of those known of its log the others on its chain. Any of them may have revoked a leaf: the
        head at which a log moved on stands in two contracts, and a bundle's holder could name the one that says nothing.
        """
        here = [other for other in known if (other.chain_id, other.genesis) == (self.chain_id, self.genesis)]
        return (self, *(other for other in here if not self.same_as(other)))

    @property
    def is_local(self) -> bool:
        """Whether the operator runs this chain: it proves nothing to others."""
        return self.chain_id in LOCAL_CHAINS


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where the root stands on chain, by the operator's word: the chain itself is asked about the root."""

    contract: Contract
    tx_hash: bytes
    block: int


@dataclass(frozen=True, slots=True)
class StartProof:
    """The signed start of a verdict's check, and its place under the verdict's own root."""

    envelope: Envelope
    leaf_key: bytes
    leaf_index: int | None
    """None while the verdict waits for a checkpoint."""
    path: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """Another head of the same log, and the proof that the smaller one is the beginning of the larger (RFC 9162 section
    2.1.4): for whoever pinned that head and not the bundle's.
    """

    size: int
    root: bytes
    path: tuple[bytes, ...]


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
    checkpoint: CheckpointNote | None = None
    """The proof's root and size, signed by the log's key for checkpoints; None until it is final on chain."""
    stamps: tuple[bytes, ...] = ()
    """RFC 3161 responses over the checkpoint's text, from whoever was asked."""
    start: StartProof | None = None
    """For a verdict: what was committed to before its first frame."""
    consistency: ConsistencyProof | None = None

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
            "start": _start_json(self.start),
            "proof": _proof_json(self.proof),
            "consistency": _consistency_json(self.consistency),
            "anchor": _anchor_json(self.anchor),
            "checkpoint": None if self.checkpoint is None else self.checkpoint.to_text(),
            "time_stamps": [base64.b64encode(stamp).decode() for stamp in self.stamps],
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
                checkpoint=_note(value["checkpoint"]),
                stamps=_stamps(value["time_stamps"]),
                start=_start(value["start"]),
                consistency=_consistency(value["consistency"]),
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


def _start_json(start: StartProof | None) -> Json:
    if start is None:
        return None
    return {
        "envelope": start.envelope.to_json(),
        "leaf_key": start.leaf_key.hex(),
        "leaf_index": start.leaf_index,
        "path": [node.hex() for node in start.path],
    }


def _consistency_json(proof: ConsistencyProof | None) -> Json:
    if proof is None:
        return None
    return {"size": proof.size, "root": proof.root.hex(), "path": [node.hex() for node in proof.path]}


def _anchor_json(anchor: Anchor | None) -> Json:
    if anchor is None:
        return None
    return {**anchor.contract.to_json(), "tx_hash": anchor.tx_hash.hex(), "block": anchor.block}


def _proof(value: Mapping[str, Any] | None) -> InclusionProof | None:
    if value is None:
        return None
    return InclusionProof(
        leaf_index=_count(value["leaf_index"]),
        size=_count(value["size"]),
        root=_digest(value["root"]),
        path=tuple(_digest(node) for node in value["path"]),
    )


def _start(value: Mapping[str, Any] | None) -> StartProof | None:
    if value is None:
        return None
    index = None if value["leaf_index"] is None else _count(value["leaf_index"])
    path = tuple(_digest(node) for node in value["path"])
    return StartProof(Envelope.from_json(value["envelope"]), _digest(value["leaf_key"]), index, path)


def _consistency(value: Mapping[str, Any] | None) -> ConsistencyProof | None:
    if value is None:
        return None
    return ConsistencyProof(
        _count(value["size"]), _digest(value["root"]), tuple(_digest(node) for node in value["path"])
    )


def _anchor(value: Mapping[str, Any] | None) -> Anchor | None:
    if value is None:
        return None
    return Anchor(Contract.from_json(value), _digest(value["tx_hash"]), _count(value["block"]))


def _note(value: object) -> CheckpointNote | None:
    return None if value is None else CheckpointNote.from_text(_text(value))


def _stamps(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list) or len(value) > _MAX_STAMPS:
        raise TypeError("no list of time stamps")
    try:
        return tuple(base64.b64decode(_text(stamp), validate=True) for stamp in value)
    except binascii.Error as error:
        raise ValueError("a time stamp that is not base64") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} in place of text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("not a whole number")
    return value


def _digest(value: object) -> bytes:
    digest = bytes.fromhex(_text(value))
    if len(digest) != 32:  # noqa: PLR2004 - SHA-256
        raise ValueError(f"{len(digest)} bytes in place of a digest of 32")
    return digest
