"""What looks at a person, wired: cameras and clips, the face track, the signals and their models.

With `bootstrap.py` and `chains.py` the only modules that know concrete classes. Nothing heavy is imported before it is
needed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medauth.config import Settings
from medauth.ensemble import members
from medauth.errors import ConfigError, InputError
from medauth.protocol.policy import REHEARSAL, STANDARD, policy_named

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medauth.capture.interface import FrameSource, SoundSource
    from medauth.protocol.challenge import Challenge
    from medauth.service.observing import Observer
    from medauth.signals.emotion_reader import EmotionReader, Member
    from medauth.signals.face_embedder import FaceEmbedder, FaceReference
    from medauth.signals.face_finders import FaceFinder
    from medauth.signals.interface import FaceTracker, Signal
    from medauth.signals.models import ModelLibrary

MOVEMENT_MODEL = "micro_expression"
EXPRESSION_MODEL = "expression"
EYE_STATE_MODEL = "eye_state"
PRESENTATION_MODEL = "presentation_attack"
DEEPFAKE_MODEL = "deepfake"
_STATED_PACKAGES = ("medauth", "mediapipe", "numpy", "opencv-contrib-python", "ai-edge-litert")
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_CLIPS = frozenset({".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".ogv", ".flv", ".ts"})


def observer(
    settings: Settings,
    models: ModelLibrary,
    challenge: Challenge | None,
    policy: str,
    reference: FaceReference | None = None,
) -> Observer:
    """A face track and fresh signals, for one check or analysis, by the thresholds of the policy of that name."""
    from medauth.service.observing import Observer

    voters = members(settings, models, None if challenge is None else policy)
    judges = signals(models, policy, embedder(settings, models), reference, voters)
    if challenge is not None and any(step.digits for step in challenge.steps):
        from medauth.signals.speech import SpeechSignal

        judges = (*judges, SpeechSignal())
    return Observer(face_tracker(settings), judges, challenge)


def onlooking(settings: Settings, models: ModelLibrary, detector: str = "mesh") -> Observer:
    """A face track and fresh signals for a recording that answers nothing. Raises `ConfigError` for another detector."""
    from medauth.service.observing import Observer

    judges = signals(models, STANDARD.name, embedder(settings, models), None, members(settings, models, None))
    return Observer(face_tracker(settings, detector), judges, None)


def face_tracker(settings: Settings, detector: str = "mesh") -> FaceTracker:
    """A face track by itself, for pictures that no check is made of: the mesh alone, or the mesh where `detector` finds a
    face (`haar`, `dnn`, `mediapipe`, `auto`, `every`).
    """
    import cv2

    if settings.opencv_threads:
        cv2.setNumThreads(settings.opencv_threads)
    if detector != "mesh":
        from medauth.signals.found_face import FoundFaceTracker

        return FoundFaceTracker(face_finder(settings, detector))
    from medauth.signals.face_track import FaceMeshTracker

    return FaceMeshTracker()


def face_finder(settings: Settings, name: str) -> FaceFinder:
    """The face detector of that name."""
    from medauth.signals.face_finders import face_finder as find

    return find(name, detector_folder(settings))


def detectors_here(settings: Settings) -> tuple[str, ...]:
    """Who may find the face in a recording, on this machine: the mesh first, which is who does unless another is asked for."""
    from medauth.signals.face_finders import finders_here

    return ("mesh", *finders_here(detector_folder(settings)))


def detector_folder(settings: Settings) -> Path:
    """Where `medauth models add face-dnn` leaves its files."""
    return settings.data_dir / "detectors" / "face_dnn"


def emotion_reader(settings: Settings, models: ModelLibrary) -> EmotionReader:
    """The expression model, and who votes with it outside of checks."""
    from medauth.signals.emotion_reader import EmotionReader

    return EmotionReader(models.load(EXPRESSION_MODEL), members(settings, models, None))


def embedder(settings: Settings, models: ModelLibrary) -> FaceEmbedder | None:
    """The face embedding that the settings name, if they name one."""
    if not settings.face_model:
        return None
    from medauth.signals.face_embedder import FaceEmbedder

    return FaceEmbedder(models.load(settings.face_model))


def face_reference(embedder: FaceEmbedder | None, image: NDArray[np.uint8]) -> FaceReference:
    """The embedding of the one face in a BGR image (height, width, 3) uint8.

    Raises `ConfigError` without an embedder, `InputError` where there is no face.
    """
    from medauth.signals.face_embedder import FaceReference
    from medauth.signals.face_track import StillMesh

    if embedder is None:
        raise ConfigError(
            "references need a face embedding",
            expected="MEDAUTH_FACE_MODEL",
            next_step="medauth models add face-api",
        )
    mesh = StillMesh()
    try:
        landmarks = mesh.landmarks(image)
    finally:
        mesh.close()
    if landmarks is None:
        raise InputError("a picture without a face", expected="one face, large and from the front")
    return FaceReference(embedder.use.sha256, embedder.embed(image, landmarks))


def signals(
    models: ModelLibrary,
    policy: str,
    embedder: FaceEmbedder | None = None,
    reference: FaceReference | None = None,
    voters: Sequence[Member] = (),
) -> tuple[Signal, ...]:
    """Fresh signals for one check under the policy of that name. A new signal is one line here."""
    from medauth.signals.blink import BlinkSignal
    from medauth.signals.deepfake import DeepfakeSignal
    from medauth.signals.emotion import EmotionSignal
    from medauth.signals.eye_state import EyeStateModel
    from medauth.signals.frame_print import FrameRows
    from medauth.signals.gesture import GestureSignal
    from medauth.signals.hand import HandSignal
    from medauth.signals.identity import IdentitySignal
    from medauth.signals.injection import InjectionSignal
    from medauth.signals.light import LightSignal
    from medauth.signals.micro_expression import MicroExpressionSignal
    from medauth.signals.presentation_attack import PresentationAttackSignal
    from medauth.signals.pulse import PulseSignal
    from medauth.signals.replay import ReplaySignal
    from medauth.signals.shading import ShadingSignal
    from medauth.signals.skin_patches import SkinPatches

    patches, rows = SkinPatches(), FrameRows()
    expression = models.load(EXPRESSION_MODEL)
    # The spotter needs no net; the net only names what it finds.
    movement = models.load(MOVEMENT_MODEL) if MOVEMENT_MODEL in models.names() else None
    return (
        GestureSignal(),
        HandSignal(),
        BlinkSignal(EyeStateModel(models.load(EYE_STATE_MODEL))),
        EmotionSignal(expression, members=voters),
        MicroExpressionSignal(movement),
        PresentationAttackSignal(models.load(PRESENTATION_MODEL), policy),
        # Reported under every policy; `strict` denies by it.
        DeepfakeSignal(models.load(DEEPFAKE_MODEL), policy),
        InjectionSignal(rows=rows),
        LightSignal(patches),
        PulseSignal(patches),
        ShadingSignal(),
        IdentitySignal(embedder, reference),
        # A recording is shown in many rehearsals: none is known again.
        *(() if policy == REHEARSAL.name else (ReplaySignal(rows=rows),)),
    )


def software_versions() -> Mapping[str, str]:
    """What judged: stated with every verdict."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in _STATED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found


def source_of(path: Path, *, start_ms: float = 0.0, end_ms: float | None = None, realtime: bool = False) -> FrameSource:
    """A clip or a picture as a source, by what the file is."""
    from medauth.capture.image import Image
    from medauth.capture.video_file import VideoFile

    if is_picture(path):
        return Image(path)
    return VideoFile(path, start_ms=start_ms, end_ms=end_ms, realtime=realtime)


def is_picture(path: Path) -> bool:
    """Whether the name is a picture's."""
    return path.suffix.lower() in _PICTURES


def recordings_in(folder: Path) -> tuple[Path, ...]:
    """Every clip and picture of a folder and of those in it, by name. Raises `InputError` where there is none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES | _CLIPS and path.is_file())
    if not found:
        raise InputError(f"{folder} holds no clip and no picture", expected=", ".join(sorted(_CLIPS | _PICTURES)))
    return tuple(found)


def deepfake_metrics(models: ModelLibrary) -> Mapping[str, Any]:
    """What the manifest of the deepfake net says of how good it is."""
    manifest = json.loads((models.folder(DEEPFAKE_MODEL) / "manifest.json").read_text(encoding="utf-8"))
    metrics: Mapping[str, Any] = manifest.get("metrics", {})
    return metrics


def microphone_for(policy: str, sound: Path | None = None) -> SoundSource | None:
    """The microphone, or a recording in its place, where the policy asks for digits; None where it does not. Raises
    `InputError` for a recording that nobody would listen to, `MissingTool`."""
    if not policy_named(policy).spoken:
        if sound is not None:
            raise InputError(f"a recording for policy {policy}", expected="a policy that listens, such as by-voice")
        return None
    from medauth.capture.microphone import Microphone, PlayedSound

    return PlayedSound(sound) if sound is not None else Microphone()


def webcam(index: int = 0) -> FrameSource:
    """A camera by its number."""
    from medauth.capture.webcam import Webcam

    return Webcam(index)
