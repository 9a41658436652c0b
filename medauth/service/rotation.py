"""Replaces a signing key. The order makes it safe to stop anywhere.

(1) The successor is made and kept beside the present key. (2) Its announcement, endorsed by both, is committed as a leaf;
in the same transaction the old key is retired, and the store takes nothing signed by it from then on. (3) The old public
key is kept with the size until which it counts. (4) The successor takes its place, and the old private key is gone.
Whoever finds (3) and (4) undone does them: every process that opens the keys, and every writer that is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from medauth.evidence.commitment import RecordKeys
from medauth.evidence.rotation import rotation_statement
from medauth.evidence.signing import KeyPurpose, PayloadType, VerifyKey
from medauth.evidence.verifier import PURPOSES
from medauth.service.records import appended, new_id, purpose_of, renew, sealed_record
from medauth.store.interface import MAIN_LOG, Keyring, LeafKind, RecordStore, RetiredKeyRow

OUTCOME = "rotated"


@dataclass(frozen=True, slots=True)
class Rotated:
    """A rotation that is through."""

    purpose: KeyPurpose
    old: str
    new: str
    log: str
    record_id: str
    leaf_index: int


@dataclass(frozen=True, slots=True)
class KeyState:
    """One key as `medauth keys list` shows it."""

    key: VerifyKey
    log: str
    until: int | None
    """Leaves of the log below this count; None: the key is in use."""


class KeyRotation:
    """Rotates and lists keys, over ports."""

    def __init__(self, records: RecordStore, keyring: Keyring, now_ms: Callable[[], int]) -> None:
        self._records = records
        self._keyring = keyring
        self._now_ms = now_ms

    def rotate(self, purpose: KeyPurpose) -> Rotated:
        """Replaces the key of one purpose. Run again after a crash it goes on with the same successor.

        Raises `KeyRetired` when another process rotated it at the same moment: then there is a new key already.
        """
        self.finish()
        old, new = self._keyring.signing_key(purpose), self._keyring.next_key(purpose)
        log, keys, now = log_of(purpose), RecordKeys.generate(), self._now_ms()
        record_id = new_id("key")
        record = sealed_record(
            rotation_statement(old, new, record_id=record_id, rotated_ms=now),
            PayloadType.KEY,
            LeafKind.KEY,
            keyring=self._keyring,
            keys=keys,
            log=log,
            outcome=OUTCOME,
            created_ms=now,
        )
        retired = RetiredKeyRow(
            key_id=old.verify_key.key_id,
            purpose=purpose,
            raw=old.verify_key.raw,
            until=0,  # known once the leaf has its place
            successor=new.verify_key.key_id,
            record_id=record_id,
        )
        if purpose is purpose_of(log):
            # Signed by the old key itself: were it replaced this moment, nobody else could sign this again.
            index = self._records.rotate_key(record, retired)
        else:
            index = appended(lambda r: self._records.rotate_key(r, retired), record, keys, self._records, self._keyring)
        self.finish()
        return Rotated(purpose, retired.key_id, retired.successor, log, record_id, index)

    def finish(self) -> None:
        """Brings the keys in line with what was announced. Does nothing where they are."""
        renew(self._records, self._keyring)

    def keys(self) -> list[KeyState]:
        """Every key that this server trusts: those in use first, then retired ones."""
        retired = self._keyring.retired()
        states = [KeyState(k, log_of(k.purpose), retired.get(k.key_id)) for k in self._keyring.trusted().values()]
        return sorted(states, key=lambda s: (s.until is not None, list(KeyPurpose).index(s.key.purpose), s.until or 0))


def log_of(purpose: KeyPurpose) -> str:
    """The log that a key's retirement is announced in, and whose size divides."""
    return next((log for log, signs in PURPOSES.items() if signs is purpose), MAIN_LOG)
