"""Keys on disk: made on first start, readable by their owner alone, under a pass phrase where one is set."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from medauth.errors import KeyringError
from medauth.evidence.commitment import KEY_BYTES, RecordKeys
from medauth.evidence.signing import KeyPurpose, SigningKey, VerifyKey
from medauth.store.key_files import (
    RETIRED_FOLDER,
    Stamp,
    create_file,
    keep_retired,
    one_at_a_time,
    read_retired,
    refuse_shared,
    replace_key,
    stamp_of,
)
from medauth.store.keyring_interface import RetiredKeyRow

_NONCE_BYTES = 12
_MAX_PASSPHRASE_BYTES = 1023
"""What OpenSSL takes for a PEM file."""
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**15, 8, 1
_OPEN = b"medauth master key v1 open\n"
_LOCKED = b"medauth master key v1 scrypt\n"


class FileKeyring:
    """One folder of keys. Made when first used; every file has mode 0600, the folder 0700."""

    def __init__(self, folder: Path, passphrase: str | None = None) -> None:
        self._folder = folder
        self._passphrase = passphrase.encode() if passphrase else None
        if self._passphrase is not None and len(self._passphrase) > _MAX_PASSPHRASE_BYTES:
            raise KeyringError(
                f"a pass phrase of {len(self._passphrase)} bytes", expected=f"at most {_MAX_PASSPHRASE_BYTES}"
            )
        self._signing: dict[KeyPurpose, tuple[Stamp | None, SigningKey]] = {}
        self._retired: tuple[Stamp | None, dict[str, RetiredKeyRow]] = (None, {})
        self._master: bytes | None = None
        self._uses: dict[str, bytes] = {}
        self._wrapping: AESGCM | None = None
        self._lock = threading.Lock()

    def signing_key(self, purpose: KeyPurpose) -> SigningKey:
        """Looks at the file each time: another process may have put a successor there."""
        with self._lock:
            path = self._active(purpose)
            known = self._signing.get(purpose)
            if known is None or known[0] is None or known[0] != stamp_of(path):
                known = self._signing[purpose] = (stamp_of(path), self._load_signing(path, purpose))
            return known[1]

    def trusted(self) -> Mapping[str, VerifyKey]:
        keys = [self.signing_key(purpose).verify_key for purpose in KeyPurpose]
        keys += [VerifyKey(row.purpose, row.raw) for row in self._retired_rows().values()]
        return {key.key_id: key for key in keys}

    def retired(self) -> Mapping[str, int]:
        return {key_id: row.until for key_id, row in self._retired_rows().items()}

    def retired_rows(self) -> Sequence[RetiredKeyRow]:
        return tuple(self._retired_rows().values())

    def next_key(self, purpose: KeyPurpose) -> SigningKey:
        return self._load_signing(self._next(purpose), purpose)

    def retire(self, retired: RetiredKeyRow) -> bool:
        keep_retired(self._folder / RETIRED_FOLDER, retired)
        if self.signing_key(retired.purpose).verify_key.key_id != retired.key_id:
            return True
        with one_at_a_time(self._folder):
            if self.signing_key(retired.purpose).verify_key.key_id != retired.key_id:
                return True
            following = self._next(retired.purpose)
            if not following.exists() or self.next_key(retired.purpose).verify_key.key_id != retired.successor:
                return False
            replace_key(self._active(retired.purpose), following)
        return True

    def _active(self, purpose: KeyPurpose) -> Path:
        return self._folder / f"{purpose.value}.pem"

    def _next(self, purpose: KeyPurpose) -> Path:
        return self._folder / f"{purpose.value}.next.pem"

    def _retired_rows(self) -> Mapping[str, RetiredKeyRow]:
        folder = self._folder / RETIRED_FOLDER
        stamp = stamp_of(folder)
        if stamp is None or self._retired[0] != stamp:
            self._retired = (stamp, read_retired(folder))
        return self._retired[1]

    def wrap(self, record_id: str, keys: RecordKeys) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._wrapper().encrypt(nonce, keys.to_bytes(), record_id.encode())

    def unwrap(self, record_id: str, wrapped: bytes) -> RecordKeys:
        try:
            opened = self._wrapper().decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], record_id.encode())
        except (InvalidTag, ValueError):
            raise KeyringError(
                f"the key of record {record_id} does not open",
                expected="a key wrapped by this server's master key",
                next_step="restore keys/master.key, or the mirror was altered",
            ) from None
        return RecordKeys.from_bytes(opened)

    def tag(self, kind: str, text: str) -> bytes:
        return hmac.digest(self._derived("tag"), f"{kind}\x00{text}".encode("utf-8", "surrogatepass"), "sha256")

    def secret(self, use: str) -> bytes:
        return self._derived(f"secret {use}")

    def _wrapper(self) -> AESGCM:
        """Kept, not made anew for each of a million records."""
        if self._wrapping is None:
            self._wrapping = AESGCM(self._derived("wrap"))
        return self._wrapping

    def _derived(self, use: str) -> bytes:
        """A key for one use: the master key itself encrypts nothing. Two threads at worst derive the same one twice."""
        if use not in self._uses:
            self._uses[use] = HKDFExpand(SHA256(), 32, f"medauth {use} v1".encode()).derive(self._master_key())
        return self._uses[use]

    def _master_key(self) -> bytes:
        with self._lock:
            if self._master is None:
                path = self._folder / "master.key"
                self._master = self._opened(self._read_or_make(path, self._new_master), path)
            return self._master

    def _new_master(self) -> bytes:
        key = secrets.token_bytes(KEY_BYTES)
        if self._passphrase is None:
            return _OPEN + key.hex().encode() + b"\n"
        salt, nonce = secrets.token_bytes(16), secrets.token_bytes(_NONCE_BYTES)
        locked = salt + nonce + AESGCM(self._stretched(salt)).encrypt(nonce, key, _LOCKED)
        return _LOCKED + locked.hex().encode() + b"\n"

    def _opened(self, data: bytes, path: Path) -> bytes:
        try:
            if data.startswith(_OPEN):
                return _whole(bytes.fromhex(data[len(_OPEN) :].decode()))
            locked = bytes.fromhex(data.removeprefix(_LOCKED).decode())
            salt, nonce = locked[:16], locked[16 : 16 + _NONCE_BYTES]
            return _whole(AESGCM(self._stretched(salt)).decrypt(nonce, locked[16 + _NONCE_BYTES :], _LOCKED))
        except (ValueError, InvalidTag):
            raise _unreadable(path) from None

    def _stretched(self, salt: bytes) -> bytes:
        if self._passphrase is None:
            raise KeyringError(
                "the master key is locked", expected="its pass phrase", next_step="set MEDAUTH_KEY_PASSPHRASE"
            )
        return hashlib.scrypt(
            self._passphrase, salt=salt, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P, maxmem=2**26, dklen=32
        )

    def _load_signing(self, path: Path, purpose: KeyPurpose) -> SigningKey:
        data = self._read_or_make(path, self._new_signing)
        try:
            private = serialization.load_pem_private_key(data, self._passphrase)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise _unreadable(path) from None
        if not isinstance(private, Ed25519PrivateKey):
            raise _unreadable(path)
        return SigningKey(purpose, private)

    def _new_signing(self) -> bytes:
        locked: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if self._passphrase is not None:
            locked = serialization.BestAvailableEncryption(self._passphrase)
        return Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked
        )

    def _read_or_make(self, path: Path, make: Callable[[], bytes]) -> bytes:
        try:
            if not path.exists():
                create_file(path, make())
            refuse_shared(path)
            while True:
                # A successor may come in between, and what was opened before it is overwritten then.
                stamp, data = stamp_of(path), path.read_bytes()
                if stamp_of(path) == stamp:
                    return data
        except OSError as error:
            raise KeyringError(
                f"the key file {path.name} cannot be used: {error.strerror}", next_step=f"check {path.parent}"
            ) from error


def _whole(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError("a key that was cut off")
    return key


def _unreadable(path: Path) -> KeyringError:
    return KeyringError(
        f"{path.name} does not open",
        expected="a key made by medauth, and its pass phrase where one was set",
        next_step="set MEDAUTH_KEY_PASSPHRASE, or restore the file",
    )
