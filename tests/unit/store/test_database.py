"""The engine under the mirror: schema, modes, and the product's own errors for every foreign one."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from medauth.errors import ConfigError, StoreError
from medauth.store.database import HEAD_REVISION, migrate, open_engine, store_error, transaction
from medauth.store.interface import MAIN_LOG
from medauth.store.memory import memory_store
from medauth.store.sql import SqlStore
from medauth.store.tables import metadata


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mirror.sqlite"


@contextlib.contextmanager
def store_at(path: Path) -> Iterator[SqlStore]:
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine)
    store = SqlStore(engine)
    try:
        yield store
    finally:
        store.close()


def put(store: SqlStore, log: str = MAIN_LOG) -> None:
    with transaction(store._engine, writes=True) as connection:
        connection.execute(text("INSERT INTO logs (log, size) VALUES (:log, 0)"), {"log": log})


def test_the_migrations_make_exactly_the_tables(path: Path) -> None:
    with store_at(path) as store, store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_head_named_in_code_is_the_newest_migration() -> None:
    folder = Path(__file__).resolve().parents[3] / "medauth" / "store" / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [HEAD_REVISION]


def test_migrating_again_changes_nothing(path: Path) -> None:
    for _ in range(2):
        with store_at(path) as store:
            put(store, f"log-{_}")
    with store_at(path) as store:
        assert list(store.logs()) == ["log-0", "log-1"]


def test_a_schema_from_the_future_is_refused(path: Path) -> None:
    with store_at(path) as store, store._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="9999"):
        migrate(open_engine(f"sqlite:///{path}"))


def test_the_database_is_its_owners_alone_and_so_are_its_logs(path: Path) -> None:
    with store_at(path) as store:
        put(store)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes) >= {"mirror.sqlite", "mirror.sqlite-wal"}
    assert set(modes.values()) == {0o600}


def test_sqlite_is_set_up_to_survive_a_power_cut_and_to_overwrite_what_it_deletes(path: Path) -> None:
    with store_at(path) as store, store._engine.connect() as connection:
        asked = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert asked == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mirror.sqlite",
        "mysql://h/db",
        "oracle://h/db",
        "postgresql://h:port/db",
        "nosuch://x",
        "sqlite:///x?timeout=y",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="database URL") as error:
        open_engine(url)
    assert not url or url not in str(error.value)


def test_a_file_that_is_no_database_is_a_store_error(path: Path) -> None:
    path.write_bytes(b"garbage" * 1_000)
    engine = open_engine(f"sqlite:///{path}")
    with pytest.raises(StoreError):
        migrate(engine)
    engine.dispose()


def test_a_folder_that_is_not_there_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not answer"):
        migrate(open_engine(f"sqlite:///{tmp_path / 'nowhere' / 'mirror.sqlite'}"))


def test_a_server_that_does_not_answer_is_a_store_error() -> None:
    with pytest.raises(StoreError, match="does not answer"):
        migrate(open_engine("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=1"))


def test_a_read_only_database_is_read_and_says_why_it_is_not_written(path: Path) -> None:
    with store_at(path) as store:
        put(store)
    engine = open_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    store = SqlStore(engine)
    assert list(store.logs()) == [MAIN_LOG]
    with pytest.raises(StoreError, match="readonly"):
        put(store, "other")
    store.close()


def test_a_full_disk_is_named_and_nothing_is_half_written(path: Path) -> None:
    with store_at(path):
        pass
    engine = open_engine(f"sqlite:///{path}")

    def no_room(connection: Any, _: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    event.listen(engine, "connect", no_room)
    store = SqlStore(engine)
    rows = [{"log": f"log-{number}"} for number in range(10_000)]
    with pytest.raises(StoreError, match="cannot grow"), transaction(engine, writes=True) as connection:
        connection.execute(text("INSERT INTO logs (log, size) VALUES (:log, 0)"), rows)
    assert list(store.logs()) == []
    put(store)
    assert list(store.logs()) == [MAIN_LOG]
    store.close()


def test_a_writer_that_waits_too_long_is_told_so(path: Path) -> None:
    with store_at(path):
        pass
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    engine = open_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 1"))
    store = SqlStore(engine)
    assert list(store.logs()) == []
    with pytest.raises(StoreError, match="locked"):
        put(store)
    holder.rollback()
    put(store)
    holder.close()
    store.close()


def test_two_stores_in_memory_are_two() -> None:
    one, other = memory_store(), memory_store()
    put(one)
    assert (list(one.logs()), list(other.logs())) == ([MAIN_LOG], [])
    one.close()
    other.close()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SQLAlchemyError(), "refused"),
        (SQLAlchemyError("line one\nDETAIL: Key (subject)=(secret)"), "line one"),
        (OperationalError("SELECT secret", {"x": "secret"}, Exception("")), "does not answer"),
        (OperationalError("SELECT secret", {"x": "secret"}, Exception("database or disk is full")), "cannot grow"),
    ],
)
def test_errors_of_the_database_name_the_fault_and_never_the_data(error: SQLAlchemyError, words: str) -> None:
    said = str(store_error(error))
    assert words in said
    assert "secret" not in said
