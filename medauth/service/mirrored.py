"""What the mirror holds beside a signed statement, compared with it: columns, the line of the log, sealed files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medauth.errors import EvidenceError
from medauth.evidence.archive import FILE, SOUND_FILE, frames_in
from medauth.evidence.commitment import RecordKeys, client_commitment, leaf_commitment
from medauth.evidence.merkle import inclusion_path, leaf_hash, verify_inclusion
from medauth.evidence.sealing import unseal
from medauth.evidence.signing import Envelope
from medauth.store.interface import (
    AnchorStore,
    BlobStore,
    CheckRow,
    CheckState,
    Keyring,
    LeafKind,
    LeafRow,
    RecordRow,
    RecordStore,
)
from medauth.store.reading import LogReader, Sibling

Pairs = dict[str, tuple[object, object]]
"""By name: what the mirror says, and what was signed."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What the mirror holds beside a record: its line of the log, its check, and the check's records in leaf order."""

    leaf: LeafRow | None
    check: CheckRow | None
    siblings: Sequence[Sibling]


def beside(row: RecordRow, records: RecordStore, reader: LogReader) -> Beside:
    """Looked up for one record. Raises `NotFound` for a check that is gone."""
    leaf = reader.leaf(row.log, row.leaf_index)
    if row.check_id is None:
        return Beside(leaf, None, ())
    return Beside(leaf, records.check(row.check_id), reader.siblings(row.check_id))


def compare_columns(
    row: RecordRow,
    around: Beside,
    keyring: Keyring,
    keys: RecordKeys,
    envelope: Envelope,
    statement: Mapping[str, Any],
) -> str:
    """The mirror's columns say nothing that the signed statement does not. Raises `EvidenceError`."""
    pairs: Pairs = {
        "leaf": (row.leaf, leaf_commitment(keys.leaf, envelope.payload)),
        "line of the log": (line_of(around.leaf), (row.leaf_index, row.leaf, row.record_id)),
        "check": (row.check_id, statement["check"]["id"] if row.kind is not LeafKind.KEY else None),
        "kind": (row.kind, _KINDS.get(envelope.payload_type)),
        "signing key": (row.key_id, envelope.key_id),
    }
    if row.kind is LeafKind.KEY:
        pairs |= _key_columns(row, keyring, statement)
    elif row.kind is LeafKind.TOMBSTONE:
        pairs |= {"outcome": (row.outcome, "tombstone"), "time": (row.created_ms, statement["erased_ms"])}
    else:
        pairs |= _check_columns(row, around, keyring, statement)
    for name, (mirrored, signed) in pairs.items():
        if mirrored != signed:
            raise EvidenceError(f"the mirror's {name} differs from the signed one", expected="the signed one")
    return f"{len(pairs)} columns agree with the statement"


def leaf_in_place(row: RecordRow, leaf: LeafRow | None, anchors: AnchorStore) -> str:
    """The leaf of a record that nobody can open any more still lies under its checkpoint. Raises `EvidenceError`."""
    if line_of(leaf) != (row.leaf_index, row.leaf, row.record_id):
        raise EvidenceError("the line of the log differs from the record", expected=f"leaf {row.leaf.hex()}")
    checkpoint = anchors.covering_checkpoint(row.log, row.leaf_index)
    if checkpoint is None:
        return "the leaf waits for a checkpoint"
    path = inclusion_path(row.leaf_index, checkpoint.new_size, lambda wanted: anchors.nodes(row.log, list(wanted)))
    if not verify_inclusion(leaf_hash(row.leaf), row.leaf_index, checkpoint.new_size, checkpoint.root, path):
        raise EvidenceError("the leaf does not lie under the root", expected=checkpoint.root.hex())
    return f"leaf {row.leaf_index} of {checkpoint.new_size} is still in its place"


def compare_files(row: RecordRow, blobs: BlobStore, keys: RecordKeys, statement: Mapping[str, Any]) -> str:
    """The sealed files are whole, open, and hold what the statement digested. Raises `EvidenceError`."""
    if row.kind is not LeafKind.VERDICT:
        return f"none belong to a {row.kind.value}"
    kept = {index: digest for index, _, digest in statement["frames"]["kept"]}
    heard = {entry[0]: entry[-1] for entry in statement.get("sound", {"kept": []})["kept"]}
    archives = {name: entries for name, entries in ((FILE, kept), (SOUND_FILE, heard)) if entries}
    stored = {blob.name: blob for blob in row.blobs}
    expected = set(statement["blobs"]) | set(archives)
    if set(stored) != expected:
        raise EvidenceError(f"files {sorted(stored)}", expected=str(sorted(expected)))
    total = 0
    for name, blob in stored.items():
        data = blobs.read(row.record_id, name)
        if (hashlib.sha256(data).digest(), len(data)) != (blob.sha256, blob.length):
            raise EvidenceError(f"file {name} was altered", expected=blob.sha256.hex())
        total += len(data)
        if name in archives:
            _compare_entries(data, keys, row.record_id, name, archives[name])
        else:
            _compare_file(data, keys, row.record_id, name, statement["blobs"][name])
    return f"{len(stored)} sealed files, {len(kept)} kept frames, {total} bytes"


_KINDS = {
    "application/vnd.medauth.start.v1+json": LeafKind.START,
    "application/vnd.medauth.verdict.v1+json": LeafKind.VERDICT,
    "application/vnd.medauth.tombstone.v1+json": LeafKind.TOMBSTONE,
    "application/vnd.medauth.key.v1+json": LeafKind.KEY,
}


def _key_columns(row: RecordRow, keyring: Keyring, statement: Mapping[str, Any]) -> Pairs:
    """The old key counts up to this leaf."""
    return {
        "outcome": (row.outcome, "rotated"),
        "time": (row.created_ms, statement["rotated_ms"]),
        "end of the old key": (keyring.retired().get(statement["old"]["key_id"]), row.leaf_index + 1),
    }


def _check_columns(row: RecordRow, around: Beside, keyring: Keyring, statement: Mapping[str, Any]) -> Pairs:
    """A check has one start, before its one verdict, and is finished exactly when it has that verdict."""
    check, ends = around.check, row.kind is LeafKind.VERDICT
    if check is None:
        raise EvidenceError(
            f"check {row.check_id} is gone from the mirror, or in a state that is none",
            expected="the check of every record",
        )
    commitment = statement["challenge"]["commitment"] if ends else statement["commitment"]
    starts = [other for other in around.siblings if other.kind is LeafKind.START]
    verdicts = [other for other in around.siblings if other.kind is LeafKind.VERDICT]
    pairs: Pairs = {
        "outcome": (row.outcome, statement["verdict"]["decision"] if ends else "started"),
        "time": (row.created_ms, statement["finished_ms" if ends else "started_ms"]),
        "start time": (check.started_ms, statement["started_ms"]),
        "closing": (check.closed_ms, _closing(check, statement)),
        "log": (check.log, row.log),
        "purpose": (check.purpose, statement["check"]["purpose"]),
        "policy": (check.policy, statement["policy"]["name"]),
        "commitment": (check.commitment.hex(), commitment),
        "subject": (check.subject_tag, keyring.tag("subject", statement["check"]["subject"])),
        "state": (check.state is CheckState.FINISHED, bool(verdicts)),
        "number of verdicts": (len(verdicts) <= 1, True),
    }
    if ends:
        started = [(start.record_id, start.log) for start in starts if start.leaf_index < row.leaf_index]
        pairs["start"] = (started, [(statement["start_record_id"], row.log)])
    else:
        pairs["end of its time"] = (check.expires_ms, statement["expires_ms"])
        pairs["client"] = (client_commitment(check.check_id, check.client_tag).hex(), statement["client"])
    return pairs


def _closing(check: CheckRow, statement: Mapping[str, Any]) -> object:
    """When a check was closed, by what was signed: its verdict's end; without a verdict, the end of its time."""
    if check.state is CheckState.OPEN:
        return None
    if check.state is CheckState.FINISHED:
        return statement.get("finished_ms", check.closed_ms)  # the verdict's own audit compares it
    return check.expires_ms


def line_of(leaf: LeafRow | None) -> tuple[int, bytes, str] | None:
    """What a line of the log says; None where it is missing."""
    return (leaf.index, leaf.leaf, leaf.record_id) if leaf else None


def _compare_entries(data: bytes, keys: RecordKeys, record_id: str, file: str, digests: Mapping[int, str]) -> None:
    what = "kept frame {} is another picture" if file == FILE else "kept sound {} is another one"
    for index, content in frames_in(keys.seal, data, record_id=record_id, indices=list(digests), file=file):
        if hashlib.sha256(content).hexdigest() != digests[index]:
            raise EvidenceError(what.format(index), expected=digests[index])


def _compare_file(data: bytes, keys: RecordKeys, record_id: str, name: str, digest: str) -> None:
    contents = unseal(keys.seal, data, record_id=record_id, name=name)
    if hashlib.sha256(contents).hexdigest() != digest:
        raise EvidenceError(f"file {name} holds something else", expected=digest)
