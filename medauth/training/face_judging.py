"""Judges a face embedding: pairs of pictures, and continuity on clips beside the aligned patches."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.evaluation.blinks import read_clips
from medauth.evaluation.continuity import Likeness, Look, judge, looks_at
from medauth.evaluation.whole_checks import halves_of, judge_checks
from medauth.protocol.observation import FaceQuality, FaceTrack
from medauth.signals.face_chip import cut_chip
from medauth.signals.face_embedder import FaceEmbedder
from medauth.signals.head_pose import fit_head
from medauth.signals.identity import KNOWN, MAX_TURN, STRANGER, IdentitySignal, cut_patch
from medauth.signals.models import Model, ModelLibrary, prepare_image
from medauth.training.embedding_card import write_embedding_card
from medauth.training.embedding_release import judge_vectors
from medauth.training.embedding_run import load_parts
from medauth.training.face_images import FacePoints, read_picture

PERSON_OF = {"b02_cap12": "the person of cap12 and cap13", "b03_cap13": "the person of cap12 and cap13"}
"""Six clips, five people."""


def judge_faces(data: Path, work: Path, model: Model, folder: Path, report: Callable[[str], None]) -> dict[str, Any]:
    """Writes the figures of `model` into the manifest and card in `folder`; returns them."""
    faces = load_parts(data, work, None, report)
    points, vectors = FacePoints(data, work / "face_points.npz"), {}
    for part in ("valid", "test", "train"):
        for name in faces[part].names:
            placed = points.of(name)
            assert placed is not None, "files without a face were left out"
            vectors[name] = _embed_file(model, data / name, placed)
        report(f"{part}: {len(faces[part].names)} faces")
    manifest = json.loads((folder / "manifest.json").read_text())
    figures = judge_vectors(vectors, data, faces)
    manifest["metrics"] |= figures
    manifest["calibration"] = {"method": "threshold", "same_person": figures["thresholds"]}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    write_embedding_card(folder)
    return figures


def judge_continuity(data: Path, folder: Path) -> dict[str, Any]:
    """Continuity on `blink_clips`, by aligned patches and by the embedding in `folder`, into its `continuity.json`: by way
    and change, what was said of the same person and of others.
    """
    model = ModelLibrary([folder.parent]).load(folder.name)
    found = compare_continuity(data, {model.manifest.name: FaceEmbedder(model)})
    (folder / "continuity.json").write_text(json.dumps(found, indent=2) + "\n")
    write_embedding_card(folder)
    return found


def judge_whole_checks(data: Path, folder: Path) -> dict[str, Any]:
    """Checks in which somebody stays or hands over, by patches alone and with the embedding in `folder`, into its
    `checks.json`.
    """
    embedder = FaceEmbedder(ModelLibrary([folder.parent]).load(folder.name))
    clips = {name: halves_of(clip.path) for name, clip in read_clips(data / "blink_clips").items()}
    found = {
        "patches alone": judge_checks(clips, IdentitySignal, PERSON_OF),
        "with the embedding": judge_checks(clips, lambda: IdentitySignal(embedder), PERSON_OF),
    }
    (folder / "checks.json").write_text(json.dumps(found, indent=2) + "\n")
    write_embedding_card(folder)
    return found


def compare_continuity(data: Path, embedders: Mapping[str, FaceEmbedder]) -> dict[str, Any]:
    """By way and change, what was said of the same person and of others."""
    clips = read_clips(data / "blink_clips")
    looks = looks_at(
        {name: clip.path for name, clip in clips.items()}, {name: clip.fps for name, clip in clips.items()}
    )
    ways: dict[str, tuple[Likeness, float, float]] = {"patches": (PatchLikeness(), KNOWN, STRANGER)}
    for name, embedder in embedders.items():
        ways[name] = EmbeddingLikeness(embedder), embedder.match, embedder.stranger
    return {
        way: {
            change: {kind: asdict(tally) for kind, tally in tallies.items()}
            for change, tallies in judge(looks, *how, PERSON_OF).items()
        }
        for way, how in ways.items()
    }


@dataclass
class PatchLikeness:
    """As `identity` compares patches: only at a similar pose."""

    _seen: dict[int, tuple[NDArray[np.float32], tuple[float, float]]] = field(default_factory=dict)

    def __call__(self, gallery: Sequence[Look], probe: Look) -> float | None:
        """Best correlation with a look of the gallery; None when none is posed alike."""
        patch, turn = self._of(probe)
        alike = [
            float(other @ patch)
            for other, at in map(self._of, gallery)
            if max(abs(at[0] - turn[0]), abs(at[1] - turn[1])) <= MAX_TURN
        ]
        return max(alike, default=None)

    def _of(self, look: Look) -> tuple[NDArray[np.float32], tuple[float, float]]:
        if id(look) not in self._seen:
            pose = fit_head(look.landmarks).pose
            track = FaceTrack(look.landmarks, pose, FaceQuality(60.0, 100.0, 100.0))
            self._seen[id(look)] = cut_patch(look.picture, track), (pose.yaw, pose.pitch)
        return self._seen[id(look)]


@dataclass
class EmbeddingLikeness:
    """Cosine with the nearest look of the gallery, whatever the pose."""

    embedder: FaceEmbedder
    _seen: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def __call__(self, gallery: Sequence[Look], probe: Look) -> float | None:
        """Best cosine."""
        vector = self._of(probe)
        return max(float(self._of(look) @ vector) for look in gallery)

    def _of(self, look: Look) -> NDArray[np.float32]:
        if id(look) not in self._seen:
            self._seen[id(look)] = self.embedder.embed(look.picture, look.landmarks)
        return self._seen[id(look)]


def _embed_file(model: Model, path: Path, placed: NDArray[np.float32]) -> NDArray[np.float32]:
    import cv2

    needs, picture = model.manifest.preprocessing, read_picture(path)
    if needs["colour"] == "grey":
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
        chip = cut_chip(grey, placed, int(needs["size_px"]))
    else:
        chip = cut_chip(picture, placed, int(needs["size_px"]))[..., ::-1]
    return np.asarray(model.run(images=prepare_image(chip, model.manifest))["embedding"][0], np.float32).copy()
