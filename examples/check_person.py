"""Checks the person in front of the camera, and acts on the verdict.

python examples/check_person.py user-42
"""

from __future__ import annotations

import sys

import medauth


def log_in(auth: medauth.Medauth, subject: str) -> bool:
    """Whether the person may go on. Ask for another factor too: a live stranger passes here."""
    with auth.start(subject=subject, purpose="login") as session:
        verdict = session.run(medauth.Webcam(), lambda progress, _: show(progress.hint))
    for reason in verdict.reasons:
        print(f"for the operator: {reason.code}: {reason.text}")
    print(f"evidence: {verdict.evidence_id}")
    return verdict.is_live


def show(hint: str) -> None:
    """What the person may see: hints and prompts, never a score."""
    if hint:
        print(f"\r{hint:<70}", end="", flush=True)


if __name__ == "__main__":
    with medauth.open() as opened:
        sys.exit(0 if log_in(opened, sys.argv[1] if len(sys.argv) > 1 else "user-42") else 1)
