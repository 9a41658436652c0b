"""Checkpoints as signed notes: the published examples, an independent reading, and nothing but one text for one note."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from medauth.errors import EvidenceError, InputError, KeyringError
from medauth.evidence.note import CheckpointNote, NoteSignature, _holds, checkpoint_body, key_hash, signed_note
from medauth.evidence.signing import KeyPurpose, PayloadType, SigningKey
from tests.unit.evidence.bundles import CHECKPOINT_KEY, KEY

LOG_ID, ROOT = b"\x07" * 32, bytes(range(32))
NOTE = signed_note(CHECKPOINT_KEY, LOG_ID, 9, ROOT)
TEXT = NOTE.to_text()

# The worked examples of C2SP signed-note and of golang.org/x/mod/sumdb/note: verifier key, text, signature line.
PUBLISHED = [
    (
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "This is an example message.\n",
        "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=",
    ),
    (
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=",
    ),
]
GO_PRIVATE = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"


@pytest.mark.parametrize(("verifier_key", "text", "line"), PUBLISHED, ids=["C2SP", "Go"])
def test_published_notes_verify(verifier_key: str, text: str, line: str) -> None:
    name, hint, key = verifier_key.split("+", 2)
    raw, signed = base64.b64decode(key)[1:], base64.b64decode(line)
    assert key_hash(name, raw).hex() == hint == signed[:4].hex()
    assert _holds(raw, text.encode(), signed[4:])
    assert not _holds(raw, text.upper().encode(), signed[4:])


def test_our_key_signs_as_the_published_one_does() -> None:
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(GO_PRIVATE)[1:])
    _, text, line = PUBLISHED[1]
    assert SigningKey(KeyPurpose.CHECKPOINTS, private).sign_note(text.encode()) == base64.b64decode(line)[4:]


def test_the_published_checkpoint_is_read() -> None:
    """The example of C2SP tlog-checkpoint; its key is not published."""
    text = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    note = CheckpointNote.from_text(text)
    assert (note.origin, note.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert note.to_text() == text


def read_by_hand(text: str, raw: bytes) -> tuple[str, int, bytes]:
    """By the words of the specification, without a line of the product."""
    split = text.rindex("\n\n") + 1
    body, below = text[:split], text[split + 1 :]
    dash, name, blob = below.rstrip("\n").split(" ")
    data = base64.b64decode(blob)
    assert dash == "\u2014"
    assert data[:4] == hashlib.sha256(name.encode() + b"\x0a\x01" + raw).digest()[:4]
    Ed25519PublicKey.from_public_bytes(raw).verify(data[4:], body.encode())
    origin, size, root = body.splitlines()
    assert origin == name
    return origin, int(size), base64.b64decode(root)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**53 - 1), st.binary(min_size=32, max_size=32))
def test_a_note_comes_back_and_others_read_the_same(log_id: bytes, size: int, root: bytes) -> None:
    note = signed_note(CHECKPOINT_KEY, log_id, size, root)
    assert CheckpointNote.from_text(note.to_text()) == note
    assert note.verified([CHECKPOINT_KEY.verify_key]) is CHECKPOINT_KEY.verify_key
    raw = CHECKPOINT_KEY.verify_key.raw
    assert read_by_hand(note.to_text(), raw) == (f"medauth/{log_id.hex()}", size, root)


@given(st.integers(0, len(TEXT.encode()) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_found(at: int, bit: int) -> None:
    data = bytearray(TEXT.encode())
    data[at] ^= 1 << bit
    with pytest.raises((InputError, EvidenceError, UnicodeDecodeError)):
        CheckpointNote.from_text(data.decode()).verified([CHECKPOINT_KEY.verify_key])


@given(st.text(max_size=200))
def test_no_text_is_a_note_by_chance(text: str) -> None:
    with pytest.raises(InputError):
        CheckpointNote.from_text(text)


LINES = TEXT.split("\n")


def rewritten(at: int, line: str) -> str:
    return "\n".join([*LINES[:at], line, *LINES[at + 1 :]])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TEXT[:-1], id="without its last newline"),
        pytest.param(TEXT + "\n", id="with an empty line at its end"),
        pytest.param(NOTE.body.decode() + "\n", id="unsigned"),
        pytest.param(NOTE.body.decode() + TEXT, id="a body twice"),
        pytest.param(rewritten(0, "a log"), id="a space in the origin"),
        pytest.param(rewritten(0, "log+1"), id="a plus in the origin"),
        pytest.param(rewritten(0, ""), id="no origin"),
        pytest.param(rewritten(1, "09"), id="a leading zero"),
        pytest.param(rewritten(1, "-9"), id="a negative size"),
        pytest.param(rewritten(1, "٩"), id="another script's digit"),
        pytest.param(rewritten(1, str(2**53)), id="a size that no browser counts to"),
        pytest.param(rewritten(2, LINES[2] + "\nmore"), id="a line more"),
        pytest.param(rewritten(2, LINES[2].rstrip("=")), id="base64 without its end"),
        pytest.param(rewritten(2, base64.b64encode(bytes(31)).decode()), id="a short root"),
        pytest.param(rewritten(4, LINES[4].replace("—", "-")), id="a hyphen for the dash"),
        pytest.param(rewritten(4, LINES[4] + " "), id="a space at the end"),
        pytest.param(rewritten(4, "— x AAAA"), id="no signature behind the hint"),
        pytest.param(TEXT.replace("\n", "\r\n"), id="other line ends"),
        pytest.param(TEXT + LINES[4] * 200 + "\n", id="huge"),
    ],
)
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        CheckpointNote.from_text(text)


def test_signatures_of_witnesses_are_passed_over() -> None:
    witness = NoteSignature("witness.example", b"\x01\x02\x03\x04", bytes(72))
    note = CheckpointNote.from_text(replace(NOTE, signatures=(witness, *NOTE.signatures)).to_text())
    assert note.verified([CHECKPOINT_KEY.verify_key]) == CHECKPOINT_KEY.verify_key
    with pytest.raises(EvidenceError):
        replace(NOTE, signatures=(witness,)).verified([CHECKPOINT_KEY.verify_key])


def test_only_a_key_for_checkpoints_counts_and_signs() -> None:
    as_statements = SigningKey(KeyPurpose.STATEMENTS, CHECKPOINT_KEY._private).verify_key
    with pytest.raises(EvidenceError):
        NOTE.verified([as_statements, KEY.verify_key])
    with pytest.raises(KeyringError):
        KEY.sign_note(NOTE.body)
    with pytest.raises(KeyringError):
        CHECKPOINT_KEY.sign(b"{}", PayloadType.VERDICT)


def test_the_name_on_the_line_is_the_logs_own() -> None:
    other = replace(NOTE.signatures[0], name="medauth/" + "00" * 32)
    with pytest.raises(EvidenceError):
        replace(NOTE, signatures=(other,)).verified([CHECKPOINT_KEY.verify_key])


def test_the_body_is_three_lines() -> None:
    assert NOTE.body == checkpoint_body("medauth/" + "07" * 32, 9, ROOT)
    assert NOTE.body.decode().splitlines() == ["medauth/" + "07" * 32, "9", base64.b64encode(ROOT).decode()]
