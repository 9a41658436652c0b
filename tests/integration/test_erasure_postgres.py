"""T14 on PostgreSQL: after the steps that docs/erasure.md names, no file of the server holds what was erased."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text

from medauth.ledger.memory import MemoryChain
from medauth.service.erasure import Erasure
from medauth.store import tables
from medauth.store.blobs import FileBlobs
from medauth.store.database import migrate, open_engine
from medauth.store.keyring import FileKeyring
from medauth.store.sql import SqlStore
from tests.integration.test_erasure import secrets_of
from tests.recorded import World

pytestmark = pytest.mark.postgres
pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")

ROOT = Path(__file__).resolve().parents[2]
STEPS = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "erasure.md").read_text(), flags=re.DOTALL)


@pytest.fixture
def engine(postgres_url: str) -> Engine:
    engine = open_engine(postgres_url)
    with engine.begin() as connection:
        tables.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    migrate(engine)
    return engine


def files_of(server: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in server.rglob("*") if path.is_file())


def run(engine: Engine, statements: str) -> None:
    """One by one, outside of transactions, as `psql` does."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in filter(None, (one.strip() for one in statements.split(";"))):
            connection.exec_driver_sql(statement)


def test_no_file_of_the_server_holds_what_was_erased(engine: Engine, tmp_path: Path) -> None:
    server = make_url(str(engine.url)).query.get("host")
    if not isinstance(server, str) or not (Path(server) / "data").is_dir():
        pytest.skip("the files of the server that MEDAUTH_TEST_POSTGRES names are not here")
    prepare, after = STEPS
    run(engine, prepare)
    blobs, keyring = FileBlobs(tmp_path / "evidence"), FileKeyring(tmp_path / "keys")
    world = World(tmp_path, SqlStore(engine), blobs, keyring, MemoryChain())
    for number in range(2):
        world.record_check(number)
    secrets = secrets_of(world, "chk_1")[:-2]
    run(engine, "CHECKPOINT")
    in_database = [secret for secret in secrets if secret in files_of(Path(server))]
    assert in_database
    Erasure(world.store, blobs, keyring, world.tick).erase("chk_1")
    run(engine, after)
    found = files_of(Path(server))
    assert [secret for secret in in_database if secret in found] == []
    assert world.report().faults == ()
    world.store.close()
