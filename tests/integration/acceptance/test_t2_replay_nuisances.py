"""T2: film of an earlier check that is changed all over is known again by its face; another take of a face is not.

With the face mesh, as a check sees its film: the grid on the face goes by it, and trembles with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from medauth.capture.encoding import read_frame
from medauth.capture.interface import CapturedFrame
from medauth.evaluation.attacks.replay_nuisances import NUISANCES, Outline, before
from medauth.evaluation.attacks.session_replay import HARDER, Taken, Variant, jittered
from medauth.protocol.observation import Observation
from medauth.protocol.reading import Outcome
from medauth.signals.check_print import HZ, Film, from_bytes
from medauth.signals.face_track import FaceMeshTracker
from medauth.signals.print_likeness import Pair
from medauth.signals.replay import ReplaySignal, ReplayTuning
from medauth.store.keyring import FileKeyring
from medauth.store.memory import memory_store
from tests.integration.acceptance.test_t2_session_replay import Memory, films, memory, person, told

__all__ = ["memory"]
pytestmark = [pytest.mark.media, pytest.mark.long]
PLAYED_MS = 10_000.0
LONGEST = 14 * HZ
IN_STEP = ReplayTuning().in_step
KNOWN = (*NUISANCES, "turned by 3 degrees", "scaled by 0.85", "moved aside by 12 %", "5 % faster", "5 % slower")
BACKGROUNDS = {"another background, still": False, "another background, moving": True}
OFTEN = ("10 % faster", "10 % slower")
"""Told, and not asked for: what the look-up does not always come upon."""


def tracked(film: Sequence[Taken], seed: int) -> tuple[ReplaySignal, Sequence[Outline | None]]:
    """What the signal takes from a film and its face as it arrives, and where the face was."""
    signal, tracker = ReplaySignal(), FaceMeshTracker()
    outlines: list[Outline | None] = []
    for index, taken in enumerate(jittered(film, np.random.default_rng(seed))):
        frame = read_frame(CapturedFrame(None, jpeg=taken.jpeg), index, taken.t_ms)
        track, problem = tracker.track(frame)
        signal.update(Observation(frame, track, problem, None))
        outlines.append(None if track is None else track.landmarks[:468, :2])
    tracker.close()
    return signal, outlines


@dataclass(frozen=True)
class Earlier:
    """What is remembered: the first take of every clip, with where its face was."""

    memory: Memory
    takes: Mapping[str, Sequence[Taken]]
    outlines: Mapping[str, Sequence[Outline | None]]


@pytest.fixture(scope="module")
def earlier(keyring: FileKeyring) -> Iterator[Earlier]:
    store = memory_store()
    known = Memory(store, keyring)
    takes = {name: film for name, film in films().items() if name.endswith(".0")}
    outlines = {}
    for name, film in takes.items():
        signal, outlines[name] = tracked(film, 0)
        known.remember(name, signal)
    yield Earlier(known, takes, outlines)
    store.close()


@pytest.mark.parametrize("way", [*KNOWN, *BACKGROUNDS, *OFTEN])
def test_film_changed_all_over_is_known_again(earlier: Earlier, way: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every other frame of ten seconds, as a slow camera sends them: a film of half the frames is the harder one."""
    missed = []
    for number, (name, film) in enumerate(earlier.takes.items()):
        played = [taken for taken in film if taken.t_ms < PLAYED_MS][::2]
        change = changed(way, earlier.outlines[name][::2])
        reading = earlier.memory.reading(tracked(change(played, played, np.random.default_rng(number)), number)[0])
        if reading.outcome is not Outcome.FAIL or f"evd_{name}" not in reading.reason:
            missed.append(f"{name} {reading.code} {reading.score_ppm}")
    people = len({person(name) for name in earlier.takes})
    told(
        capsys, f"T2: {way}: {len(earlier.takes) - len(missed)} of {len(earlier.takes)} takes of {people} people known"
    )
    assert way in OFTEN or not missed, missed


def changed(way: str, outlines: Sequence[Outline | None]) -> Variant:
    if way in BACKGROUNDS:
        return before(outlines, moving=BACKGROUNDS[way])
    return NUISANCES[way] if way in NUISANCES else HARDER[way]


def test_other_takes_of_a_face_are_no_replays(memory: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    """Each take against those before it, as the memory finds them, and by itself at every lag, in a mirror too."""
    kept: dict[str, Film] = {}
    wrong: list[str] = []
    likest: dict[bool, list[float]] = {True: [], False: []}
    for name, taken in films().items():
        signal, _ = tracked(taken, 1)
        reading = memory.reading(signal)
        if reading.outcome is Outcome.FAIL:
            wrong.append(f"{name}: {reading.reason}")
        ours = from_bytes(signal.offer().fingerprint)
        for other, theirs in kept.items():
            found = max(likeness(Pair(way, theirs.face)) for way in (ours.face, ours.in_a_mirror().face))
            likest[person(other) == person(name)].append(found)
        kept[name] = ours
        memory.remember(name, signal)
    told(
        capsys,
        *(
            f"T2: {len(found)} pairs of takes of {'one person' if same else 'two people'}: twelve stretches in a row of the "
            f"face alike by {np.median(found):.2f} in the middle, {max(found):.2f} at most"
            for same, found in likest.items()
        ),
        f"  taken for a replay: {wrong or 'none'}",
    )
    assert not wrong
    assert max(likest[True] + likest[False]) < ReplayTuning().alike_face


def likeness(pair: Pair) -> float:
    """The most that twelve stretches in a row have in common at any lag."""
    alike = pair.at(range(-LONGEST, LONGEST + 1)).alike
    if alike.shape[1] < IN_STEP:
        return -1.0
    return float(np.lib.stride_tricks.sliding_window_view(alike, IN_STEP, axis=1).min(axis=2).max())
