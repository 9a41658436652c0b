"""The committed artifact is what the sources give, by two ways that share no build tool."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from medauth.ledger.artifacts import ContractArtifact, load_artifact
from tests.ports.chains import ROOT, node_environment, node_program

WRAPPER = ROOT / "scripts" / "solc-wrapper.cjs"

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def artifact() -> ContractArtifact:
    return load_artifact()


def source_file(name: str) -> Path:
    return ROOT / name if name.startswith("contracts/") else ROOT / "node_modules" / name


def test_the_artifact_names_the_sources_as_they_are(artifact: ContractArtifact):
    assert {name for name in artifact.sources if name.startswith("contracts/")} == {
        "contracts/ILivenessLedger.sol",
        "contracts/LivenessLedger.sol",
        "contracts/RFC9162.sol",
    }
    for name, digest in artifact.sources.items():
        assert hashlib.sha256(source_file(name).read_bytes()).hexdigest() == digest, name


def test_py_solc_x_makes_the_same_bytes(artifact: ContractArtifact, monkeypatch: pytest.MonkeyPatch):
    import solcx

    monkeypatch.setenv("PATH", node_environment()["PATH"])
    question: dict[str, Any] = {
        "language": "Solidity",
        "sources": {name: {"content": source_file(name).read_text()} for name in artifact.sources},
        "settings": {
            **artifact.compiler["settings"],
            "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode"]}},
        },
    }
    answer = solcx.compile_standard(question, solc_binary=str(WRAPPER), allow_paths=str(ROOT))
    compiled = answer["contracts"]["contracts/LivenessLedger.sol"]["LivenessLedger"]
    assert compiled["abi"] == artifact.abi
    assert bytes.fromhex(compiled["evm"]["bytecode"]["object"]) == artifact.bytecode
    deployed = compiled["evm"]["deployedBytecode"]
    assert bytes.fromhex(deployed["object"]) == artifact.deployed_bytecode
    places = [place["start"] for group in deployed["immutableReferences"].values() for place in group]
    assert tuple(places) == artifact.immutable_offsets


def test_hardhat_makes_the_same_file():
    hardhat = ROOT / "node_modules" / "hardhat" / "dist" / "src" / "cli.js"
    for command in ([str(hardhat), "build", "--quiet"], ["scripts/export-artifact.mjs", "--check"]):
        done = subprocess.run(
            [node_program(), *command], cwd=ROOT, env=node_environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_wrapper_refuses_what_it_cannot_do():
    done = subprocess.run([node_program(), str(WRAPPER), "--bin"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "--standard-json" in done.stderr


def test_the_code_on_chain_carries_the_log_id(artifact: ContractArtifact):
    log_id = bytes(range(32))
    code = artifact.code_for(log_id)
    assert len(code) == len(artifact.deployed_bytecode)
    assert code.count(log_id) == len(artifact.immutable_offsets) == 1
    assert len(code) < 24_576  # EIP-170


def test_the_lock_file_names_no_host():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert not any("resolved" in package for package in lock["packages"].values())


def test_every_dependency_is_pinned_to_one_version():
    manifest = json.loads((ROOT / "package.json").read_text())
    for version in [*manifest["dependencies"].values(), *manifest["devDependencies"].values()]:
        assert version[0].isdigit(), version
