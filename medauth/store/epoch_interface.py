"""Which contracts hold the log: the present one, and those that it has left. A part of `AnchorStore`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ChainIdentityRow:
    """The chain and contract a log is pinned to."""

    log: str
    chain_id: int
    genesis: bytes
    address: str
    code_hash: bytes
    log_id: bytes
    deployed_block: int


@dataclass(frozen=True, slots=True)
class EpochRow:
    """A contract that a log has left, and the head at which it was closed."""

    identity: ChainIdentityRow
    number: int
    """Counted from 1, oldest first."""
    size: int
    root: bytes


class EpochStore(Protocol):
    """Contracts of a log. Every method is one transaction; errors are `StoreError`."""

    def chain_identity(self, log: str) -> ChainIdentityRow | None:
        """The contract that the log is pinned to now."""

    def pin_chain_identity(self, identity: ChainIdentityRow) -> None:
        """Pins a log to a chain once. Raises `StoreError` when it is pinned to another one."""

    def epochs(self, log: str) -> Sequence[EpochRow]:
        """The contracts that the log has left, oldest first."""

    def begin_epoch(self, closed: EpochRow, identity: ChainIdentityRow) -> None:
        """Pins the log to its next contract and remembers the one it leaves, together.

        Raises `StoreError` when the log is not pinned to the one that is closed; doing the same again changes nothing.
        """

    def contract_over(self, log: str, size: int) -> ChainIdentityRow | None:
        """The contract that accepted, or will, a checkpoint of `size` leaves."""
