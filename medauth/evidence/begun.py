"""The start of a check beside its verdict: what "committed to before the first frame" rests on.

A verdict states its own commitment, which proves nothing about when it was made. The start was signed and given its leaf
before the first prompt; the log's order says that it stood there before the verdict did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medauth.errors import EvidenceError
from medauth.evidence.asked import same, whole
from medauth.evidence.bundle import InclusionProof, StartProof
from medauth.evidence.commitment import leaf_commitment
from medauth.evidence.merkle import leaf_hash, verify_inclusion
from medauth.evidence.statement import VERSION
from medauth.protocol.canonical import canonical, parse_object

_ALIKE = ("check", "policy", "started_ms")
"""What start and verdict say in the same words."""


def require_begun(payload: bytes, verdict: Mapping[str, Any]) -> None:
    """The signed start is that of the verdict's check: identity, rules, commitment, time. Raises `EvidenceError`."""
    start = parse_object(payload)
    if canonical(start) != payload or not same(start.get("version"), VERSION):
        raise EvidenceError("a start that is not in canonical form", expected=f"RFC 8785, version {VERSION}")
    if not isinstance(start["record_id"], str) or start["record_id"] != verdict["start_record_id"]:
        raise EvidenceError("the start of another record", expected=str(verdict["start_record_id"]))
    for name in _ALIKE:
        if canonical({name: start[name]}) != canonical({name: verdict[name]}):
            raise EvidenceError(f"the start says another {name}", expected="the verdict's own")
    if start["commitment"] != verdict["challenge"]["commitment"]:
        raise EvidenceError("the start committed to another challenge", expected=verdict["challenge"]["commitment"])
    lasts_ms = verdict["policy"]["rules"]["timing"]["session_max_ms"]
    if whole(start["expires_ms"]) != whole(start["started_ms"]) + whole(lasts_ms):
        raise EvidenceError("a start with another time to live", expected=f"{lasts_ms} ms, by its rules")


def require_waiting(start: StartProof) -> None:
    """What waits for a checkpoint has no place that could be shown. Raises `EvidenceError`."""
    if start.leaf_index is not None or start.path:
        raise EvidenceError("a place in the log without a root above it", expected="none before a checkpoint")


def require_before(start: StartProof, proof: InclusionProof) -> None:
    """The start's leaf lies under the verdict's root, ahead of the verdict. Raises `EvidenceError`."""
    if start.leaf_index is None:
        raise EvidenceError("a start without a place in the log", expected=f"a leaf before {proof.leaf_index}")
    leaf = leaf_hash(leaf_commitment(start.leaf_key, start.envelope.payload))
    if not verify_inclusion(leaf, start.leaf_index, proof.size, proof.root, start.path):
        raise EvidenceError("the start does not lie under the root", expected=proof.root.hex())
    if start.leaf_index >= proof.leaf_index:
        raise EvidenceError(
            f"the start is leaf {start.leaf_index}, the verdict leaf {proof.leaf_index}",
            expected="a start before its verdict",
        )
