"""The commands on a real mirror, as a person and as a program would call them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from medauth.cli.main import app
from tests.recorded import World, open_world

runner = CliRunner()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Three recorded checks under one checkpoint; commands find them by MEDAUTH_DATA_DIR and run in an empty folder."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    world = open_world(folder)
    for number in range(3):
        world.record_check(number)
    world.anchor()
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("MEDAUTH_DATA_DIR", str(folder))
    monkeypatch.chdir(work)
    yield world
    world.store.close()


def run(*words: str, code: int = 0) -> Result:
    result = runner.invoke(app, list(words), env=dict(os.environ), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def run_json(*words: str, code: int = 0) -> Any:
    return json.loads(run(*words, "--json", code=code).stdout)


def verdict_id() -> str:
    rows = run_json("audit", "--list")
    return str(next(row["record_id"] for row in rows if row["kind"] == "verdict"))


def test_audit_lists_and_audits_one_record_and_all(world: World) -> None:
    assert len(run_json("audit", "--list")) == 6
    one = run_json("audit", verdict_id(), "--offline")
    assert one["fault"] is None
    assert [step["name"] for step in one["steps"]][:3] == ["stored bytes", "key", "signature"]
    everything = run_json("audit", "--all", "--offline")
    assert everything["faults"] == []


def test_audit_exits_with_the_code_of_the_fault_and_names_it(world: World) -> None:
    sealed = next((world.folder / "evidence").rglob("traces"))
    sealed.write_bytes(sealed.read_bytes()[:-1] + b"\x00")
    found = run_json("audit", "--all", "--offline", code=21)
    assert [fault["fault"] for fault in found["faults"]] == ["files"]
    assert "traces" in run("audit", "--all", "--offline", code=21).output


def test_a_bundle_verifies_against_the_trust_file_and_not_once_it_was_changed(world: World) -> None:
    bundle = Path(run_json("bundle", verdict_id(), "--out", "it.json")["bundle"])
    run("trust", "--out", "trust.json")
    checked = run_json("verify", str(bundle), "--trust", "trust.json")
    assert checked["holds"]
    value = json.loads(bundle.read_bytes())
    value["leaf_key"] = "00" * 32
    bundle.write_text(json.dumps(value))
    broken = run_json("verify", str(bundle), "--trust", "trust.json", code=17)
    assert [step["name"] for step in broken["steps"] if step["state"] == "fails"] == ["inclusion"]


def test_a_trust_file_names_the_contract_and_a_bundle_chooses_no_other(world: World) -> None:
    run_json("bundle", verdict_id(), "--out", "it.json")
    assert run_json("trust", "--out", "trust.json") == {"trust": "trust.json", "checkpoints": 1, "contracts": 1}
    trust = json.loads(Path("trust.json").read_bytes())
    trust["contracts"][0]["address"] = "0x" + "11" * 20
    Path("other.json").write_text(json.dumps(trust))
    broken = run_json("verify", "it.json", "--trust", "other.json", code=19)
    assert broken["steps"][-1]["name"] == "chain"
    Path("keys.json").write_text(json.dumps(trust | {"contracts": [], "checkpoints": []}))
    alone = run_json("verify", "it.json", "--trust", "keys.json")
    assert "none is pinned" in next(step["text"] for step in alone["steps"] if step["name"] == "checkpoint")


def test_an_auditor_who_pinned_an_older_head_is_shown_the_way_from_it(world: World) -> None:
    run("trust", "--out", "trust.json")
    world.record_check(7)
    world.anchor()
    newest = [row["record_id"] for row in run_json("audit", "--list") if row["kind"] == "verdict"][-1]
    run_json("bundle", newest, "--out", "plain.json")
    refused = run_json("verify", "plain.json", "--trust", "trust.json", code=18)
    assert "--since 6" in refused["steps"][-1]["text"]
    run_json("bundle", newest, "--since", "6", "--out", "linked.json")
    checked = run_json("verify", "linked.json", "--trust", "trust.json")
    assert "extends the pinned one of 6, and signed" in checked["steps"][7]["text"]
    for size in ("0", "9", "-1"):
        run("bundle", newest, "--since", size, "--out", "x.json", code=0 if size == "0" else 2)
    world.record_check(8)
    waiting = [row["record_id"] for row in run_json("audit", "--list") if row["kind"] == "verdict"][-1]
    run("bundle", waiting, "--since", "6", code=2)


def test_a_record_that_does_not_open_keeps_no_other_from_its_bundle(world: World) -> None:
    with world.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE records SET wrapped_key=x'00' WHERE leaf_index=1")
    said = run("bundle", "--all", "--out", "most", code=2).output
    assert "1 records have no bundle" in said
    assert len(list(Path("most").iterdir())) == 2


def test_no_contract_is_deployed_for_a_log_that_is_none(world: World) -> None:
    run("anchor", "--log", "../mine", code=2)
    with world.store.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO logs VALUES ('../mine', 5)")
    run("audit", "--all", "--offline", code=22)
    assert world.store.chain_identity("../mine") is None


def test_a_file_without_end_is_refused_and_not_read(world: World) -> None:
    with Path("huge.json").open("wb") as file:
        file.truncate(1 << 36)  # sparse: it takes no room
    run("trust", "--out", "trust.json")
    for words in (("verify", "huge.json"), ("verify", "huge.json", "--trust", "trust.json")):
        assert "at most 8388608" in run(*words, code=2).output
    run("audit", "--receipt", "huge.json", code=2)


def test_sealed_files_are_listed_by_digest(world: World) -> None:
    run_json("bundle", verdict_id(), "--out", "it.json")
    run("trust", "--out", "trust.json")
    files = run_json("verify", "it.json", "--trust", "trust.json")["files"]
    assert set(files) == {"traces", "heatmap.deepfake.png", "heatmap.emotion.png"}
    assert files["heatmap.deepfake.png"] in run("verify", "it.json", "--trust", "trust.json").output.replace("\n", "")


def test_logs_are_built_again_from_the_bundles_of_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from medauth.chains import Chains

    monkeypatch.setattr(Chains, "events", lambda _, log: world.events(log))
    assert run_json("bundle", "--all", "--out", "all") == {"folder": "all", "bundles": 3}
    (found,) = run_json("audit", "--rebuild", "all")
    assert found["fault"] is None
    assert "identical: 6 leaves" in found["steps"][-1]["text"]
    next(Path("all").iterdir()).unlink()
    assert run_json("audit", "--rebuild", "all", code=22)[0]["fault"] == "log"
    for words in (("audit", "--rebuild", "none"), ("bundle",), ("bundle", "evd_x", "--all")):
        run(*words, code=2)


@pytest.mark.parametrize("purpose", ["statements", "checkpoints"])
def test_evidence_holds_before_and_after_a_key_was_rotated(purpose: str, world: World) -> None:
    """The trust file says until when the old key counted; old bundles hold by it, and so do new ones."""
    record = verdict_id()
    run_json("bundle", record, "--out", "before.json")
    run_json("keys", "rotate", purpose)
    world.record_check(7)
    world.anchor()
    run_json("trust", "--out", "trust.json")
    retired = [key for key in json.loads(Path("trust.json").read_bytes())["keys"] if key["until_size"]]
    assert [key["purpose"] for key in retired] == [purpose]
    newest = [row["record_id"] for row in run_json("audit", "--list") if row["kind"] == "verdict"][-1]
    run_json("bundle", newest, "--out", "after.json")
    for file in ("before.json", "after.json"):
        assert run_json("verify", file, "--trust", "trust.json")["holds"]


def test_an_erased_check_cannot_be_read_and_everything_else_still_holds(world: World) -> None:
    record = verdict_id()
    erased = run_json("erase", record)
    assert record in erased[0]["erased"]
    assert run_json("audit", "--all", "--offline")["faults"] == []
    failed = run_json("bundle", record, code=2)
    assert failed["error"]["code"]


@pytest.mark.parametrize(
    "words",
    [
        ("audit",),
        ("audit", "evd_nobody"),
        ("bundle", "evd_nobody"),
        ("verify", "nowhere.json"),
        ("verify", "text.json"),
        ("analyze", "nowhere.mp4"),
        ("analyze", "text.json"),
        ("erase",),
        ("erase", "--expired"),
        ("policy", "lenient"),
        ("demo", "--rehearse", "--clip", "nowhere.mp4"),
        ("demo", "--rehearse", "--clip", "text.json"),
    ],
)
def test_wrong_input_is_answered_with_what_came_and_what_to_do(world: World, words: tuple[str, ...]) -> None:
    Path("text.json").write_text("not what it says")
    error = run_json(*words, code=2)["error"]
    assert error["got"]
    assert error["expected"] or error["next_step"]
    assert "Traceback" not in run(*words, code=2).output


def test_a_servers_own_keys_count_no_longer_than_they_were_in_use(world: World) -> None:
    waiting = world.record_check(7).record_id
    run("bundle", waiting, "--out", "waiting.json")
    assert run_json("verify", "waiting.json")["holds"]
    run("keys", "rotate", "statements")
    run("verify", "waiting.json", code=17)


def test_a_bundle_without_its_proof_is_not_final(world: World) -> None:
    waiting = world.record_check(7).record_id
    run("bundle", waiting, "--out", "waiting.json")
    assert run_json("verify", "waiting.json")["holds"]
    assert not run_json("verify", "waiting.json", "--final", code=17)["holds"]
    world.anchor()
    run("bundle", waiting, "--out", "anchored.json")
    assert run_json("verify", "anchored.json", "--final")["holds"]


def test_an_unknown_setting_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAUTH_KEEP_FRAME", "all")
    assert "MEDAUTH_KEEP_FRAME" in run_json("audit", "--list", code=2)["error"]["got"]


def test_a_node_that_is_down_leaves_records_pending_and_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDAUTH_RPC_URL", "http://127.0.0.1:9")
    world.record_check(7)
    assert run_json("anchor", "--log", "main", code=2)["error"]["code"].startswith(("ledger", "config"))
    assert run_json("audit", "--all", "--offline")["faults"] == []


def test_policies_say_their_bits() -> None:
    policies = run_json("policy")
    assert all(p["bits"] >= 20 for p in policies if not p["rehearsal"])
    assert "23.3 bits" in run("policy", "standard").output


def test_every_command_has_help_that_teaches() -> None:
    assert "First steps" in run("--help").output
    for command in (
        "demo",
        "check",
        "analyze",
        "anchor",
        "audit",
        "bundle",
        "trust",
        "verify",
        "erase",
        "policy",
        "doctor",
    ):
        assert len(run(command, "--help").output) > 200
