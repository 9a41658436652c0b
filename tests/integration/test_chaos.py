"""Chaos on a real chain: anvil harmed by hand, a mirror in SQLite on disk or in PostgreSQL, seed by seed.

Writers crash at random named points, blocks are reorganised, transactions get stuck, requests and answers get lost;
`Chaos` says what must hold in the end. Each seed runs on both databases: their transactions, leases and returned row
counts differ.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from medauth.ledger.anvil import AnvilNode, find_anvil, open_anvil
from medauth.ledger.deployment import Web3Chain
from medauth.ledger.keys import local_chain_signer
from medauth.service.pinning import open_ledger
from medauth.store.database import migrate, open_engine
from medauth.store.sql import SqlStore
from tests.ports.ledger_world import AnvilHarm, Chaos, Tally

pytestmark = pytest.mark.chain
LOG_ID = bytes([7]) * 32
_log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnvilNode]:
    with open_anvil(tmp_path_factory.mktemp("anvil"), find_anvil(), keep_history=True) as node:
        yield node


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """An empty mirror."""
    url = f"sqlite:///{tmp_path}/mirror.db"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
    engine = open_engine(url)
    if request.param == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    migrate(engine)
    yield SqlStore(engine)
    engine.dispose()


def survive(seed: int, store: SqlStore, node: AnvilNode, key: Path) -> Tally:
    harm, tally = AnvilHarm(node.url, seed), Tally()
    chain = Web3Chain(harm.lossy, local_chain_signer(key))
    open_ledger("main", store, chain, LOG_ID)
    for _ in range(5):
        harm.mine()  # no reorganisation reaches the deployment
    Chaos(seed, store, chain, harm, tally).survive()
    return tally


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_chaos(seed: int, store: SqlStore, node: AnvilNode, tmp_path: Path) -> None:
    assert survive(seed, store, node, tmp_path / "key").checkpoints


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 160))
def test_chaos_for_long(seed: int, store: SqlStore, node: AnvilNode, tmp_path: Path) -> None:
    tally = survive(seed, store, node, tmp_path / "key")
    assert tally.checkpoints
    _log.info("seed %d: %s", seed, tally)
