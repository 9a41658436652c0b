"""Settings become wired services: with `chains.py` the only module that knows every concrete class.

Nothing heavy is imported before it is needed: a process that only audits loads no face mesh, one that only checks loads
no chain library.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from medauth.config import Settings
from medauth.errors import ConfigError, InputError
from medauth.evidence.bundle import Bundle
from medauth.evidence.statement import CheckIdentity
from medauth.protocol.challenge import NONCE_BYTES, Challenge, Step
from medauth.protocol.light import draw_light
from medauth.protocol.policy import REHEARSAL, Policy, policy_named
from medauth.protocol.random_steps import RandomBelow, draw_steps
from medauth.sensing import software_versions
from medauth.service.records import renew
from medauth.service.verification import Verification, new_identity
from medauth.session import AuthenticationSession
from medauth.store.interface import MAIN_LOG

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medauth.capture.interface import FrameSource
    from medauth.chains import Chains
    from medauth.ledger.interface import TimeStampAuthority
    from medauth.protocol.observation import Observation
    from medauth.service.analysis import Analysis, Onlooker
    from medauth.service.anchoring import AnchoringReport
    from medauth.service.audit import Auditor
    from medauth.service.erasure import Erasure
    from medauth.service.notarising import Notary
    from medauth.service.observing import Observer
    from medauth.service.recollection import Recollection
    from medauth.signals.face_embedder import FaceReference
    from medauth.signals.models import ModelLibrary
    from medauth.store.blobs import FileBlobs
    from medauth.store.heads import FileHeads
    from medauth.store.keyring import FileKeyring
    from medauth.store.sql import SqlStore


@dataclass(frozen=True, slots=True)
class Sources:
    """Randomness and time, replaced in tests alone."""

    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    monotonic_ms: Callable[[], float] = lambda: time.monotonic() * 1_000
    randbelow: RandomBelow = secrets.randbelow
    token_bytes: Callable[[int], bytes] = secrets.token_bytes


def open(settings: Settings | None = None, *, sources: Sources | None = None) -> Medauth:  # noqa: A001 - medauth.open()
    """Wires everything from settings, by default from the environment; makes data directory, keys and mirror at need."""
    return Medauth(settings or Settings.from_env(), sources or Sources())


class Medauth:
    """One server's services, its `models` shared if given. Thread-safe; close it, or use it as a context manager."""

    def __init__(self, settings: Settings, sources: Sources, models: ModelLibrary | None = None) -> None:
        self.settings = settings
        self._sources = sources
        self._lock = threading.RLock()
        self._store: SqlStore | None = None
        self._keyring: FileKeyring | None = None
        self._blobs: FileBlobs | None = None
        self._models = models
        self._chains: Chains | None = None

    def start(
        self,
        *,
        subject: str,
        purpose: str = "login",
        policy: str = "standard",
        origin: str = "",
        client: str = "",
        reference: FaceReference | None = None,
    ) -> AuthenticationSession:
        """Begins a check of one person.

        `subject` is your app's id of the account, `purpose` what the check is for, `origin` the site it belongs to,
        `client` what tells one client from another (an address or device id): failures are counted for the two
        together. With `reference`, as `face_reference` made it when the person enrolled, the face must be that one too.
        All of it is fixed here; nothing that a client sends later can change it. Raises `TooManyFailures`.
        """
        rules = policy_named(policy)
        if rules.rehearsal:
            raise ConfigError("a rehearsal decides nothing", expected="a policy for checks", next_step="use rehearse()")
        steps = draw_steps(rules.actions, rules.steps, frozenset(rules.required), self._sources.randbelow)
        return self._session(new_identity(subject, purpose, origin), rules, steps, client, reference)

    def face_reference(self, image: NDArray[np.uint8]) -> FaceReference:
        """The embedding of the one face in a BGR image (height, width, 3) uint8, for `start`; the app keeps it.

        Raises `ConfigError` where no face model is set, `InputError` where there is no face. It is biometric data.
        """
        from medauth.sensing import embedder, face_reference

        return face_reference(embedder(self.settings, self.models), image)

    def rehearse(self, steps: Sequence[Step], *, subject: str = "rehearsal") -> AuthenticationSession:
        """Begins a rehearsal: a scripted challenge on a recording, with a key and a log of its own.

        Never *live*. Raises `ConfigError` unless the settings allow rehearsals.
        """
        if not self.settings.rehearsal:
            how = "set it where no login depends on it"
            raise ConfigError("rehearsals are off", expected="MEDAUTH_REHEARSAL=1", next_step=how)
        if not steps:
            raise InputError("a rehearsal without steps", expected="at least one step")
        rules = replace(REHEARSAL, steps=len(steps))
        return self._session(new_identity(subject, "rehearsal", ""), rules, tuple(steps), "")

    def analyze(
        self,
        source: FrameSource,
        on_frame: Callable[[Observation], None] | None = None,
        onlooker: Onlooker | None = None,
        detector: str = "mesh",
    ) -> Analysis:
        """Every signal over a recording, the face found by `detector`. Nobody is ever found live; nothing is recorded."""
        from medauth.capture.encoding import read_frame
        from medauth.sensing import onlooking
        from medauth.service.analysis import analyze

        return analyze(source, onlooking(self.settings, self.models, detector), read_frame, on_frame, onlooker)

    def anchor(self, log: str = MAIN_LOG) -> AnchoringReport:
        """Erases what is past its retention, then puts all that waits under a checkpoint on chain, final and signed.

        Trouble with the first is logged and keeps nothing from being anchored.
        """
        if self.settings.retention_days:
            self.erasure().retain(self.settings.retention_days)
        report = self.chains.anchor(log)
        self.notary().notarise(log)
        return report

    def notary(self) -> Notary:
        """Signs final checkpoints for strangers, and has them time stamped where an authority is set."""
        from medauth.service.notarising import Notary

        authority = self._time_stamp_authority if self.settings.timestamp_url else None
        ask, now_ms = self.chains.size_on_chain, self._sources.now_ms
        return Notary(self.store, self.keyring, ask, authority, now_ms=now_ms, heads=self.heads)

    def _time_stamp_authority(self) -> TimeStampAuthority:
        from medauth.ledger.timestamp import HttpAuthority

        return HttpAuthority(self.settings.timestamp_url, self.time_stamp_certificates)

    @property
    def time_stamp_certificates(self) -> Sequence[str]:
        """PEM texts of the authorities whose time stamps are believed here."""
        if not self.settings.timestamp_certificates:
            return ()
        from medauth.ledger.timestamp import read_certificates

        return read_certificates(Path(self.settings.timestamp_certificates))

    def auditor(self, *, ask_chain: bool = True) -> Auditor:
        """Audits records and logs; without the chain where it is not to be asked."""
        from medauth.service.audit import Auditor

        ask = self.chains.size_on_chain if ask_chain else None
        certificates, stamped_ms = self.time_stamp_certificates, None
        if certificates:
            from medauth.ledger.timestamp import TrustedAuthorities

            stamped_ms = TrustedAuthorities(certificates).stamped_ms
        return Auditor(self.store, self.store, self.store, self.blobs, self.keyring, ask, stamped_ms, self.heads)

    def erasure(self) -> Erasure:
        """Destroys the keys of checks, and with them all that could be read of them."""
        from medauth.service.erasure import Erasure

        return Erasure(self.store, self.blobs, self.keyring, self._sources.now_ms)

    def bundle(self, record_id: str) -> Bundle:
        """One record as a self-contained file for a stranger. Raises `NotFound`."""
        return self.auditor(ask_chain=False).bundle(record_id)

    @property
    def sources(self) -> Sources:
        """The clocks and the randomness of this server."""
        return self._sources

    @property
    def store(self) -> SqlStore:
        """The mirror, opened and migrated."""
        with self._lock:
            if self._store is None:
                from medauth.store.database import migrate, open_engine
                from medauth.store.sql import SqlStore

                self._make_data_dir()
                engine = open_engine(self.settings.mirror_url)
                migrate(engine)
                self._store = SqlStore(engine)
            return self._store

    @property
    def keyring(self) -> FileKeyring:
        """Signing and master keys, made on first use."""
        with self._lock:
            if self._keyring is None:
                from medauth.store.keyring import FileKeyring

                self._make_data_dir()
                self._keyring = FileKeyring(self.settings.data_dir / "keys", self.settings.key_passphrase or None)
                renew(self.store, self._keyring)  # a rotation that was interrupted is finished
            return self._keyring

    @property
    def heads(self) -> FileHeads:
        """The last signed head of each log, remembered beside the keys."""
        from medauth.store.heads import FileHeads

        return FileHeads(self.settings.data_dir / "keys")

    @property
    def blobs(self) -> FileBlobs:
        """Sealed evidence files."""
        with self._lock:
            if self._blobs is None:
                from medauth.store.blobs import FileBlobs

                self._blobs = FileBlobs(self.settings.data_dir / "evidence")
            return self._blobs

    @property
    def models(self) -> ModelLibrary:
        """Model files, each read and checked once."""
        with self._lock:
            if self._models is None:
                from medauth.signals.models import ModelLibrary, model_folders

                self._models = ModelLibrary(model_folders(self.settings.models_dir, self.settings.data_dir))
            return self._models

    @property
    def chains(self) -> Chains:
        """The chain, opened when first asked."""
        with self._lock:
            if self._chains is None:
                from medauth.chains import Chains

                self._chains = Chains(self.settings, self.store, self._sources.now_ms)
            return self._chains

    def close(self) -> None:
        """Stops a local chain that this process started, and closes the mirror."""
        with self._lock:
            if self._chains is not None:
                self._chains.close()
            if self._store is not None:
                self._store.close()
            self._chains = self._store = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _session(
        self,
        identity: CheckIdentity,
        policy: Policy,
        steps: tuple[Step, ...],
        client: str,
        reference: FaceReference | None = None,
    ) -> AuthenticationSession:
        from medauth.capture.encoding import read_frame
        from medauth.report.heat import heat_png

        nonce = self._sources.token_bytes(NONCE_BYTES)
        light = draw_light(policy.light, len(steps), self._sources.randbelow) if policy.light else None
        challenge = Challenge(identity.check_id, steps, nonce, scripted=policy.rehearsal, light=light)
        observer = self.observer(challenge, policy, reference)
        try:
            check = self.verification().begin(identity, policy, challenge, client)
        except Exception:
            observer.close()
            raise
        return AuthenticationSession(
            check,
            self.verification(),
            observer,
            read_frame,
            clock_ms=self._sources.monotonic_ms,
            keep=self.settings.keep_frames,
            draw=heat_png,
            memory=None if policy.rehearsal else self._recollection(),
        )

    def _recollection(self) -> Recollection:
        from medauth.service.recollection import Recollection

        settings = self.settings
        return Recollection(
            self.store,
            self.keyring,
            now_ms=self._sources.now_ms,
            tenant=settings.tenant,
            days=settings.replay_memory_days,
        )

    def observer(self, challenge: Challenge | None, policy: Policy, reference: FaceReference | None = None) -> Observer:
        """A face track and fresh signals, for one check or analysis under a policy."""
        from medauth.sensing import observer

        return observer(self.settings, self.models, challenge, policy.name, reference)

    def verification(self) -> Verification:
        """The use case that begins and ends checks."""
        return Verification(
            self.store,
            self.blobs,
            self.keyring,
            now_ms=self._sources.now_ms,
            software=software_versions(),
            max_merge_delay_s=self.settings.max_merge_delay_s,
        )

    def _make_data_dir(self) -> None:
        try:
            self.settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"the data directory cannot be made: {error.strerror}",
                expected=f"a writable folder at {self.settings.data_dir}",
                next_step="set MEDAUTH_DATA_DIR",
            ) from error
