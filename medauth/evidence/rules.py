"""Which rules a verdict was decided under: their digest fits, their name is nobody else's, and whether they are known.

Rules of an operator's own are judged by themselves, and the verifier says that it does not know them. A name of ours stands
for rules of ours: today's, or those of an earlier version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from medauth.errors import EvidenceError
from medauth.evidence.asked import same
from medauth.protocol.policy import POLICIES, Policy

EARLIER: Mapping[str, tuple[str, ...]] = {
    "standard": (
        "383450a4bf41d12f8ba929e41cf227d76ac9e54e82247414975a3d33ff6dd42a",
        "e2538c6e4b292fb9a13ea43c3034eee9260e8c138df2f590cd263052f9f0c53a",
        "74a14d153d850fc01d36cb615d10a15ac0196f06c08210e2ebdbb01417fb5ae6",
    ),
    "strict": (
        "1b59424dbd88c70042920a7417597018024f5a2f02c493cdfe19d80a37873da5",
        "10fdcfa32beb515dfec68bd03454ecc04a741c76bc5038555c5d96e19cc70809",
        "9d7c9d55dbadbfb93a018a2ff402f930c7a9de3602eb031770c2e72163a98693",
    ),
    "no-expression": (
        "94f33c2185c0b3ca1d709916c8cbc7364f334c14a4b5dc584c0bbc68eafcbbff",
        "695b16539ff5844e43c919a07e891e3c8a6f69b9e504a00cc5e2677bfcf78232",
        "7d8da2544f24c8aa575c24856af67e71928de03694d6b2a5778108c53d85ab82",
    ),
    "no-turn": (
        "009c0819cf5d7ada890fb50cbccf07cda697636aa3c75f9169136e268b07bca8",
        "05d9983a507846b267b9729499d9f62477858edffff146716b3866a25c557621",
        "87d0743cfee57a160a483ed67a0b1a7d35abb62549d4c4907370cff11f56d794",
    ),
    "unhurried": (
        "b50bf162888ef947bed71cdea520f3201d26dff515ad7565e6ca0b4f0deffea2",
        "a870adbbaeeab3e313d91a4b6ddba422f015a0fbe309c612050e35fcdcd3a3b2",
        "daefc8331b92f63e45ed856dd93501bab7836aa9051258dde8a660f0ea7818ea",
    ),
    "no-flash": ("3728f51b48716038a46b04baf4c2740c7eb79775bcb269631c1e1627c9639b6a",),
    "rehearsal": (
        "2e46dc45b9a68faebc835702797bc42ba7a78a7ae1c8ee3dfa970d79cd71dc8c",
        "002e349eb71dbaaa01d4113d33aada99f945fac095ddae527987fb6f256a9c1c",
        "a2a3adc51c0433816b1f6ddc455340f2bee125d69221d66dd5017c4592b3c358",
    ),
}
"""By name: digests of rules that a released version decided by and today's does not. Oldest first."""


def known_digests() -> Mapping[str, tuple[str, ...]]:
    """By name: the digests of every version of our own rules, today's last."""
    return {name: _versions(policy) for name, policy in POLICIES.items()}


def require_rules(stated: Mapping[str, Any], *, rehearsals: bool) -> tuple[Policy, bool]:
    """The rules as stated, and whether they are among those this version knows. Raises `EvidenceError`."""
    policy = Policy.from_json(stated["rules"])
    ours = POLICIES.get(policy.name)
    known = None if ours is None else _versions(ours)
    if known is not None and _identity(policy) not in known:
        raise EvidenceError(
            f"other rules under the name {policy.name} v{policy.version}",
            expected=" or ".join(known),
            next_step="check with the medauth that decided, or a newer one",
        )
    digest = policy.digest().hex()
    if (
        not same((digest, policy.name, policy.version), (stated["digest"], stated["name"], stated["version"]))
        or policy.to_json() != stated["rules"]
    ):
        raise EvidenceError("the policy's rules do not fit its digest", expected=str(stated["digest"]))
    if policy.rehearsal != rehearsals:
        raise EvidenceError("a rehearsal outside its log", expected="rehearsals in the log `rehearsal` alone")
    return policy, known is not None


def _versions(ours: Policy) -> tuple[str, ...]:
    return (*EARLIER.get(ours.name, ()), ours.digest().hex())


def _identity(policy: Policy) -> str:
    """A rehearsal is as long as its script: the number of steps is no rule of it."""
    return (replace(policy, steps=0) if policy.rehearsal else policy).digest().hex()
