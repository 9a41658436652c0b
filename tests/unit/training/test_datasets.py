from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from medauth.errors import InputError
from medauth.training.datasets import (
    EXPRESSIONS,
    LabelledImages,
    class_weights,
    load_expressions,
    load_eyes,
    soften_votes,
)

HEADER = "split,sheet,i,name,label7,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
ROWS = (
    "train,train_00.jpg,0,a.png,happiness,1,9,0,0,0,0,0,0,0,0",
    "train,train_00.jpg,65,b.png,,5,0,0,5,0,0,0,0,0,0",
    "train,train_00.jpg,2,c.png,,1,0,0,0,0,0,0,0,2,7",
    "valid,valid_00.jpg,1,d.png,neutral,9,1,0,0,0,0,0,0,0,0",
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "emotion_ferplus"
    folder.mkdir()
    (folder / "labels.csv").write_text("\n".join((HEADER, *ROWS)) + "\n")
    lines = []
    for name in ("train_00.jpg", "valid_00.jpg"):
        sheet = np.zeros((96, 64 * 48), np.uint8)
        for tile in range(128):
            sheet[tile // 64 * 48 :, tile % 64 * 48 :][:48, :48] = tile * 2
        cv2.imwrite(str(folder / name), sheet)
        lines.append(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}")
    (folder / "sheets.sha256").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_tiles_are_cut_from_their_row_and_column(data: Path):
    tiles = load_expressions(data, "train").images
    assert tiles.shape == (2, 48, 48)
    assert np.abs(tiles[1].astype(int) - 130).max() <= 2


def test_faces_that_most_people_rejected_do_not_train(data: Path):
    assert len(load_expressions(data, "train").images) == 2


def test_a_tie_has_votes_but_no_majority(data: Path):
    train = load_expressions(data, "train")
    assert train.majority.tolist() == [EXPRESSIONS.index("happiness"), -1]
    assert train.soft[1, EXPRESSIONS.index("neutral")] == pytest.approx(0.5)
    assert train.soft[1, EXPRESSIONS.index("sadness")] == pytest.approx(0.5)


def test_a_column_called_label_is_read_too(data: Path):
    labels = data / "emotion_ferplus" / "labels.csv"
    labels.write_text(labels.read_text().replace("label7", "label"))
    assert load_expressions(data, "valid").majority.tolist() == [EXPRESSIONS.index("neutral")]


def test_an_altered_sheet_is_refused(data: Path):
    sheet = data / "emotion_ferplus" / "train_00.jpg"
    sheet.write_bytes(sheet.read_bytes() + b"\0")
    with pytest.raises(InputError, match="SHA-256"):
        load_expressions(data, "train")


def test_a_missing_column_is_named(data: Path):
    labels = data / "emotion_ferplus" / "labels.csv"
    labels.write_text(labels.read_text().replace("contempt", "scorn"))
    with pytest.raises(InputError, match="ten vote counts"):
        load_expressions(data, "train")


def test_a_folder_without_the_set_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"labels\.csv cannot be read"):
        load_expressions(tmp_path, "train")


def test_an_unknown_split_is_refused(data: Path):
    with pytest.raises(InputError, match="'exam'"):
        load_expressions(data, "exam")


def test_a_stray_vote_is_dropped_but_not_when_there_are_only_stray_votes():
    soft = soften_votes(np.array([[8, 1, 0], [1, 1, 1], [0, 0, 0]], np.float64))
    assert soft[0].tolist() == [1, 0, 0]
    assert soft[1] == pytest.approx([1 / 3] * 3)
    assert soft[2] == pytest.approx([1 / 3] * 3)


def test_rare_classes_weigh_more_and_the_mean_weight_is_one():
    soft = np.eye(2, dtype=np.float32)[[0, 0, 0, 1]]
    weights = class_weights(soft, 0.5)
    assert weights[1] / weights[0] == pytest.approx(3**0.5)
    assert (soft @ weights).mean() == pytest.approx(1.0)
    assert class_weights(soft, 0.0).tolist() == [1.0, 1.0]


def test_eyes_are_read_as_grey_squares_with_a_digest(tmp_path: Path):
    for name in ("open", "closed"):
        folder = tmp_path / "eyes_openclosed" / "train" / name
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "1.jpg"), np.full((96, 96, 3), 90, np.uint8))
    eyes = load_eyes(tmp_path, "train", 40)
    assert eyes.images.shape == (2, 40, 40)
    assert eyes.classes == ("closed", "open")
    assert eyes.majority.tolist() == [0, 1]
    assert len(eyes.digests) == 1


def test_no_eyes_is_an_error(tmp_path: Path):
    with pytest.raises(InputError, match="no eye crops"):
        load_eyes(tmp_path, "train", 40)


def test_arrays_that_do_not_belong_together_are_refused():
    images = np.zeros((2, 8, 8), np.uint8)
    with pytest.raises(InputError, match="for 2 images"):
        LabelledImages(images, np.zeros((3, 2), np.float32), np.zeros(2, np.int64), ("a", "b"))
    with pytest.raises(InputError, match="float32"):
        LabelledImages(
            images.astype(np.float32),
            np.zeros((2, 2), np.float32),
            np.zeros(2, np.int64),
            ("a", "b"),
        )
