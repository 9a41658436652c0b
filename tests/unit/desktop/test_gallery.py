"""The gallery without its window: names, faces, tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medauth.desktop.expression_history import ExpressionHistory
from medauth.desktop.gallery import Gallery, Predicted, opened, predict_folder, table, thumbnail
from medauth.desktop.picture_reader import PictureReader, ReadFace
from medauth.errors import InputError, StoreError
from medauth.signals.face_quality import Box

GREY = np.full((100, 160, 3), 90, np.uint8)
FACE = ReadFace(Box(40, 20, 90, 80), {"neutral": 0.2, "happiness": 0.8}, np.full((70, 70, 3), 160, np.uint8))


def test_captures_of_one_second_get_names_of_their_own(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "new", now=lambda: 1_000_000_000.0)
    first, second = gallery.add(GREY, [FACE]), gallery.add(GREY, [])
    assert first.picture != second.picture
    assert (first.expression, first.confidence) == ("happiness", 0.8)
    assert second.face is None
    listed = gallery.captures()
    assert {capture.picture for capture in listed} == {first.picture, second.picture}
    assert first.face is not None
    assert opened(first.face).shape == (70, 70, 3)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="--gallery"):
        Gallery(tmp_path / "file").add(GREY, [])


def test_an_empty_folder_is_no_folder_of_pictures(tmp_path: Path) -> None:
    class Nobody(PictureReader):
        def __init__(self) -> None:
            pass

    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="holds no picture"):
            next(predict_folder(folder, Nobody()))


def test_a_table_has_a_line_for_each() -> None:
    rows = [Predicted("a,b.jpg", "happiness", 0.91234), Predicted("c.jpg", trouble="no face")]
    assert table(rows).decode().splitlines() == [
        "file,expression,confidence,trouble",
        '"a,b.jpg",happiness,0.912,',
        "c.jpg,,0.000,no face",
    ]


def test_a_thumbnail_is_the_middle() -> None:
    picture = GREY.copy()
    picture[:, :30] = 0
    assert (thumbnail(picture, 20) == 90).all()


def test_a_strip_holds_a_look_for_a_while_and_shows_gaps() -> None:
    history = ExpressionHistory()
    history.add(0, {"neutral": 1.0})
    history.add(5_000, {"happiness": 1.0})
    history.add(5_000, {"anger": 1.0})
    history.add(6_000, {})
    strip = history.strip(100, 10, 10_000)
    assert (strip[5, 99] == (66, 228, 240)).all()
    assert (strip[5, 50] == 187).all()
    assert (strip[5, 75] == 32).all()
    assert (strip[5, 20] == 32).all()
    assert [trace.name for trace in history.marks()["emotion"].traces] == ["neutral"]
    assert ExpressionHistory().marks() == {}
