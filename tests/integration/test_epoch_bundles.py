"""Records on both sides of a move: each bundle names the contract that took its checkpoint, and both are verified."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import medauth
from medauth.auditing import log_audit
from medauth.chains import chain_reader, revocation_reader
from medauth.cli.main import app
from medauth.evidence.commitment import leaf_commitment
from medauth.evidence.trust import TrustFile
from medauth.evidence.verifier import Examination, StepState, Trust
from medauth.ledger.interface import RevocationReason
from medauth.service.disclosure import contract_of
from medauth.store.interface import MAIN_LOG, CheckpointState

pytestmark = pytest.mark.chain


def test_bundles_of_both_epochs_are_verified_and_the_log_is_audited(tmp_path: Path) -> None:
    with medauth.open(medauth.Settings(data_dir=tmp_path)) as auth:
        auth.start(subject="one")
        auth.anchor()
        first = auth.chains.deploy(MAIN_LOG).identity
        auth.chains.deploy_after(MAIN_LOG, first.address)
        auth.start(subject="two")
        auth.anchor()
        store, url = auth.store, f"http://{auth.chains._rpc(MAIN_LOG).place}"
        present = store.chain_identity(MAIN_LOG)
        assert present is not None
        bundles = [auth.bundle(row.record_id) for row in store.records(MAIN_LOG)]
        named = [bundle.anchor.contract.address for bundle in bundles if bundle.anchor]
        assert named == [first.address, present.address]
        contracts = {MAIN_LOG: tuple(map(contract_of, (store.epochs(MAIN_LOG)[0].identity, present)))}
        final = {row.root: row.new_size for row in store.checkpoints(MAIN_LOG)}
        assert {row.state for row in store.checkpoints(MAIN_LOG)} == {CheckpointState.FINAL}
        trust = TrustFile.of(auth.keyring.trusted().values(), final, contracts)
        for bundle in bundles:
            assert bundle.anchor is not None
            ask = chain_reader(url, bundle.anchor.contract)
            steps = {step.name: step for step in Examination(bundle, Trust.of(trust, size_on_chain=ask)).steps()}
            assert steps["checkpoint"].state is steps["chain"].state is StepState.HOLDS, steps["chain"].text
        assert log_audit(auth).over(MAIN_LOG).fault_count == 0
        old = bundles[0]
        assert old.anchor is not None
        leaf = leaf_commitment(old.leaf_key, old.envelope.payload)
        revoked = revocation_reader(url, old.anchor.contract.epochs(contracts[MAIN_LOG]))
        assert revoked(leaf) is None
        auth.chains.revoke(store.record(old.record_id), RevocationReason.SUPERSEDED)
        assert (revoked(leaf) or "").endswith(": superseded")
        # The head that was handed over stands in both contracts; a bundle's holder may name the other one, or none.
        elsewhere = replace(old, anchor=replace(old.anchor, contract=contract_of(present)), checkpoint=None)
        silent = replace(old, anchor=None, checkpoint=None)
        (tmp_path / "trust.json").write_bytes(trust.to_bytes())
        for name, bundle in (("old", old), ("elsewhere", elsewhere), ("silent", silent), ("new", bundles[1])):
            (tmp_path / f"{name}.json").write_bytes(bundle.to_bytes())
        for name, code in (("old", 19), ("elsewhere", 19), ("silent", 19), ("new", 0)):
            words = [
                "verify",
                str(tmp_path / f"{name}.json"),
                "--trust",
                str(tmp_path / "trust.json"),
                "--rpc",
                url,
            ]
            done = CliRunner().invoke(app, words)
            assert done.exit_code == code, done.output
            assert ("superseded" in done.output) is (code == 19)
    for bundle in bundles:
        told = CliRunner().invoke(app, ["audit", bundle.record_id, "--json"], env={"MEDAUTH_DATA_DIR": str(tmp_path)})
        assert told.exit_code == 0, told.output
        assert (json.loads(told.stdout)["revoked"] or "").endswith("superseded") is (bundle is old)


def test_a_contract_that_somebody_put_among_the_epochs_gets_into_no_trust_file(tmp_path: Path) -> None:
    """Believed, it would hide what the log's own contract revoked."""
    with medauth.open(medauth.Settings(data_dir=tmp_path)) as auth:
        auth.start(subject="one")
        auth.anchor()
        with auth.store.engine.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO epochs SELECT log, 1, 5, genesis, '0x' || hex(zeroblob(20)), code_hash, log_id, 1, 0, x'00' "
                "FROM chain_identities"
            )
    done = CliRunner().invoke(app, ["--data-dir", str(tmp_path), "trust", "--out", str(tmp_path / "trust.json")])
    assert (done.exit_code, (tmp_path / "trust.json").exists()) == (2, False)
    assert "the mirror was altered" in done.output
