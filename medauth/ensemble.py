"""Who votes with the expression model: the members that Settings name, from models, plug-ins and services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from medauth.config import Settings
from medauth.errors import ConfigError

if TYPE_CHECKING:
    from medauth.signals.emotion_reader import EmotionModel, Member, TrackModel
    from medauth.signals.models import ModelLibrary

GROUP = "medauth.emotion_models"
_ALONE = frozenset({"standard", "rehearsal"})
"""Policies under which nobody but the shipped model is heard."""


def members(settings: Settings, models: ModelLibrary, policy: str | None) -> tuple[Member, ...]:
    """Those that are heard in a check under `policy`; None: in an analysis, or a live picture.

    Raises `ConfigError` for a name that nobody has: a plug-in is loaded when Settings name it, never because it is
    installed.
    """
    if not settings.emotion_models or policy in _ALONE:
        return ()
    from medauth.signals.emotion_reader import Member

    named = weights(settings.emotion_models)
    found = [Member(_model(name, settings, models), weight) for name, weight in named.items()]
    return tuple(member for member in found if policy is None or member.model.repeatable)


def weights(text: str) -> Mapping[str, float]:
    """`name`, `name=weight` between commas. Raises `ConfigError`."""
    found: dict[str, float] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, _, weight = word.partition("=")
        try:
            found[name.strip()] = float(weight or 1.0)
        except ValueError:
            found[name.strip()] = -1.0
        if not 0 < found[name.strip()] <= 100:  # noqa: PLR2004 - a hundred times the shipped model's voice
            raise ConfigError(
                f"MEDAUTH_EMOTION_MODELS gives {name.strip()!r} the weight {weight!r}",
                expected="names between commas, each with =WEIGHT above 0 and up to 100",
                next_step="see docs/emotion-ensemble.md",
            )
    return found


def _model(name: str, settings: Settings, models: ModelLibrary) -> EmotionModel | TrackModel:
    if name in _SERVICES:
        if not settings.emotion_consent:
            raise ConfigError(
                f"{name} would be sent faces",
                expected="MEDAUTH_EMOTION_CONSENT=1: whoever is filmed agreed that their face leaves this machine",
                next_step="take the name out of MEDAUTH_EMOTION_MODELS, or ask them",
            )
        return _SERVICES[name](settings)
    if name in models.names():
        return local_model(name, models)
    personal = settings.data_dir / "models" / name
    if name == Path(name).name and (personal / "head.json").is_file():
        from medauth.signals.emotion_personal import PersonalEmotionModel

        return PersonalEmotionModel.read(personal, models.load("expression"))
    for point in entry_points(group=GROUP, name=name):
        made: EmotionModel = point.load()()
        return made
    offered = sorted({*_SERVICES, *(point.name for point in entry_points(group=GROUP))})
    raise ConfigError(
        f"nobody offers an emotion model {name!r}",
        expected=f"a model of `medauth models`, or one of {', '.join(offered)}",
        next_step="install the plug-in, or correct MEDAUTH_EMOTION_MODELS",
    )


def local_model(name: str, models: ModelLibrary) -> EmotionModel | TrackModel:
    """A model file of `medauth models` as somebody to be asked. Raises `ModelError` where it reads no expressions."""
    if "points" in models.load(name).manifest.preprocessing:
        from medauth.signals.emotion_landmarks import LandmarkEmotionModel

        return LandmarkEmotionModel(models.load(name))
    from medauth.signals.emotion_local import LocalEmotionModel

    return LocalEmotionModel(models.load(name))


def _http(settings: Settings) -> EmotionModel:
    from medauth.signals.emotion_services import HttpEmotionModel

    return HttpEmotionModel(
        settings.emotion_url,
        form=settings.emotion_form,
        timeout_s=settings.emotion_timeout_ms / 1000,
        key=settings.emotion_key,
    )


def _rekognition(settings: Settings) -> EmotionModel:
    from medauth.signals.emotion_services import RekognitionEmotionModel, rekognition_client

    region = settings.emotion_region
    return RekognitionEmotionModel(rekognition_client(region, settings.emotion_timeout_ms / 1000), region)


_SERVICES: Mapping[str, Callable[[Settings], EmotionModel]] = {"http": _http, "rekognition": _rekognition}
SERVICES = frozenset(_SERVICES)
"""Names that send faces away: nothing that lies here may be called so."""
