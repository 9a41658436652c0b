"""What a check truly was, as somebody knows who was there: the ground truth that error rates of this server need.

A label is no evidence: it is not signed, enters no verdict and goes when the check is erased.
"""

from __future__ import annotations

from collections.abc import Callable

from medauth.errors import CeremonyError, InputError
from medauth.protocol.attack_family import AttackFamily
from medauth.service.erasure import is_erased
from medauth.store.interface import CheckState, RecordStore
from medauth.store.register_interface import LabelRow, Register

GENUINE = "genuine"
OTHER_ATTACK = "other_attack"
LABELS = (GENUINE, *(family.value for family in AttackFamily), OTHER_ATTACK)


class Labelling:
    """Gives labels. Over ports."""

    def __init__(self, register: Register, records: RecordStore, now_ms: Callable[[], int]) -> None:
        self._register = register
        self._records = records
        self._now_ms = now_ms

    def give(self, check_id: str, label: str, given_by: str) -> None:
        """Labels a closed check; an empty label takes the earlier one away. Raises `InputError`, `NotFound`,
        `CeremonyError` for a check that is open or erased."""
        if label and label not in LABELS:
            raise InputError(f"a label {label[:40]!r}", expected=", ".join(LABELS))
        if self._records.check(check_id).state is CheckState.OPEN:
            raise CeremonyError("a check that is still open", expected="one that has ended")
        if any(is_erased(row) for row in self._records.records_of(check_id)):
            raise CeremonyError("a check that was erased", expected="one of which something is left")
        self._register.set_label(LabelRow(check_id, label, given_by, self._now_ms()))
