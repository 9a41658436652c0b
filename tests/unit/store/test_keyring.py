"""Keys on disk: made once, for their owner alone, and never the wrong one."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.errors import KeyringError
from medauth.evidence.commitment import RecordKeys
from medauth.evidence.signing import KeyPurpose, PayloadType
from medauth.store.key_files import one_at_a_time, replace_key
from medauth.store.keyring import _SCRYPT_N, _SCRYPT_R, FileKeyring

KEYS = RecordKeys(b"l" * 32, b"s" * 32)
FILES = ["master.key", *(f"{purpose.value}.pem" for purpose in KeyPurpose)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def used(folder: Path, passphrase: str | None = None) -> FileKeyring:
    keyring = FileKeyring(folder, passphrase)
    keyring.trusted()
    keyring.tag("subject", "x")
    return keyring


def test_keys_are_made_on_first_use_for_their_owner_alone(folder: Path) -> None:
    assert not folder.exists()
    used(folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_lock_beside_the_keys_is_its_owners_alone(folder: Path) -> None:
    used(folder)
    with one_at_a_time(folder):
        assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}


def test_the_same_keys_are_there_next_time(folder: Path) -> None:
    first, again = used(folder), used(folder)
    assert first.trusted() == again.trusted()
    assert first.tag("subject", "x") == again.tag("subject", "x")
    assert again.unwrap("evd_1", first.wrap("evd_1", KEYS)) == KEYS


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of keys under the pass phrase `right`. Stretching it is slow, as it should be, and quick here."""
    folder = tmp_path_factory.mktemp("locked") / "keys"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("medauth.store.keyring._SCRYPT_N", 2**8)
        used(folder, "right")
        yield folder


def test_a_pass_phrase_is_stretched_for_32_mib() -> None:
    assert 128 * _SCRYPT_N * _SCRYPT_R >= 2**25


def test_locked_keys_open_by_their_pass_phrase(locked: Path) -> None:
    assert used(locked, "right").trusted() == used(locked, "right").trusted()


@pytest.mark.parametrize("passphrase", ["wrong", None])
def test_a_wrong_pass_phrase_opens_no_key(locked: Path, passphrase: str | None) -> None:
    with pytest.raises(KeyringError):
        FileKeyring(locked, passphrase).signing_key(KeyPurpose.STATEMENTS)
    with pytest.raises(KeyringError):
        FileKeyring(locked, passphrase).tag("subject", "x")


def test_a_pass_phrase_for_keys_that_have_none_is_refused(folder: Path) -> None:
    used(folder)
    with pytest.raises(KeyringError):
        FileKeyring(folder, "some").signing_key(KeyPurpose.STATEMENTS)


def test_a_pass_phrase_that_no_file_can_take_is_refused(folder: Path) -> None:
    with pytest.raises(KeyringError, match="1023"):
        FileKeyring(folder, "x" * 1_024)
    FileKeyring(folder, "x" * 1_023).signing_key(KeyPurpose.STATEMENTS)


def test_a_locked_key_is_not_readable_in_the_file(locked: Path) -> None:
    assert b"ENCRYPTED" in (locked / "statements.pem").read_bytes()
    assert b"scrypt" in (locked / "master.key").read_bytes()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_key_that_others_may_read_is_refused(folder: Path, name: str, mode: int) -> None:
    used(folder)
    (folder / name).chmod(mode)
    with pytest.raises(KeyringError, match="0600"):
        used(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("contents", [b"", b"\xff\xfe", b"medauth master key v1 open\n", b"-----BEGIN", b"00" * 32])
def test_a_key_file_that_was_altered_is_refused(folder: Path, name: str, contents: bytes) -> None:
    used(folder)
    (folder / name).write_bytes(contents)
    with pytest.raises(KeyringError, match=name):
        used(folder)


def test_a_master_key_that_was_cut_off_is_refused(folder: Path) -> None:
    """Half a key would still derive others, and open nothing that was sealed before."""
    used(folder)
    path = folder / "master.key"
    path.write_bytes(path.read_bytes()[:-13])
    with pytest.raises(KeyringError, match=r"master\.key"):
        used(folder)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(KeyringError, match="cannot be used"):
        used(tmp_path / "file" / "keys")


def test_a_key_of_another_kind_is_refused(folder: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    used(folder)
    other = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "statements.pem").write_bytes(other)
    with pytest.raises(KeyringError):
        used(folder)


def test_threads_that_start_at_once_share_their_keys(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: used(folder), range(8)))
    assert len({ring.tag("a", "b") for ring in rings}) == 1
    assert len({frozenset(ring.trusted()) for ring in rings}) == 1
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> FileKeyring:
    return used(tmp_path_factory.mktemp("ring") / "keys")


def test_each_purpose_has_its_own_key(ring: FileKeyring) -> None:
    keys = {ring.signing_key(purpose).verify_key.raw for purpose in KeyPurpose}
    assert len(keys) == len(KeyPurpose)
    envelope = ring.signing_key(KeyPurpose.STATEMENTS).sign(b"x", PayloadType.VERDICT)
    assert envelope.verified(ring.trusted(), PayloadType.VERDICT, KeyPurpose.STATEMENTS) == b"x"


def test_wrapped_keys_belong_to_one_record(ring: FileKeyring) -> None:
    with pytest.raises(KeyringError, match="evd_2"):
        ring.unwrap("evd_2", ring.wrap("evd_1", KEYS))


def test_the_same_keys_never_wrap_alike(ring: FileKeyring) -> None:
    assert ring.wrap("evd_1", KEYS) != ring.wrap("evd_1", KEYS)


def test_a_flipped_bit_of_wrapped_keys_does_not_open(ring: FileKeyring) -> None:
    wrapped = ring.wrap("evd_1", KEYS)
    for bit in range(0, 8 * len(wrapped), 7):
        spoilt = bytearray(wrapped)
        spoilt[bit // 8] ^= 1 << bit % 8
        with pytest.raises(KeyringError):
            ring.unwrap("evd_1", bytes(spoilt))


@pytest.mark.parametrize("length", [0, 5, 11, 12, 27, 91])
def test_wrapped_keys_that_were_cut_off_do_not_open(ring: FileKeyring, length: int) -> None:
    with pytest.raises(KeyringError):
        ring.unwrap("evd_1", ring.wrap("evd_1", KEYS)[:length])


@given(st.text(max_size=20), st.text(max_size=20))
def test_tags_stand_for_their_text_and_kind(ring: FileKeyring, one: str, other: str) -> None:
    assert (ring.tag("subject", one) == ring.tag("subject", other)) == (one == other)
    assert ring.tag("subject", one) != ring.tag("client", one)


def test_any_text_at_all_has_a_tag(ring: FileKeyring) -> None:
    assert ring.tag("client", "\ud800") != ring.tag("client", "\udfff")


def test_a_key_whose_successor_comes_while_it_is_read_is_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was open is overwritten with zeros by then."""
    following = used(folder).next_key(KeyPurpose.STATEMENTS).verify_key.key_id
    active, successor = (folder / f"{KeyPurpose.STATEMENTS.value}{end}" for end in (".pem", ".next.pem"))
    read = Path.read_bytes

    def overtaken(path: Path) -> bytes:
        if path != active or not successor.exists():
            return read(path)
        with path.open("rb") as opened:
            replace_key(active, successor)
            return opened.read()

    monkeypatch.setattr(Path, "read_bytes", overtaken)
    assert FileKeyring(folder).signing_key(KeyPurpose.STATEMENTS).verify_key.key_id == following
