"""Every error that leaves medauth: one class per family of trouble.

A wrong answer from the person is never an error: it is a `Verdict`. Errors are for unusable input, for things used in
the wrong order, for evidence that does not hold, and for parts of the machine that cannot be reached.
"""

from __future__ import annotations


class MedauthError(Exception):
    """Base of all errors of this package.

    The message always says what came, what was expected and what to do next, so that a log line is enough to act on.
    It never carries secrets or biometric values.
    """

    code = "error"

    def __init__(self, got: str, *, expected: str = "", next_step: str = "") -> None:
        self.got = got
        self.expected = expected
        self.next_step = next_step
        super().__init__(got)

    def __str__(self) -> str:
        parts = [self.got]
        if self.expected:
            parts.append(f"expected: {self.expected}")
        if self.next_step:
            parts.append(f"next step: {self.next_step}")
        return " · ".join(parts)


class ConfigError(MedauthError):
    """A setting is missing, malformed or contradicts another one."""

    code = "config"


class InputError(MedauthError):
    """What the caller handed over cannot be used: wrong type, shape, size, encoding or format."""

    code = "input"


class CaptureError(MedauthError):
    """A camera or a media file cannot be opened or stopped delivering frames."""

    code = "capture"


class CeremonyError(MedauthError):
    """A check was used out of order: twice, too late, or after it ended."""

    code = "ceremony"


class CheckExpired(CeremonyError):
    """The check outlived its time; a new one must be started."""

    code = "expired"


class TooManyFailures(CeremonyError):
    """The subject failed too often from this client and must wait."""

    code = "attempts"


class ModelError(MedauthError):
    """A model file is missing, altered or does not fit its manifest."""

    code = "model"


class EvidenceError(MedauthError):
    """Evidence does not hold: the named step of the verification failed."""

    code = "evidence"


class KeyringError(MedauthError):
    """A signing or sealing key is missing, unreadable or locked."""

    code = "keyring"


class KeyRetired(KeyringError):
    """A record was signed by a key that was replaced meanwhile; it has to be signed again by its successor."""

    code = "key_retired"


class StoreError(MedauthError):
    """The database or the evidence folder cannot be read or written; nothing was half done."""

    code = "store"


class NotFound(StoreError):
    """No record under that id."""

    code = "not_found"


class LedgerError(MedauthError):
    """The chain could not do what was asked."""

    code = "ledger"


class LedgerUnreachable(LedgerError):
    """No node answers at the configured address; records stay pending and nothing is lost."""

    code = "ledger_unreachable"


class LedgerIdentityChanged(LedgerError):
    """The chain or contract behind the address is not the one this mirror was pinned to."""

    code = "ledger_identity"


class LedgerRejected(LedgerError):
    """The contract refused the transaction."""

    code = "ledger_rejected"


class MissingTool(MedauthError):
    """An optional part or program is not installed; the message names the command that installs it."""

    code = "missing"
