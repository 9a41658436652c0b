"""The face embedding from pictures to model folder: place, cut, teach, train, release. Every part is kept and resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medauth.config import Settings
from medauth.errors import InputError
from medauth.signals.face_chip import cut_chip
from medauth.signals.models import Model, ModelLibrary, model_folders, prepare_image
from medauth.training.batches import Batch, BatchPlan
from medauth.training.checkpoint import load_progress
from medauth.training.embedding_card import write_embedding_card
from medauth.training.embedding_release import FACE_EMBEDDING, release_embedding
from medauth.training.face_embedding import (
    CHIP_PX,
    FACE_DISTORTION,
    REACH,
    STORED_PX,
    EmbeddingLoss,
    build_embedding_model,
    face_batches,
    judge_embedding,
)
from medauth.training.face_images import (
    FaceFile,
    FacePoints,
    Faces,
    cut_grey,
    list_faces,
    number_persons,
    read_picture,
    set_digests,
    training_part,
)
from medauth.training.loop import TrainingPlan, train_on

PLAN = TrainingPlan(
    epochs=24,
    full_size_epochs=24,
    warmup_epochs=1,
    peak_rate=2e-3,
    average_decay=0.995,
    batches=BatchPlan(size=64, size_px=CHIP_PX, mixup_chance=0.0, smoothing=0.0, distortion=FACE_DISTORTION),
)
Report = Callable[[str], None]


@dataclass(frozen=True)
class FaceLessons:
    """Faces to learn from, and those of other persons to be judged on; `Lessons` of the training loop."""

    faces: Faces
    valid: Faces
    plan: TrainingPlan

    def count(self, epoch: int) -> int:
        """Batches in `epoch`."""
        return len(self.faces.images) // self.plan.batches_of(epoch).size

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """The batches of `epoch`, the same at every call."""
        return face_batches(self.faces, self.plan.batches_of(epoch), seed=self.plan.seed, epoch=epoch)

    def judge(self, model: Any) -> dict[str, float]:
        """Areas under the ROC curve on the persons left out."""
        return judge_embedding(model, self.valid)


def make_embedding(data: Path, work: Path, models: Path, teacher: str, changes: dict[str, Any], report: Report) -> None:
    """Trains (or goes on training) and releases `models/face_embedding/`. `teacher` names a model, or is empty."""
    plan = replace(PLAN, **{key: value for key, value in changes.items() if value is not None})
    plan = replace(plan, full_size_epochs=plan.epochs)
    folder = work / FACE_EMBEDDING
    faces = load_parts(data, work, user_library().load(teacher) if teacher else None, report)
    build = partial(build_embedding_model, faces["train"].persons)
    lessons = FaceLessons(faces["train"], faces["valid"], plan)
    model = train_on(build, lessons, plan, folder, report, loss=EmbeddingLoss)
    progress = load_progress(folder)
    assert progress is not None, "train always leaves a state"
    command = f"medauth train face-embedding --data DIR --epochs {plan.epochs} --seed {progress.seed}"
    command += f" --teacher {teacher}" if teacher else ""
    manifest = release_embedding(model, progress, faces, data, models, command, plan)
    write_embedding_card(models / FACE_EMBEDDING)
    report(f"{models / FACE_EMBEDDING}: {manifest.size_bytes} bytes, sha256 {manifest.sha256}")


def user_library() -> ModelLibrary:
    """The models that a check of this user would find, those added on request among them."""
    settings = Settings.from_env()
    return ModelLibrary(model_folders(settings.models_dir, settings.data_dir))


def load_parts(data: Path, work: Path, teacher: Model | None, report: Report) -> dict[str, Faces]:
    """Training, validation and test faces, cut alike; persons of one part are in no other."""
    files = [file for file in list_faces(data) if training_part(file.split)]
    points = FacePoints(data, work / "face_points.npz")
    points.find([file.path for file in files], report)
    seen = [file for file in files if points.of(file.path) is not None]
    taught = _lessons(data, work, teacher, seen, points, report) if teacher else {}
    parts = {
        name: _cut(data, [file for file in seen if training_part(file.split) == name], points, taught)
        for name in ("train", "valid", "test")
    }
    if not all(len(part.images) for part in parts.values()):
        raise InputError(f"{data} lacks faces of a part", expected="training, validation and test faces of both sets")
    digests = set_digests(data)
    return {name: replace(part, digests=digests) for name, part in parts.items()}


def _cut(data: Path, files: Sequence[FaceFile], points: FacePoints, taught: dict[str, NDArray[np.float32]]) -> Faces:
    person, count = number_persons(file.person for file in files)
    chips = [cut_grey(data, file.path, _placed(points, file), STORED_PX, REACH) for file in files]
    lessons = [taught.get(file.path, np.zeros(0, np.float32)) for file in files]
    names = tuple(file.path for file in files)
    return Faces(np.stack(chips), person, count, np.stack(lessons).astype(np.float32), names)


def _lessons(
    data: Path, work: Path, teacher: Model, files: Sequence[FaceFile], points: FacePoints, report: Report
) -> dict[str, NDArray[np.float32]]:
    """What `teacher` says of every face: its embedding less the mean of all training faces, of length 1."""
    cache = work / f"face_lessons_{teacher.manifest.sha256[:16]}.npz"
    known: dict[str, NDArray[np.float32]] = {}
    if cache.exists():
        with np.load(cache) as stored:
            known = dict(zip(stored["names"].tolist(), stored["vectors"], strict=True))
    missing = [file for file in files if file.path not in known]
    for count, file in enumerate(missing, start=1):
        known[file.path] = embed_file(data, file.path, _placed(points, file), teacher)
        if count % 500 == 0 or count == len(missing):
            np.savez(cache, names=np.array(list(known)), vectors=np.stack(list(known.values())))
            report(f"{count} of {len(missing)} faces taught")
    mean = np.mean([known[file.path] for file in files if training_part(file.split) == "train"], axis=0)
    centred = {path: vector - mean for path, vector in known.items()}
    return {path: vector / max(float(np.linalg.norm(vector)), 1e-6) for path, vector in centred.items()}


def embed_file(data: Path, path: str, points: NDArray[np.float32], model: Model) -> NDArray[np.float32]:
    """Embedding of one picture by a model that sees colour chips."""
    chip = cut_chip(read_picture(data / path), points, int(model.manifest.preprocessing["size_px"]))[..., ::-1]
    return np.asarray(model.run(images=prepare_image(chip, model.manifest))["embedding"][0], np.float32).copy()


def _placed(points: FacePoints, file: FaceFile) -> NDArray[np.float32]:
    found = points.of(file.path)
    assert found is not None, "files without a face were left out"
    return found
