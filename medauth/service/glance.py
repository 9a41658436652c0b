"""A stretch of a log at a glance: what a quick audit asks of every record, over plain rows and with no place for faults.

A glance says only that all holds. Where it cannot, `sweep.py` looks record by record and names what is wrong. So it has
to be right in one direction alone: what it takes for whole, the careful look must find whole too. Anything unusual is
left to the careful look. Records without key and envelope are set aside for it: erased ones, or ones that only say so.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from medauth.errors import MedauthError
from medauth.evidence.bulk_signatures import SIGNATURE_BYTES, signature_holds
from medauth.evidence.commitment import leaf_commitment
from medauth.evidence.merkle import Stretch
from medauth.evidence.sealing import unseal
from medauth.evidence.signing import Envelope, PayloadType, VerifyKey, pre_authentication_encoding
from medauth.evidence.verifier import PURPOSES
from medauth.service.records import ENVELOPE
from medauth.store.interface import Keyring, LeafKind
from medauth.store.reading import Line, LogReader

TYPES: Mapping[LeafKind, PayloadType] = {
    LeafKind.START: PayloadType.START,
    LeafKind.VERDICT: PayloadType.VERDICT,
    LeafKind.TOMBSTONE: PayloadType.TOMBSTONE,
    LeafKind.KEY: PayloadType.KEY,
}
"""What the statement of a leaf is signed as."""

_UNUSUAL = (MedauthError, KeyError, TypeError, ValueError, AttributeError, IndexError)
_SIGNATURE_TEXT = len(b2a_base64(bytes(SIGNATURE_BYTES), newline=False))


@dataclass(frozen=True, slots=True)
class Whole:
    """A stretch in which all holds, but for the leaves that were set aside."""

    kinds: Mapping[LeafKind, int]
    stretch: Stretch
    set_aside: frozenset[int]


class _Form:
    """The only bytes that an envelope of one type by one key can have, but for its payload and its signature."""

    __slots__ = ("_end", "_key", "_middle", "_rest", "_start", "_type", "until")

    def __init__(self, key: VerifyKey, payload_type: PayloadType, until: float) -> None:
        self._key, self._type, self.until = key.raw, payload_type, until
        blank = bytes(SIGNATURE_BYTES)
        written = Envelope(b"", payload_type.value, key.key_id, blank).to_bytes()
        front, self._end = written.split(b2a_base64(blank, newline=False))
        self._start, self._middle = front[: front.index(b'","') :], front[front.index(b'","') :]
        self._rest = len(self._middle) + _SIGNATURE_TEXT + len(self._end)

    def signed(self, data: bytes) -> bytes | None:
        """The payload of such an envelope, where its signature holds; None for everything else."""
        payload64, rest = data[len(self._start) : -self._rest], data[-self._rest :]
        signature64 = rest[len(self._middle) : -len(self._end)]
        payload, signature = a2b_base64(payload64), a2b_base64(signature64)
        written = (self._start, payload64, self._middle, signature64, self._end)
        # Of the texts that decode to the same bytes only one is what encoding gives, and nothing may stand beside it.
        if b"".join(written) != data or b2a_base64(payload, newline=False) != payload64:
            return None
        if b2a_base64(signature, newline=False) != signature64:
            return None
        message = pre_authentication_encoding(self._type, payload)
        return payload if signature_holds(self._key, signature, message) else None


class Glance:
    """Glances over ports. Keys are read once: an audit begun under one set of keys ends under it."""

    def __init__(self, reader: LogReader, keyring: Keyring) -> None:
        self._reader = reader
        self._unwrap = keyring.unwrap
        retired = keyring.retired()
        self._forms = {
            (log, kind.value, key_id): _Form(key, TYPES[kind], retired.get(key_id, float("inf")))
            for log, purpose in PURPOSES.items()
            for key_id, key in keyring.trusted().items()
            if key.purpose is purpose
            for kind in LeafKind
        }

    def over(self, log: str, first: int, end: int) -> Whole | None:
        """Leaves [first, end), where every record of them holds that is not set aside; None where one might not."""
        try:
            page = self._reader.plain_page(log, first, end)
            if [line[0] for line in page.lines] != list(range(first, end)):
                return None
            aside = frozenset(line[0] for line in page.lines if line[8] == line[9] == b"")
            if not all(self._holds(log, line) for line in page.lines if line[0] not in aside):
                return None
            stretch = Stretch([line[1] for line in page.lines])
            if not _same_nodes(stretch, page.nodes, first):
                return None
            kinds = Counter(line[2] for line in page.lines)
            return Whole({kind: kinds[kind.value] for kind in LeafKind}, stretch, aside)
        except _UNUSUAL:
            return None

    def _holds(self, log: str, line: Line) -> bool:
        """Bytes, key, signature, leaf and line of one record; a key that is out of use signed nothing."""
        index, leaf, kind, record_id, own_id, own_leaf, own_kind, key_id, wrapped, sealed, digest = line
        form = self._forms[log, kind, key_id]
        if sha256(sealed).digest() != digest or index >= form.until:
            return False
        if own_id != record_id or own_leaf != leaf or own_kind != kind:
            return False
        keys = self._unwrap(own_id, wrapped)
        payload = form.signed(unseal(keys.seal, sealed, record_id=own_id, name=ENVELOPE))
        return payload is not None and leaf_commitment(keys.leaf, payload) == leaf


def _same_nodes(stretch: Stretch, stored: Sequence[Sequence[tuple[int, bytes]]], first: int) -> bool:
    return len(stored) == len(stretch.levels) and all(
        list(row) == list(enumerate(hashes, start=first >> level))
        for level, (hashes, row) in enumerate(zip(stretch.levels, stored, strict=True))
    )
