"""The models that can be trained here: net, data, plan and what a manifest must say about the input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medauth.errors import InputError
from medauth.training.augmentation import Distortion
from medauth.training.batches import BatchPlan
from medauth.training.datasets import JUDGED, LabelledImages, load_expressions, load_eyes
from medauth.training.expression import FACE_PX, LAST_CONVOLUTION, build_expression_model
from medauth.training.eye_state import EYE_DISTORTION, EYE_PX, STORED_PX, build_eye_model
from medauth.training.inverted import build_mobile_model, build_student_model
from medauth.training.loop import TrainingPlan


@dataclass(frozen=True)
class ModelSpec:
    """One trainable model. `judged` = how many of the first classes carry a majority label."""

    name: str
    version: str
    build: Callable[[], Any]
    load: Callable[[Path, str], LabelledImages]
    plan: TrainingPlan
    size_px: int
    judged: int
    preprocessing: dict[str, Any]
    explained_layer: str | None = None
    frame_weights: str = "float16"  # how the weights of the signature `predict` are stored
    bend_levels: float = 0.0  # adversarial training: pictures are bent against the net by up to so many grey levels
    calibration_copies: int = 0  # distorted copies to calibrate on where plain validation images are too easy


def _grey(size_px: int) -> dict[str, Any]:
    """Preprocessing of a grey square; exposure and contrast are evened out inside the model."""
    return {"size_px": size_px, "colour": "grey", "scale": 1.0, "offset": 0.0, "dtype": "float32"}


EXPRESSION = ModelSpec(
    name="expression",
    version="4",
    build=build_expression_model,
    load=load_expressions,
    plan=TrainingPlan(
        # Small, strongly distorted and mixed crops first: fast, and no two alike. Then whole faces as a check sees them;
        # with strong ones to the end this net reached only 86 % on its own training faces (84 % valid).
        early=BatchPlan(size_px=40),
        batches=BatchPlan(
            size_px=FACE_PX,
            mixup_chance=0.0,
            smoothing=0.0,
            distortion=Distortion(
                rotation_deg=10.0,
                scale=0.1,
                shear=0.05,
                shift=0.05,
                gamma=0.3,
                contrast=0.25,
                brightness=20.0,
                blur_chance=0.1,
                shrink_chance=0.1,
                jpeg_chance=0.15,
                noise_chance=0.1,
                cutout_chance=0.2,
            ),
        ),
    ),
    size_px=FACE_PX,
    judged=len(JUDGED),
    # Where the eyes lie in the training tiles: medians over tiles, measured with the refined face mesh.
    preprocessing={**_grey(FACE_PX), "face": {"eyes_x": 0.5, "eyes_y": 0.39, "outer_eyes": 0.518}},
    explained_layer=LAST_CONVOLUTION,
    frame_weights="int8",
)

EYE_STATE = ModelSpec(
    name="eye_state",
    version="1",
    build=build_eye_model,
    load=lambda data, split: load_eyes(data, split, STORED_PX),
    plan=TrainingPlan(
        epochs=120,
        full_size_epochs=120,
        warmup_epochs=4,
        peak_rate=4e-3,
        average_decay=0.99,
        class_weight_power=0.0,
        weight_decay=0.02,
        precision="float32",
        batches=BatchPlan(size=32, size_px=EYE_PX, smoothing=0.02, distortion=EYE_DISTORTION),
    ),
    size_px=EYE_PX,
    judged=2,
    # The side of the crop in distances between the corners of the eye; level with them, centred between them.
    preprocessing={**_grey(EYE_PX), "eye": {"side": 1.2}},
    calibration_copies=10,
)

# Two lighter nets for the same crops. Convolutions by depth gain nothing from bfloat16 on a CPU: float32 is twice as fast.
EXPRESSION_MOBILENET = replace(
    EXPRESSION,
    name="expression_mobilenet",
    build=build_mobile_model,
    plan=replace(
        EXPRESSION.plan,
        epochs=12,
        full_size_epochs=4,
        peak_rate=2.5e-3,
        warmup_epochs=1.0,
        weight_decay=0.02,
        precision="float32",
        early=replace(EXPRESSION.plan.batches, size_px=40),
    ),
)

EXPRESSION_STUDENT = replace(
    EXPRESSION_MOBILENET,
    name="expression_student",
    build=build_student_model,
    plan=replace(EXPRESSION_MOBILENET.plan, epochs=14, full_size_epochs=4, peak_rate=4e-3, weight_decay=0.005),
    frame_weights="int8_full",
)

# The same net, shown pictures that were bent against it: starts from the released weights. Held beside, never the default.
EXPRESSION_ROBUST = replace(
    EXPRESSION,
    name="expression_robust",
    plan=replace(EXPRESSION.plan, epochs=5, full_size_epochs=5, peak_rate=4e-4, warmup_epochs=0.3, average_decay=0.995),
    bend_levels=6.0,
)

VARIANTS = {
    "residual": EXPRESSION,
    "mobilenet": EXPRESSION_MOBILENET,
    "student": EXPRESSION_STUDENT,
    "robust": EXPRESSION_ROBUST,
}
"""Of the expression net, by what `medauth train expression --variant` calls them."""

CATALOGUE = {
    spec.name: spec for spec in (EXPRESSION, EXPRESSION_MOBILENET, EXPRESSION_STUDENT, EXPRESSION_ROBUST, EYE_STATE)
}


def find_model(name: str, changes: Mapping[str, Any] | None = None) -> ModelSpec:
    """The model called `name`, fields of its plan replaced by those of `changes` that are not None."""
    if name not in CATALOGUE:
        raise InputError(f"no trainable model {name!r}", expected=", ".join(CATALOGUE))
    given = {key: value for key, value in (changes or {}).items() if value is not None}
    spec = CATALOGUE[name]
    return replace(spec, plan=replace(spec.plan, **given))
