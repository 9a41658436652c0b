"""Where an app may be told how a check ended: the form of the address, and that its host was registered beforehand."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from medauth.errors import InputError

MAX_URL = 2_048
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_MAX_HOST = 253
_URL = re.compile(r"[!-~]+")
_PORT = "(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
_PATH = r"([/?][!\"$-\[\]-~]*)?"
_NAME = r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?"
CALLBACK_PATTERN = rf"^(https://{_NAME}{_PORT}{_PATH}|http://(localhost|127\.0\.0\.1|\[::1\]){_PORT}{_PATH})?$"
"""What a callback looks like, for documents that programs read; without one it is empty."""
_DEFAULT_PORTS = {"https": 443, "http": 80}


def is_loopback(host: str) -> bool:
    """Whether a host, as it stands in a URL, is this machine by its very name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_and_port(registered: str) -> str:
    """A host as it is registered, `app.example` or `app.example:8443`, in one form. Raises `InputError`."""
    name, colon, port = registered.strip().lower().rpartition(":")
    if not colon or registered.endswith("]"):
        name, port = registered.strip().lower(), "443"
    if not _HOST.fullmatch(name) or len(name) > _MAX_HOST or not port.isdecimal() or not 0 < int(port) <= 0xFFFF:  # noqa: PLR2004
        raise InputError(f"{registered[:80]!r} is no host", expected="such as app.example or app.example:8443")
    return f"{name}:{int(port)}"


def callback_host(url: str, *, loopback: bool) -> str:
    """Where a callback leads, as `host_and_port` writes it. Raises `InputError` for a URL that is not https.

    With `loopback`, for a server that this machine alone can reach, http to this machine's own names is taken too.
    """
    if len(url) > MAX_URL or not _URL.fullmatch(url) or "\\" in url:
        raise _refused("a callback that is no URL")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise _refused("a callback that is no URL") from None
    named = f"[{host}]" if ":" in host else host
    if (
        parts.scheme not in _DEFAULT_PORTS
        or "@" in parts.netloc
        or "#" in url
        or not _HOST.fullmatch(named)
        or port == 0
    ):
        raise _refused("a callback of another form")
    if parts.scheme == "http" and not (loopback and is_loopback(host)):
        raise _refused("a callback without https")
    return f"{named}:{port or _DEFAULT_PORTS[parts.scheme]}"


def _refused(got: str) -> InputError:
    return InputError(got, expected=f"https://..., at most {MAX_URL} characters, without a fragment or a password")
