"""The public API as a caller's type checker sees it. Never run: `make types` checks it."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import numpy as np

import medauth
from medauth.protocol.light import ColourShown
from medauth.protocol.observation import Observation, Prompt
from medauth.protocol.verdict import Reason
from medauth.session import Progress

settings = medauth.Settings(data_dir=Path("data"), keep_frames=medauth.Settings().keep_frames, rehearsal=True)
auth = medauth.open(settings)
assert_type(auth, medauth.Medauth)
assert_type(medauth.open(), medauth.Medauth)

session = auth.start(subject="user-42", purpose="login", policy="standard", origin="https://app.example", client="a")
assert_type(session, medauth.AuthenticationSession)
assert_type(session.commitment, bytes)
assert_type(session.prompt, Prompt | None)
assert_type(session.push(np.zeros((480, 640, 3), np.uint8)), Progress)
assert_type(session.push(b"\xff\xd8"), Progress)
assert_type(session.light, ColourShown | None)


def watch(progress: Progress, observation: Observation) -> None:
    assert_type(progress.hint, str)
    assert_type(progress.done, bool)
    assert_type(observation.frame.t_ms, float)


verdict = session.run(medauth.Webcam(), watch)
assert_type(session.run(medauth.VideoFile("clip.mp4", start_ms=0.0, end_ms=1_000.0)), medauth.Verdict)
assert_type(session.finish(), medauth.Verdict)
assert_type(verdict.is_live, bool)
assert_type(verdict.reasons, tuple[Reason, ...])
assert_type(verdict.decision, medauth.Decision)
assert_type(verdict.evidence_id, str)
assert_type(auth.bundle(verdict.evidence_id).to_bytes(), bytes)

with medauth.open(settings) as again, again.start(subject="user-42") as another:
    assert_type(another.check_id, str)

try:
    auth.start(subject="")
except medauth.MedauthError as error:
    assert_type(error.got, str)
    assert_type(error.next_step, str)
