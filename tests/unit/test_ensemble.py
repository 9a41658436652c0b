"""Who votes with the expression model: only whom the settings name, and never under `standard`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth import ensemble
from medauth.config import Settings
from medauth.ensemble import members, weights
from medauth.errors import ConfigError
from medauth.signals.models import ModelLibrary

CONSENT: Mapping[str, Any] = {"emotion_url": "https://a.example/", "emotion_consent": True}


class PlugIn:
    name = "gut_feeling"
    sha256 = "ab" * 32
    repeatable = True

    def probabilities(self, face: NDArray[np.uint8]) -> Mapping[str, float] | None:
        return {"happiness": float(face.mean())}


@pytest.fixture
def plugged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("gut_feeling", f"{__name__}:PlugIn", ensemble.GROUP)
    monkeypatch.setattr(ensemble, "entry_points", lambda **words: EntryPoints([point]).select(**words))


def names(text: str, policy: str | None, **more: Any) -> list[str]:
    return [member.model.name for member in members(Settings(emotion_models=text, **more), ModelLibrary(), policy)]


def test_nobody_is_heard_unless_named(plugged_in: None) -> None:
    assert names("", None) == []


def test_a_plug_in_is_heard_by_its_name_and_never_under_standard(plugged_in: None) -> None:
    assert names("gut_feeling=2", None) == names("gut_feeling", "strict") == ["gut_feeling"]
    for policy in ("standard", "rehearsal"):
        assert names("gut_feeling", policy) == []


def test_a_service_is_heard_outside_of_checks_and_with_consent_alone() -> None:
    assert names("http", None, **CONSENT) == ["http"]
    assert names("http", "strict", **CONSENT) == []
    with pytest.raises(ConfigError, match="would be sent faces"):
        names("http", None, emotion_url="https://a.example/")
    with pytest.raises(ConfigError, match="would be sent faces"):
        names("rekognition", None)


def test_a_name_that_nobody_has_is_refused(plugged_in: None) -> None:
    with pytest.raises(ConfigError, match="nobody offers") as refused:
        names("intuition", None)
    assert "gut_feeling, http, rekognition" in str(refused.value)


def test_weights_are_read_and_bad_ones_named() -> None:
    assert weights(" a = 0.5, b ,") == {"a": 0.5, "b": 1.0}
    for text in ("a=0", "a=-1", "a=much", "a=1000", "a=nan"):
        with pytest.raises(ConfigError, match="'a' the weight"):
            weights(text)
