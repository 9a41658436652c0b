"""How an audit and a proof grow with the log, and what their primitives cost by themselves."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from medauth import bootstrap
from medauth.config import Settings
from medauth.evaluation.simulated import simulate
from medauth.evidence.merkle import leaf_hash, node_hash
from medauth.service.sweep import LEAVES, Sweep, Task
from medauth.store.interface import MAIN_LOG

_STATEMENT_BYTES = 1_500
_SEALED_BYTES = 2_500
"""About what the start of a check takes."""
_PROOFS = 50
_MB = 1_024
"""Linux counts `ru_maxrss` in KiB."""


@dataclass(frozen=True, slots=True)
class Growth:
    """One size of log, measured."""

    records: int
    processes: int
    faults: int
    quick_per_s: float
    quick_cpu_us: float
    quick_mb: float
    full_records: int
    full_per_s: float
    proofs: int
    proof_ms: float


def primitive_us() -> dict[str, float]:
    """CPU microseconds of each primitive that a quick audit needs for a record, at its best of several rounds."""
    key, nonce = secrets.token_bytes(32), bytes(12)
    statement, sealed = secrets.token_bytes(_STATEMENT_BYTES), secrets.token_bytes(_SEALED_BYTES)
    private = Ed25519PrivateKey.generate()
    public, signature = private.public_key(), private.sign(statement)
    wrapped = AESGCM(key).encrypt(nonce, bytes(64), b"")
    ciphertext = AESGCM(key).encrypt(nonce, sealed, b"")
    return {
        "Ed25519 verification": _us(lambda: public.verify(signature, statement), 500),
        "SHA-256 of stored bytes": _us(lambda: hashlib.sha256(sealed).digest(), 5_000),
        "AES-256-GCM of key and envelope": _us(
            lambda: (AESGCM(key).decrypt(nonce, wrapped, b""), AESGCM(key).decrypt(nonce, ciphertext, b"")), 5_000
        ),
        "HMAC and tree hashes": _us(
            lambda: (hmac.digest(key, statement, "sha256"), leaf_hash(key), node_hash(key, key)), 5_000
        ),
    }


def growth(records: int, processes: int) -> Growth:
    """Simulates a log, audits it in fresh processes, and proves records of it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(Settings.from_env({}), data_dir=Path(folder))
        with bootstrap.open(settings) as auth:
            simulate(auth, records)
            proof_ms = statistics.median(_proof_ms(auth, number * records // _PROOFS) for number in range(_PROOFS))
            full = min(records, LEAVES)
            began = time.perf_counter()
            full_faults = Sweep(auth.store, auth.blobs, auth.keyring).over(Task(MAIN_LOG, 0, full)).fault_count
            full_s = time.perf_counter() - began
        seconds, cpu_s, mb, faults = _audited(folder, processes)
    return Growth(
        records,
        processes,
        int(faults) + full_faults,
        records / seconds,
        1e6 * cpu_s / records,
        mb,
        full,
        full / full_s,
        _PROOFS,
        proof_ms,
    )


_SCRIPT = """
import os, resource, sys, time
from medauth import bootstrap
from medauth.auditing import log_audit
from medauth.service.sweep import Depth
if __name__ == "__main__":
    with bootstrap.open() as auth:
        auth.keyring.trusted()
        began, before = time.perf_counter(), os.times()
        audit = log_audit(auth, ask_chain=False, depth=Depth.QUICK, processes=int(sys.argv[1]))
        found = audit.over("main")
        seconds, after = time.perf_counter() - began, os.times()
        used = sum(after[:4]) - sum(before[:4])
        who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        print(seconds, used, max(resource.getrusage(w).ru_maxrss for w in who), found.fault_count)
"""


def _audited(folder: str, processes: int) -> tuple[float, float, float, float]:
    """Seconds, CPU seconds of all processes, megabytes of the largest, faults; in a process that did nothing else."""
    script = Path(folder) / "audit.py"
    script.write_text(_SCRIPT)
    environment = os.environ | {"MEDAUTH_DATA_DIR": folder, "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, str(script), str(processes)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - our own script
    seconds, cpu_s, kib, faults = (float(word) for word in done.stdout.split())
    return seconds, cpu_s, kib / _MB, faults


def _proof_ms(auth: bootstrap.Medauth, index: int) -> float:
    leaf = auth.store.leaf(MAIN_LOG, index)
    assert leaf is not None
    began = time.perf_counter()
    auth.bundle(leaf.record_id)
    return 1_000 * (time.perf_counter() - began)


def _us(do: Callable[[], object], times: int) -> float:
    """The best of five rounds: what disturbs a round only makes it longer."""
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            do()
        rounds.append(1e6 * (time.process_time() - began) / times)
    return min(rounds)
