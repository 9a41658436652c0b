"""Proves that a live person was in front of the camera, and leaves evidence that a stranger can verify.

    import medauth
    auth = medauth.open()
    session = auth.start(subject="user-42", purpose="login")
    verdict = session.run(medauth.Webcam())
    print(verdict.is_live, verdict.reasons, verdict.evidence_id)

Importing this package loads no heavy library and touches nothing: names are fetched when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medauth.bootstrap import Medauth, open  # noqa: A004 - medauth.open() is the entry
    from medauth.capture.video_file import VideoFile
    from medauth.capture.webcam import Webcam
    from medauth.config import Settings
    from medauth.errors import MedauthError
    from medauth.protocol.verdict import Decision, Verdict
    from medauth.session import AuthenticationSession

__all__ = [
    "AuthenticationSession",
    "Decision",
    "Medauth",
    "MedauthError",
    "Settings",
    "Verdict",
    "VideoFile",
    "Webcam",
    "open",
]

_HOMES = {
    "AuthenticationSession": "medauth.session",
    "Decision": "medauth.protocol.verdict",
    "Medauth": "medauth.bootstrap",
    "MedauthError": "medauth.errors",
    "Settings": "medauth.config",
    "Verdict": "medauth.protocol.verdict",
    "VideoFile": "medauth.capture.video_file",
    "Webcam": "medauth.capture.webcam",
    "open": "medauth.bootstrap",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'medauth' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
