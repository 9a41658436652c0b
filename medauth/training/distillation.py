"""A small net learns from a larger one: soft targets by a released model (Hinton et al., "Distilling the Knowledge in a
Neural Network", 2015).

The teacher's answers are calibrated probabilities, so no further temperature is needed; part of the target stays with the
labellers, who know what the teacher does not.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.training.augmentation import centre_crop
from medauth.training.datasets import LabelledImages, file_digest
from medauth.training.export import LiteRtModel

TEACHER_SHARE = 0.7


def taught(data: LabelledImages, teacher: Path, size_px: int, *, share: float = TEACHER_SHARE) -> LabelledImages:
    """`data` with soft labels that are by `share` the teacher's, seen straight and mirrored.

    Raises `InputError` where the teacher knows other classes.
    """
    model = LiteRtModel(teacher)
    images = centre_crop(data.images, size_px)
    answers = np.stack([_both_ways(model, image) for image in images])
    if answers.shape != data.soft.shape:
        raise InputError(
            f"{teacher.name} answers with {answers.shape[1]} classes", expected=f"the {data.soft.shape[1]} of the data"
        )
    soft = (1 - share) * data.soft + share * answers
    digests = {**data.digests, f"teacher {teacher.name}": file_digest(teacher)}
    return replace(data, soft=soft.astype(np.float32), digests=digests)


def _both_ways(model: LiteRtModel, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities float32 [C], mean over the image and its mirror: a face means the same either way."""
    seen = [model.call("predict", images=view[None])["probabilities"][0] for view in (image, image[:, ::-1].copy())]
    return np.asarray(np.mean(seen, axis=0), dtype=np.float32)
