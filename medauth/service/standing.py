"""How far a record has come on its way to the chain, said honestly: also that it failed, and why."""

from __future__ import annotations

from dataclasses import dataclass

from medauth.store.interface import AnchorStore, CheckpointRow, CheckpointState, RecordRow

WAITING = "waiting"
"""No checkpoint covers the record yet."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a record's checkpoint stands: `waiting`, or one of `CheckpointState`."""

    state: str
    text: str

    def __str__(self) -> str:
        return f"{self.state}: {self.text}" if self.text else self.state


def standing_of(record: RecordRow, anchors: AnchorStore) -> Standing:
    """What the mirror knows of the checkpoint over a record; whether it is true is the audit's to say."""
    checkpoint = anchors.covering_checkpoint(record.log, record.leaf_index)
    if checkpoint is None:
        return Standing(WAITING, "no checkpoint covers it yet; `medauth anchor` makes one")
    return Standing(checkpoint.state.value, _TEXTS[checkpoint.state](checkpoint))


_TEXTS = {
    CheckpointState.PENDING: lambda row: f"checkpoint {row.seq} is signed and not seen in a block",
    CheckpointState.ANCHORED: lambda row: f"checkpoint {row.seq} is in {_block(row)}, not yet deep enough",
    CheckpointState.FINAL: lambda row: f"checkpoint {row.seq} in {_block(row)}",
    CheckpointState.REORGED: lambda row: f"checkpoint {row.seq} is sent again: {row.why}",
    CheckpointState.FAILED: lambda row: f"{row.why} (checkpoint {row.seq}; `medauth anchor` tries again)",
}


def _block(row: CheckpointRow) -> str:
    return f"block {row.block}, transaction 0x{(row.tx_hash or b'').hex()}"
