"""The chain as the rest of medauth sees it: a signer, a chain that holds ledgers, and one ledger.

Each log has a ledger, and a signer, of its own, so that no two writers ever compete for a nonce. Fees are in wei, blocks
are block numbers, hashes are 32 bytes. Errors are `LedgerError`: unreachable, identity changed, or rejected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Protocol

LOCAL_CHAIN_ID = 31337
"""Development chains of Hardhat and Foundry. Whoever runs one can rewrite it: it proves nothing to outsiders."""
_WORD = 32


@dataclass(frozen=True, slots=True)
class ChainIdentity:
    """What tells one ledger from every other; pinned when the ledger is first used."""

    chain_id: int
    genesis: bytes
    address: str
    code_hash: bytes
    """Keccak-256 of the code at the address."""
    log_id: bytes
    deployed_block: int
    """Where to begin looking for events."""

    def epoch_after(self, head: LedgerHead) -> bytes:
        """The log id of the contract that goes on after `head` of this one; `epochId` of the contract gives the same."""
        words = (
            b"medauth epoch v1".ljust(_WORD, b"\0"),
            self.chain_id.to_bytes(_WORD),
            bytes.fromhex(self.address.removeprefix("0x")).rjust(_WORD, b"\0"),
            self.log_id,
            head.size.to_bytes(_WORD),
            head.root,
        )
        return hashlib.sha256(b"".join(words)).digest()


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """The last accepted checkpoint: leaves, root, and how many checkpoints there are, over all epochs of the log."""

    size: int
    root: bytes
    count: int


@dataclass(frozen=True, slots=True)
class NewCheckpoint:
    """A head to be anchored, with the proof that it extends the one before."""

    old_size: int
    new_size: int
    root: bytes
    proof: tuple[bytes, ...]


class RevocationReason(IntEnum):
    """Why a record no longer stands; numbered as in the contract."""

    UNSPECIFIED = 0
    KEY_COMPROMISED = 1
    ATTACK_FOUND = 2
    OPERATOR_ERROR = 3
    SUPERSEDED = 4
    ERASED = 5

    @property
    def word(self) -> str:
        """As people read and type it."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class NewRevocation:
    """A leaf that no longer stands, with the proof that it is in the log."""

    root: bytes
    """Of any checkpoint that the contract accepted or took over."""
    leaf: bytes
    index: int
    path: tuple[bytes, ...]
    reason: RevocationReason


@dataclass(frozen=True, slots=True)
class UrgentLeaf:
    """One leaf to be anchored ahead of its checkpoint. It reveals when this one record was made."""

    leaf: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Stops checkpoints and single anchors, as at the end of an epoch."""


LedgerCall = NewCheckpoint | NewRevocation | UrgentLeaf | Pause
"""What can be asked of the contract by a transaction."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What the contract says of a revoked leaf."""

    revoked_at_s: int
    """Block time, seconds since the epoch."""
    reason: RevocationReason

    def __str__(self) -> str:
        return f"at {datetime.fromtimestamp(self.revoked_at_s, UTC).isoformat()}: {self.reason.word}"


@dataclass(frozen=True, slots=True)
class Fees:
    """Caps of an EIP-1559 transaction, in wei per unit of gas."""

    max_fee: int
    tip: int

    def raised(self) -> Fees:
        """Enough more (12.5 %) for a node to replace a waiting transaction; nodes ask for at least 10 %."""
        return Fees(self.max_fee * 9 // 8 + 1, self.tip * 9 // 8 + 1)

    def at_least(self, other: Fees) -> Fees:
        """The higher of both, cap by cap."""
        return Fees(max(self.max_fee, other.max_fee), max(self.tip, other.tip))


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """Bytes ready to be sent, any number of times: the same bytes are the same transaction."""

    tx_hash: bytes
    nonce: int
    raw: bytes
    fees: Fees


@dataclass(frozen=True, slots=True)
class TransactionReceipt:
    """A transaction that is in a block."""

    tx_hash: bytes
    block: int
    block_hash: bytes
    succeeded: bool
    gas_used: int


@dataclass(frozen=True, slots=True)
class AnchoredCheckpoint:
    """A checkpoint as the chain's events tell it."""

    seq: int
    old_size: int
    new_size: int
    root: bytes
    issuer: str
    tx_hash: bytes
    block: int
    block_hash: bytes


class Signer(Protocol):
    """A chain key. It may live in a file or in a key service; nobody but the signer sees it."""

    @property
    def address(self) -> str:
        """The account, in checksum case."""

    @property
    def local_only(self) -> bool:
        """True for a key that is good enough for a local chain and for nothing else."""

    def sign(self, transaction: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """Signs a complete EIP-1559 transaction; returns its hash and its raw bytes."""


class Ledger(Protocol):
    """The contract of one log, seen by its writer and by auditors."""

    @property
    def identity(self) -> ChainIdentity: ...

    @property
    def is_local(self) -> bool:
        """Whether this is a development chain that anyone who runs it could rewrite."""

    def check_identity(self) -> None:
        """Raises `LedgerIdentityChanged` where chain or contract are not the pinned ones any more."""

    def head(self) -> LedgerHead: ...

    def checkpoint_size(self, root: bytes) -> int:
        """Size of the accepted checkpoint with this root; 0 where there is none."""

    def includes(self, root: bytes, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
        """The contract's own answer to whether a leaf (unhashed) stands at `index` under an accepted root."""

    def leaf_anchored_at_s(self, leaf: bytes) -> int:
        """Block time, in seconds since the epoch, at which a leaf was anchored on its own; 0 where it was not."""

    def revocation(self, leaf: bytes) -> Revocation | None:
        """Whether and why this contract revoked a leaf (unhashed)."""

    def is_paused(self) -> bool:
        """Whether the contract takes no checkpoints now."""

    def checkpoints(self, first_block: int | None = None) -> Iterator[AnchoredCheckpoint]:
        """Every checkpoint event from `first_block` (default: deployment) on, in order, streamed."""

    def urgent_leaves(self) -> Iterator[bytes]:
        """Every leaf (unhashed) that was anchored on its own, in order, streamed."""

    def find_checkpoint(self, root: bytes) -> AnchoredCheckpoint | None:
        """The event of the checkpoint with this root."""

    def tip(self) -> int:
        """Number of the latest block."""

    def block_hash(self, block: int) -> bytes | None:
        """Hash of a block of the present chain, or None where the chain is not that long."""

    def next_nonce(self) -> int:
        """How many transactions of the signer are in blocks: the nonce of the next one."""

    def suggest_fees(self) -> Fees: ...

    def sign(self, call: LedgerCall, *, nonce: int, fees: Fees) -> SignedTransaction: ...

    def send(self, raw: bytes) -> None:
        """Hands signed bytes to the node. Sending what it knows already, or has mined, is no error."""

    def receipt(self, tx_hash: bytes) -> TransactionReceipt | None:
        """The receipt of a transaction that is in a block of the present chain."""

    def objection(self, call: LedgerCall) -> str | None:
        """Why the contract would refuse a call now (`StaleBase(8, 0)`), or None. Costs no gas."""

    def mine(self, blocks: int) -> None:
        """Mines empty blocks on a local chain; elsewhere blocks come by themselves and this does nothing."""


class Chain(Protocol):
    """A node and a signer: opens the ledger of a log, or deploys it on first use."""

    def deploy(self, log_id: bytes, after: ChainIdentity | None = None) -> ChainIdentity:
        """Deploys a ledger whose admin, anchorer and revoker is the signer, and waits for it.

        With `after` it goes on where that one, paused, ends; `log_id` is then `after.epoch_after(its head)`, and anything
        else is refused by the contract (`LedgerRejected`). A crash before the identity is pinned leaves an empty contract behind that nobody refers to.
        """

    def open(self, identity: ChainIdentity) -> Ledger:
        """Opens a pinned ledger. Raises `LedgerIdentityChanged` where something else is there.

        A local chain that lost its state is given the same contract at the same address again; the writer then anchors
        what is missing.
        """


class TimeStampAuthority(Protocol):
    """Somebody other than the operator who says by when a text was there."""

    @property
    def name(self) -> str:
        """Tells one authority from another; at most 253 characters, a host's name with its port."""

    def stamp(self, text: bytes) -> bytes:
        """An RFC 3161 response over the text, checked. Raises `LedgerError`, or `EvidenceError` for one that is false."""
