"""Hands the evidence of a check to somebody who does not trust this server, and does that somebody's work.

python examples/hand_evidence_to_an_auditor.py evd_...
"""

from __future__ import annotations

import sys

import medauth
from medauth.evidence.bundle import Bundle
from medauth.evidence.verifier import Examination, Trust


def bundle_of(auth: medauth.Medauth, evidence_id: str) -> bytes:
    """At the operator's: one record as a file, anchored first."""
    auth.anchor()
    return auth.bundle(evidence_id).to_bytes()


def audit(received: bytes, trusted: Trust) -> bool:
    """At the auditor's: no database, no network, only the file and the keys that the auditor keeps."""
    steps = list(Examination(Bundle.from_bytes(received), trusted).steps())
    for step in steps:
        print(f"{step.state.value:<8} {step.name:<12} {step.text}")
    return all(step.state.value != "fails" for step in steps)


if __name__ == "__main__":
    with medauth.open() as opened:
        file = bundle_of(opened, sys.argv[1])
        # In earnest, the auditor took the keys from the operator once, long before: `medauth trust`.
        keys = Trust(opened.keyring.trusted())
    sys.exit(0 if audit(file, keys) else 1)
