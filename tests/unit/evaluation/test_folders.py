"""Folders of anybody's: what is read from a manifest, from sub-folders, and what is refused."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from medauth.errors import InputError
from medauth.evaluation.folders import Item, read_folder
from medauth.evaluation.still import Unusable, read_picture


def picture(path, value=90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((48, 48, 3), value, np.uint8))


def manifest(folder, rows) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "MANIFEST.json").write_text(json.dumps(rows))


def test_sub_folders_give_label_split_and_group(tmp_path) -> None:
    for name in ("test/open/a.png", "test/closed/b.png", "train/open/c.png"):
        picture(tmp_path / name)
    items = read_folder(tmp_path, "test").items
    assert [(item.label, item.split, item.group) for item in items] == [("closed", "test", ""), ("open", "test", "")]
    picture(tmp_path / "two" / "p01" / "live" / "a.png")
    assert read_folder(tmp_path / "two").items[0].group == "p01"


def test_manifest_rows_give_groups_by_the_field_that_groups(tmp_path) -> None:
    rows = [{"file": f"{i}.jpg", "label": "live", "source": f"site/{i}", "person": i % 2} for i in range(6)]
    manifest(tmp_path, rows)
    assert {item.group for item in read_folder(tmp_path).items} == {"0", "1"}


def test_a_source_that_differs_for_every_file_is_no_group(tmp_path) -> None:
    manifest(tmp_path, [{"file": f"{i}.jpg", "label": "live", "source": f"site/{i}"} for i in range(6)])
    assert {item.group for item in read_folder(tmp_path).items} == {""}


def test_rows_without_label_are_counted(tmp_path) -> None:
    manifest(tmp_path, [{"file": "a.jpg", "label": ""}, {"file": "b.jpg", "label": "live"}])
    folder = read_folder(tmp_path)
    assert (len(folder.items), folder.unlabelled) == (1, 1)


def test_manifest_cannot_point_outside(tmp_path) -> None:
    manifest(tmp_path / "in", [{"file": "../secret.jpg", "label": "live"}])
    with pytest.raises(InputError, match="outside"):
        read_folder(tmp_path / "in")


@pytest.mark.parametrize("text", ["{", '{"rows": []}', '[{"label": "x"}]', "7"])
def test_unusable_manifest_is_named(tmp_path, text) -> None:
    (tmp_path / "MANIFEST.json").write_text(text)
    with pytest.raises(InputError):
        read_folder(tmp_path)


def test_empty_split_names_those_there_are(tmp_path) -> None:
    picture(tmp_path / "valid" / "live" / "a.png")
    with pytest.raises(InputError, match="valid"):
        read_folder(tmp_path, "test")


def test_tile_is_cut_from_its_sheet(tmp_path) -> None:
    sheet = np.zeros((96, 64 * 48, 3), np.uint8)
    sheet[48:, 48:96] = 200
    cv2.imwrite(str(tmp_path / "s.png"), sheet)
    manifest(tmp_path, [{"file": "s.png#65", "label": "fear", "sha256": "of the tile"}])
    tile = read_picture(read_folder(tmp_path).items[0])
    assert tile.shape == (48, 48, 3)
    assert (tile == 200).all()


@pytest.mark.parametrize(
    ("content", "sha256", "code"),
    [(None, "", "file.missing"), (b"no picture", "", "file.unreadable"), (b"x", "00", "file.altered")],
)
def test_what_cannot_be_read_says_why(tmp_path, content, sha256, code) -> None:
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Unusable) as caught:
        read_picture(Item(path, "a.jpg", "live", sha256=sha256))
    assert caught.value.code == code


def test_the_digest_of_sub_folders_is_of_what_the_files_hold(tmp_path) -> None:
    picture(tmp_path / "open" / "a.png", 90)
    before = read_folder(tmp_path).sha256
    picture(tmp_path / "open" / "a.png", 91)
    assert read_folder(tmp_path).sha256 != before


def test_rows_that_say_null_of_their_group_are_alone(tmp_path) -> None:
    groups = (None, None, "a", "a", "a", "a")
    manifest(tmp_path, [{"file": f"{i}.jpg", "label": "live", "group": g} for i, g in enumerate(groups)])
    assert [item.group for item in read_folder(tmp_path).items] == ["", "", "a", "a", "a", "a"]


def test_a_hash_sign_in_a_name_is_no_tile(tmp_path) -> None:
    manifest(tmp_path, [{"file": "take#two.png", "label": "live"}, {"file": "sheet.png#7", "label": "live"}])
    assert [(i.path.name, i.tile) for i in read_folder(tmp_path).items] == [("take#two.png", None), ("sheet.png", 7)]


def test_a_manifest_nested_beyond_reason_is_named(tmp_path) -> None:
    (tmp_path / "MANIFEST.json").write_text("[" * 200_000)
    with pytest.raises(InputError, match="unreadable"):
        read_folder(tmp_path)


def test_a_tile_beyond_its_sheet_and_an_empty_file_are_counted_not_raised(tmp_path) -> None:
    picture(tmp_path / "sheet.png")
    (tmp_path / "empty.jpg").write_bytes(b"")
    for name, tile, code in (("sheet.png", 1, "file.no_such_tile"), ("empty.jpg", None, "file.unreadable")):
        with pytest.raises(Unusable, match=code):
            read_picture(Item(tmp_path / name, name, "x", tile=tile))
