"""The face sets: who is in which part, and what is kept of where faces lie."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from medauth.errors import InputError
from medauth.training.face_images import (
    FacePoints,
    Faces,
    list_faces,
    number_persons,
    read_pairs,
    read_picture,
    set_digests,
    training_part,
)
from medauth.training.micro_faces import list_stills


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "faces_lfw").mkdir()
    (tmp_path / "deepfake_dfdc_faces").mkdir()
    news = [
        {"file": "images/A_1.jpg", "label": "A", "split": "pairs_fold0"},
        {"file": "images/B_1.jpg", "label": "B", "split": "pairs_fold7"},
    ]
    actors = [
        {"file": "train/real/x.jpg", "label": "real", "split": "train", "scene_actor": 3},
        {"file": "train/fake/y.jpg", "label": "fake", "split": "train", "scene_actor": 3},
    ]
    (tmp_path / "faces_lfw" / "MANIFEST.json").write_text(json.dumps(news))
    (tmp_path / "deepfake_dfdc_faces" / "MANIFEST.json").write_text(json.dumps(actors))
    (tmp_path / "faces_lfw" / "pairs.csv").write_text("fold,same,a,b\n0,1,A_1.jpg,B_1.jpg\n")
    return tmp_path


def test_fakes_are_nobody(data):
    assert [(file.person, file.split) for file in list_faces(data)] == [
        ("A", "pairs_fold0"),
        ("B", "pairs_fold7"),
        ("dfdc_actor_3", "dfdc_train"),
    ]
    assert len(set_digests(data)) == 2


def test_unseen_persons_are_in_no_training_part():
    assert training_part("pairs_fold0") == training_part("selfblend_train") == training_part("dfdc_train") == "train"
    assert training_part("pairs_fold7") == training_part("dfdc_valid") == "valid"
    assert training_part("pairs_fold8") == training_part("pairs_fold9") == training_part("dfdc_test") == "test"
    assert training_part("elsewhere") is None


def test_pairs_name_paths_as_the_list_does(data):
    assert read_pairs(data) == [(0, True, "faces_lfw/images/A_1.jpg", "faces_lfw/images/B_1.jpg")]


def test_a_missing_set_is_named(tmp_path):
    with pytest.raises(InputError, match="no faces_lfw"):
        list_faces(tmp_path)


def test_stills_without_the_set_are_missed_by_name(tmp_path):
    with pytest.raises(InputError, match="no faces_lfw"):
        list_stills(tmp_path, "train")


def test_persons_are_numbered_by_name():
    numbers, count = number_persons(["b", "a", "b"])
    assert numbers.tolist() == [1, 0, 1]
    assert count == 2


def test_known_points_are_not_looked_for_again_and_a_face_that_was_not_found_has_a_place(tmp_path):
    cache = tmp_path / "points.npz"
    points = np.stack([np.ones((5, 2), np.float32), np.full((5, 2), np.nan, np.float32), np.full((5, 2), np.nan)])
    names = np.array(["faces_lfw/a", "faces_lfw/b", "other/c"])
    np.savez(cache, names=names, points=points)
    known = FacePoints(tmp_path, cache)
    known.find(names.tolist(), print)
    found = known.of("faces_lfw/a")
    assert found is not None
    assert (found == 1).all()
    placed = known.of("faces_lfw/b")
    assert placed is not None
    assert 0 < placed.min() < placed.max() < 128
    assert known.of("other/c") is None


def test_unusable_pictures_and_arrays_are_refused(tmp_path):
    with pytest.raises(InputError, match="is no image"):
        read_picture(tmp_path / "none.jpg")
    cv2.imwrite(str(tmp_path / "one.png"), np.zeros((4, 4, 3), np.uint8))
    assert read_picture(tmp_path / "one.png").shape == (4, 4, 3)
    with pytest.raises(InputError, match="persons"):
        Faces(np.zeros((2, 4, 4), np.uint8), np.zeros(1, np.int64), 1, np.zeros((2, 0), np.float32), ("a", "b"))
