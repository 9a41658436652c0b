"""A store at an address, as each process opens it."""

from __future__ import annotations

from medauth.store.database import migrate, open_engine
from medauth.store.sql import SqlStore


def opened(url: str) -> SqlStore:
    engine = open_engine(url)
    migrate(engine)
    return SqlStore(engine)
