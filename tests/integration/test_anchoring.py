"""The writer on a real chain: anvil and SQLite on disk, harmed in every way the node offers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from medauth.errors import LedgerIdentityChanged, LedgerUnreachable, MissingTool
from medauth.evidence.merkle import inclusion_path
from medauth.ledger.anvil import AnvilNode, find_anvil, open_anvil, stop_anvil
from medauth.ledger.deployment import Web3Chain
from medauth.ledger.interface import Chain
from medauth.ledger.keys import local_chain_signer
from medauth.ledger.rpc import JsonRpc
from medauth.service.anchoring import AnchorOptions, AnchorWriter
from medauth.service.pinning import open_ledger
from medauth.store.database import migrate, open_engine
from medauth.store.interface import CheckpointState
from medauth.store.sql import SqlStore
from tests.ports.ledger_world import AnvilHarm, add_leaves, assert_nothing_lost, leaves_of

pytestmark = pytest.mark.chain
LOG_ID = bytes([7]) * 32


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    engine = open_engine(f"sqlite:///{tmp_path}/mirror.db")
    migrate(engine)
    yield SqlStore(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def reorganisable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnvilNode]:
    with open_anvil(tmp_path_factory.mktemp("anvil"), find_anvil(), keep_history=True) as node:
        yield node


def chain_at(node: AnvilNode, key: Path) -> Web3Chain:
    return Web3Chain(JsonRpc(node.url), local_chain_signer(key))


def writer_for(store: SqlStore, chain: Chain, log: str = "main", confirmations: int = 1) -> AnchorWriter:
    ledger = open_ledger(log, store, chain, LOG_ID)
    return AnchorWriter(log, store, ledger, holder="test", options=AnchorOptions(confirmations=confirmations))


def test_a_reorganisation_of_depth_three(store: SqlStore, reorganisable: AnvilNode, tmp_path: Path):
    harm, chain = AnvilHarm(reorganisable.url), chain_at(reorganisable, tmp_path / "key")
    writer = writer_for(store, chain, confirmations=3)
    leaves = leaves_of(9)
    add_leaves(store, "main", leaves)

    def state() -> CheckpointState:
        writer.step()
        return next(iter(store.checkpoints("main"))).state

    wait_until(lambda: state() is CheckpointState.ANCHORED)
    harm.reorganise(3)
    assert open_ledger("main", store, chain, LOG_ID).head().size == 0
    assert state() is CheckpointState.REORGED
    wait_until(lambda: state() is CheckpointState.FINAL)
    assert len(store.attempts("main", 1)) == 1  # the same bytes, sent again
    assert_nothing_lost(store, chain, "main", leaves)


def test_logs_share_nothing(store: SqlStore, reorganisable: AnvilNode, tmp_path: Path):
    AnvilHarm(reorganisable.url)
    chains = {log: chain_at(reorganisable, tmp_path / log) for log in ("main", "rehearsal")}
    leaves = {"main": leaves_of(3), "rehearsal": leaves_of(5, "rehearsal")}
    for log, chain in chains.items():
        add_leaves(store, log, leaves[log])
        writer_for(store, chain, log).run()
    for log, chain in chains.items():
        assert_nothing_lost(store, chain, log, leaves[log])
    first, second = (store.chain_identity(log) for log in chains)
    assert first is not None
    assert second is not None
    assert first.address != second.address


def test_every_record_is_included_by_the_contracts_own_word(store: SqlStore, reorganisable: AnvilNode, tmp_path: Path):
    AnvilHarm(reorganisable.url)
    chain = chain_at(reorganisable, tmp_path / "key")
    leaves = leaves_of(12)
    add_leaves(store, "main", leaves[:5])
    writer_for(store, chain).run()
    add_leaves(store, "main", leaves[5:])
    writer_for(store, chain).run()
    ledger = open_ledger("main", store, chain, LOG_ID)
    for row in store.checkpoints("main"):
        for index in range(row.new_size):
            path = inclusion_path(index, row.new_size, lambda coordinates: store.nodes("main", coordinates))
            assert ledger.includes(row.root, leaves[index], index, path)


# The node itself


def anvil_process(folder: Path) -> int:
    """The node's process, found by the folder on its command line."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        words = entry.read_bytes().split(b"\0")
        if words[0].endswith(b"anvil") and str(folder / "anvil.json").encode() in words:
            return int(entry.parent.name)
    return 0


def wait_until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def test_the_chain_outlives_its_node(store: SqlStore, tmp_path: Path):
    folder, leaves = tmp_path / "chain", leaves_of(6)
    for part in (leaves[:2], leaves[2:]):
        add_leaves(store, "main", part)
        with open_anvil(folder, find_anvil()) as node:
            writer_for(store, chain_at(node, tmp_path / "key")).run()
        assert not anvil_process(folder)
    with open_anvil(folder, find_anvil()) as node:
        assert_nothing_lost(store, chain_at(node, tmp_path / "key"), "main", leaves)
        assert AnvilHarm(node.url).rpc.quantity("eth_chainId") == 31337
        assert (folder / "anvil.previous.json").exists()


def test_a_folder_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with open_anvil(Path("data/chain"), find_anvil()):
        assert anvil_process(tmp_path / "data" / "chain")
    assert not anvil_process(tmp_path / "data" / "chain")
    assert (tmp_path / "data" / "chain" / "anvil.json").exists()


def test_processes_share_a_node_and_the_last_one_stops_it(tmp_path: Path):
    folder = tmp_path / "chain"
    first = open_anvil(folder, find_anvil())
    program = (
        "import sys, time; from pathlib import Path; from medauth.ledger.anvil import find_anvil, open_anvil\n"
        "node = open_anvil(Path(sys.argv[1]), find_anvil()); print(node.url, flush=True); time.sleep(20)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == first.url
        first.close()
        time.sleep(0.2)
        assert anvil_process(folder)
        other.kill()  # not even asked to clean up
    wait_until(lambda: not anvil_process(folder))
    assert (folder / "anvil.json").exists()


def test_a_persistent_node_is_stopped_by_hand(tmp_path: Path):
    folder = tmp_path / "chain"
    node = open_anvil(folder, find_anvil(), persist=True)
    node.close()
    time.sleep(0.1)
    assert anvil_process(folder)
    assert stop_anvil(folder)
    wait_until(lambda: not anvil_process(folder))
    assert not stop_anvil(folder)


def test_a_killed_keeper_takes_its_node_along(tmp_path: Path):
    folder = tmp_path / "chain"
    node = open_anvil(folder, find_anvil())
    assert node._keeper is not None
    node._keeper.kill()
    wait_until(lambda: not anvil_process(folder))
    node.close()
    with open_anvil(folder, find_anvil()) as again:
        assert JsonRpc(again.url).quantity("eth_chainId") == 31337


def test_what_a_power_cut_took_from_the_chain_is_given_again(store: SqlStore, tmp_path: Path):
    """Killed before it ever saved: genesis, contract and address come back, checkpoints go from reorged to final."""
    folder, leaves = tmp_path / "chain", leaves_of(9)
    node = open_anvil(folder, find_anvil())
    chain = chain_at(node, tmp_path / "key")
    for part in (leaves[:4], leaves[4:7]):
        add_leaves(store, "main", part)
        writer_for(store, chain).run()
    before = [(row.new_size, row.root) for row in store.checkpoints("main")]
    os.kill(anvil_process(folder), signal.SIGKILL)
    wait_until(lambda: not anvil_process(folder))
    with pytest.raises(LedgerUnreachable):
        writer_for(store, chain).run()
    node.close()
    (folder / "anvil.json").unlink(missing_ok=True)
    add_leaves(store, "main", leaves[7:])
    with open_anvil(folder, find_anvil()) as node:
        chain = chain_at(node, tmp_path / "key")
        report = writer_for(store, chain).run()
        assert (report.final_leaves, len(report.checkpoints)) == (9, 3)
        assert_nothing_lost(store, chain, "main", leaves)
    assert [(row.new_size, row.root) for row in store.checkpoints("main")][:2] == before


def test_a_damaged_state_gives_way_to_the_one_before(store: SqlStore, tmp_path: Path):
    folder, leaves = tmp_path / "chain", leaves_of(4)
    add_leaves(store, "main", leaves)
    for _ in range(2):  # the second start keeps a copy of what the first one saved
        with open_anvil(folder, find_anvil()) as node:
            writer_for(store, chain_at(node, tmp_path / "key")).run()
    (folder / "anvil.json").write_text('{"block":')
    with open_anvil(folder, find_anvil()) as node:
        assert_nothing_lost(store, chain_at(node, tmp_path / "key"), "main", leaves)
    assert list(folder.glob("anvil.damaged-*.json"))


def test_another_key_cannot_bring_the_contract_back(store: SqlStore, tmp_path: Path):
    folder = tmp_path / "chain"
    with open_anvil(folder, find_anvil()) as node:
        open_ledger("main", store, chain_at(node, tmp_path / "key"), LOG_ID)
    (folder / "anvil.json").unlink()
    with open_anvil(folder, find_anvil()) as node, pytest.raises(LedgerIdentityChanged) as caught:
        open_ledger("main", store, chain_at(node, tmp_path / "another key"), LOG_ID)
    assert "contract code" in caught.value.got


def test_a_port_that_is_taken_is_left_alone(tmp_path: Path):
    import socket

    folder = tmp_path / "chain"
    with open_anvil(folder, find_anvil()) as node:
        port = int(node.url.rsplit(":", 1)[1])
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        with open_anvil(folder, find_anvil()) as node:
            assert not node.url.endswith(f":{port}")


def test_an_anvil_that_does_not_start_says_why(tmp_path: Path):
    program = tmp_path / "anvil"
    program.write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(LedgerUnreachable, match="no such luck") as caught:
        open_anvil(tmp_path / "chain", program)
    assert "anvil.log" in caught.value.next_step


def test_where_anvil_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert find_anvil().name == "anvil"
    with pytest.raises(MissingTool, match="nowhere"):
        find_anvil(Path("nowhere"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("medauth.ledger.anvil.__file__", str(tmp_path / "a" / "b" / "c.py"))
    with pytest.raises(MissingTool, match="not installed") as caught:
        find_anvil()
    assert "npm install @foundry-rs/anvil@" in caught.value.next_step
    (tmp_path / "anvil").write_text("")
    (tmp_path / "anvil").chmod(0o755)
    assert find_anvil() == tmp_path / "anvil"
