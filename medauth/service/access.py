"""Apps that may ask over the network: each has a key, what it may do, and the policies it may ask for."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from medauth.errors import InputError
from medauth.protocol.callback import host_and_port
from medauth.protocol.policy import policy_named
from medauth.service.records import new_id
from medauth.store.booking_interface import AccessRow, AccessStore
from medauth.store.interface import Keyring

KEY_PREFIX = "mak_"
SANDBOX_PREFIX = "mak_sandbox_"
"""So that a test's key is told apart at a glance in another place's settings."""
_SECRET_BYTES = 32
_MAX_NAME = 128


class Scope(StrEnum):
    """What a key is good for."""

    SUBJECT = "subject"
    """Asks for checks, and reads the state and outcome of its own."""
    OPERATOR = "operator"
    """Reads reasons and readings of every check, and erases."""
    AUDITOR = "auditor"
    """Takes evidence bundles away."""


@dataclass(frozen=True, slots=True)
class Access:
    """An app that proved who it is."""

    access_id: str
    name: str
    scopes: frozenset[Scope]
    policies: frozenset[str]
    callback_hosts: frozenset[str] = frozenset()
    """`host:port`, where it may be told how a check ended."""
    sandbox: bool = False
    """A key for the app's own tests: nothing that it asks for is real."""


class Accesses:
    """Grants, finds and revokes access. The key is shown once; what is kept of it is a keyed hash."""

    def __init__(self, store: AccessStore, keyring: Keyring, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._keyring = keyring
        self._now_ms = now_ms

    def grant(
        self,
        name: str,
        scopes: Sequence[Scope],
        policies: Sequence[str],
        *,
        callback_hosts: Sequence[str] = (),
        sandbox: bool = False,
    ) -> tuple[Access, str]:
        """A new access and its key. Raises `InputError`, and `ConfigError` for a policy that does not exist."""
        if not 1 <= len(name) <= _MAX_NAME or not name.isprintable():
            raise InputError("a name that is empty, too long or not printable", expected=f"1 to {_MAX_NAME} characters")
        if not scopes:
            raise InputError("an access that may do nothing", expected=f"one of {', '.join(Scope)}")
        for policy in policies:
            policy_named(policy)
        key = (SANDBOX_PREFIX if sandbox else KEY_PREFIX) + secrets.token_urlsafe(_SECRET_BYTES)
        row = AccessRow(
            access_id=new_id("acc"),
            name=name,
            key_tag=self._tag(key),
            scopes=" ".join(sorted({scope.value for scope in scopes})),
            policies=" ".join(sorted(set(policies))),
            created_ms=self._now_ms(),
            callback_hosts=" ".join(sorted({host_and_port(host) for host in callback_hosts})),
            sandbox=sandbox,
        )
        self._store.add_access(row)
        return _access(row), key

    def holder(self, key: str) -> Access | None:
        """Whose key this is; None for one that is unknown or was revoked."""
        row = self._store.access_of(self._tag(key))
        return None if row is None else _access(row)

    def named(self, access_id: str) -> Access | None:
        """The access of that id as it is now; None once it was revoked."""
        found = (row for row in self._store.accesses() if row.access_id == access_id and row.revoked_ms is None)
        return next(map(_access, found), None)

    def revoke(self, access_id: str) -> bool:
        """From now on the key opens nothing; False where it did not before."""
        return self._store.revoke_access(access_id, self._now_ms())

    def listed(self) -> Sequence[AccessRow]:
        """All of them, revoked ones too, oldest first."""
        return self._store.accesses()

    def _tag(self, key: str) -> bytes:
        return self._keyring.tag("access", key)


def _access(row: AccessRow) -> Access:
    scopes = frozenset(Scope(name) for name in row.scopes.split())
    policies, hosts = frozenset(row.policies.split()), frozenset(row.callback_hosts.split())
    return Access(row.access_id, row.name, scopes, policies, hosts, row.sandbox)
