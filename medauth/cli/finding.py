"""What `medauth doctor` reports, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from medauth.config import Settings


class State(StrEnum):
    """What was found."""

    OK = "ok"
    MISSING = "missing"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `mend` is a command to type, or a sentence where no command will do."""

    name: str
    state: State
    text: str
    mend: str = ""
    needed: bool = True

    @property
    def stops(self) -> bool:
        """Whether a check cannot run, or should not, before this is mended."""
        return self.needed and self.state is not State.OK


Examination = Callable[[Settings], Iterator[Finding]]
"""Looks at one part; changes nothing."""
