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
import tracemalloc
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from medauth import bootstrap
from medauth.config import Settings
from medauth.evaluation.simulated import simulate, start_payload
from medauth.evidence.bulk_signatures import signature_holds
from medauth.evidence.merkle import leaf_hash, node_hash
from medauth.evidence.signing import KeyPurpose, PayloadType, SigningKey, pre_authentication_encoding
from medauth.service.sweep import LEAVES, Sweep, Task
from medauth.store.interface import MAIN_LOG

STRICT = "Ed25519 verification, OpenSSL alone"
"""What a record cost before libsodium was asked first. Beside the others, not one of them."""
_PROOFS = 50
_KB = 1_000


@dataclass(frozen=True, slots=True)
class Audited:
    """One audit, in processes that did nothing else."""

    seconds: float
    cpu_us: float
    """A record, of all processes, starting them included."""
    mb: float
    """Resident, at its highest, of the largest process."""
    faults: int


@dataclass(frozen=True, slots=True)
class Proved:
    """Bundles made of single records; medians."""

    ms: float
    kb: float
    """What Python had in use at the highest moment, beyond what it had before."""
    nodes: int
    """Hashes in the longest inclusion path: the logarithm of the log."""


@dataclass(frozen=True, slots=True)
class Growth:
    """One size of log, measured."""

    records: int
    processes: int
    quick: Audited
    """The best of several runs: what else the machine does only makes one slower."""
    full_records: int
    full_per_s: float
    faults: int
    proof: Proved


def primitive_us() -> dict[str, float]:
    """CPU microseconds of each primitive that a quick audit needs for a record; medians, since an audit has no best of its
    own to be held against.
    """
    key, nonce, payload = secrets.token_bytes(32), bytes(12), start_payload()
    signing = SigningKey.generate(KeyPurpose.STATEMENTS)
    envelope, raw = signing.sign(payload, PayloadType.START), signing.verify_key.raw
    message, public = pre_authentication_encoding(PayloadType.START, payload), Ed25519PublicKey.from_public_bytes(raw)
    wrapped = AESGCM(key).encrypt(nonce, bytes(64), b"")
    sealed = AESGCM(key).encrypt(nonce, envelope.to_bytes(), b"")
    wrapping, text = AESGCM(key), b2a_base64(payload, newline=False)
    return {
        STRICT: _us(lambda: public.verify(envelope.signature, message), 100),
        "Ed25519 verification": _us(lambda: signature_holds(raw, envelope.signature, message), 100),
        "SHA-256 of stored bytes": _us(lambda: hashlib.sha256(sealed).digest(), 500),
        "AES-256-GCM of key and envelope": _us(
            lambda: (wrapping.decrypt(nonce, wrapped, b""), AESGCM(key).decrypt(nonce, sealed, b"")), 500
        ),
        "base64 of the envelope, both ways": _us(lambda: b2a_base64(a2b_base64(text), newline=False), 500),
        "HMAC and tree hashes": _us(
            lambda: (hmac.digest(key, payload, "sha256"), leaf_hash(key), node_hash(key, key)), 500
        ),
    }


def growth(records: int, processes: int, runs: int) -> Growth:
    """Simulates a log, audits it in fresh processes, and proves records of it."""
    with tempfile.TemporaryDirectory() as folder:
        with bootstrap.open(replace(Settings.from_env({}), data_dir=Path(folder))) as auth:
            simulate(auth, records)
        return measured(Path(folder), records, processes, runs)


def measured(folder: Path, records: int, processes: int, runs: int) -> Growth:
    """The same of a log that was simulated before."""
    audits = [_audited(folder, records, processes) for _ in range(runs)]
    quick = replace(min(audits, key=lambda audit: audit.seconds), faults=max(audit.faults for audit in audits))
    with bootstrap.open(replace(Settings.from_env({}), data_dir=folder)) as auth:
        proof = _proved(auth, records)
        full = min(records, LEAVES)
        began = time.perf_counter()
        faults = Sweep(auth.store, auth.blobs, auth.keyring).over(Task(MAIN_LOG, 0, full)).fault_count
        full_per_s = full / (time.perf_counter() - began)
    return Growth(records, processes, quick, full, full_per_s, quick.faults + faults, proof)


_SCRIPT = """
import os, sys, time
from pathlib import Path
from medauth import bootstrap
from medauth.auditing import log_audit
from medauth.service.sweep import Depth

def peak_kb(process):
    # Not ru_maxrss: a new process inherits its parent's there, and would report the bench that started it.
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    return 0

def look(_):
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    for process in ("self", *children):
        try:
            peaks[process] = max(peak_kb(process), peaks.get(process, 0))
        except OSError:
            pass

if __name__ == "__main__":
    peaks = {}
    with bootstrap.open() as auth:
        auth.keyring.trusted()
        began, before = time.perf_counter(), os.times()
        audit = log_audit(auth, ask_chain=False, depth=Depth.QUICK, processes=int(sys.argv[1]))
        found = audit.over("main", look)
        seconds, after = time.perf_counter() - began, os.times()
        print(seconds, sum(after[:4]) - sum(before[:4]), max(peaks.values()), found.fault_count)
"""


def _audited(folder: Path, records: int, processes: int) -> Audited:
    script = folder / "audit.py"
    script.write_text(_SCRIPT)
    environment = os.environ | {"MEDAUTH_DATA_DIR": str(folder), "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, str(script), str(processes)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - our own script
    seconds, cpu_s, kib, faults = (float(word) for word in done.stdout.split())
    return Audited(seconds, 1e6 * cpu_s / records, kib / 1_024, int(faults))


def _proved(auth: bootstrap.Medauth, records: int) -> Proved:
    milliseconds, nodes = [], 0
    leaves = [auth.store.leaf(MAIN_LOG, number * records // _PROOFS) for number in range(_PROOFS)]
    ids = [leaf.record_id for leaf in leaves if leaf]
    for record_id in ids:
        began = time.perf_counter()
        bundle = auth.bundle(record_id)
        milliseconds.append(1_000 * (time.perf_counter() - began))
        nodes = max(nodes, len(bundle.proof.path) if bundle.proof else 0)
    kilobytes = [_peak_bytes(partial(auth.bundle, record_id)) / _KB for record_id in ids[:10]]
    return Proved(statistics.median(milliseconds), statistics.median(kilobytes), nodes)


def _peak_bytes(do: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        do()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _us(do: Callable[[], object], times: int) -> float:
    """The median of twenty rounds."""
    rounds = []
    for _ in range(20):
        began = time.process_time()
        for _ in range(times):
            do()
        rounds.append(1e6 * (time.process_time() - began) / times)
    return statistics.median(rounds)
