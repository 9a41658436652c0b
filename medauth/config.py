"""Settings: read once from the environment, then passed along; nothing else looks at environment variables.

`docs/settings.md` lists them all; a test holds the two together.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from medauth.errors import ConfigError
from medauth.evidence.archive import KeepFrames
from medauth.protocol.callback import is_loopback

PREFIX = "MEDAUTH_"


def _default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "medauth"


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set. Each field is the environment variable `MEDAUTH_<FIELD>` in capitals."""

    data_dir: Path = field(default_factory=_default_data_dir)
    """Keys, mirror, sealed evidence and the local chain live here."""
    database_url: str = field(default="", repr=False)
    """SQLAlchemy URL of the mirror; empty: SQLite in the data directory."""
    rpc_url: str = field(default="", repr=False)
    """JSON-RPC address of an EVM chain; empty: a local anvil, started when first needed."""
    ledger_network: str = ""
    """Network file, by name or path, whose contract log `main` uses in place of one of its own; see `docs/settings.md`."""
    anvil: str = ""
    """Path of the anvil program; empty: looked for in `node_modules` and on PATH."""
    confirmations: int = 0
    """Blocks until a checkpoint counts as final; 0: one on the local chain, twelve elsewhere."""
    urgent_anchor: bool = False
    """Allows `medauth anchor --urgent`: one leaf ahead of its checkpoint. Each shows the world when it was made."""
    chain_keystore: str = ""
    """Encrypted keystore (scrypt) of the account that pays for checkpoints; needed with `rpc_url`."""
    chain_passphrase: str = field(default="", repr=False)
    """Opens `chain_keystore`."""
    chain_signer: str = ""
    """Name of a signer that an installed package offers, such as one for a key service; used in place of the keystore."""
    key_passphrase: str = field(default="", repr=False)
    """Locks the signing and master keys; empty: they are protected by file mode alone."""
    keep_frames: KeepFrames = KeepFrames.KEY
    """Which judged frames are kept, sealed: `none`, `key` (those at which something happened) or `all`, with the sound of
    digits that were said."""
    retention_days: int = 0
    """Checks older than this are erased by `medauth erase --expired`; 0: kept until somebody asks."""
    tenant: str = ""
    """Whose checks these are: checks are compared with earlier ones of the same tenant alone."""
    replay_memory_days: int = 90
    """For so long the film of a check is known again."""
    timestamp_url: str = field(default="", repr=False)
    """RFC 3161 authority that stamps final checkpoints; empty: none is asked."""
    timestamp_certificates: str = ""
    """PEM file of that authority's certificates; needed with `timestamp_url`, and trusted by audits."""
    models_dir: str = ""
    """Folder of models to use in place of the shipped ones."""
    face_model: str = ""
    """Face embedding that the identity signal uses beside its patches: `face_api` once added; empty: patches alone."""
    emotion_models: str = ""
    """Who votes with the expression model, `name=weight` between commas; never heard under `standard`."""
    emotion_url: str = field(default="", repr=False)
    """Address of the emotion service that the member `http` asks."""
    emotion_form: str = "jpeg"
    """What that service is sent: `jpeg`, the picture itself, or `deepface`, what DeepFace's own service takes."""
    emotion_key: str = field(default="", repr=False)
    """Bearer token for that service."""
    emotion_region: str = ""
    """AWS region that the member `rekognition` asks; empty: where AWS tools look for it."""
    emotion_timeout_ms: int = 1_000
    """How long an emotion service may take; after three failures in a row it is left alone for half a minute."""
    emotion_consent: bool = False
    """Says that whoever is filmed agreed that their face is sent to an emotion service; none is asked without."""
    opencv_threads: int = 1
    """Threads of OpenCV in a process that checks: one costs least on camera pictures; 0 leaves OpenCV as it is."""
    rehearsal: bool = False
    """Allows rehearsals: scripted challenges on recordings, never an answer to who was there."""
    max_merge_delay_s: int = 86_400
    """Promise in every start receipt: by then the leaf is under a checkpoint."""
    web_host: str = "127.0.0.1"
    """Address that `medauth serve` listens on."""
    web_port: int = 8300
    """Port that it listens on."""
    web_url: str = ""
    """How browsers reach it, such as `https://verify.example`; empty: `http://HOST:PORT`, on this machine alone."""
    web_secret: str = field(default="", repr=False)
    """Secret behind cookies and forms, 32 characters at least; empty, on this machine alone: made from the master key."""
    web_origins: str = ""
    """Sites whose pages may call the REST API from a browser, with commas between; empty: none."""
    web_proxies: int = 0
    """How many proxies stand before the server and state whom they speak for."""
    web_checks: int = 8
    """Live checks at once in one process; more are told to come back."""
    webhook_networks: str = ""
    """Networks, as CIDR with commas between, to which webhooks may go beside the public internet; empty: none."""
    web_debug: bool = False
    """Shows errors in full to whoever asks; refused but on this machine alone."""

    @property
    def web_is_local(self) -> bool:
        """Whether this machine alone reaches the server: it listens here, and nothing that speaks for others is named."""
        url = urlsplit(self.web_url or "http://localhost").hostname or ""
        return is_loopback(self.web_host) and is_loopback(url) and not self.web_proxies

    def __post_init__(self) -> None:
        # Other programs are started in other folders; a relative place would be another one for them.
        object.__setattr__(self, "data_dir", Path(self.data_dir).expanduser().absolute())
        _require(0 <= self.confirmations <= 10_000, "confirmations", self.confirmations, "0 to 10000")  # noqa: PLR2004
        _require(0 <= self.opencv_threads <= 64, "opencv_threads", self.opencv_threads, "0 to 64")  # noqa: PLR2004
        _require(self.retention_days >= 0, "retention_days", self.retention_days, "0 or more days")
        _require(1 <= self.replay_memory_days <= 3_650, "replay_memory_days", self.replay_memory_days, "1 to 3650 days")  # noqa: PLR2004
        _require(len(self.tenant) <= 64 and self.tenant.isprintable(), "tenant", self.tenant[:80], "up to 64 letters")  # noqa: PLR2004
        _require(0 < self.emotion_timeout_ms <= 60_000, "emotion_timeout_ms", self.emotion_timeout_ms, "1 to 60000 ms")  # noqa: PLR2004
        _require(self.emotion_form in {"jpeg", "deepface"}, "emotion_form", self.emotion_form, "jpeg or deepface")
        _require(self.max_merge_delay_s > 0, "max_merge_delay_s", self.max_merge_delay_s, "more than 0 seconds")
        _require(0 <= self.web_port <= 65_535, "web_port", self.web_port, "0 to 65535")  # noqa: PLR2004
        _require(0 <= self.web_proxies <= 8, "web_proxies", self.web_proxies, "0 to 8")  # noqa: PLR2004
        _require(1 <= self.web_checks <= 1_024, "web_checks", self.web_checks, "1 to 1024")  # noqa: PLR2004
        addresses = ("rpc_url", self.rpc_url), ("timestamp_url", self.timestamp_url), ("web_url", self.web_url)
        for name, url in addresses:
            if url and not url.startswith(("http://", "https://")):
                # Addresses carry passwords and access keys: nothing of one is shown.
                _require(False, name, "an address of another kind", "an http:// or https:// address")

    @property
    def mirror_url(self) -> str:
        """The database URL, with the default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir / 'mirror.sqlite'}"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from `MEDAUTH_*` variables. Raises `ConfigError` for unknown names and malformed values."""
        environ = os.environ if environ is None else environ
        known = {PREFIX + f.name.upper(): f.name for f in fields(cls)}
        given = {name: value for name, value in environ.items() if name.startswith(PREFIX) and name not in _ELSEWHERE}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise ConfigError(
                f"{unknown[0]} is not a setting", expected=", ".join(known), next_step="see docs/settings.md"
            )
        return cls(**{known[name]: _parsed(known[name], value) for name, value in given.items() if value})


_ELSEWHERE = frozenset({"MEDAUTH_DATA", "MEDAUTH_WORK", "MEDAUTH_TEST_POSTGRES", "MEDAUTH_PYTHON"})
"""Variables that tests, training and set-up read; the product does not."""

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def _flag(text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise ValueError(text)
    return text.lower() in _TRUE


_PARSERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "data_dir": (Path, "a path"),
    "confirmations": (int, "a whole number"),
    "max_merge_delay_s": (int, "a whole number of seconds"),
    "opencv_threads": (int, "a whole number"),
    "emotion_timeout_ms": (int, "a whole number of milliseconds"),
    "emotion_consent": (_flag, "1 or 0"),
    "retention_days": (int, "a whole number of days"),
    "replay_memory_days": (int, "a whole number of days"),
    "keep_frames": (KeepFrames, "none, key or all"),
    "web_port": (int, "a whole number"),
    "web_proxies": (int, "a whole number"),
    "web_checks": (int, "a whole number"),
    "web_debug": (_flag, "1 or 0"),
    "rehearsal": (_flag, "1 or 0"),
    "urgent_anchor": (_flag, "1 or 0"),
}


def _parsed(name: str, text: str) -> Any:
    parse, expected = _PARSERS.get(name, (str, "text"))
    try:
        return parse(text)
    except ValueError:
        raise ConfigError(
            f"{PREFIX}{name.upper()} is {text[:80]!r}", expected=expected, next_step="see docs/settings.md"
        ) from None


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise ConfigError(f"{PREFIX}{name.upper()} is {value!r}", expected=expected, next_step="see docs/settings.md")
