"""The generators on a drawn face: seeded, and each does what its species is."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from medauth.evaluation.attacks import (
    camera,
    driver,
    look,
    mesh_warp,
    painted_face,
    paper,
    screen,
    session_replay,
    stage,
)
from medauth.evaluation.attacks.camera import Camera, CameraKind, draw_camera
from medauth.evaluation.attacks.look import Look, placed, show
from medauth.evaluation.attacks.pace import natural, natural_for
from medauth.evaluation.attacks.painted_face import blended_with_itself, draw_brush, swapped
from medauth.evaluation.attacks.painted_lids import LIDS, UNDER, lids_over
from medauth.evaluation.attacks.paper import Printout, draw_printout, printed
from medauth.evaluation.attacks.screen import draw_display, refilmed
from medauth.evaluation.attacks.screen_light import Lighting, ScreenLight, draw_strength
from medauth.evaluation.attacks.session_replay import BY_ITSELF, HARDER, VARIANTS, Player, Taken
from medauth.evaluation.attacks.stage import STAGED, Act, Cast
from medauth.evaluation.attacks.victims import Victim
from medauth.protocol.policy import STANDARD, STRICT
from tests.unit.evaluation.attack_face import landmarks, picture, sheet

pytestmark = pytest.mark.simulated

Picture = NDArray[np.uint8]


def victim(name: str, shade: int) -> Victim:
    return Victim(name, sheet(shade), landmarks())


def act(species: str, seed: int, *, performs: bool = False) -> Act:
    cast = Cast(victim("a", 0), [victim("b", 40)], np.random.default_rng(seed), performs=performs)
    return STAGED[species](cast)


def detail(shown: Picture) -> float:
    """Energy from pixel to pixel, where dots and stripes live."""
    grey = shown.mean(axis=2)
    return float(np.abs(np.diff(grey, axis=1)).mean())


def test_a_sheet_that_does_not_move_is_the_picture() -> None:
    assert np.abs(show(sheet(), Look()).astype(int) - picture()).max() <= 1


def test_points_follow_the_head() -> None:
    cut = sheet()
    nose = int(np.argmin(cut.points[:468, 2]))
    assert placed(cut, Look(yaw=20))[nose, 0] > cut.points[nose, 0] + 5  # to the person's left
    assert placed(cut, Look(pitch=15))[nose, 1] < cut.points[nose, 1] - 4  # upwards
    frame = placed(cut, Look(yaw=30, size=1.2))[-4:]
    assert np.allclose(frame, cut.points[-4:])


def test_a_hand_covers_the_face_and_leaves_the_wall() -> None:
    shown, bare = show(sheet(), Look(hand=0.0)).astype(int), picture().astype(int)
    assert np.abs(shown - bare)[85:105, 95:105].mean() > 5
    assert np.abs(shown - bare)[:, :20].mean() < 1


def test_painted_lids_come_down_over_the_eyes_and_touch_nothing_else() -> None:
    face = sheet()
    points = face.points.copy()
    lid = np.linspace(0, 1, 9)
    for (upper, lower), left in zip(LIDS, (74.0, 110.0), strict=True):
        points[list(upper), :2] = np.column_stack([left + 16 * lid, 80 - 5 * np.sin(np.pi * lid)])
        points[list(lower), :2] = np.column_stack([left + 16 * lid, 80 + 5 * np.sin(np.pi * lid)])
    for row in UNDER:
        points[list(row), :2] = (100, 95)
    assert lids_over(face.picture, points, 0.0) is face.picture
    half, shut = lids_over(face.picture, points, 0.5), lids_over(face.picture, points, 1.0)
    pupils = face.picture[80, 82].mean(), half[78, 82].mean(), shut[80, 82].mean()
    assert pupils[1] > pupils[0] + 50
    assert pupils[2] > pupils[0] + 50
    changed = np.abs(shut.astype(int) - face.picture).max(axis=2) > 12
    assert 0 < changed.mean() < 0.02
    assert not changed[:70].any()
    assert not changed[92:].any()


def test_what_is_near_hides_what_is_behind() -> None:
    cut = sheet()
    turned = show(cut, Look(yaw=35))
    assert turned.shape == picture().shape
    assert np.abs(turned.astype(int) - picture()).mean() > 1


@pytest.mark.parametrize("species", STAGED)
def test_a_species_is_the_same_for_the_same_seed_and_another_for_another(species: str) -> None:
    first, again, other = (act(species, seed)(700.0, None) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == picture().shape
    assert first.dtype == np.uint8


@pytest.mark.parametrize("species", [name for name in STAGED if name != "bona_fide"])
def test_no_attack_is_the_picture_itself(species: str) -> None:
    shown = act(species, 5)(800.0, None)
    assert np.abs(shown.astype(int) - act("bona_fide", 5)(800.0, None)).mean() > 0.05


def test_dots_of_ink_show_and_photographic_paper_has_none() -> None:
    random = np.random.default_rng(0)
    base = draw_printout(random)
    dots, smooth = (
        printed(picture(), Printout(cell, 0.0, 0.0, 0.0, 0.0, base.grip), np.random.default_rng(1))
        for cell in (3.5, 0.0)
    )
    assert detail(dots) > 1.5 * detail(smooth)
    black, white = (np.full((40, 40, 3), level, np.uint8) for level in (0, 255))
    plain = Printout(0.0, 0.0, 0.0, 0.0, 0.0, base.grip)
    dark, light = (printed(p, plain, np.random.default_rng(2)).mean() for p in (black, white))
    assert dark < 40
    assert light > 210


def test_a_display_shows_its_lattice() -> None:
    room = np.full_like(picture(), 90)
    shown = [refilmed(picture(), room, draw_display(np.random.default_rng(seed)), 100.0) for seed in range(6)]
    assert np.mean([detail(s) for s in shown]) > 1.3 * detail(picture())


def test_a_swap_brings_the_donors_face_and_leaves_the_rest() -> None:
    random = np.random.default_rng(2)
    target, marks = picture(0), landmarks()
    done = swapped(target, marks, sheet(40), draw_brush(random), random)
    changed = np.abs(done.astype(int) - target).mean(axis=2)
    assert changed[80:120, 85:115].mean() > 1
    assert changed[:20].max() == 0


def test_a_self_blend_stays_within_the_face() -> None:
    random = np.random.default_rng(2)
    done = blended_with_itself(picture(), landmarks(), draw_brush(random), random)
    assert not np.array_equal(done, picture())
    assert np.array_equal(done[:15], picture()[:15])


def test_the_camera_finds_its_exposure_and_adds_its_noise() -> None:
    kind = CameraKind(118, 0.45, (1.0, 1.0, 1.0), 0.5, 2.0, 0.5, 90)
    scenes = (np.asarray(picture() // 3, np.uint8), picture())
    shots = []
    for scene in scenes:
        taking = Camera(kind, np.random.default_rng(0))
        shots.append([taking.take(scene, 100.0 * i).mean() for i in range(10)])
    assert abs(shots[0][-1] - shots[1][-1]) < 30  # the scenes are 90 levels apart
    taking = Camera(kind, np.random.default_rng(0))
    assert not np.array_equal(taking.take(picture(), 0.0), taking.take(picture(), 0.0))


def test_the_camera_needs_a_moment_for_new_light() -> None:
    taking = Camera(draw_camera(np.random.default_rng(1)), np.random.default_rng(1))
    before = [taking.take(picture(), 100.0 * i).mean() for i in range(5)][-1]
    at_once, later = (taking.take(np.asarray(picture() // 2, np.uint8), t).mean() for t in (500.0, 4_000.0))
    assert at_once < before - 10
    assert later > at_once + 5


@pytest.mark.parametrize(("lighting", "channel"), [(Lighting.ISSUED, 2), (Lighting.OTHER, 1), (Lighting.NONE, None)])
def test_light_reaches_the_scene_late_and_in_the_colours_it_was_lit_by(lighting: Lighting, channel: int | None) -> None:
    light = ScreenLight(lighting, np.random.default_rng(0), strength=0.4, delay_ms=100)
    scene, red = np.full((10, 10, 3), 100, np.uint8), (255, 30, 30)
    before = light.on(scene, 0.0, red).reshape(-1, 3).mean(axis=0)
    assert np.ptp(before) == 0
    lit = light.on(scene, 150.0, red).reshape(-1, 3).mean(axis=0) - before
    if channel is None:
        assert not lit.any()
    elif lighting is Lighting.ISSUED:
        assert lit.argmax() == channel
    else:
        assert lit.argmax() != 2


def test_screens_light_faces_as_phones_laptops_and_monitors_do() -> None:
    random = np.random.default_rng(2)
    drawn = np.array([draw_strength(random) for _ in range(10_000)])
    low, quarter, rest, high = np.percentile(drawn, [10, 25, 75, 90])
    assert (low, quarter, rest, high) == pytest.approx((0.23, 0.36, 1.13, 1.8), rel=0.1)


def test_a_policy_gets_as_many_frames_as_it_asks_for() -> None:
    random = np.random.default_rng(0)
    assert natural_for(STANDARD.min_fps) is natural
    lively = natural_for(STRICT.min_fps)
    waits = [lively(index, 0.0, random)[0] for index in range(2_000)]
    assert 1_000 / np.mean(waits) > STRICT.min_fps + 2
    assert 1_000 / np.mean([natural(index, 0.0, random)[0] for index in range(2_000)]) > STANDARD.min_fps + 2


def test_the_screens_light_can_be_fixed() -> None:
    random = np.random.default_rng(0)
    assert ScreenLight(Lighting.OTHER, random, 1.5).strength == 1.5
    assert len({ScreenLight(Lighting.OTHER, random).strength for _ in range(5)}) == 5


def test_a_strong_screen_blows_nothing_out() -> None:
    light = ScreenLight(Lighting.ISSUED, np.random.default_rng(0), strength=5.0, delay_ms=1.0)
    scene = np.full((10, 10, 3), 230, np.uint8)
    light.on(scene, 0.0, (255, 255, 255))
    assert light.on(scene, 50.0, (255, 255, 255)).max() <= 230


@pytest.mark.parametrize("name", BY_ITSELF)
def test_a_replayed_frame_is_another_picture_of_the_same(name: str) -> None:
    shown = [picture(shade) for shade in (0, 40)]
    film = [Taken(cv2.imencode(".png", shown[index % 2])[1].tobytes(), 100.0 * index) for index in range(8)]
    played = VARIANTS[name](film, (), np.random.default_rng(3))
    assert [taken.t_ms for taken in played] == sorted(taken.t_ms for taken in played)
    player = Player(played)
    first, second = player.at(played[0].t_ms), player.at(played[1].t_ms)
    assert first.shape == second.shape == shown[0].shape
    unchanged = any(np.array_equal(first, one) for one in shown)
    assert unchanged == (name in {"to the bit", "shifted by a frame", "other frame rate"})
    assert not np.array_equal(first, second)
    assert np.array_equal(player.at(10_000.0), player.at(20_000.0))


@pytest.mark.parametrize("name", HARDER)
def test_film_is_changed_by_more_than_a_replay_needs(name: str) -> None:
    film = [Taken(cv2.imencode(".png", picture(0))[1].tobytes(), 100.0 * index) for index in range(4)]
    first, again = (HARDER[name](film, (), np.random.default_rng(3)) for _ in range(2))
    assert first == again
    assert len(first) == len(film)
    paced = name.endswith(("faster", "slower"))
    assert ([one.t_ms for one in first] != [one.t_ms for one in film]) == paced
    assert np.array_equal(Player(first).at(0.0), picture(0)) == paced
    assert Player(first).at(0.0).shape == picture(0).shape


def test_generators_share_nothing_with_detectors_and_training() -> None:
    for module in (camera, driver, look, mesh_warp, painted_face, paper, screen, session_replay, stage):
        source = inspect.getsource(module)
        assert "medauth.training" not in source
        assert "medauth.signals" not in source


def test_every_act_takes_the_prompt() -> None:
    for staging in STAGED.values():
        taken: Callable[..., Act] = staging
        assert len(inspect.signature(taken).parameters) == 1
