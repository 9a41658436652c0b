"""Takes a record out of the mirror, opened and with its proof: for a bundle, for an audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from medauth.errors import InputError
from medauth.evidence.bundle import Anchor, Bundle, ConsistencyProof, Contract, InclusionProof, StartProof
from medauth.evidence.commitment import RecordKeys
from medauth.evidence.merkle import consistency_proof, inclusion_path, tree_root
from medauth.evidence.note import CheckpointNote
from medauth.evidence.sealing import unseal
from medauth.evidence.signing import Envelope
from medauth.service.records import ENVELOPE
from medauth.store.interface import (
    AnchorStore,
    ChainIdentityRow,
    CheckpointRow,
    CheckpointState,
    Keyring,
    LeafKind,
    NodeCoordinate,
    RecordRow,
    RecordStore,
)


def opened(record: RecordRow, keyring: Keyring) -> tuple[RecordKeys, Envelope]:
    """The record's keys and its envelope. Raises `KeyringError`, `EvidenceError`, `InputError`."""
    keys = keyring.unwrap(record.record_id, record.wrapped_key)
    data = unseal(keys.seal, record.sealed_envelope, record_id=record.record_id, name=ENVELOPE)
    return keys, Envelope.from_bytes(data)


def bundle_of(record: RecordRow, records: RecordStore, keyring: Keyring, anchors: AnchorStore) -> Bundle:
    """The record as a stranger can check it; without proof, anchor and checkpoint while it waits for them.

    A verdict comes with the start of its check, under the same root.
    """
    keys, envelope = opened(record, keyring)
    start = _start_of(record, records)
    bundle = Bundle(
        record.log, record.record_id, envelope, keys.leaf, None, None, start=_start_proof(start, keyring, None, anchors)
    )
    checkpoint = anchors.covering_checkpoint(record.log, record.leaf_index)
    if checkpoint is None or checkpoint.state is CheckpointState.FAILED:
        return bundle  # refused by the contract: the record waits for another try
    note = anchors.note(record.log, checkpoint.seq)
    return replace(
        bundle,
        proof=_proof(record, checkpoint, anchors),
        start=_start_proof(start, keyring, checkpoint, anchors),
        anchor=_anchor(checkpoint, anchors.contract_over(record.log, checkpoint.new_size)),
        checkpoint=CheckpointNote.from_text(note.text) if note else None,
        stamps=tuple(stamp.token for stamp in anchors.stamps(record.log, checkpoint.seq)) if note else (),
    )


def linked(bundle: Bundle, size: int, anchors: AnchorStore) -> Bundle:
    """The bundle with a consistency proof between its checkpoint and the head of `size` leaves, which somebody pinned.

    Raises `InputError` for a size that the log never had, and for a bundle that has no checkpoint yet.
    """
    if bundle.proof is None:
        raise InputError("a record that waits for a checkpoint", expected="an anchored one", next_step="medauth anchor")
    count = anchors.leaf_count(bundle.log)
    if not 0 < size <= count:
        raise InputError(f"a head of {size} leaves", expected=f"1 to {count}, as log {bundle.log} has")
    smaller, larger = sorted((size, bundle.proof.size))

    def read(wanted: Sequence[NodeCoordinate]) -> Sequence[bytes]:
        return anchors.nodes(bundle.log, list(wanted))

    path = tuple(consistency_proof(smaller, larger, read))
    return replace(bundle, consistency=ConsistencyProof(size, tree_root(size, read), path))


def contract_of(identity: ChainIdentityRow) -> Contract:
    """The contract that a log is pinned to, as bundles and trust files name it."""
    return Contract(identity.chain_id, identity.genesis, identity.address, identity.log_id)


def _start_of(record: RecordRow, records: RecordStore) -> RecordRow | None:
    """Where it is gone, or stands behind its verdict, whoever checks the bundle is the one to say so."""
    if record.kind is not LeafKind.VERDICT:
        return None
    others = records.records_of(record.check_id or "")
    return next((other for other in others if other.kind is LeafKind.START and other.wrapped_key), None)


def _start_proof(
    start: RecordRow | None, keyring: Keyring, checkpoint: CheckpointRow | None, anchors: AnchorStore
) -> StartProof | None:
    if start is None:
        return None
    keys, envelope = opened(start, keyring)
    if checkpoint is None or start.leaf_index >= checkpoint.new_size:
        return StartProof(envelope, keys.leaf, None)
    proof = _proof(start, checkpoint, anchors)
    return StartProof(envelope, keys.leaf, proof.leaf_index, proof.path)


def _proof(record: RecordRow, checkpoint: CheckpointRow, anchors: AnchorStore) -> InclusionProof:
    path = inclusion_path(
        record.leaf_index, checkpoint.new_size, lambda wanted: anchors.nodes(record.log, list(wanted))
    )
    return InclusionProof(record.leaf_index, checkpoint.new_size, checkpoint.root, tuple(path))


def _anchor(checkpoint: CheckpointRow, identity: ChainIdentityRow | None) -> Anchor | None:
    if identity is None or checkpoint.tx_hash is None or checkpoint.block is None:
        return None
    return Anchor(contract_of(identity), checkpoint.tx_hash, checkpoint.block)
