"""A time stamp that was deleted from the mirror: remembered beside the keys, and not asked for again with a later time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from medauth.store.interface import MAIN_LOG
from tests.recorded import World, open_world
from tests.stamping import TestAuthority


@pytest.fixture
def authority() -> TestAuthority:
    return TestAuthority()


@pytest.fixture
def world(tmp_path: Path, authority: TestAuthority) -> World:
    """Two checkpoints that are stamped, and one that waits for its stamp."""
    world = open_world(tmp_path)
    world.stamped_ms = authority.stamped_ms
    for number in range(2):
        world.record_check(number)
        world.anchor()
    assert world.notary(lambda: authority).notarise(MAIN_LOG).stamped == 2
    world.record_check(2)
    world.anchor()
    return world


def run_sql(world: World, statement: str) -> None:
    with closing(sqlite3.connect(world.folder / "mirror.sqlite")) as connection, connection:
        connection.execute(statement)


def faults(world: World) -> dict[str, str]:
    return {found.fault.name: found.fault.text for found in world.report().faults if found.fault}


def test_a_checkpoint_may_wait_for_its_stamp(world: World) -> None:
    assert faults(world) == {}


@pytest.mark.parametrize("where", ["", "WHERE seq=1", "WHERE seq=2"])
@pytest.mark.parametrize("trusted", [True, False])
def test_a_deleted_stamp_is_named_whether_or_not_its_authority_is_trusted(
    where: str, trusted: bool, world: World
) -> None:
    if not trusted:
        world.stamped_ms = None
    run_sql(world, f"DELETE FROM stamps {where}")
    assert list(faults(world)) == ["time stamp"]
    assert "lost its time stamp by stamps.test" in faults(world)["time stamp"]


def test_what_was_deleted_is_not_stamped_again_by_the_next_anchoring(world: World, authority: TestAuthority) -> None:
    run_sql(world, "DELETE FROM stamps WHERE seq=1")
    authority.now_ms += 86_400_000
    assert world.notary(lambda: authority).notarise(MAIN_LOG).stamped == 1
    assert (authority.asked, list(faults(world))) == (3, ["time stamp"])


def test_another_authority_begins_with_the_first_checkpoint(world: World, authority: TestAuthority) -> None:
    other = TestAuthority()
    other.name = "other.test"
    assert world.notary(lambda: other).notarise(MAIN_LOG).stamped == 3
    assert world.notary(lambda: authority).notarise(MAIN_LOG).stamped == 1
    assert world.heads.stamped() == {MAIN_LOG: {"stamps.test": 6, "other.test": 6}}
    assert world.heads.heads()[MAIN_LOG].note.size == 6


class Outrun(TestAuthority):
    """While it is asked for the first time, another process has everything stamped."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._meanwhile: Callable[[], object] | None = meanwhile

    def stamp(self, text: bytes) -> bytes:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return super().stamp(text)


def test_two_that_stamp_at_once_take_each_others_for_no_loss(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.stamped_ms = None
    run_sql(world, "DELETE FROM stamps")
    (world.folder / "keys" / "heads.json").unlink()
    authority = Outrun(lambda: world.notary(TestAuthority).notarise(MAIN_LOG))
    world.notary(lambda: authority).notarise(MAIN_LOG)
    assert world.heads.stamped() == {MAIN_LOG: {authority.name: 6}}
    assert (caplog.messages, faults(world)) == ([], {})
