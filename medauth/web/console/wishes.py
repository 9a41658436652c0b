"""Which checks the operator asked to see: the fields of the form above the list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

from medauth.errors import InputError
from medauth.protocol.policy import POLICIES
from medauth.protocol.verdict import Decision
from medauth.service.labelling import LABELS
from medauth.store.interface import ERASED, MAIN_LOG, REHEARSAL_LOG
from medauth.store.register_interface import UNDECIDED, Place, Wanted

FIELDS = ("id", "outcome", "policy", "log", "label", "subject", "since", "until")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "outcome": (*(decision.value for decision in Decision), UNDECIDED, ERASED),
    "policy": tuple(POLICIES),
    "log": (MAIN_LOG, REHEARSAL_LOG),
    "label": LABELS,
}
_MAX_TEXT = 256


def wanted_of(given: Mapping[str, str], subject_tag: Callable[[str], bytes]) -> Wanted:
    """Wishes from the address's query. The subject is looked for by its keyed hash: the mirror holds no name.

    Raises `InputError` for a word that is none, or a day that is none.
    """
    said = {name: given.get(name, "").strip() for name in FIELDS}
    for name, choices in CHOICES.items():
        if said[name] and said[name] not in choices:
            raise InputError(f"{name} {said[name][:40]!r}", expected=", ".join(choices))
    if any(len(value) > _MAX_TEXT for value in said.values()):
        raise InputError("a field that is too long", expected=f"at most {_MAX_TEXT} characters")
    return Wanted(
        check_or_record=said["id"],
        outcome=said["outcome"],
        policy=said["policy"],
        log=said["log"],
        label=said["label"],
        subject_tag=subject_tag(said["subject"]) if said["subject"] else None,
        since_ms=_midnight_ms(said["since"], 0),
        until_ms=_midnight_ms(said["until"], 1),
    )


def place_of(given: str) -> Place | None:
    """Behind which check the page begins, as `place_text` wrote it. Raises `InputError`."""
    if not given:
        return None
    started, _, check_id = given.partition(".")
    if not started.isascii() or not started.isdigit() or len(started) > 15 or not check_id:  # noqa: PLR2004 - ms
        raise InputError("a place that is none", expected="the link to the next page")
    return int(started), check_id


def place_text(place: Place) -> str:
    """For the link to the next page."""
    return f"{place[0]}.{place[1]}"


def _midnight_ms(day: str, days_on: int) -> int | None:
    """Midnight UTC at a day's beginning, or so many days later."""
    if not day:
        return None
    try:
        found = datetime.combine(date.fromisoformat(day) + timedelta(days=days_on), datetime.min.time(), UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"a day {day[:40]!r}", expected="one like 2026-11-28") from error
    return round(found.timestamp() * 1_000)
