"""A film is known again however it was handed in, another take of it is not: on pictures of numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medauth.errors import EvidenceError
from medauth.protocol.observation import CaptureProblem, Frame, Observation
from medauth.protocol.reading import Outcome
from medauth.signals.check_print import AREAS, Taker, from_bytes, to_bytes
from medauth.signals.frame_print import COLUMNS, ROWS
from medauth.signals.interface import Lead, Likeness, Offer, Recalled, Recollects, Signal
from medauth.signals.print_codes import TABLES, asked_codes, own_codes
from medauth.signals.replay import ReplaySignal, ReplayTuning

pytestmark = pytest.mark.simulated

Numbers = NDArray[Any]
Film = list[tuple[float, Numbers]]

HEIGHT, WIDTH = 2 * ROWS, 2 * COLUMNS


def film(seed: int, seconds: float = 12.0, fps: float = 30.0, size: float = 2.0, zoom: float = 1.0) -> Film:
    """Grey pictures (24, 32) in which three soft blobs wander, each at its own pace; no two seeds alike."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] / zoom
    courses = [_course(random) for _ in range(6)]
    shown = []
    for index in range(round(seconds * fps)):
        t_s = index / fps
        picture = np.full(rows.shape, 60.0)
        for blob in range(3):
            y = (0.3 + 0.2 * blob) * HEIGHT + size * courses[2 * blob](t_s)
            x = (0.25 + 0.25 * blob) * WIDTH + size * courses[2 * blob + 1](t_s)
            picture += 120 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 19)
        shown.append((1_000 * t_s, picture))
    return shown


def _course(random: np.random.Generator) -> Callable[[float], float]:
    """Some slow waves at paces of their own."""
    paces, phases = random.uniform(1.5, 9.0, 5), random.uniform(0, 6.3, 5)
    return lambda t_s: float(np.sin(paces * t_s + phases).sum() / 2)


def observed(t_ms: float, picture: Numbers) -> Observation:
    image = np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    return Observation(Frame(0, t_ms, b"", b"", image), None, CaptureProblem.NO_FACE, None)


def signal(shown: Film, tuning: ReplayTuning | None = None) -> ReplaySignal:
    found = ReplaySignal(tuning)
    found.start(None)
    for t_ms, picture in shown:
        found.update(observed(t_ms, picture))
    return found


def looked_up(ours: ReplaySignal, theirs: ReplaySignal, record_id: str = "evd_1") -> Recalled:
    """As the memory looks: by codes that both have, then by the fingerprint at the lags most of them have."""
    offer, asked = theirs.offer(), ours.offer().asked
    filed: dict[int, list[int]] = {}
    for place in offer.filed:
        filed.setdefault(place.code, []).append(place.at)
    votes: dict[tuple[int, bool], int] = {}
    for place in asked:
        for at in filed.get(place.code, ()):
            key = ((place.at - at) // 4 * 4, place.mirrored)
            votes[key] = votes.get(key, 0) + 1
    if not votes:
        return Recalled(0, 0, None)
    leads = sorted(votes, key=lambda key: -votes[key])[:4]
    found = ours.compared([Lead(record_id, offer.fingerprint, lag, flipped) for lag, flipped in leads])
    read = [likeness for likeness in found if likeness is not None]
    return Recalled(1, 0, max(read, key=lambda likeness: (likeness.stretches, likeness.alike_ppm)))


def alone(ours: ReplaySignal, stored: bytes, lag: int, *, mirrored: bool) -> Likeness:
    """One lead by itself."""
    (likeness,) = ours.compared([Lead("evd_1", stored, lag, mirrored)])
    assert likeness is not None
    return likeness


def code_of(ours: ReplaySignal, recalled: Recalled) -> str:
    ours.recall(recalled)
    return ours.reading().code


ORIGINAL = signal(film(1))


def changed(change: Callable[[float, Numbers], tuple[float, Numbers]], shown: Film) -> Film:
    return [change(t_ms, picture) for t_ms, picture in shown]


def noisy(t_ms: float, picture: Numbers) -> tuple[float, Numbers]:
    return t_ms, picture + np.random.default_rng(round(t_ms)).normal(0, 6, picture.shape)


def grainy(t_ms: float, picture: Numbers) -> tuple[float, Numbers]:
    """As a camera sees it: less than any gives, over a picture as small as this one."""
    return t_ms, picture + np.random.default_rng(round(1_000 * float(picture.sum()))).normal(0, 1, picture.shape)


CHANGES: dict[str, Callable[[float, Numbers], tuple[float, Numbers]]] = {
    "as it was": lambda t_ms, picture: (t_ms, picture),
    "later by a part of a frame": lambda t_ms, picture: (t_ms + 21, picture),
    "other gamma": lambda t_ms, picture: (t_ms, 255 * (picture / 255) ** 1.05),
    "brighter and flatter": lambda t_ms, picture: (t_ms, 30 + 0.8 * picture),
    "noise": noisy,
    "mirrored": lambda t_ms, picture: (t_ms, picture[:, ::-1]),
    "mirrored, noise": lambda t_ms, picture: noisy(t_ms, picture[:, ::-1]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_same_film_is_known_again(name: str) -> None:
    ours = signal(changed(CHANGES[name], film(1)))
    recalled = looked_up(ours, ORIGINAL)
    assert code_of(ours, recalled) == "replay.seen_before"
    assert ours.reading().outcome is Outcome.FAIL
    assert recalled.best is not None
    assert recalled.best.mirrored is name.startswith("mirrored")


def test_cropped_by_a_fiftieth_at_two_sides_it_is_the_same_film() -> None:
    ours = signal(changed(noisy, film(1, zoom=1.02)))
    assert code_of(ours, looked_up(ours, ORIGINAL)) == "replay.seen_before"


@pytest.mark.parametrize("fps", [12, 15, 25])
def test_at_another_frame_rate_and_with_jitter_it_is_the_same_film(fps: float) -> None:
    late = np.random.default_rng(3).uniform(0, 9, 400)
    ours = signal([(t_ms + late[index], picture) for index, (t_ms, picture) in enumerate(film(1, fps=fps))])
    assert code_of(ours, looked_up(ours, ORIGINAL)) == "replay.seen_before"


@given(begin_s=st.floats(0.0, 5.5), before_s=st.floats(0.0, 5.0))
@example(begin_s=1.25, before_s=2.125)
@settings(max_examples=4, deadline=None)
def test_a_stretch_of_it_in_other_film_is_known_again(begin_s: float, before_s: float) -> None:
    part = [(t_ms - 1_000 * begin_s, picture) for t_ms, picture in film(1) if 0 <= t_ms / 1_000 - begin_s < 6.5]
    own = film(2, seconds=before_s)
    ours = signal([*own, *((t_ms + 1_000 * before_s + 20, picture) for t_ms, picture in part)])
    recalled = looked_up(ours, ORIGINAL)
    assert code_of(ours, recalled) == "replay.seen_before"
    assert recalled.best is not None
    # Stretches of 3 s that reach a second into the other film are still much alike: what is told begins with the film.
    assert 1_000 * before_s - 600 <= recalled.best.from_ms <= 1_000 * before_s + 1_200


@given(seed=st.integers(2, 10_000), lag=st.integers(-60, 60), flipped=st.booleans())
@settings(max_examples=5, deadline=None)
def test_other_film_is_not(seed: int, lag: int, flipped: bool) -> None:
    ours = signal(film(seed, seconds=6, fps=15))
    likeness = alone(ours, ORIGINAL.offer().fingerprint, lag, mirrored=flipped)
    assert likeness.stretches < ReplayTuning().in_step
    assert code_of(ours, looked_up(ours, ORIGINAL)) == "replay.not_seen"
    assert ours.reading().outcome is Outcome.PASS


def lit(shown: Film, seed: int, strength: float) -> Film:
    """A screen's glow on the middle of the picture, another level every 0.7 s."""
    random = np.random.default_rng(seed)
    levels = random.uniform(0, strength, 60)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    glow = np.exp(-((rows - 12) ** 2 + (columns - 16) ** 2) / 56)
    return [(t_ms, picture + levels[int(t_ms // 700)] * glow) for t_ms, picture in shown]


def test_the_same_colours_on_two_faces_are_not_the_same_film() -> None:
    """The glow moves the picture more than the face does, and in step; the strongest way of moving is left out."""
    one, other = (signal(changed(grainy, lit(film(seed, size=0.5), 9, 80))) for seed in (4, 5))
    likeness = alone(one, other.offer().fingerprint, 0, mirrored=False)
    assert likeness.stretches < ReplayTuning().in_step


def beating(shown: Film, phase: float) -> Film:
    """Bands that roll over the picture: a lamp on the mains before a camera of another rate."""
    rows = np.mgrid[0:HEIGHT, 0:WIDTH][0] / HEIGHT
    return [(t_ms, picture * (1 + 0.05 * np.sin(9.4 * rows + 0.0107 * t_ms + phase))) for t_ms, picture in shown]


def test_one_lamp_that_flickers_on_two_faces_is_not_the_same_film() -> None:
    """The bands repeat themselves, so that they are in step at many lags; what repeats itself is foreseen and left out."""
    one, other = signal(beating(film(4, size=0.1), 0.0)), signal(beating(film(5, size=0.1), 2.1))
    stored = other.offer().fingerprint
    likest = max(alone(one, stored, lag, mirrored=False).alike_ppm for lag in range(-12, 13, 4))
    assert likest < 1e6 * ReplayTuning().alike


def test_bands_drawn_over_a_film_do_not_hide_it() -> None:
    hidden = signal(beating(film(1), 0.0))
    assert alone(hidden, ORIGINAL.offer().fingerprint, 0, mirrored=False).stretches >= ReplayTuning().in_step


def test_film_in_which_little_moves_is_known_again() -> None:
    """Of a person who keeps still few stretches move much; the others are filed and asked for as well."""
    loud, quiet = film(1), film(1, size=0.03)
    earlier = [*loud[:100], *quiet[100:]]
    again = [*film(2)[:100], *((t_ms + 21, 30 + 0.8 * picture) for t_ms, picture in quiet[140:])]
    for least, code in ((ReplayTuning().least_filed, "replay.seen_before"), (0.02, "replay.not_seen")):
        ours, theirs = (signal(shown, ReplayTuning(least_filed=least)) for shown in (again, earlier))
        assert code_of(ours, looked_up(ours, theirs)) == code


def test_still_film_beside_it_does_not_hide_a_film() -> None:
    """Who holds one picture for most of a check lowers the middle of what moves, and nothing else."""
    part = film(1)[:210]
    held = [(part[-1][0] + 33.0 * index, part[-1][1]) for index in range(1, 300)]
    ours = signal([*part, *held])
    assert code_of(ours, looked_up(ours, ORIGINAL)) == "replay.seen_before"


def test_a_still_film_says_nothing_and_is_not_remembered() -> None:
    _, picture = film(1, seconds=1)[0]
    grain = np.random.default_rng(0).normal(0, 0.4, (150, *picture.shape))
    still = signal([(33.0 * index, picture + grain[index]) for index in range(150)])
    assert still.offer() == Offer(b"", (), ())
    assert (still.reading().outcome, still.reading().code) == (Outcome.INCONCLUSIVE, "replay.too_still")


@pytest.mark.parametrize("seconds", [0, 0.03, 1, 2.9])
def test_a_short_film_says_nothing(seconds: float) -> None:
    short = signal(film(1, seconds=seconds))
    assert short.offer().fingerprint == b""
    assert short.reading().code == "replay.too_still"
    assert short.reading().score_ppm is None


def test_without_a_memory_it_says_so() -> None:
    reading = ORIGINAL.reading()
    assert (reading.outcome, reading.code, reading.score_ppm) == (Outcome.INCONCLUSIVE, "replay.not_looked_up", None)


def test_what_may_be_the_same_and_could_not_be_read_leaves_it_open() -> None:
    ours = signal(film(1))
    assert code_of(ours, Recalled(3, 1, None)) == "replay.unreadable"
    assert ours.reading().outcome is Outcome.INCONCLUSIVE
    seen = Recalled(3, 1, Likeness("evd_9", 930_000, 40, -12, mirrored=False, from_ms=2_000))
    assert code_of(ours, seen) == "replay.seen_before"


@pytest.mark.parametrize(
    ("tuning", "code"),
    [
        (ReplayTuning(alike=1.0), "replay.not_seen"),
        (ReplayTuning(in_step=10_000), "replay.not_seen"),
        (ReplayTuning(least_filed=9.0), "replay.not_seen"),
    ],
)
def test_every_option_changes_the_outcome(tuning: ReplayTuning, code: str) -> None:
    ours = signal(changed(noisy, film(1)), tuning)
    assert code_of(ours, looked_up(ours, ORIGINAL)) == code


def test_other_film_in_which_less_than_the_least_moves_says_nothing() -> None:
    for least, code in ((9.0, "replay.too_still"), (ReplayTuning().least_motion, "replay.not_seen")):
        other = signal(film(2), ReplayTuning(least_motion=least))
        assert code_of(other, looked_up(other, ORIGINAL)) == code


def test_what_is_filed_and_asked_is_bounded_however_long_the_film() -> None:
    tuning = ReplayTuning(most_filed=5, most_asked=7)
    offer = signal(film(1), tuning).offer()
    assert len(offer.filed) <= 5 * TABLES
    assert len({place.at for place in offer.asked}) <= 7
    assert len(offer.filed) < len(ORIGINAL.offer().filed)
    rarely = signal(film(1), ReplayTuning(asked_every=6)).offer()
    assert len(rarely.asked) < 0.6 * len(ORIGINAL.offer().asked)
    often = signal(film(1), ReplayTuning(filed_every=4)).offer()
    assert len(often.filed) > len(ORIGINAL.offer().filed)


def test_slack_finds_a_film_whose_lag_was_guessed_a_little_wrong() -> None:
    stored = ORIGINAL.offer().fingerprint
    for lag in (-5, 2, 5):
        assert alone(signal(film(1)), stored, lag, mirrored=False).stretches > ReplayTuning().in_step
    rigid = signal(film(1), ReplayTuning(slack=0, alike=0.999))
    assert alone(rigid, stored, 2, mirrored=False).stretches == 0


@pytest.mark.parametrize("stored", [b"", b"MAP0" + bytes(32), b"MAP1" + bytes(31), b"MAP2" + bytes(32), b"MAP3"])
def test_a_fingerprint_of_another_kind_is_told_and_hides_no_other(stored: bytes) -> None:
    with pytest.raises(EvidenceError, match="another kind"):
        from_bytes(stored)
    of_ours = Lead("evd_1", ORIGINAL.offer().fingerprint, 0, mirrored=False)
    unread, read = ORIGINAL.compared([replace(of_ours, stored=stored), of_ours])
    assert unread is None
    assert read is not None
    assert read.stretches >= ReplayTuning().in_step


def test_an_empty_fingerprint_is_like_nothing() -> None:
    assert alone(ORIGINAL, b"MAP1", 0, mirrored=False).stretches == 0


def test_it_is_a_signal_that_recollects() -> None:
    port: Signal = ORIGINAL
    assert isinstance(port, Recollects)
    assert port.marks().traces == ()


def test_the_fingerprint_comes_back_as_it_was() -> None:
    taker = Taker()
    random = np.random.default_rng(0)
    for index in range(90):
        taker.add(40.0 * index, np.asarray(random.normal(0, 0.05, ROWS * COLUMNS), np.float32))
        taker.add(
            40.0 * index + 1, np.zeros(ROWS * COLUMNS, np.float32), np.asarray(random.normal(0, 0.3, AREAS), np.float32)
        )
    film = taker.film()
    again = from_bytes(to_bytes(film))
    np.testing.assert_allclose(again.whole, film.whole, atol=6e-6)
    np.testing.assert_allclose(again.face, film.face, atol=6e-5)
    assert np.abs(film.face).max() > 0.1
    twice = film.in_a_mirror().in_a_mirror()
    np.testing.assert_array_equal(np.hstack([twice.whole, twice.face]), np.hstack([film.whole, film.face]))


def test_what_was_stored_before_faces_had_a_grid_is_still_known() -> None:
    whole = from_bytes(ORIGINAL.offer().fingerprint).whole
    stored = b"MAP1" + np.rint(whole / np.float32(1e-5)).astype("<i2").tobytes()
    assert from_bytes(stored).face.shape == (0, AREAS)
    likeness = alone(signal(film(1)), stored, 0, mirrored=False)
    assert likeness.stretches >= ReplayTuning().in_step
    assert not likeness.face


CODES = [822_935, 1_934_711]


def test_codes_are_the_same_for_ever() -> None:
    """What a database holds was coded by these planes."""
    windows = np.random.default_rng(7).normal(0, 1, (1, 720)).astype(np.float32)
    own = own_codes(windows)
    assert own[0, :2].tolist() == CODES
    asked = asked_codes(windows)
    assert asked[:, :TABLES].tolist() == own.tolist()
    differing = np.bitwise_xor(asked[0, TABLES:], np.tile(own[0], 2))
    assert all(int(bits).bit_count() == 1 for bits in differing)


def test_what_was_recalled_can_be_stated_and_read_again() -> None:
    recalled = Recalled(4, 0, Likeness("evd_9", 930_000, 40, -12, mirrored=True, from_ms=2_000))
    assert Recalled.from_json(recalled.to_json()) == recalled
    assert Recalled.from_json(Recalled(0, 2, None).to_json()) == Recalled(0, 2, None)
    assert str(recalled.best) == "From 2.0 s on the film is that of record evd_9, mirrored."
    assert str(replace(recalled.best, mirrored=False)).endswith("evd_9.")  # type: ignore[type-var]
    face = Recalled(1, 0, Likeness("evd_9", 930_000, 40, -12, mirrored=False, from_ms=2_000, face=True))
    assert str(face.best) == "From 2.0 s on the face moves as in the film of record evd_9."
    assert Recalled.from_json(face.to_json()) == face
    earlier: dict[str, Any] = dict(recalled.to_json())
    del earlier["best"]["face"]
    assert Recalled.from_json(earlier) == recalled
