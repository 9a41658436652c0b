"""Why a picture of an evaluation cannot be used, as people read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from medauth.evaluation.folders import Item
from medauth.evaluation.still import Unusable, read_picture
from medauth.protocol.observation import CaptureProblem


def test_every_reason_has_words(tmp_path: Path) -> None:
    for problem in CaptureProblem:
        assert "cannot be used" not in Unusable(f"capture.{problem.value}").text
    with pytest.raises(Unusable) as missing:
        read_picture(Item(tmp_path / "nobody.png", "nobody.png", ""))
    assert missing.value.text == "cannot be read: is it there, and may you read it?"


def test_a_reason_without_words_keeps_its_code() -> None:
    assert Unusable("pose.unknown").text == "cannot be used (pose.unknown)"
