"""The engine under the mirror: SQLite in WAL mode by default, PostgreSQL by URL; transactions; migrations."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from medauth.errors import ConfigError, MissingTool, StoreError

HEAD_REVISION = "0009"
_BUSY_TIMEOUT_MS = 10_000
_WIPE_S = 5.0
_WIPE_TRY_MS = 100
_MIGRATION_WAIT_S, _MIGRATION_PAUSE_S = 30.0, 0.05
_MIGRATION_LOCK = 0x6D656461757468
"""Names the lock on PostgreSQL: "medauth" in ASCII."""
_BACKENDS = frozenset({"sqlite", "postgresql"})
_ONE_CONNECTION: Mapping[str, Any] = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
"""A database in memory is its connection: transactions queue up for it, or they would run into one another."""
_MIGRATIONS = Path(__file__).parent / "migrations"


def open_engine(url: str) -> Engine:
    """An engine for a database URL. Raises `ConfigError` for a URL that cannot be used."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() not in _BACKENDS:
            raise ArgumentError(parsed.get_backend_name())  # noqa: TRY301 - one message for every unusable URL
        in_memory = parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}
        pool: dict[str, Any] = dict(_ONE_CONNECTION) if in_memory else {"pool_pre_ping": True}
        if parsed.get_backend_name() == "sqlite":
            pool["connect_args"] = {"check_same_thread": False, "timeout": _BUSY_TIMEOUT_MS / 1_000}
        engine = create_engine(parsed, **pool)
    except (ArgumentError, NoSuchModuleError, ValueError, TypeError) as error:
        raise ConfigError(
            "the database URL cannot be read",
            expected="sqlite:///path or postgresql+psycopg://user@host/name",
            next_step="check MEDAUTH_DATABASE_URL",
        ) from error
    except ImportError as error:
        raise MissingTool(
            f"the database driver is not installed: {error.name}",
            expected="the extra `postgres`",
            next_step="pip install 'medauth[postgres]'",
        ) from error
    if engine.dialect.name == "sqlite":
        if not in_memory:
            event.listen(engine, "do_connect", _own_file)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _own_file(_dialect: Any, _record: Any, arguments: Any, _options: Any) -> None:
    """Makes a new database file readable by its owner alone; SQLite gives its log files the same mode."""
    with contextlib.suppress(OSError):
        os.close(os.open(arguments[0], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    """WAL so that readers never wait; FULL so that a commit survives a power cut; deleted pages are overwritten."""
    connection.isolation_level = None
    connection.text_factory = _text
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _text(data: bytes) -> str:
    """SQLite keeps any bytes as text. What is none must not hide the rows beside it from an audit, and equals nothing."""
    return data.decode("utf-8", "replace")


def _begin_sqlite(connection: Connection) -> None:
    """Writers take their lock at once: two that begin as readers could not both upgrade."""
    if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return
    writes = connection.get_execution_options().get("medauth_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def transaction(engine: Engine, *, writes: bool) -> Iterator[Connection]:
    """One transaction; commits at the end, rolls back on any error. Raises `StoreError` for the database's own."""
    try:
        with engine.connect().execution_options(medauth_writes=writes) as connection, connection.begin():
            yield connection
    except SQLAlchemyError as error:
        raise store_error(error) from error


def dialect_insert(connection: Connection, table: Any) -> Any:
    """An INSERT that knows ON CONFLICT, on both databases."""
    from sqlalchemy.dialects import postgresql, sqlite

    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def wipe(engine: Engine) -> None:
    """Brings SQLite's write-ahead log home and empties it; in the file itself `secure_delete` wrote zeros already.

    PostgreSQL keeps dead rows until it vacuums and write-ahead segments until it recycles them: VACUUM is run, the
    segments are the administrator's (see docs/erasure.md).
    """
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if engine.dialect.name == "sqlite":
                _empty_write_ahead_log(connection)
            else:
                for table in (
                    "records",
                    "blobs",
                    "checks",
                    "failures",
                    "prints",
                    "print_marks",
                    "bookings",
                    "webhooks",
                ):
                    connection.exec_driver_sql(f"VACUUM {table}")
    except SQLAlchemyError as error:
        raise store_error(error) from error


def _empty_write_ahead_log(connection: Connection) -> None:
    """Fails while another connection reads. Most are through in moments; a backup or a long audit is not waited for."""
    ends = time.monotonic() + _WIPE_S
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_WIPE_TRY_MS}")
    try:
        while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar():
            if time.monotonic() >= ends:
                raise StoreError(
                    "the write-ahead log is in use, and what was erased may still stand in it",
                    expected="a moment without readers",
                    next_step="run the erasure again once no audit or backup reads the database",
                )
            time.sleep(_WIPE_TRY_MS / 1_000)
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")


def store_error(error: SQLAlchemyError) -> StoreError:
    """The product's own error for a database's; names the fault, never the data."""
    cause = (str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__])[0][:200]
    if "full" in cause.lower():
        return StoreError(f"the database cannot grow: {cause}", next_step="free disk space; nothing was half written")
    if isinstance(error, OperationalError):
        return StoreError(
            f"the database does not answer: {cause}",
            expected="a reachable, writable database",
            next_step="run `medauth doctor`",
        )
    return StoreError(f"the database refused: {cause}", next_step="run `medauth doctor`")


def migrate(engine: Engine) -> None:
    """Brings the schema to the newest revision; costs one query when it is there already."""
    until = time.monotonic() + _MIGRATION_WAIT_S
    while not _migrated(engine, until):
        time.sleep(_MIGRATION_PAUSE_S)


def _migrated(engine: Engine, until: float) -> bool:
    """One try. SQLite may answer "locked" at once, without waiting, to whoever opens a file that another process is just
    laying out: until `until` (monotonic seconds) that is a reason to ask again."""
    try:
        found = _revision(engine)
        if found != HEAD_REVISION:
            _upgrade(engine, found)
    except OperationalError as error:
        if "database is locked" in str(error) and time.monotonic() < until:
            return False
        raise store_error(error) from error
    except SQLAlchemyError as error:
        raise store_error(error) from error
    return True


def _upgrade(engine: Engine, found: str | None) -> None:
    """Of processes that start together one upgrades; the others wait, and find it done."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.connect().execution_options(medauth_writes=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(
                f"the mirror has schema {found}",
                expected=f"{HEAD_REVISION} or an older one",
                next_step="install the medauth that wrote it, or a newer one",
            ) from error


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
