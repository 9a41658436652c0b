"""The replay of verdicts, wired; apart from `bootstrap.py`, since only an audit that asks for it needs it."""

from __future__ import annotations

from dataclasses import replace

from medauth.bootstrap import Medauth
from medauth.capture.encoding import read_frame
from medauth.sensing import software_versions
from medauth.service.audit import Audit
from medauth.service.replay import Replayer


def replayer(auth: Medauth) -> Replayer:
    """Judges records again from their sealed frames, by the models of now, which must be those of then."""
    return Replayer(
        auth.store,
        auth.blobs,
        auth.keyring,
        observer_for=auth.observer,
        read_frame=read_frame,
        software=software_versions(),
    )


def replayed(auth: Medauth, audit: Audit) -> Audit:
    """The audit of a record with one step more: the verdict judged again. Raises `NotFound`."""
    return replace(audit, steps=(*audit.steps, replayer(auth).replay(audit.subject)))
