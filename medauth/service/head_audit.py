"""Is the log as long as it once was? What the mirror alone cannot say, since whoever cuts it off cuts off its memory too.

Three things outside the mirror's database remember a log: the last signed head beside the keys, the contract on chain, and
what others hold (trust files, bundles, receipts). The first is compared here. Where it is gone with all of the mirror's
checkpoints, the chain is asked for contracts of the log's own account; without a chain nothing holds the log's end, and the
audit says so and fails: code 28.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from medauth.errors import EvidenceError
from medauth.evidence.merkle import tree_root
from medauth.evidence.note import origin_of
from medauth.evidence.verifier import CheckedStep
from medauth.service.audit import step
from medauth.service.disclosure import contract_of
from medauth.service.epochs import require_connected
from medauth.store.heads_interface import HeadMemory, RememberedHead
from medauth.store.interface import AnchorStore, Keyring
from medauth.store.reading import LogReader

STEP = "head"

OwnHead = Callable[[str], int | None]
"""Log to the number of leaves that a contract of the log's own account holds; None where it has none. `LedgerError`."""


class HeadAudit:
    """Compares a log with the head that is remembered of it, over ports. Without `own_head` no chain is at hand."""

    def __init__(
        self,
        heads: HeadMemory,
        anchors: AnchorStore,
        reader: LogReader,
        keyring: Keyring,
        own_head: OwnHead | None = None,
    ) -> None:
        self._heads = heads
        self._anchors = anchors
        self._reader = reader
        self._keyring = keyring
        self._own_head = own_head

    def logs(self) -> set[str]:
        """Logs that are remembered: one that vanished from the mirror is among them."""
        return set(self._heads.heads())

    def final_size(self, log: str) -> int:
        """Leaves under the largest checkpoint that was signed once it was final; 0 where none is remembered."""
        head = self._heads.heads().get(log)
        return head.note.size if head else 0

    def stamped(self, log: str) -> Mapping[str, int]:
        """By authority, up to which size every checkpoint was time stamped."""
        return self._heads.stamped().get(log, {})

    def step(self, log: str) -> CheckedStep:
        """Holds, or fails where the log is not what it was, or nothing says what it was."""
        return step(STEP, lambda: self._compared(log))

    def _compared(self, log: str) -> str:
        pinned = self._anchors.chain_identity(log)
        if pinned is not None:
            require_connected(log, self._anchors.epochs(log), pinned)
        head = self._heads.heads().get(log)
        if head is not None:
            return self._as_remembered(log, head)
        if pinned is not None or next(self._reader.live_checkpoints(log), None) is not None:
            return "no head is remembered yet; the mirror's own checkpoints are compared with the chain"
        return self._never_anchored(log)

    def _as_remembered(self, log: str, head: RememberedHead) -> str:
        note = head.note
        note.verified(self._keyring.trusted().values())
        if note.origin != origin_of(head.contract.log_id):
            raise EvidenceError(f"a head of {note.origin[:80]}", expected=origin_of(head.contract.log_id))
        count = self._anchors.leaf_count(log)
        if count < note.size:
            raise EvidenceError(
                f"log {log} has {count} leaves", expected=f"at least the {note.size} of the last signed checkpoint"
            )
        root = tree_root(note.size, lambda wanted: self._anchors.nodes(log, list(wanted)))
        if root != note.root:
            raise EvidenceError(f"log {log} was rewritten below {note.size} leaves", expected=note.root.hex())
        pinned = self._anchors.contract_over(log, note.size)  # the log may have gone on in another one since
        if pinned is None or not contract_of(pinned).same_as(head.contract):
            raise EvidenceError(
                f"log {log} is pinned to {'nothing' if pinned is None else pinned.address}",
                expected=f"contract {head.contract.address} on chain {head.contract.chain_id}",
            )
        if all(row.root != note.root for row in self._reader.live_checkpoints(log)):
            raise EvidenceError(f"log {log} lost its checkpoint of {note.size} leaves", expected=note.root.hex())
        return f"log {log} begins with the {note.size} leaves of the last signed checkpoint"

    def _never_anchored(self, log: str) -> str:
        count = self._anchors.leaf_count(log)
        if self._own_head is not None:
            held = self._own_head(log)
            if held:
                raise EvidenceError(
                    f"log {log} knows no checkpoint", expected=f"the {held} leaves that its account anchored"
                )
            return f"{count} leaves; this log's account never anchored any on the chain that was asked"
        raise EvidenceError(
            f"the head of log {log} is pinned by nothing: had leaves been cut off its {count}, nobody could tell",
            expected="a signed checkpoint, or a chain that can be asked",
            next_step="run `medauth anchor`, or audit without --offline",
        )
