"""Simulated light: what it adds to a face, what a camera makes of it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from medauth.errors import InputError
from medauth.evaluation.attacks.victims import natural_clips
from medauth.evaluation.film_pictures import pictures
from medauth.evaluation.light_films import FILMS, Projector
from medauth.evaluation.light_run import LightPlan
from medauth.evaluation.light_side_effects import PairPlan
from medauth.evaluation.light_tables import light_report
from medauth.evaluation.lit_people import Person, cut_to_face
from medauth.evaluation.lit_scenes import (
    TONES,
    Display,
    Floats,
    Glow,
    Room,
    Skin,
    Take,
    filmed,
    screen,
    steady,
    television,
)
from medauth.evaluation.pulse_run import FILMS as BEATS
from medauth.evaluation.pulse_run import PulsePlan, _beating
from medauth.evaluation.pulse_tables import pulse_report
from medauth.protocol.light import Colour, TimedColour

ASKED = (TimedColour(Colour.WHITE, 700), TimedColour(Colour.BLUE, 800), TimedColour(Colour.ROSE, 900))
QUIET = Room(exposure_follows_ms=1e9, white_follows=0.0, quality=95)


@pytest.fixture(scope="module")
def take() -> Take:
    """A disc of skin on grey, with landmarks around its rim."""
    rim = np.linspace(0, 2 * np.pi, 478)
    marks = np.column_stack([40 + 26 * np.cos(rim), 40 + 30 * np.sin(rim), np.zeros(478)]).astype(np.float32)
    picture = np.full((80, 80, 3), 128, np.uint8)
    picture[10:70, 14:66] = (90, 120, 170)
    return Take(picture, marks, 30.0)


def middle(take: Take, tone: str, rgb: tuple[int, int, int], room: Room = QUIET) -> Floats:
    """Mean BGR of the face under a colour of the screen."""
    shown = list(filmed([take], Skin(take, tone), screen([Glow(200, rgb)], 9_000), room, 500, np.random.default_rng(1)))
    return np.asarray(shown[-1].picture[30:50, 30:50].reshape(-1, 3).mean(axis=0))


@pytest.mark.parametrize("tone", TONES)
def test_skin_of_every_tone_takes_the_colour_of_the_screen(take: Take, tone: str) -> None:
    rose, blue = middle(take, tone, (255, 110, 110)), middle(take, tone, (110, 110, 255))
    assert rose[2] / rose[0] > 1.2 * blue[2] / blue[0]


def test_a_bright_room_drowns_the_screen(take: Take) -> None:
    def contrast(ambient: float) -> float:
        room = Room(ambient=ambient, exposure_follows_ms=1e9, white_follows=0.0, quality=95)
        rose, blue = middle(take, "III", (255, 110, 110), room), middle(take, "III", (110, 110, 255), room)
        return float(np.log(rose[2] / rose[0]) - np.log(blue[2] / blue[0]))

    assert contrast(0.2) > 2 * contrast(4.0) > 0


def test_a_display_shines_by_itself(take: Take) -> None:
    lit = [
        Display(take)(take, np.full(3, 0.5, np.float32), np.array(light, np.float32))
        for light in ((1, 0, 0), (0, 0, 1))
    ]
    assert np.abs(lit[0] - lit[1]).max() < 0.05


def test_a_film_is_the_same_again_from_its_seed(take: Take) -> None:
    first, again = (
        list(filmed([take], Skin(take, "IV"), screen([], 0), Room(), 300, np.random.default_rng(9))) for _ in range(2)
    )
    assert all((a.picture == b.picture).all() and a.t_ms == b.t_ms for a, b in zip(first, again, strict=True))


def test_a_television_changes_colour_and_a_lamp_does_not() -> None:
    tv, lamp = television(Room(), np.random.default_rng(2), 8_000), steady(Room())
    assert len({tv(t).round(2).tobytes() for t in np.arange(0, 8_000, 500.0)}) > 4
    assert (lamp(0) == lamp(5_000)).all()


def light_of(name: str, seed: int = 3) -> Projector:
    return Projector(FILMS[name], ASKED, np.random.default_rng(seed), 1_000.0)


def test_light_that_follows_waits_for_its_release() -> None:
    issued = light_of("issued")
    dark = issued.light(2_000.0)
    issued.released(0, 1_000.0)
    issued.released(1, 1_700.0)
    assert (issued.light(1_600.0) == 1).all()
    assert issued.light(1_800.0)[2] > issued.light(1_800.0)[0]
    issued.released(2, 2_500.0)
    issued.released(3, 3_400.0)
    assert (issued.light(3_500.0) == dark).all()


def test_light_that_was_made_before_comes_by_itself() -> None:
    early = light_of("early")
    assert -900 <= early.shift_ms <= -250
    assert (early.light(1_000.0 + early.shift_ms + 10) == 1).all()
    early.released(0, 5_000.0)
    assert (early.light(5_000.0) != 1).any()


def test_one_wrong_colour_is_wrong_and_neighbours_differ() -> None:
    for seed in range(20):
        shown = FILMS["one wrong"].colours(ASKED, np.random.default_rng(seed))
        assert sum(a.colour is not b.colour for a, b in zip(shown, ASKED, strict=True)) == 1
        assert len({one.colour for one in shown}) == 3
        assert shown[0].colour is Colour.WHITE


def test_everybody_is_seen_in_every_tone_and_at_every_rate() -> None:
    jobs = LightPlan([Person("a", "a.mp4"), Person("b", "b.mp4")], 24, films=("issued",)).jobs()
    assert {(j.person.name, j.tone, j.fps) for j in jobs if j.ambient == 1.0} == {
        (name, tone, fps) for name in "ab" for tone in TONES for fps in (10, 15, 24, 30)
    }
    assert len({job.key for job in jobs}) == len(jobs)


def test_two_clips_of_one_person_are_two_films() -> None:
    both = [Person("a", "one.mp4"), Person("a", "two.mp4"), Person("a", "two.mp4", 300), Person("b", "b.jpg")]
    for jobs in (LightPlan(both, 2).jobs(), PairPlan(both, 2).jobs(), PulsePlan(both, 2).jobs()):
        assert len({job.key for job in jobs}) == len(jobs)


def test_a_list_of_other_films_is_no_film(tmp_path: Path) -> None:
    film = cv2.VideoWriter(str(tmp_path / "private.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for grey in range(0, 250, 50):
        film.write(np.full((48, 64, 3), grey, np.uint8))
    film.release()
    assert len(list(pictures(tmp_path / "private.avi"))) == 5
    (tmp_path / "clips").mkdir()
    listed = tmp_path / "clips" / "clip.mp4"
    listed.write_text("ffconcat version 1.0\nfile ../private.avi\n")
    (tmp_path / "clip.mp4").write_text("ffconcat version 1.0\nfile private.avi\n")
    assert list(pictures(tmp_path / "clip.mp4")) == []
    with pytest.raises(InputError, match=r"clip\.mp4 is no video"):
        natural_clips([listed.parent])


def test_faces_are_cut_alike(take: Take) -> None:
    (cut,) = cut_to_face([take])
    assert cut.picture.shape[0] < 80
    assert (cut.landmarks[:, :2].min(axis=0) >= 0).all()
    assert cut_to_face([]) == []


@pytest.mark.simulated
def test_the_report_counts_films_and_people() -> None:
    def row(person: str, film: str, outcome: str, ambient: float = 1.0) -> dict[str, object]:
        return {
            "person": person, "film": film, "ambient": ambient, "tone": "III", "fps": 30, "outcome": outcome,
            "code": f"light.{outcome}", "rank": 1, "delay_ms": 130, "true_delay_ms": 120, "ambient_milli": 1_100,
        }  # fmt: skip

    said = {"outcome": "pass", "code": "x", "score_ppm": 200_000}
    pair = {
        "person": "a", "plain": {"identity": said}, "lit": {"identity": said | {"outcome": "fail", "score_ppm": 700_000}},
        "amounts": {"frames": 100, "frames_past_onset": 1, "largest_onsets": 0.4}, "expressions": {"largest": 0.1},
        "blinks": [2, 1],
    }  # fmt: skip
    rows = [row("a", "issued", "pass"), row("b", "issued", "inconclusive"), row("a", "other colours", "fail")]
    report = light_report(rows, [pair], {"seed": "0"})
    shares = report.figures["by_film_and_ambient"]["issued / 1"]
    assert (shares["pass"]["value"], shares["pass"]["people"]) == (0.5, 2)
    assert report.figures["other_signals"]["identity"]["newly_refused"]["hits"] == 1
    assert report.figures["delay_error_ms"]["median"] == 10
    titles = [table.title for table in report.tables if table.rows]
    assert "What the colours do to other signals" in titles
    assert all("simulated" in caption for caption in report.plots)
    assert report.to_json()["simulated"] is True


def test_a_beat_has_its_rate_and_is_strongest_in_green() -> None:
    times = np.arange(0, 10_000, 20.0)
    light = np.array([_beating(Room(), 0.02, 90.0)(t) for t in times]) - 1
    assert np.argmax(np.abs(light).max(axis=0)) == 1
    power = np.abs(np.fft.rfft(light[:, 1] - light[:, 1].mean()))
    assert 60 * np.fft.rfftfreq(len(times), 0.02)[power.argmax()] == pytest.approx(90, abs=3)


def test_every_pulse_film_is_played_to_everybody() -> None:
    jobs = PulsePlan([Person("a", "a.mp4"), Person("b", "b.mp4")], 2).jobs()
    assert len({job.key for job in jobs}) == len(jobs) == 4 * len(BEATS)


def test_a_claim_of_what_does_not_beat_is_wrong() -> None:
    def row(film: str, outcome: str, found: float, snr_db: float = 5.0) -> dict[str, object]:
        return {
            "person": "a", "film": film, "bpm": 70.0, "outcome": outcome, "code": f"pulse.{outcome}", "found_bpm": found,
            "snr_db": snr_db, "repeated_milli": 200,
        }  # fmt: skip

    rows = [
        row("clip, beat 2 %", "pass", 71.0),
        row("clip, beat 2 %", "pass", 110.0),
        row("clip, beat 2 %", "inconclusive", 90.0, -3.0),
        row("photograph, still", "pass", 60.0),
    ]
    figures = pulse_report(rows, {}).figures
    beating, still = figures["by_film"]["clip, beat 2 %"], figures["by_film"]["photograph, still"]
    assert (beating["wrong"], still["wrong"]) == (1, 1)
    assert beating["claimed"]["value"] == pytest.approx(2 / 3, abs=1e-3)
    bands = {band["from_db"]: band for band in figures["error_by_snr"]}
    assert bands[4.0]["near"]["value"] == 0.5
    assert (bands[-99.0]["near"]["value"], bands[-99.0]["claimed"]) == (0.0, 0)
