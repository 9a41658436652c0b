from __future__ import annotations

from pathlib import Path

import pytest

from medauth.errors import InputError
from medauth.training.checkpoint import Progress, load_progress, resumable, save_checkpoint


def writer(text: str):
    return lambda path: path.write_text(text)


def test_a_folder_without_a_state_starts_afresh(tmp_path: Path):
    assert load_progress(tmp_path) is None


def test_what_was_saved_is_loaded(tmp_path: Path):
    progress = Progress(3, 7, {"epochs": 9}, ({"score": 0.5}, {"score": 0.6}))
    saved = save_checkpoint(tmp_path, progress, {"net.keras": writer("net")})
    assert load_progress(tmp_path) == saved
    assert saved.scores("score") == [0.5, 0.6]
    assert (tmp_path / saved.files["net"]).read_text() == "net"


def test_an_older_best_stays_when_only_the_net_is_written(tmp_path: Path):
    first = save_checkpoint(tmp_path, Progress(1), {"net.keras": writer("1"), "best.npz": writer("best 1")})
    second = save_checkpoint(tmp_path, Progress(2, files=first.files), {"net.keras": writer("2")})
    assert (tmp_path / second.files["best"]).read_text() == "best 1"
    assert not (tmp_path / "net-0001.keras").exists()


@pytest.mark.parametrize("role", ["net.keras", "average.npz"])
def test_a_kill_while_writing_leaves_the_earlier_checkpoint(tmp_path: Path, role: str):
    first = save_checkpoint(tmp_path, Progress(1), {"net.keras": writer("1"), "average.npz": writer("1")})

    def killed(path: Path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    writers = {"net.keras": writer("2"), "average.npz": writer("2"), role: killed}
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(tmp_path, Progress(2, files=first.files), writers)
    resumed = load_progress(tmp_path)
    assert resumed == first
    assert {(tmp_path / name).read_text() for name in first.files.values()} == {"1"}


def test_a_state_whose_files_are_gone_is_refused(tmp_path: Path):
    saved = save_checkpoint(tmp_path, Progress(1), {"net.keras": writer("1")})
    (tmp_path / saved.files["net"]).unlink()
    with pytest.raises(InputError, match="lacks"):
        load_progress(tmp_path)


def test_a_broken_state_says_what_to_do(tmp_path: Path):
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(InputError, match="start afresh"):
        load_progress(tmp_path)


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path):
    (tmp_path / "notes-of-mine.txt").write_text("mine")
    save_checkpoint(tmp_path, Progress(1), {"net.keras": writer("1")})
    assert (tmp_path / "notes-of-mine.txt").exists()


def test_a_training_does_not_go_on_under_another_seed(tmp_path: Path):
    saved = save_checkpoint(tmp_path, Progress(1, seed=7), {"net.keras": writer("1")})
    assert resumable(tmp_path, 7) == saved
    assert resumable(tmp_path / "new", 8) is None
    with pytest.raises(InputError, match=r"seed 7.*--seed 7"):
        resumable(tmp_path, 8)
