"""Takes a record out of the mirror, opened and with its proof: for a bundle, for an audit."""

from __future__ import annotations

from medauth.evidence.bundle import Anchor, Bundle, InclusionProof
from medauth.evidence.commitment import RecordKeys
from medauth.evidence.merkle import inclusion_path
from medauth.evidence.sealing import unseal
from medauth.evidence.signing import Envelope
from medauth.service.records import ENVELOPE
from medauth.store.interface import AnchorStore, ChainIdentityRow, CheckpointRow, CheckpointState, Keyring, RecordRow

LOCAL_CHAINS = frozenset({1337, 31337})
"""Chain ids of development nodes: whoever runs one can write any history."""


def opened(record: RecordRow, keyring: Keyring) -> tuple[RecordKeys, Envelope]:
    """The record's keys and its envelope. Raises `KeyringError`, `EvidenceError`, `InputError`."""
    keys = keyring.unwrap(record.record_id, record.wrapped_key)
    data = unseal(keys.seal, record.sealed_envelope, record_id=record.record_id, name=ENVELOPE)
    return keys, Envelope.from_bytes(data)


def bundle_of(record: RecordRow, keyring: Keyring, anchors: AnchorStore) -> Bundle:
    """The record as a stranger can check it; without proof and anchor while it waits for a checkpoint."""
    keys, envelope = opened(record, keyring)
    checkpoint = anchors.covering_checkpoint(record.log, record.leaf_index)
    if checkpoint is not None and checkpoint.state is CheckpointState.FAILED:
        checkpoint = None  # refused by the contract: the record waits for another try
    return Bundle(
        log=record.log,
        record_id=record.record_id,
        envelope=envelope,
        leaf_key=keys.leaf,
        proof=_proof(record, checkpoint, anchors) if checkpoint else None,
        anchor=_anchor(checkpoint, anchors.chain_identity(record.log)) if checkpoint else None,
    )


def _proof(record: RecordRow, checkpoint: CheckpointRow, anchors: AnchorStore) -> InclusionProof:
    path = inclusion_path(
        record.leaf_index, checkpoint.new_size, lambda wanted: anchors.nodes(record.log, list(wanted))
    )
    return InclusionProof(record.leaf_index, checkpoint.new_size, checkpoint.root, tuple(path))


def _anchor(checkpoint: CheckpointRow, identity: ChainIdentityRow | None) -> Anchor | None:
    if identity is None or checkpoint.tx_hash is None or checkpoint.block is None:
        return None
    return Anchor(
        chain_id=identity.chain_id,
        genesis=identity.genesis,
        address=identity.address,
        log_id=identity.log_id,
        tx_hash=checkpoint.tx_hash,
        block=checkpoint.block,
        local=identity.chain_id in LOCAL_CHAINS,
    )
