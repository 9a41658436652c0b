"""A mirror that lives as long as the process: the SQL store on an in-memory database.

For tests and trials. The same code as on disk, so that what holds here holds there.
"""

from __future__ import annotations

from medauth.store.database import migrate, open_engine
from medauth.store.sql import SqlStore


def memory_store() -> SqlStore:
    """A new, empty store; gone when it is dropped."""
    engine = open_engine("sqlite://")
    migrate(engine)
    return SqlStore(engine)
