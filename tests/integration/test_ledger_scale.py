"""Simulated mirrors are mirrors: they are audited as any other is, at a size that needs more than one stretch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from medauth import bootstrap
from medauth.auditing import log_audit, receipt_audit
from medauth.bootstrap import Medauth
from medauth.config import Settings
from medauth.evaluation.ledger_scale import STRICT, measured, primitive_us
from medauth.evaluation.simulated import simulate
from medauth.evidence.statement import CheckIdentity
from medauth.protocol.challenge import Challenge
from medauth.protocol.policy import STANDARD
from medauth.service.glance import Glance
from medauth.service.log_audit import LogReport
from medauth.service.sweep import LEAVES, Depth
from medauth.store.interface import MAIN_LOG

RECORDS = LEAVES + 100


@pytest.fixture
def auth(tmp_path: Path) -> Iterator[Medauth]:
    with bootstrap.open(replace(Settings.from_env({}), data_dir=tmp_path)) as auth:
        simulate(auth, RECORDS)
        yield auth


def audited(auth: Medauth, depth: Depth = Depth.QUICK) -> LogReport:
    return log_audit(auth, ask_chain=False, depth=depth).over(MAIN_LOG)


@pytest.mark.parametrize("depth", Depth)
def test_a_simulated_mirror_holds(depth: Depth, auth: Medauth) -> None:
    report = audited(auth, depth)
    assert (report.fault_count, report.size, report.covered) == (0, RECORDS, RECORDS)


def test_a_simulated_stretch_is_seen_at_a_glance(auth: Medauth) -> None:
    """What the benchmark measures is the quick way, not the careful one."""
    glance = Glance(auth.store, auth.keyring)
    assert glance.over(MAIN_LOG, 0, LEAVES)
    assert glance.over(MAIN_LOG, LEAVES, RECORDS)


def test_one_bit_in_the_second_stretch_is_named(auth: Medauth) -> None:
    with auth.store.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE records SET sealed_envelope = CAST(substr(sealed_envelope, 2) || x'00' AS BLOB) "
            f"WHERE leaf_index = {LEAVES + 7}"
        )
    report = audited(auth)
    assert [(found.subject, found.exit_code) for found in report.faults] == [(f"sta_{LEAVES + 7:030d}", 10)]


def test_a_receipt_whose_leaf_is_missing_shows_in_a_long_log(auth: Medauth) -> None:
    challenge = Challenge("chk_late", (), bytes(32))
    started = auth.verification().begin(CheckIdentity("chk_late", "user", "bench", ""), STANDARD, challenge, "")
    receipt = started.receipt.to_bytes()
    assert receipt_audit(auth, ask_chain=False).over(receipt).exit_code == 0
    with auth.store.engine.begin() as connection:
        connection.exec_driver_sql(f'DELETE FROM leaves WHERE "index" = {RECORDS}')
    found = receipt_audit(auth, ask_chain=False).over(receipt)
    assert (found.exit_code, f"leaf {RECORDS} of log main is missing" in str(found.fault)) == (26, True)


def test_the_benchmark_measures_the_audits_own_memory_and_a_proof_of_logarithmic_length(
    auth: Medauth, tmp_path: Path
) -> None:
    ballast = bytearray(300_000_000)
    ballast[::4096] = b"\x01" * len(ballast[::4096])
    found = measured(tmp_path, RECORDS, processes=1, runs=1)
    assert 20 < found.quick.mb < 250  # without the 300 MB that this process holds
    assert (found.faults, found.proof.nodes) == (0, 11)
    assert found.proof.kb < 1_000


def test_every_primitive_is_measured() -> None:
    costs = primitive_us()
    assert STRICT in costs
    assert all(us > 0 for us in costs.values())
