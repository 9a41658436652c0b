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
from typer.testing import CliRunner

import medauth
from medauth.cli.main import app
from medauth.errors import ConfigError, EvidenceError, LedgerIdentityChanged, StoreError
from medauth.evidence.merkle import MemoryTree
from medauth.ledger.anvil import AnvilNode, find_anvil, open_anvil
from medauth.ledger.artifacts import load_artifact
from medauth.ledger.contract import open_reader
from medauth.ledger.deployment import Web3Chain
from medauth.ledger.interface import ChainIdentity, Pause, RevocationReason
from medauth.ledger.keys import LocalSigner, create_keystore, local_chain_signer
from medauth.ledger.networks import load_network
from medauth.ledger.rpc import JsonRpc
from medauth.ledger.transactions import fee_fields, send, suggest_fees
from medauth.service.chain_audit import compare_chain
from medauth.store.interface import MAIN_LOG
from tests.ports.chains import ROOT, hardhat_url, node_environment, node_program
from tests.ports.ledger_world import add_leaves, checkpoint_over, leaves_of, put

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


def test_a_log_moves_to_a_new_contract_and_its_audit_reads_both(tmp_path: Path) -> None:
    settings = medauth.Settings(data_dir=tmp_path, urgent_anchor=True)
    with medauth.open(settings) as auth:
        add_leaves(auth.store, MAIN_LOG, leaves_of(3))
        auth.anchor()
        first = auth.chains.deploy(MAIN_LOG).identity
        with pytest.raises(ConfigError, match="not at"):
            auth.chains.deploy_after(MAIN_LOG, "0x" + "12" * 20)
        assert auth.chains.deploy_after(MAIN_LOG, first.address.lower()).head.size == 3
        add_leaves(auth.store, MAIN_LOG, leaves_of(2, "later"))
        assert auth.anchor().final_leaves == 5
        rows = list(auth.store.checkpoints(MAIN_LOG))
        events = list(auth.chains.events(MAIN_LOG))
        assert [(e.seq, e.new_size, e.tx_hash) for e in events] == [(r.seq, r.new_size, r.tx_hash) for r in rows]
        assert [auth.chains.size_on_chain(MAIN_LOG, row.root) for row in rows] == [3, 5]
        assert "2 checkpoints are on chain" in compare_chain(MAIN_LOG, auth.store, auth.chains)
        notes = [auth.store.note(MAIN_LOG, row.seq) for row in rows]
        assert len({note.text.splitlines()[0] for note in notes if note}) == 2  # each signed under its own log id
        record = next(iter(auth.store.records(MAIN_LOG)))
        assert auth.chains.leaf_on_chain(record).anchored_alone_s == 0
        auth.chains.anchor_urgently(record)
        assert list(auth.chains.urgent_leaves(MAIN_LOG)) == [record.leaf]
        assert "1 leaves anchored by themselves" in compare_chain(MAIN_LOG, auth.store, auth.chains)
        auth.chains.revoke(record, RevocationReason.OPERATOR_ERROR)
        found = auth.chains.leaf_on_chain(record)
        assert found.anchored_alone_s
        assert found.revocation
        assert found.revocation.reason is RevocationReason.OPERATOR_ERROR
    shown = command(tmp_path, "ledger", "show")
    assert (shown[0]["before"], shown[0]["size"]) == ([first.address], 5)
    standing = command(tmp_path, "ledger", "standing", record.record_id)
    assert (standing["state"], standing["reason"]) == ("final", "operator-error")
    with medauth.open(medauth.Settings(data_dir=tmp_path)) as auth:
        with pytest.raises(ConfigError, match="urgent anchors are off"):
            auth.chains.anchor_urgently(record)
        _unpause(auth, tmp_path, first)
        with pytest.raises(EvidenceError, match="no event in its place"):
            compare_chain(MAIN_LOG, auth.store, auth.chains)


def _unpause(auth: medauth.Medauth, folder: Path, old: ChainIdentity) -> None:
    """The admin opens the old contract again and goes on there: a second end of the log."""
    auth.chains.head(MAIN_LOG)  # starts the local chain
    rpc = JsonRpc(f"http://127.0.0.1:{json.loads((folder / 'chain' / 'node.json').read_text())['port']}")
    signer = local_chain_signer(folder / "keys" / "chain-main.key")
    ledger, fees = Web3Chain(rpc, signer).open(old), suggest_fees(rpc)
    opening = {"to": old.address, "data": "0x3f4ba83a", "value": 0, "gas": 100_000, "type": 2, "chainId": 31337}
    _, raw = signer.sign(opening | {"nonce": ledger.next_nonce()} | fee_fields(fees))
    send(rpc, raw)
    leaves = [leaf.leaf for leaf in auth.store.leaves(MAIN_LOG)]
    put(ledger, checkpoint_over(MemoryTree([*leaves[:3], bytes(32)]), 3, 4))
    assert ledger.head().size == 4


def test_records_are_revoked_and_anchored_at_once_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with medauth.open(medauth.Settings(data_dir=tmp_path)) as auth:
        add_leaves(auth.store, MAIN_LOG, leaves_of(2))
        auth.anchor()
        first, second = (row.record_id for row in auth.store.records(MAIN_LOG))
    done = command(tmp_path, "ledger", "revoke", first, "--reason", "attack-found")
    assert (done["record"], done["reason"]) == (first, "attack-found")
    assert command(tmp_path, "ledger", "standing", first)["revoked"]
    assert command(tmp_path, "ledger", "standing", second)["revoked"] is None
    monkeypatch.setenv("MEDAUTH_URGENT_ANCHOR", "1")
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(tmp_path))
    found = CliRunner().invoke(app, ["anchor", "--urgent", second])
    assert found.exit_code == 0
    assert "shows the world when this one record was made" in found.stdout
    assert command(tmp_path, "ledger", "standing", second)["anchored_alone"]


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
    """As the kernel does when memory runs out: keeper and node, without a word.

    The keeper is stopped first: it can then neither leave by itself, seeing its node die, nor bury a child under our hands.
    """
    keeper = json.loads((folder / "node.json").read_text())["keeper"]
    os.kill(keeper, signal.SIGSTOP)
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


def by_hardhat(url: str, file: Path, **values: str) -> str:
    """What the script of `npm run deploy:contracts` prints."""
    hardhat = str(ROOT / "node_modules" / "hardhat" / "dist" / "src" / "cli.js")
    script = json.loads((ROOT / "package.json").read_text())["scripts"]["deploy:contracts"].split()[1:]
    done = subprocess.run(
        [node_program(), hardhat, *script, "--network", "external"],
        check=False,
        cwd=ROOT,
        env=node_environment()
        | {"RPC_URL": url, "DEPLOYER_KEY": HARDHAT_KEY, "LEDGER_NETWORK_FILE": str(file)}
        | values,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_hardhat_script_deploys_the_committed_contract_and_the_one_that_goes_on_after_it(tmp_path: Path) -> None:
    file, later = tmp_path / "network.json", tmp_path / "later.json"
    with hardhat_url() as url:
        said = by_hardhat(url, file)
        first = load_network(str(file)).contracts["main"]
        signer = LocalSigner(bytes.fromhex(HARDHAT_KEY[2:]))
        ledger = Web3Chain(JsonRpc(url), signer).open(first)
        put(ledger, checkpoint_over(MemoryTree(leaves_of(5)), 0, 5))
        put(ledger, Pause())
        by_hardhat(url, later, LEDGER_AFTER=first.address)
        second = load_network(str(later)).contracts["main"]
        reader = open_reader(JsonRpc(url), second)
        reader.check_identity()
        assert (second.log_id, reader.head()) == (first.epoch_after(ledger.head()), ledger.head())
    assert "gas         1" in said
    assert first.address.lower() in said.lower()
    assert json.loads(later.read_text())["contracts"][0]["after"] == first.address
