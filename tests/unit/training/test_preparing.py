"""Sets of one's own: forms that are read, splits that keep persons apart, and what the trainer gets."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medauth.errors import InputError
from medauth.training.datasets import EXPRESSIONS, load_expressions
from medauth.training.face_cutting import FaceCutter
from medauth.training.preparing import Face, prepare, read_source, split_faces

SHARES = {"train": 0.6, "valid": 0.2, "test": 0.2}


def fer_table(path, rows) -> None:
    rng = np.random.default_rng(1)
    lines = ["emotion,pixels,Usage"]
    lines += [f"{e},{' '.join(map(str, rng.integers(0, 256, 2304)))},{usage}" for e, usage in rows]
    path.write_text("\n".join(lines) + "\n")


def picture(path, seed) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, (48, 48), np.uint8))


@pytest.fixture
def mixed(tmp_path):
    fer_table(tmp_path / "fer.csv", [(3, "Training"), (0, "Training"), (6, "PublicTest"), (5, "PrivateTest")])
    for person in range(6):
        for index in range(3):
            picture(tmp_path / "ck" / "happy" / f"S{person:03d}_001_{index:08d}.png", 10 * person + index)
    return [tmp_path / "fer.csv", tmp_path / "ck"]


def made(sources: list[Path], out: Path, seed: int = 7) -> dict[str, Any]:
    with FaceCutter() as cutter:
        return prepare(sources, out, cutter.cut, shares=SHARES, seed=seed)


def test_table_and_folder_become_one_set(tmp_path, mixed) -> None:
    report = made(mixed, tmp_path / "set")
    assert sum(sum(counts.values()) for counts in report["counts"].values()) == 22
    assert report["counts"]["valid"]["neutral"] == 1
    assert report["counts"]["test"]["surprise"] == 1
    assert report["persons"] == 6
    assert report["class_weights"]["anger"] > report["class_weights"]["happiness"]


def test_no_person_is_in_two_splits(tmp_path, mixed) -> None:
    made(mixed, tmp_path / "set")
    places = defaultdict(set)
    for row in json.loads((tmp_path / "set" / "MANIFEST.json").read_text())["files"]:
        if "person" in row:
            places[row["person"]].add(row["split"])
    assert all(len(splits) == 1 for splits in places.values())
    assert len(set.union(*places.values())) == 3


def test_same_seed_same_set_other_seed_another(tmp_path, mixed) -> None:
    texts = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        made(mixed, tmp_path / name, seed)
        texts.append((tmp_path / name / "MANIFEST.json").read_text())
    assert texts[0] == texts[1] != texts[2]


def test_trainer_reads_it_and_refuses_an_altered_face(tmp_path, mixed) -> None:
    made(mixed, tmp_path / "set")
    train = load_expressions(tmp_path / "set", "train")
    assert train.images.shape[1:] == (48, 48)
    assert train.classes == EXPRESSIONS
    assert (train.soft.argmax(1) == train.majority).all()
    next((tmp_path / "set" / "train").rglob("*.png")).write_bytes(b"other")
    with pytest.raises(InputError, match="was altered"):
        load_expressions(tmp_path / "set", "train")


def test_the_same_face_is_taken_once(tmp_path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / "set" / "fear" / f"{name}.png", 1)
    assert made([tmp_path / "set"], tmp_path / "out")["left_out"] == {"twice": 1}


def test_what_is_no_picture_is_counted(tmp_path) -> None:
    picture(tmp_path / "set" / "fear" / "a.png", 1)
    (tmp_path / "set" / "fear" / "b.png").write_bytes(b"no picture")
    assert made([tmp_path / "set"], tmp_path / "out")["left_out"] == {"no face": 1}


def test_table_of_files_names_persons_and_splits(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("file,label,person,split\na.png,Happy,p1,val\n")
    face = next(read_source(tmp_path / "t.csv"))
    assert (face.label, face.person, face.split) == ("happiness", "p1", "valid")


@pytest.mark.parametrize(
    ("text", "match"),
    [("x,y\n1,2\n", "columns"), ("emotion,pixels\n3,1 2 3\n", "3 pixels"), ("file,label\na.png,bored\n", "bored")],
)
def test_unknown_forms_are_named(tmp_path, text, match) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=match):
        list(read_source(tmp_path / "t.csv"))


def test_a_person_in_two_given_splits_is_refused() -> None:
    faces = [Face("fear", "a", "p1", "train"), Face("fear", "b", "p1", "test")]
    with pytest.raises(InputError, match="p1 is in the splits"):
        split_faces(faces, SHARES, 7)


@given(st.lists(st.integers(0, 12), min_size=30, max_size=80), st.integers(0, 5))
def test_shares_are_met_as_far_as_persons_allow(persons, seed) -> None:
    faces = [Face("fear", str(index), f"p{person}") for index, person in enumerate(persons)]
    splits = split_faces(faces, SHARES, seed)
    largest = max(persons.count(person) for person in persons)
    for split, share in SHARES.items():
        assert abs(splits.count(split) - share * len(faces)) <= largest
