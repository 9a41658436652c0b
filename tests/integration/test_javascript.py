"""The verifier in JavaScript on evidence as a server makes it: recorded, anchored on anvil, handed over as two files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from medauth.chains import chain_reader, revocation_reader
from medauth.evidence.bundle import Bundle
from medauth.evidence.trust import TrustFile
from medauth.evidence.verifier import Examination, StepState, Trust
from medauth.ledger.anvil import AnvilNode, find_anvil, open_anvil
from medauth.ledger.deployment import Web3Chain
from medauth.ledger.interface import NewCheckpoint, RevocationReason
from medauth.ledger.keys import local_chain_signer
from medauth.ledger.rpc import JsonRpc
from medauth.service.anchoring import AnchorOptions, AnchorWriter
from medauth.service.direct_calls import revocation_of
from medauth.service.disclosure import contract_of
from medauth.service.notarising import Notary
from medauth.service.pinning import open_ledger
from medauth.store.interface import MAIN_LOG, ChainIdentityRow
from tests.integration.test_bundle_vectors import JAVASCRIPT, find_node
from tests.ports.ledger_world import put
from tests.recorded import World, open_world

pytestmark = pytest.mark.chain

SCRIPT = """
import { readFileSync } from "node:fs";
const [program, bundle, trust, rpc] = process.argv.slice(1);
const { verify } = await import(program);
console.log(JSON.stringify(await verify(readFileSync(bundle), readFileSync(trust), { rpc })));
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnvilNode]:
    with open_anvil(tmp_path_factory.mktemp("anvil"), find_anvil()) as found:
        yield found


@pytest.fixture(scope="module")
def world(node: AnvilNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Three checks under a checkpoint on anvil, signed."""
    world = open_world(tmp_path_factory.mktemp("world"))
    for number in range(3):
        world.record_check(number)
    chain = Web3Chain(JsonRpc(node.url), local_chain_signer(world.folder / "chain.key"))
    ledger = open_ledger(MAIN_LOG, world.store, chain, b"\x07" * 32)
    AnchorWriter(MAIN_LOG, world.store, ledger, holder="test", options=AnchorOptions(confirmations=1)).run()
    Notary(world.store, world.keyring, lambda _, root: ledger.checkpoint_size(root), now_ms=world.tick).notarise(
        MAIN_LOG
    )
    yield world
    world.store.close()


def trust_file(world: World, *, pinned: bool = True, named: bool = True) -> TrustFile:
    identity = world.store.chain_identity(MAIN_LOG)
    assert identity is not None
    pins = {row.root: row.new_size for row in world.store.checkpoints(MAIN_LOG)} if pinned else {}
    contracts = {MAIN_LOG: (contract_of(identity),)} if named else {}
    return TrustFile.of(world.keyring.trusted().values(), pins, contracts)


def by_javascript(bundle: Bundle, trust: TrustFile, rpc: str, folder: Path) -> dict[str, Any]:
    program = find_node()
    if program is None:
        pytest.skip("Node 22 or newer is not installed")
    (folder / "bundle.json").write_bytes(bundle.to_bytes())
    (folder / "trust.json").write_bytes(trust.to_bytes())
    words = [str(JAVASCRIPT), str(folder / "bundle.json"), str(folder / "trust.json"), rpc]
    command = [program, "--input-type=module", "--eval", SCRIPT, "--", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("pinned", [True, False])
def test_both_verifiers_agree_on_every_record_and_ask_the_same_chain(
    pinned: bool, world: World, node: AnvilNode, tmp_path: Path
) -> None:
    trust = trust_file(world, pinned=pinned)
    for record in world.store.records(MAIN_LOG):
        bundle = world.auditor().bundle(record.record_id)
        assert bundle.anchor is not None
        found = by_javascript(bundle, trust, node.url, tmp_path)
        asked = Trust.of(trust, size_on_chain=chain_reader(node.url, bundle.anchor.contract))
        expected = [(step.name, step.state.value) for step in Examination(bundle, asked).steps()]
        assert [(step["name"], step["state"]) for step in found["steps"]] == expected
        assert found["holds"]
        assert found["steps"][-1]["state"] == StepState.HOLDS
        assert "proves nothing to outsiders" in found["steps"][-1]["text"]


@pytest.mark.parametrize("named", [True, False])
def test_where_no_contract_is_trusted_both_say_that_it_is_the_bundles_own_claim(
    named: bool, world: World, node: AnvilNode, tmp_path: Path
) -> None:
    trust = trust_file(world, named=named)
    bundle = world.auditor().bundle(next(iter(world.store.records(MAIN_LOG))).record_id)
    assert bundle.anchor is not None
    ask = chain_reader(node.url, bundle.anchor.contract)
    for handed in (bundle, replace(bundle, anchor=None, checkpoint=None)):
        last = by_javascript(handed, trust, node.url, tmp_path)["steps"][-1]
        ours = list(Examination(handed, Trust.of(trust, size_on_chain=ask)).steps())[-1]
        assert (last["name"], last["state"], last["text"]) == (ours.name, ours.state.value, ours.text)
        claimed = "the bundle's own claim: no contract is trusted" if handed.anchor else "as the bundle has it"
        assert (claimed in ours.text) is not named


def test_a_revoked_record_fails_in_both_verifiers(world: World, node: AnvilNode, tmp_path: Path) -> None:
    record = world.record_check(9)
    chain = Web3Chain(JsonRpc(node.url), local_chain_signer(world.folder / "chain.key"))
    ledger = open_ledger(MAIN_LOG, world.store, chain, b"\x07" * 32)
    AnchorWriter(MAIN_LOG, world.store, ledger, holder="test", options=AnchorOptions(confirmations=1)).run()
    row = world.store.record(record.record_id)
    put(ledger, revocation_of(row, world.store, ledger.head(), RevocationReason.ATTACK_FOUND))
    bundle, trust = world.auditor().bundle(record.record_id), trust_file(world)
    assert bundle.anchor is not None
    found = by_javascript(bundle, trust, node.url, tmp_path)
    asked = Trust.of(
        trust,
        size_on_chain=chain_reader(node.url, bundle.anchor.contract),
        revoked=revocation_reader(node.url, [bundle.anchor.contract]),
    )
    last = list(Examination(bundle, asked).steps())[-1]
    assert (last.name, last.state) == ("chain", StepState.FAILS)
    assert (found["steps"][-1]["name"], found["steps"][-1]["state"]) == ("chain", "fails")
    for text in (last.text, found["steps"][-1]["text"]):
        assert "the record was revoked at 20" in text
        assert "attack-found" in text
    silent = by_javascript(replace(bundle, anchor=None, checkpoint=None), trust, node.url, tmp_path)
    assert (silent["holds"], "the record was revoked at 20" in silent["steps"][-1]["text"]) == (False, True)


def test_a_revocation_is_found_in_a_contract_that_the_bundle_does_not_name(
    world: World, node: AnvilNode, tmp_path: Path
) -> None:
    """Two contracts hold one root, as at the boundary of two epochs; the record is revoked in the first alone."""
    record = world.record_check(11)
    chain = Web3Chain(JsonRpc(node.url), local_chain_signer(world.folder / "chain.key"))
    ledger = open_ledger(MAIN_LOG, world.store, chain, b"\x07" * 32)
    AnchorWriter(MAIN_LOG, world.store, ledger, holder="test", options=AnchorOptions(confirmations=1)).run()
    row = world.store.record(record.record_id)
    put(ledger, revocation_of(row, world.store, ledger.head(), RevocationReason.SUPERSEDED))
    bundle = world.auditor().bundle(record.record_id)
    assert bundle.proof is not None
    assert bundle.anchor is not None
    second = chain.open(chain.deploy(b"\x09" * 32))
    put(second, NewCheckpoint(0, bundle.proof.size, bundle.proof.root, ()))
    contract = contract_of(ChainIdentityRow(log=MAIN_LOG, **asdict(second.identity)))
    trust = replace(trust_file(world), contracts={MAIN_LOG: (bundle.anchor.contract, contract)})
    moved = replace(bundle, anchor=replace(bundle.anchor, contract=contract), checkpoint=None)
    last = by_javascript(moved, trust, node.url, tmp_path)["steps"][-1]
    assert (last["name"], last["state"]) == ("chain", "fails")
    assert "superseded" in last["text"]


def test_a_contract_at_another_address_is_no_ledger(world: World, node: AnvilNode, tmp_path: Path) -> None:
    bundle = world.auditor().bundle(next(iter(world.store.records(MAIN_LOG))).record_id)
    assert bundle.anchor is not None
    elsewhere = replace(bundle.anchor.contract, address="0x" + "11" * 20)
    moved = replace(bundle, anchor=replace(bundle.anchor, contract=elsewhere))
    trust = replace(trust_file(world), contracts={MAIN_LOG: (elsewhere,)})
    found = by_javascript(moved, trust, node.url, tmp_path)
    assert (found["steps"][-1]["name"], found["steps"][-1]["state"]) == ("chain", "fails")
    assert "no ledger of this log" in found["steps"][-1]["text"]


def test_no_node_is_a_failed_step_with_words(world: World, tmp_path: Path) -> None:
    bundle = world.auditor().bundle(next(iter(world.store.records(MAIN_LOG))).record_id)
    found = by_javascript(bundle, trust_file(world), "http://127.0.0.1:9", tmp_path)
    assert found["steps"][-1] == {"name": "chain", "state": "fails", "text": "no answer from the node"}
