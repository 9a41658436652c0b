"""The demo's script: well formed, and bound to one clip."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from medauth.errors import InputError
from medauth.evaluation.rehearsal import FRANCK
from medauth.protocol.challenge import RULES, Category


def test_the_script_shows_an_expression_a_blink_and_a_turn():
    assert {RULES[step.action].category for step in FRANCK.steps} >= {
        Category.EXPRESSION,
        Category.BLINK,
        Category.TURN,
    }
    assert 0 <= FRANCK.start_ms < FRANCK.end_ms < FRANCK.start_ms + 40_000


def test_only_the_very_clip_is_accepted(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"some clip")
    with pytest.raises(InputError, match="another clip"):
        FRANCK.check_clip(path)
    replace(FRANCK, clip_sha256=hashlib.sha256(b"some clip").hexdigest()).check_clip(path)
    with pytest.raises(InputError, match="cannot be read"):
        FRANCK.check_clip(tmp_path / "missing.mp4")
