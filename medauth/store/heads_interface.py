"""The port of what is remembered of a log outside the mirror: its last signed head, and the contract that holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from medauth.evidence.bundle import Contract
from medauth.evidence.note import CheckpointNote


@dataclass(frozen=True, slots=True)
class RememberedHead:
    """A checkpoint that was final on chain, signed by the log's key for checkpoints."""

    note: CheckpointNote
    contract: Contract


class HeadMemory(Protocol):
    """Remembers each log's largest signed head where a change of the mirror does not reach. Errors are `KeyringError`."""

    def remember(self, log: str, head: RememberedHead) -> None:
        """Keeps the head, unless a larger one is kept already."""

    def remember_stamped(self, log: str, authority: str, size: int) -> None:
        """Every signed checkpoint of up to `size` leaves has a time stamp of this authority. Never shrinks."""

    def stamped(self) -> Mapping[str, Mapping[str, int]]:
        """By log and authority, that size."""

    def heads(self) -> Mapping[str, RememberedHead]:
        """By log."""
