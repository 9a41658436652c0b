"""One person's expressions: the shipped net corrected by a small head that was fitted to a few labelled pictures of them.

The head starts as no correction at all and is held near it, so that few pictures change little: logits of the shipped net
and the face's 27 lengths go in, a correction of each logit comes out. It is kept as JSON beside the digest of the net that
it belongs to. It is data about a person: kept for its owner alone, and deleted by deleting its folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError, ModelError
from medauth.protocol.canonical import require_flat
from medauth.protocol.observation import FaceTrack
from medauth.signals.emotion_reader import EmotionReader
from medauth.signals.face_measures import REST, SPREAD, measure_face
from medauth.signals.models import JudgingModel

FILE = "head.json"
_TOLD = 12
"""Digits of the head's digest in its label."""
_FAR = 4.0
"""Lengths further from rest than so many spreads count as this far."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Head:
    """`weights` (classes, features) and `bias` (classes): what is added to the net's log-probabilities."""

    weights: Floats
    bias: Floats

    def probabilities(self, features: Floats) -> Floats:
        """(n, classes) of features (n, features), of which the first are the net's own log-probabilities."""
        own = features[:, : len(self.bias)]
        raised = own + features @ self.weights.T + self.bias
        raised = np.exp(raised - raised.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def features_of(reader: EmotionReader, image: NDArray[np.uint8], track: FaceTrack) -> Floats:
    """(classes + 27,): log-probabilities of the shipped net, then lengths against other people's rest."""
    shares = np.maximum(reader.look(image, track).astype(np.float64), 1e-4)
    lengths = np.clip((measure_face(track) - REST) / SPREAD, -_FAR, _FAR)
    return np.concatenate([np.log(shares), lengths])


class PersonalEmotionModel:
    """A `TrackModel` for one person. Records call it by its digest: what its folder is called may be whose it is."""

    repeatable = True

    def __init__(self, sha256: str, head: Head, general: JudgingModel) -> None:
        self.name, self.sha256 = f"personal-{sha256[:_TOLD]}", sha256
        self._head = head
        self._reader = EmotionReader(general)

    @classmethod
    def read(cls, folder: Path, general: JudgingModel) -> Self:
        """As `medauth train personal` left it. Raises `ModelError` when it belongs to another net or is malformed."""
        try:
            content = (folder / FILE).read_bytes()
            require_flat(content)
            stated = json.loads(content)
            head = Head(np.array(stated["weights"], np.float64), np.array(stated["bias"], np.float64))
            classes, belongs = tuple(stated["classes"]), str(stated["model_sha256"])
        except (OSError, InputError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise ModelError(
                f"{folder / FILE} is no head: {error!r}", expected="what medauth train personal wrote"
            ) from None
        wanted = (len(general.manifest.classes), len(general.manifest.classes) + len(REST))
        if head.bias.shape != wanted[:1] or not (np.isfinite(head.weights).all() and np.isfinite(head.bias).all()):
            raise ModelError(
                f"{folder / FILE} is no head: numbers missing", expected="what medauth train personal wrote"
            )
        if belongs != general.manifest.sha256 or classes != general.manifest.classes or head.weights.shape != wanted:
            raise ModelError(
                f"{folder.name} was fitted to another expression model",
                expected=general.manifest.sha256,
                next_step="run medauth train personal again",
            )
        return cls(hashlib.sha256(content).hexdigest(), head, general)

    def probabilities_of(self, image: NDArray[np.uint8], track: FaceTrack) -> Mapping[str, float] | None:
        found = self._head.probabilities(features_of(self._reader, image, track)[None])[0]
        return dict(zip(self._reader.classes, found.tolist(), strict=True))


def head_json(head: Head, classes: tuple[str, ...], model_sha256: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """What `read` reads."""
    return {
        "format": "medauth personal head v1",
        "classes": list(classes),
        "model_sha256": model_sha256,
        "weights": np.round(head.weights, 6).tolist(),
        "bias": np.round(head.bias, 6).tolist(),
        **more,
    }
