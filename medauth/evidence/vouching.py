"""Who vouches for a bundle's root: the verifier's own pin, a pin that a consistency proof leads to, or the log's key.

A pin is the verifier's own; a signature is only the operator's word. A pinned head and a proof say that the log was never
rewritten up to there, in either direction: the bundle's head begins with the pinned one, or is its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from medauth.errors import EvidenceError
from medauth.evidence.bundle import Bundle, ConsistencyProof, InclusionProof
from medauth.evidence.merkle import verify_consistency
from medauth.evidence.note import CheckpointNote, origin_of
from medauth.evidence.signing import KeyPurpose, VerifyKey
from medauth.evidence.trust import Trust


class Skip(Exception):
    """A step that cannot be done with what is at hand; says why."""


@dataclass(frozen=True, slots=True)
class Vouching:
    """A bundle with a proof of inclusion, and what its verifier trusts."""

    bundle: Bundle
    trust: Trust
    proof: InclusionProof

    def text(self) -> str:
        """Who vouches, in words. Raises `EvidenceError`, and `Skip` where nobody does."""
        note, link = self.bundle.checkpoint, self.bundle.consistency
        signer = None if note is None else self._signer(note)
        if link is not None:
            _require_consistent(self.proof, link)
        if self.trust.checkpoints is None:
            if signer is None:
                self._require_voucher()
                raise Skip("no checkpoint is pinned, and none is signed by a key that is trusted for checkpoints")
            return f"checkpoint of {self.proof.size} leaves, signed by {signer.key_id}; none is pinned"
        size = self.trust.checkpoints.get(self.proof.root)
        if size is None:
            return self._linked(signer)
        if size != self.proof.size:
            raise EvidenceError(f"the root stands for {size} leaves", expected=str(self.proof.size))
        return f"checkpoint of {size} leaves is pinned{_and_signed(signer)}"

    def _linked(self, signer: VerifyKey | None) -> str:
        """By way of another head that is pinned."""
        pinned, link, size = self.trust.checkpoints or {}, self.bundle.consistency, self.proof.size
        if link is None or pinned.get(link.root) != link.size:
            raise EvidenceError(
                _unpinned(size, pinned.values()),
                expected="a pinned checkpoint, or a proof from one",
                next_step=f"ask for `medauth bundle {self.bundle.record_id} --since {max(pinned.values(), default=0)}`",
            )
        if link.size >= size:
            return f"checkpoint of {size} leaves is the beginning of the pinned one of {link.size}{_and_signed(signer)}"
        extends = f"checkpoint of {size} leaves extends the pinned one of {link.size}{_and_signed(signer)}"
        if self.proof.leaf_index < link.size or signer is not None:
            return extends
        self._require_voucher()
        raise Skip(f"{extends}; the record came after that one, and nobody vouches for what came after")

    def _require_voucher(self) -> None:
        """Who stole a retired key can make a log, and a contract, in which its record stands early enough."""
        asked = self.trust.size_on_chain is not None and self.trust.contracts is not None
        if self.bundle.envelope.key_id in self.trust.retired and not (asked and self.bundle.anchor):
            raise EvidenceError(
                "signed by a retired key, and nobody vouches for its place in the log",
                expected="a pinned or signed checkpoint, or a trusted contract",
            )

    def _signer(self, note: CheckpointNote) -> VerifyKey | None:
        """Who signed the checkpoint, which must be that of the proof and of this log; None: no key for it is trusted."""
        proof, anchor = self.proof, self.bundle.anchor
        if (note.size, note.root) != (proof.size, proof.root):
            raise EvidenceError(f"a checkpoint of {note.size} leaves under another root", expected=proof.root.hex())
        if anchor is None or note.origin != origin_of(anchor.contract.log_id):
            raise EvidenceError(
                f"a checkpoint of {note.origin[:80]}",
                expected="the log that the contract holds" if anchor is None else origin_of(anchor.contract.log_id),
            )
        if all(key.purpose is not KeyPurpose.CHECKPOINTS for key in self.trust.keys.values()):
            return None
        signer = note.verified(self.trust.keys.values())
        until = self.trust.retired.get(signer.key_id)
        # Keys are announced in the main log, in whose sizes they retire.
        if until is not None and note.size > until and self.bundle.log == "main":
            raise EvidenceError(f"{note.size} leaves, signed by a retired key", expected=f"at most {until}")
        return signer


def _require_consistent(proof: InclusionProof, link: ConsistencyProof) -> None:
    """One of the two heads is the beginning of the other."""
    (old, old_root), (new, new_root) = sorted([(proof.size, proof.root), (link.size, link.root)])
    if not old or not verify_consistency(old, old_root, new, new_root, link.path):
        raise EvidenceError(
            f"the checkpoint of {new} leaves does not begin with that of {old}", expected="one log, only ever added to"
        )


def _and_signed(signer: VerifyKey | None) -> str:
    return "" if signer is None else ", and signed"


def _unpinned(size: int, pinned: Iterable[int]) -> str:
    """Says how the bundle's checkpoint stands to those that are pinned, so that a reader knows which file is old."""
    sizes = sorted(pinned)
    if not sizes or size > sizes[-1]:
        newest = f"the newest pinned one, of {sizes[-1]}" if sizes else "any pinned one"
        return f"the bundle's checkpoint of {size} leaves is larger than {newest}"
    if size in sizes:
        return f"another root than the pinned checkpoint of {size} leaves: the log was rewritten, or is not this one"
    if size < sizes[0]:
        return f"the bundle's checkpoint of {size} leaves is smaller than the oldest pinned one, of {sizes[0]}"
    return f"the bundle's checkpoint of {size} leaves lies between the pinned ones and is none of them"
