"""The stores under test: SQLite in memory, SQLite on disk and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from medauth.store.database import open_engine
from medauth.store.memory import memory_store
from medauth.store.sql import SqlStore
from tests.ports.stores import opened


@pytest.fixture(params=["memory", "disk", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the store lives; "" is memory."""
    if request.param == "memory":
        return ""
    if request.param == "disk":
        return f"sqlite:///{tmp_path / 'mirror.sqlite'}"
    address = str(request.getfixturevalue("postgres_url"))
    engine = open_engine(address)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return address


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    found = opened(url) if url else memory_store()
    yield found
    found.close()
