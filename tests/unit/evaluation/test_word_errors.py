"""Word errors by hand, and what they come to over recordings and speakers."""

from __future__ import annotations

from pathlib import Path

import pytest

from medauth.errors import InputError
from medauth.evaluation.word_errors import HeardRow, read_list, word_distance, word_report, words_of


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("go forward ten meters", "go forward ten meters", 0),
        ("go forward ten meters", "go for ten meters", 1),
        ("go forward ten meters", "", 4),
        ("", "oh no", 2),
        ("ten of clubs", "then of the clubs", 2),
        ("a b c", "b c a", 2),
    ],
)
def test_the_shortest_way_from_what_was_said_to_what_was_heard(said: str, heard: str, errors: int) -> None:
    assert word_distance(said.split(), heard.split()) == errors
    assert word_distance(heard.split(), said.split()) == errors


def test_words_are_written_as_the_recogniser_writes_them() -> None:
    assert words_of("Please press 1, or 23; it’s Call-Forward!") == (
        *("please", "press", "one", "or", "two", "three", "it's", "call", "forward"),
    )


def row(said: str, heard: str, speaker: str = "a", tones: tuple[str, str] = ("neither", "neither")) -> HeardRow:
    return HeardRow(speaker, tuple(said.split()), tuple(heard.split()), tones)


def test_a_rate_is_over_words_and_not_over_recordings() -> None:
    rows = [row("one", "two"), row("a b c d e f g h i", "a b c d e f g h i", "b")]
    found = word_report(rows)
    assert found["word_error_rate"] == 0.1
    assert found["speakers"]["a"]["word_error_rate"] == 1.0
    assert found["speakers"]["b"] == {"recordings": 1, "words": 9, "word_error_rate": 0.0}
    low, high = found["interval95"]
    assert low <= 0.1 <= high


def test_many_speakers_are_drawn_whole() -> None:
    """Ten voices, one of which is never understood: its rows come and go together, so the interval is wider."""
    rows = [row("a b", "x y" if k == 0 else "a b", str(k)) for k in range(10) for _ in range(20)]
    one = word_report([HeardRow("all", r.said, r.heard, r.tones) for r in rows])["interval95"]
    many = word_report(rows)["interval95"]
    assert many[1] - many[0] > 1.5 * (one[1] - one[0])


def test_tones_are_counted_kept_lost_and_turned() -> None:
    pairs = [("pleasant", "pleasant"), ("pleasant", "unpleasant"), ("unpleasant", "neither"), ("neither", "neither")]
    found = word_report([row("a", "a", tones=pair) for pair in pairs])
    assert found["tone_kept"]["hits"] == 2
    assert (found["toned_kept"]["hits"], found["toned_kept"]["n"]) == (1, 3)
    assert found["tone_turned"] == 1


def test_a_list_needs_its_columns_and_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"transcripts\.csv"):
        read_list(tmp_path)
    for text, said in (("a,b\n1,2\n", "other columns"), ("file,speaker,words\nx.wav,me,\n", "no words")):
        (tmp_path / "transcripts.csv").write_text(text)
        with pytest.raises(InputError, match=said):
            read_list(tmp_path)
    (tmp_path / "transcripts.csv").write_text('file,speaker,words\nx.wav,me,"Hello, you"\n')
    assert read_list(tmp_path)[0].words == ("hello", "you")
