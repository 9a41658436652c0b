"""Takes a record out of the mirror, opened and with its proof: for a bundle, for an audit."""

from __future__ import annotations

from dataclasses import replace

from medauth.evidence.bundle import Anchor, Bundle, Contract, InclusionProof
from medauth.evidence.commitment import RecordKeys
from medauth.evidence.merkle import inclusion_path
from medauth.evidence.note import CheckpointNote
from medauth.evidence.sealing import unseal
from medauth.evidence.signing import Envelope
from medauth.service.records import ENVELOPE
from medauth.store.interface import AnchorStore, ChainIdentityRow, CheckpointRow, CheckpointState, Keyring, RecordRow


def opened(record: RecordRow, keyring: Keyring) -> tuple[RecordKeys, Envelope]:
    """The record's keys and its envelope. Raises `KeyringError`, `EvidenceError`, `InputError`."""
    keys = keyring.unwrap(record.record_id, record.wrapped_key)
    data = unseal(keys.seal, record.sealed_envelope, record_id=record.record_id, name=ENVELOPE)
    return keys, Envelope.from_bytes(data)


def bundle_of(record: RecordRow, keyring: Keyring, anchors: AnchorStore) -> Bundle:
    """The record as a stranger can check it; without proof, anchor and checkpoint while it waits for them."""
    keys, envelope = opened(record, keyring)
    bundle = Bundle(record.log, record.record_id, envelope, keys.leaf, proof=None, anchor=None)
    checkpoint = anchors.covering_checkpoint(record.log, record.leaf_index)
    if checkpoint is None or checkpoint.state is CheckpointState.FAILED:
        return bundle  # refused by the contract: the record waits for another try
    note = anchors.note(record.log, checkpoint.seq)
    return replace(
        bundle,
        proof=_proof(record, checkpoint, anchors),
        anchor=_anchor(checkpoint, anchors.contract_over(record.log, checkpoint.new_size)),
        checkpoint=CheckpointNote.from_text(note.text) if note else None,
        stamps=tuple(stamp.token for stamp in anchors.stamps(record.log, checkpoint.seq)) if note else (),
    )


def contract_of(identity: ChainIdentityRow) -> Contract:
    """The contract that a log is pinned to, as bundles and trust files name it."""
    return Contract(identity.chain_id, identity.genesis, identity.address, identity.log_id)


def _proof(record: RecordRow, checkpoint: CheckpointRow, anchors: AnchorStore) -> InclusionProof:
    path = inclusion_path(
        record.leaf_index, checkpoint.new_size, lambda wanted: anchors.nodes(record.log, list(wanted))
    )
    return InclusionProof(record.leaf_index, checkpoint.new_size, checkpoint.root, tuple(path))


def _anchor(checkpoint: CheckpointRow, identity: ChainIdentityRow | None) -> Anchor | None:
    if identity is None or checkpoint.tx_hash is None or checkpoint.block is None:
        return None
    return Anchor(contract_of(identity), checkpoint.tx_hash, checkpoint.block)
