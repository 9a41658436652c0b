"""The eye-state net on video: frames at the bottom of a blink against frames far from any, on people it never saw."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.capture.encoding import read_frame
from medauth.capture.video_file import VideoFile
from medauth.signals.eye_crop import LEFT_CORNERS, RIGHT_CORNERS, crop_eye
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.models import Model, ModelLibrary, prepare_image
from medauth.training.card import write_card

_FAR_FRAMES = 4  # frames from a blink or an ambiguous range that are neither open nor closed for sure


@dataclass(frozen=True)
class ClipFrames:
    """Probability of *closed* (mean of both eyes) where the truth is known: float64 [N] each."""

    closed: NDArray[np.float64]
    open: NDArray[np.float64]


def judge_on_clips(data: Path, models: Path) -> dict[str, Any]:
    """Write `clips.json` beside the model in `models/eye_state` and return its content."""
    clips = json.loads((data / "blink_clips" / "blinks.json").read_text())
    library = ModelLibrary([models])
    found = {
        name: _judge_clip(library.load("eye_state"), data / "blink_clips" / clip["file"], clip)
        for name, clip in clips.items()
    }
    figures = summarise(found)
    (models / "eye_state" / "clips.json").write_text(json.dumps(figures, indent=2) + "\n")
    write_card(models / "eye_state")
    return figures


def summarise(clips: dict[str, ClipFrames]) -> dict[str, Any]:
    """Area under the ROC curve within each clip and over all, and how often the threshold one half is wrong."""
    closed, opened = (np.concatenate([getattr(clip, kind) for clip in clips.values()]) for kind in ("closed", "open"))
    return {
        "clips": {name: _figures(clip.closed, clip.open) for name, clip in clips.items()},
        "all": _figures(closed, opened),
    }


def area_under_curve(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Chance that a positive scores above a negative; ties count half."""
    above = (positive[:, None] > negative[None, :]).mean()
    return float(above + 0.5 * (positive[:, None] == negative[None, :]).mean())


def known_frames(clip: dict[str, Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Frames surely closed (the bottom of a blink) and surely open (far from blinks and ambiguity): bool [frames]."""
    closed, near = (np.zeros(clip["frames"], bool) for _ in range(2))
    for blink in clip["blinks"]:
        closed[blink[1]] = True
    for first, *_, last in (*clip["blinks"], *clip["ignore"]):
        near[max(0, first - _FAR_FRAMES) : last + _FAR_FRAMES + 1] = True
    return closed, ~near


def _judge_clip(model: Model, path: Path, clip: dict[str, Any]) -> ClipFrames:
    closed, opened = known_frames(clip)
    found: tuple[list[float], list[float]] = ([], [])
    for index, chance in _chances(model, path):
        if index < len(closed) and (closed[index] or opened[index]):
            found[0 if closed[index] else 1].append(chance)
    return ClipFrames(np.array(found[0]), np.array(found[1]))


def _chances(model: Model, path: Path) -> Iterator[tuple[int, float]]:
    """Frame number and probability of closed eyes, for every frame in which a face was found."""
    size_px, side = model.input_shape()[1], float(model.manifest.preprocessing["eye"]["side"])
    tracker = FaceMeshTracker()
    try:
        for index, captured in enumerate(VideoFile(path).frames()):
            frame = read_frame(captured, index, captured.media_ms or 0.0)
            track, _ = tracker.track(frame)
            if track is None:
                continue
            crops = [
                crop_eye(frame.image, track.landmarks[list(pair), :2], size_px, side)
                for pair in (RIGHT_CORNERS, LEFT_CORNERS)
            ]
            images = [prepare_image(crop, model.manifest) for crop in crops]
            yield index, float(np.mean([model.run(images=image)["probabilities"][0, 0] for image in images]))
    finally:
        tracker.close()


def _figures(closed: NDArray[np.float64], opened: NDArray[np.float64]) -> dict[str, Any]:
    threshold = 0.5
    return {
        "area_under_curve": round(area_under_curve(closed, opened), 4),
        "closed": {"n": len(closed), "called_open": int((closed < threshold).sum())},
        "open": {"n": len(opened), "called_closed": int((opened >= threshold).sum())},
    }
