"""Faces to learn from and to be judged on, kept as JPEG bytes, with the place of the face and who or what they show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from medauth.errors import InputError
from medauth.training.presentation.camera import Picture
from medauth.training.presentation.framing import FaceBox

GROUPS = ("p01", "p02", "p04", "p05", "p06", "p07")
LEARNED_CLIPS = ("b05_lp_d10", "b08_lp_d18", "b18_lp_d9")
UNSEEN_CLIPS = ("b01_talkingface", "b02_cap12", "b03_cap13")  # never trained on: two people, two webcams
LEARNED_FOLDS = tuple(f"pairs_fold{fold}" for fold in range(8))
HELD_OUT_FOLDS = ("pairs_fold8", "pairs_fold9")
# Width of the face as a share of the picture's: medians over pictures, measured with the face mesh.
_LFW_FACE, _DFDC_FACE = 0.56, 0.72
_CLIP_STEP = 5
_CLIP_ROOM = 2.2  # side of the kept square in widths of the face


@dataclass(frozen=True)
class StoredFace:
    """One face. `kind` is live or replay; `group` = person, actor or set-up, the unit that intervals count."""

    jpeg: bytes
    box: FaceBox
    kind: str
    source: str
    group: str

    def picture(self) -> Picture:
        """Decoded, uint8 [H, W, 3] BGR."""
        return np.asarray(cv2.imdecode(np.frombuffer(self.jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def load_recorded(data: Path) -> list[StoredFace]:
    """All of `spoof_selfrec`: the crops are tight, so the face is as wide as the picture."""
    faces = []
    for entry, content in _read(data, "spoof_selfrec"):
        kind = "live" if entry["label"] == "live" else "replay"
        faces.append(_face(content, 1.0, kind, "spoof_selfrec", entry["group"]))
    return faces


def load_lfw(data: Path, splits: tuple[str, ...]) -> list[StoredFace]:
    """Photographs of `faces_lfw` in `splits`, as living faces."""
    wanted = set(splits)
    return [
        _face(content, _LFW_FACE, "live", "faces_lfw", entry["label"])
        for entry, content in _read(data, "faces_lfw", lambda entry: entry["split"] in wanted)
    ]


def load_dfdc(data: Path, split: str) -> list[StoredFace]:
    """Unchanged faces of `deepfake_dfdc_faces` in `split`, by actor."""
    return [
        _face(content, _DFDC_FACE, "live", "deepfake_dfdc_faces", f"actor{entry['scene_actor']}")
        for entry, content in _read(
            data, "deepfake_dfdc_faces", lambda entry: entry["split"] == split and entry["label"] == "real"
        )
    ]


def load_clips(data: Path, names: tuple[str, ...] = LEARNED_CLIPS, step: int = _CLIP_STEP) -> list[StoredFace]:
    """Every `step`-th frame of clips of `blink_clips`, cut to a square around the face."""
    return [face for name in names for face in _clip_faces(data / "blink_clips" / f"{name}.mp4", name, step)]


def digest_of(faces: list[StoredFace]) -> str:
    """SHA-256 over the SHA-256 of each face's bytes, in order."""
    return hashlib.sha256(b"".join(hashlib.sha256(face.jpeg).digest() for face in faces)).hexdigest()


def _read(
    data: Path, folder: str, wanted: Callable[[dict[str, Any]], bool] = lambda _: True
) -> Iterator[tuple[dict[str, Any], bytes]]:
    manifest = data / folder / "MANIFEST.json"
    if not manifest.exists():
        raise InputError(f"no {manifest}", expected="a data folder with its MANIFEST.json", next_step="see --data")
    entries = [entry for entry in json.loads(manifest.read_text()) if wanted(entry)]
    if not entries:
        raise InputError(f"{manifest} names no usable file", expected="the splits of the data folder's README")
    for entry in entries:
        content = (data / folder / entry["file"]).read_bytes()
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise InputError(f"{folder}/{entry['file']} is not the file of the manifest", expected=entry["sha256"])
        yield entry, content


def _face(jpeg: bytes, share: float, kind: str, source: str, group: str) -> StoredFace:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError(f"a picture of {source} cannot be read", expected="JPEG")
    height, width = picture.shape[:2]
    return StoredFace(jpeg, FaceBox(width / 2, height / 2, min(width, height) * share), kind, source, group)


def _clip_faces(path: Path, name: str, step: int) -> Iterator[StoredFace]:
    from medauth.capture.encoding import read_frame
    from medauth.capture.video_file import VideoFile
    from medauth.signals.face_track import FaceMeshTracker
    from medauth.signals.presentation_crop import face_box

    tracker = FaceMeshTracker()
    try:
        for index, captured in enumerate(VideoFile(path).frames()):
            if index % step:
                continue
            frame = read_frame(captured, index, captured.media_ms or 0.0)
            track, _ = tracker.track(frame)
            if track is not None:
                x, y, width = face_box(track.landmarks)
                yield _cut_square(frame.image, FaceBox(x, y, width), name)
    finally:
        tracker.close()


def _cut_square(image: Picture, box: FaceBox, name: str) -> StoredFace:
    height, width = image.shape[:2]
    half = _CLIP_ROOM * box.width / 2
    left, top = int(max(0, box.x - half)), int(max(0, box.y - half))
    part = image[top : int(min(height, box.y + half)), left : int(min(width, box.x + half))]
    _, data = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, 97])
    moved = FaceBox(box.x - left, box.y - top, box.width)
    return StoredFace(data.tobytes(), moved, "live", "blink_clips", name)
