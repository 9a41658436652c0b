"""Makes a final checkpoint something to hand on: signed by the log's key for checkpoints, and time stamped.

Comes after anchoring and never in its way: what cannot be done now is logged and done with the next checkpoint.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from medauth.errors import EvidenceError, MedauthError
from medauth.evidence.note import CheckpointNote, signed_note
from medauth.evidence.signing import KeyPurpose
from medauth.ledger.interface import TimeStampAuthority
from medauth.service.disclosure import contract_of
from medauth.store.heads_interface import HeadMemory, RememberedHead
from medauth.store.interface import AnchorStore, CheckpointRow, Keyring, NoteRow, StampRow

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notarised:
    """What one run came to."""

    signed: int
    stamped: int
    trouble: str = ""
    """Why it is not more, in words."""


class Notary:
    """Signs and stamps what is final. Without an authority nothing is stamped.

    `size_on_chain` (log, root) is asked again before anything is signed: the key speaks for what the contract accepted,
    not for what the mirror says. `heads` remembers the last one outside the mirror.
    """

    def __init__(
        self,
        anchors: AnchorStore,
        keyring: Keyring,
        size_on_chain: Callable[[str, bytes], int | None],
        open_authority: Callable[[], TimeStampAuthority] | None = None,
        *,
        now_ms: Callable[[], int],
        heads: HeadMemory | None = None,
    ) -> None:
        self._anchors = anchors
        self._keyring = keyring
        self._size_on_chain = size_on_chain
        self._open_authority = open_authority
        self._now_ms = now_ms
        self._heads = heads

    def notarise(self, log: str) -> Notarised:
        """Signs and stamps whatever waits for it; safe to run again and twice at once. Trouble is logged, not raised."""
        signed = stamped = 0
        try:
            for row in self._anchors.unsigned_checkpoints(log):
                self._sign(row)
                signed += 1
            if self._open_authority is not None:
                authority = self._open_authority()
                for note in self._anchors.unstamped_notes(log, authority.name):
                    stamped += self._stamp(note, authority)
        except MedauthError as error:
            _log.warning("checkpoints of log %s wait for signature or time stamp: %s", log, error)
            return Notarised(signed, stamped, str(error))
        return Notarised(signed, stamped)

    def _sign(self, row: CheckpointRow) -> None:
        identity = self._anchors.contract_over(row.log, row.new_size)
        if identity is None or self._size_on_chain(row.log, row.root) != row.new_size:
            raise EvidenceError(
                f"checkpoint {row.seq} of log {row.log} is final in the mirror, not on chain",
                expected=f"root {row.root.hex()} for {row.new_size} leaves",
                next_step="run `medauth audit --all`; nothing was signed",
            )
        key = self._keyring.signing_key(KeyPurpose.CHECKPOINTS)
        note = signed_note(key, identity.log_id, row.new_size, row.root)
        self._anchors.add_note(NoteRow(row.log, row.seq, note.to_text()))
        if self._heads is not None:
            self._heads.remember(row.log, RememberedHead(note, contract_of(identity)))

    def _stamp(self, note: NoteRow, authority: TimeStampAuthority) -> bool:
        """In order, so that one size says which checkpoints were stamped. One that is lost is not asked for again: with a
        later time in its place nobody would see that it was deleted.
        """
        size = CheckpointNote.from_text(note.text).size
        if self._heads is not None and size <= self._heads.stamped().get(note.log, {}).get(authority.name, 0):
            there = self._anchors.stamps(note.log, note.seq)
            if all(stamp.authority != authority.name for stamp in there):  # or another process stamped it just now
                _log.warning("checkpoint %s of log %s lost its time stamp by %s", note.seq, note.log, authority.name)
            return False
        token = authority.stamp(note.text.encode())
        self._anchors.add_stamp(StampRow(note.log, note.seq, authority.name, token, self._now_ms()))
        if self._heads is not None:
            self._heads.remember_stamped(note.log, authority.name, size)
        return True
