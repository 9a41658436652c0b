"""The embedding's part of identity, on vectors that stand for people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.errors import InputError
from medauth.protocol.reading import Outcome
from medauth.signals.face_embedder import FaceReference
from medauth.signals.face_memory import Comparison, FaceMemory
from medauth.signals.identity import IdentitySignal
from medauth.signals.interface import ModelUse
from tests.unit.signals.heads import observed, track

pytestmark = pytest.mark.simulated

LOOK_MS = 250.0
Array = NDArray[Any]


def person(seed: int) -> Array:
    vector = np.random.default_rng(seed).normal(size=64)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def look(seed: int, at: int, noise: float = 0.05) -> Array:
    vector = person(seed) + np.random.default_rng((seed, at)).normal(0, noise, 64)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def follow(memory: FaceMemory, seed: int, start: int, count: int, noise: float = 0.05) -> None:
    for at in range(start, start + count):
        memory.add(at * LOOK_MS, look(seed, at, noise))


def fresh() -> FaceMemory:
    return FaceMemory(stranger=0.5, match=0.7)


def test_one_person_never_changes():
    memory = fresh()
    follow(memory, 1, 0, 60)
    assert memory.changes == 0
    assert memory.likeness is not None
    assert memory.likeness > 0.8


def test_another_person_is_a_change_once():
    memory = fresh()
    follow(memory, 1, 0, 20)
    follow(memory, 2, 20, 20)
    assert memory.changes == 1


def test_four_strange_looks_are_a_hand_before_the_face():
    memory = fresh()
    follow(memory, 1, 0, 20)
    follow(memory, 2, 20, 4)
    follow(memory, 1, 24, 20)
    assert memory.changes == 0


def test_strange_looks_must_last():
    memory = fresh()
    follow(memory, 1, 0, 20)
    for at in range(6):
        memory.add(20 * LOOK_MS + 10 * at, look(2, at))
    assert memory.changes == 0


def test_a_slow_morph_shows_where_it_no_longer_looks_like_the_beginning():
    memory = FaceMemory(stranger=0.6, match=0.95)
    for at in range(60):
        mixed = (1 - at / 40) * person(1) + at / 40 * person(2) if at < 40 else person(2)
        memory.add(at * LOOK_MS, np.asarray(mixed / np.linalg.norm(mixed), np.float32))
    assert memory.changes == 1


def test_a_comparison_needs_some_looks():
    comparison = Comparison(person(1))
    for at in range(3):
        comparison.add(look(1, at))
    few = comparison.likeness
    comparison.add(look(1, 3))
    enough = comparison.likeness
    assert few is None
    assert enough is not None
    assert enough > 0.8


class Embedder:
    """Stands for a model: says who is there by the first pixel of the picture."""

    use = ModelUse("stand-in", "aa")
    stranger, match = 0.5, 0.7

    def __init__(self) -> None:
        self.looks = 0

    def embed(self, image: Array, landmarks: Array) -> Array:
        self.looks += 1
        return look(int(image[0, 0, 0]), self.looks)


def picture(seed: int) -> Array:
    texture = np.random.default_rng(9).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    texture[0, 0] = seed
    return texture


def run(seeds: list[int], reference: FaceReference | None = None) -> tuple[IdentitySignal, Embedder]:
    embedder = Embedder()
    signal = IdentitySignal(embedder, reference)  # type: ignore[arg-type]
    for at, seed in enumerate(seeds):
        signal.update(observed(at * 40.0, track(), image=picture(seed)))
    return signal, embedder


def test_the_signal_looks_four_times_a_second_and_names_its_model():
    signal, embedder = run([1] * 100)
    assert signal.reading().code == "identity.same"
    assert 14 <= embedder.looks <= 16
    assert signal.marks().models == (Embedder.use,)


def test_a_face_exchanged_under_the_same_patches_fails_by_its_embedding():
    assert run([1] * 60 + [2] * 80)[0].reading().code == "identity.changed"


@pytest.mark.parametrize(
    ("who", "code"), [(1, "identity.same"), (2, "identity.not_the_reference")], ids=["the enrolled", "another"]
)
def test_the_reference_decides_who_may_pass(who, code):
    signal, _ = run([who] * 60, FaceReference("aa", person(1)))
    assert signal.reading().code == code
    assert "reference_likeness_ppm" in signal.reading().details


def test_between_the_thresholds_the_reference_decides_nothing():
    between = 0.6 * person(1) + 0.8 * person(2) - 0.8 * person(1) * float(person(1) @ person(2))
    signal, _ = run([1] * 60, FaceReference("aa", np.asarray(between / np.linalg.norm(between), np.float32)))
    assert signal.reading().outcome is Outcome.INCONCLUSIVE
    assert signal.reading().code == "identity.reference_unclear"


@pytest.mark.parametrize("vector", [np.zeros(64, np.float32), np.ones((2, 2), np.float32), np.full(4, np.nan)])
def test_what_is_no_embedding_is_no_reference(vector):
    with pytest.raises(InputError, match="a reference of shape"):
        FaceReference("aa", vector)


def test_a_reference_of_another_model_is_refused():
    for embedder in (None, Embedder()):
        with pytest.raises(InputError, match="another model"):
            IdentitySignal(embedder, FaceReference("bb", person(1)))  # type: ignore[arg-type]
