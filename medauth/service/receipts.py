"""Was a started check left out of the log? Whoever holds the receipt of its start can find out, years later.

1. signature - the receipt is signed by the key of its log
2. statement - it says which leaf stands where, and by when it will be anchored
3. receipt   - the leaf stands there
4. receipt   - once the delay is over, it lies under a checkpoint
5. receipt   - the contract holds that checkpoint

The promise is one, so that each way of breaking it ends in the same exit code; the text says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from medauth.errors import EvidenceError, InputError
from medauth.evidence.merkle import inclusion_path, leaf_hash, verify_inclusion
from medauth.evidence.signing import Envelope, PayloadType
from medauth.evidence.verifier import PURPOSES, CheckedStep, StepState
from medauth.protocol.canonical import canonical, parse_object
from medauth.service.audit import Audit, SizeOnChain, step
from medauth.store.interface import AnchorStore, CheckpointRow, CheckpointState, Keyring, LeafKind
from medauth.store.reading import LogReader

_LEAF_BYTES = 32
_ON_CHAIN = frozenset({CheckpointState.ANCHORED, CheckpointState.FINAL})


@dataclass(frozen=True, slots=True)
class StartReceipt:
    """What the operator promised when a check began."""

    check_id: str
    log: str
    leaf: bytes
    leaf_index: int
    issued_ms: int
    max_merge_delay_s: int

    @property
    def due_ms(self) -> int:
        """When the leaf must be under a checkpoint."""
        return self.issued_ms + 1_000 * self.max_merge_delay_s

    @classmethod
    def from_payload(cls, payload: bytes) -> StartReceipt:
        """Reads a signed payload. Raises `InputError`."""
        value: dict[str, Any] = parse_object(payload)
        try:
            found = cls(
                str(value["check_id"]),
                str(value["log"]),
                bytes.fromhex(value["leaf"]),
                int(value["leaf_index"]),
                int(value["issued_ms"]),
                int(value["max_merge_delay_s"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("a receipt that is malformed", expected="the receipt of a start") from error
        if canonical(value) != payload or len(found.leaf) != _LEAF_BYTES or found.leaf_index < 0:
            raise InputError("a receipt that is malformed", expected="a leaf of 32 bytes and its index")
        return found


class ReceiptAudit:
    """Holds receipts against the log, over ports. Without `size_on_chain` the last step is skipped and says so."""

    def __init__(
        self,
        anchors: AnchorStore,
        reader: LogReader,
        keyring: Keyring,
        size_on_chain: SizeOnChain | None,
        now_ms: Callable[[], int],
    ) -> None:
        self._anchors = anchors
        self._reader = reader
        self._keyring = keyring
        self._size_on_chain = size_on_chain
        self._now_ms = now_ms

    def over(self, data: bytes) -> Audit:
        """Audits one receipt, a DSSE envelope as JSON. Raises `InputError` for a file that is none."""
        envelope, found = Envelope.from_bytes(data.strip()), []
        for done in self._steps(envelope):
            found.append(done)
            if done.state is StepState.FAILS:
                break
        return Audit("receipt", tuple(found))

    def _steps(self, envelope: Envelope) -> Iterator[CheckedStep]:
        receipts: list[StartReceipt] = []
        yield step("signature", lambda: self._signed(envelope))
        yield step("statement", lambda: _stated(envelope, receipts))
        receipt = receipts[0]
        yield step("receipt", lambda: self._in_place(receipt))
        checkpoint = self._anchors.covering_checkpoint(receipt.log, receipt.leaf_index)
        if checkpoint is None or checkpoint.state not in _ON_CHAIN:
            yield self._waiting(receipt, checkpoint)
            return
        yield step("receipt", lambda: self._under(receipt, checkpoint))
        if self._size_on_chain is None:
            yield CheckedStep("receipt", StepState.SKIPPED, "no chain was asked")
            return
        ask = self._size_on_chain
        yield step("receipt", lambda: _on_chain(checkpoint, ask(receipt.log, checkpoint.root)))

    def _signed(self, envelope: Envelope) -> str:
        """The log a receipt names says which key must have signed it."""
        log = str(parse_object(envelope.payload).get("log"))
        if log not in PURPOSES:
            raise EvidenceError(f"a log called {log[:40]!r}", expected=" or ".join(PURPOSES))
        envelope.verified(self._keyring.trusted(), PayloadType.RECEIPT, PURPOSES[log])
        return f"signed by {envelope.key_id}"

    def _in_place(self, receipt: StartReceipt) -> str:
        leaf = self._reader.leaf(receipt.log, receipt.leaf_index)
        if leaf is None:
            raise EvidenceError(
                f"leaf {receipt.leaf_index} of log {receipt.log} is missing",
                expected=f"the start of {receipt.check_id}",
            )
        if leaf.leaf != receipt.leaf or leaf.kind is not LeafKind.START:
            raise EvidenceError(
                f"leaf {receipt.leaf_index} of log {receipt.log} is another one", expected=f"leaf {receipt.leaf.hex()}"
            )
        verdicts = [other for other in self._reader.siblings(receipt.check_id) if other.kind is LeafKind.VERDICT]
        ended = f"its verdict is {verdicts[0].record_id}" if verdicts else "it has no verdict"
        return f"the start of {receipt.check_id} is leaf {receipt.leaf_index} of log {receipt.log}; {ended}"

    def _waiting(self, receipt: StartReceipt, checkpoint: CheckpointRow | None) -> CheckedStep:
        stands = (
            "no checkpoint covers the leaf" if checkpoint is None else f"its checkpoint is {checkpoint.state.value}"
        )
        if self._now_ms() < receipt.due_ms:
            return CheckedStep(
                "receipt", StepState.SKIPPED, f"{stands}; it need not be on chain before {_due(receipt)}"
            )
        text = f"{stands} · expected: one on chain by {_due(receipt)} · next step: run `medauth anchor`"
        return CheckedStep("receipt", StepState.FAILS, text)

    def _under(self, receipt: StartReceipt, checkpoint: CheckpointRow) -> str:
        path = inclusion_path(
            receipt.leaf_index, checkpoint.new_size, lambda wanted: self._anchors.nodes(receipt.log, list(wanted))
        )
        leaf, size = leaf_hash(receipt.leaf), checkpoint.new_size
        if not verify_inclusion(leaf, receipt.leaf_index, size, checkpoint.root, path):
            raise EvidenceError("the leaf does not lie under the checkpoint's root", expected=checkpoint.root.hex())
        late_s = ((checkpoint.anchored_ms or 0) - receipt.due_ms) // 1_000
        note = f", {late_s} s later than promised" if late_s > 0 else ""
        return f"under checkpoint {checkpoint.seq} of {size} leaves{note}"


def _stated(envelope: Envelope, receipts: list[StartReceipt]) -> str:
    receipts.append(StartReceipt.from_payload(envelope.payload))
    issued = datetime.fromtimestamp(receipts[0].issued_ms / 1_000, UTC)
    return f"issued {issued:%Y-%m-%d %H:%M:%S} UTC for check {receipts[0].check_id}"


def _on_chain(checkpoint: CheckpointRow, size: int | None) -> str:
    if size != checkpoint.new_size:
        raise EvidenceError(
            f"the contract does not hold checkpoint {checkpoint.seq}", expected=f"root {checkpoint.root.hex()}"
        )
    return f"the contract holds it, in block {checkpoint.block}"


def _due(receipt: StartReceipt) -> str:
    return f"{datetime.fromtimestamp(receipt.due_ms / 1_000, UTC):%Y-%m-%d %H:%M:%S} UTC"
