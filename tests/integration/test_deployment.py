"""Contracts on a real chain: deployed, pinned, named by a file, and found again on a local chain that died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import medauth
from medauth.errors import ConfigError, LedgerIdentityChanged, StoreError
from medauth.ledger.anvil import AnvilNode, find_anvil, open_anvil
from medauth.ledger.artifacts import load_artifact
from medauth.ledger.contract import Web3Chain, open_reader
from medauth.ledger.interface import ChainIdentity
from medauth.ledger.keys import create_keystore
from medauth.ledger.networks import load_network
from medauth.ledger.rpc import JsonRpc
from medauth.store.interface import MAIN_LOG
from tests.ports.chains import ROOT, hardhat_url, node_environment, node_program
from tests.ports.ledger_world import add_leaves, leaves_of

pytestmark = pytest.mark.chain
HARDHAT_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
"""The first account of every Hardhat node."""
CLI = [sys.executable, "-c", "from medauth.cli.main import run; run()"]


def command(folder: Path, *arguments: str) -> Any:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEDAUTH_")}
    done = subprocess.run(
        [*CLI, "--data-dir", str(folder), *arguments, "--json"],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_contract_is_deployed_once_and_shown(tmp_path: Path) -> None:
    assert command(tmp_path, "ledger", "show") == []
    first = command(tmp_path, "ledger", "deploy")
    again = command(tmp_path, "ledger", "deploy")
    assert (first["chain"], first["size"], first["local_chain"]) == (31337, 0, True)
    assert 1_000_000 < first["gas"] < 1_500_000
    assert (again["address"], again["gas"]) == (first["address"], None)
    (shown,) = command(tmp_path, "ledger", "show")
    assert (shown["address"], shown["log"], shown["size"]) == (first["address"], "main", 0)


def test_a_local_chain_that_was_killed_is_started_again(tmp_path: Path) -> None:
    with medauth.open(medauth.Settings(data_dir=tmp_path)) as auth:
        add_leaves(auth.store, MAIN_LOG, leaves_of(3))
        assert auth.anchor().final_leaves == 3
        kill_node(tmp_path / "chain")
        add_leaves(auth.store, MAIN_LOG, leaves_of(2, "later"))
        assert auth.anchor().final_leaves == 5
        kill_node(tmp_path / "chain")
        (*_, last) = auth.store.checkpoints(MAIN_LOG)
        auth.anchor()
        assert auth.chains.size_on_chain(MAIN_LOG, last.root) == 5


def kill_node(folder: Path) -> None:
    """As the kernel does when memory runs out: keeper and node, without a word."""
    keeper = json.loads((folder / "node.json").read_text())["keeper"]
    children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    for process in (*map(int, children), keeper):
        os.kill(process, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(_runs(process) for process in (*map(int, children), keeper)) and time.monotonic() < deadline:
        time.sleep(0.01)


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[AnvilNode]:
    """A chain that others keep, as far as medauth can see: it is named by its address."""
    with open_anvil(tmp_path / "public", find_anvil()) as node:
        yield node


@pytest.fixture
def listed(tmp_path: Path, chain: AnvilNode) -> ChainIdentity:
    signer = create_keystore(tmp_path / "chain.json", "x")
    return Web3Chain(JsonRpc(chain.url), signer).deploy(bytes([9]) * 32)


def network_file(folder: Path, identity: ChainIdentity, **changes: object) -> str:
    value = {
        "format": "medauth network v1",
        "name": "test",
        "chain_id": identity.chain_id,
        "genesis": f"0x{identity.genesis.hex()}",
        "contracts": [
            {
                "log": "main",
                "address": identity.address,
                "log_id": f"0x{identity.log_id.hex()}",
                "deployed_block": identity.deployed_block,
            }
        ],
        "abi": load_artifact().abi,
    }
    path = folder / "network.json"
    path.write_text(json.dumps(value | changes))
    return str(path)


def opened(folder: Path, chain: AnvilNode, network: str) -> medauth.Medauth:
    settings = medauth.Settings(
        data_dir=folder / "data",
        rpc_url=chain.url,
        chain_keystore=str(folder / "chain.json"),
        chain_passphrase="x",
        confirmations=1,
        ledger_network=network,
    )
    return medauth.open(settings)


def test_a_listed_contract_is_used_where_it_is_named(tmp_path: Path, chain: AnvilNode, listed: ChainIdentity) -> None:
    with opened(tmp_path, chain, network_file(tmp_path, listed)) as auth:
        add_leaves(auth.store, MAIN_LOG, leaves_of(3))
        assert auth.anchor().final_leaves == 3
        assert auth.chains.deploy(MAIN_LOG).identity == listed
        assert auth.chains.deploy(MAIN_LOG).receipt is None
    reader = open_reader(JsonRpc(chain.url), listed)
    assert reader.head().size == 3


def test_a_listed_contract_is_not_used_unasked(tmp_path: Path, chain: AnvilNode, listed: ChainIdentity) -> None:
    """The chain has the right number and the contract lies there: that alone says nothing."""
    network_file(tmp_path, listed)
    with opened(tmp_path, chain, "") as auth:
        assert auth.chains.deploy(MAIN_LOG).identity.address != listed.address
    with opened(tmp_path, chain, network_file(tmp_path, listed)) as auth, pytest.raises(StoreError, match="pinned"):
        auth.chains.deploy(MAIN_LOG)


def test_a_file_that_tells_of_another_chain_or_contract_is_refused(
    tmp_path: Path, chain: AnvilNode, listed: ChainIdentity
) -> None:
    stranger = {"log": "main", "address": "0x" + "11" * 20, "log_id": "0x" + "09" * 32, "deployed_block": 1}
    others: tuple[dict[str, Any], ...] = ({"chain_id": 1}, {"genesis": "0x" + "00" * 32}, {"contracts": [stranger]})
    for changes in others:
        with opened(tmp_path, chain, network_file(tmp_path, listed, **changes)) as auth:
            with pytest.raises(LedgerIdentityChanged):
                auth.chains.deploy(MAIN_LOG)
            assert auth.store.chain_identity(MAIN_LOG) is None
    malformed: tuple[dict[str, Any], ...] = (
        {"abi": []},
        {"contracts": []},
        {"chain_id": "1"},
        {"format": "x"},
        {"genesis": "0x00"},
    )
    for changes in malformed:
        with opened(tmp_path, chain, network_file(tmp_path, listed, **changes)) as auth, pytest.raises(ConfigError):
            auth.chains.deploy(MAIN_LOG)


def test_the_hardhat_script_deploys_the_committed_contract_and_writes_its_file(tmp_path: Path) -> None:
    file = tmp_path / "network.json"
    hardhat = str(ROOT / "node_modules" / "hardhat" / "dist" / "src" / "cli.js")
    with hardhat_url() as url:
        values = {"RPC_URL": url, "DEPLOYER_KEY": HARDHAT_KEY, "LEDGER_NETWORK_FILE": str(file)}
        script = json.loads((ROOT / "package.json").read_text())["scripts"]["deploy:contracts"].split()[1:]
        done = subprocess.run(
            [node_program(), hardhat, *script, "--network", "external"],
            check=False,
            cwd=ROOT,
            env=node_environment() | values,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        identity = load_network(str(file)).contracts["main"]
        open_reader(JsonRpc(url), identity).check_identity()
    assert "gas         1" in done.stdout
    assert identity.address.lower() in done.stdout.lower()
