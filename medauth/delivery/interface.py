"""The port of what is sent to apps: one message to one address, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Parcel:
    """One request to be made, by POST."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said; its body is not read."""

    status: int
    retry_after_s: int = 0
    """For how long it asked to be left alone."""


class NotDelivered(Exception):
    """No answer, or none that was waited for. `why` is a code of ours."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Courier(Protocol):
    """Carries parcels. Thread-safe."""

    def deliver(self, parcel: Parcel) -> Answer:
        """Raises `NotDelivered`."""
