"""Sequences of 16 crops for the LSTM: people who move, and forgeries that flicker.

A still becomes a sequence by a slow walk of zoom, turn and shift, small warps of the face and the noise and codec of a
camera; real clips bring their own movement. A forger works frame by frame, so what a frame's forgery draws (edge, place,
colours) shakes from frame to frame, now and then not at all: some forgeries are steady, and some frames slip through
unforged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.training.animating import animate, draw_animation
from medauth.training.blending import Forgery, draw_forgery, nearest_donor, self_blend, swap
from medauth.training.covering import draw_cover, lay_over
from medauth.training.degrading import Degradation, compress, degrade
from medauth.training.face_bank import CROP_PX, STORED_PX, FaceBank, align_anew
from medauth.training.warping import elastic, grid, remap

Image = NDArray[np.uint8]
Points = NDArray[np.float32]

LENGTH = 16


@dataclass(frozen=True)
class Footage:
    """Frames of one person: `images` uint8 [T, 184, 184, 3] and `marks` float32 [T, 478, 2]; T = 1 is a still."""

    images: Image
    marks: Points
    person: str


@dataclass(frozen=True)
class SequencePlan:
    """How sequences are made."""

    swap_share: float = 0.4
    other_way: float = 0.2
    steady: float = 0.25  # forgeries that do not flicker
    slips: float = 0.15  # forgeries some frames of which are left as they were
    donors: int = 6
    pass_share: float = 0.25  # sequences in which a hand or a thing passes before the face
    spoil: Degradation = field(default_factory=lambda: Degradation(cover_chance=0.05))


def make_sequence(
    footage: Footage, others: Sequence[Footage], fake: bool, plan: SequencePlan, rng: np.random.Generator
) -> Image:
    """16 crops uint8 [16, 144, 144, 3] of one person, forged or as they are."""
    frames = _sampled(footage, rng)
    if fake:
        frames = _forged(frames, others, plan, rng)
    frames = _passed(frames, plan, rng)
    seed = int(rng.integers(2**62))
    moves = _walk(rng)
    return np.stack([_shot(image, moves[at], seed, plan, rng) for at, (image, _) in enumerate(frames)])


def animate_sequence(footage: Footage, plan: SequencePlan, rng: np.random.Generator) -> Image:
    """16 crops uint8 [16, 144, 144, 3] of one picture that was made to move: there and back, or part of that."""
    frames = _sampled(footage, rng)
    animation = draw_animation(frames[0][1], rng)
    seed, moves, shares = int(rng.integers(2**62)), _walk(rng), draw_course(rng)
    moved = [
        align_anew(*animate(image, marks, animation, share), animation.motion.zoom**share)
        for (image, marks), share in zip(frames, shares.tolist(), strict=True)
    ]
    passed = _passed(moved, plan, rng)
    return np.stack([_shot(image, moves[at], seed, plan, rng) for at, (image, _) in enumerate(passed)])


def _passed(
    frames: list[tuple[Image, Points]], plan: SequencePlan, rng: np.random.Generator
) -> list[tuple[Image, Points]]:
    """Now and then something passes before the face, or stays there: some frames long, on a straight way."""
    if rng.random() >= plan.pass_share:
        return frames
    cover = draw_cover(*frames[0], rng)
    step = rng.normal(0, 0.06 * STORED_PX, 2) * float(rng.random() < 0.7)  # noqa: PLR2004
    begin = int(rng.integers(-4, LENGTH - 2))
    end, middle = begin + int(rng.integers(4, LENGTH + 4)), begin + 4
    return [
        (lay_over(image, cover.at(*(step * (at - middle)))), marks) if begin <= at < end else (image, marks)
        for at, (image, marks) in enumerate(frames)
    ]


def draw_course(rng: np.random.Generator) -> NDArray[np.float64]:
    """How far a movement has come at each of 16 frames, 0..1; it is there in at least one of them."""
    at, top = np.arange(LENGTH), rng.uniform(2, LENGTH - 2)
    stay, rise, fall = rng.uniform(0, 8), rng.uniform(1.5, 6), rng.uniform(1.5, 6)
    course = np.minimum((at - top + stay + rise) / rise, (top + fall - at) / fall).clip(0, 1)
    return np.asarray(course * course * (3 - 2 * course))


def footage_of(bank: FaceBank, index: int) -> Footage:
    """A still of the bank."""
    return Footage(bank.images[index][None], bank.marks[index][None], bank.entries[index].person)


def moments_of(bank: FaceBank, indices: NDArray[np.int64], rng: np.random.Generator) -> Footage:
    """16 frames of two to four pictures of one person, each on show for a while: looks and poses change as far as they do
    in people who do what they are asked, and nothing is forged."""
    few = rng.choice(indices, min(len(indices), int(rng.integers(2, 5))), replace=False)
    cuts = np.sort(rng.choice(np.arange(1, LENGTH), len(few) - 1, replace=False))
    shown = few[np.searchsorted(cuts, np.arange(LENGTH), side="right")]
    return Footage(bank.images[shown], bank.marks[shown], bank.entries[int(few[0])].person)


def _sampled(footage: Footage, rng: np.random.Generator) -> list[tuple[Image, Points]]:
    """16 frames: of a clip every second to fifth from a random start; of a still the same, its face moved a little."""
    count = len(footage.images)
    if count > 1:
        step = int(rng.integers(1, max(2, min(6, count // LENGTH + 1))))
        start = int(rng.integers(max(1, count - step * (LENGTH - 1))))
        at = [min(count - 1, start + step * k) for k in range(LENGTH)]
        return [(footage.images[i], footage.marks[i]) for i in at]
    still, marks = footage.images[0], footage.marks[0]
    amount = rng.uniform(0, 0.008) * STORED_PX
    bends = _smooth_path(np.stack([elastic(STORED_PX, rng, amount, 5) for _ in range(4)]), LENGTH)
    places = grid(STORED_PX)
    return [(remap(still, *(places + bend).astype(np.float32)), marks) for bend in bends]


def _forged(
    frames: list[tuple[Image, Points]], others: Sequence[Footage], plan: SequencePlan, rng: np.random.Generator
) -> list[tuple[Image, Points]]:
    forgery = draw_forgery(STORED_PX, rng)
    flicker = 0.0 if rng.random() < plan.steady else float(rng.uniform(0.2, 1.0))
    slip = rng.uniform(0.1, 0.4) if rng.random() < plan.slips else 0.0
    other_way = bool(rng.random() < plan.other_way)
    donor = _donor(frames, others, plan, rng)
    made = []
    for image, marks in frames:
        shaken = shake(forgery, flicker, rng)
        noisy = marks + rng.normal(0, 0.5 * flicker, (1, 2)).astype(np.float32)
        if rng.random() < slip:
            forged = image
        elif donor is not None:
            forged = swap(image, noisy, donor.images[0], donor.marks[0], shaken)
        else:
            forged = self_blend(image, noisy, shaken, other_way=other_way)
        made.append((forged, marks))
    return made


def _donor(
    frames: list[tuple[Image, Points]], others: Sequence[Footage], plan: SequencePlan, rng: np.random.Generator
) -> Footage | None:
    if not others or rng.random() >= plan.swap_share:
        return None
    chosen = [others[int(i)] for i in rng.choice(len(others), min(plan.donors, len(others)), replace=False)]
    return chosen[nearest_donor(frames[0][1], [other.marks[0] for other in chosen])]


def shake(forgery: Forgery, amount: float, rng: np.random.Generator) -> Forgery:
    """The same forgery as the next frame gets it: edge, place and share a little different."""
    if not amount:
        return forgery
    side = STORED_PX
    mask = replace(
        forgery.mask,
        grow=forgery.mask.grow * float(np.exp(rng.normal(0, 0.02 * amount))),
        bend=forgery.mask.bend + elastic(side, rng, 0.015 * side * amount, 4),
        soft_px=forgery.mask.soft_px * float(np.exp(rng.normal(0, 0.15 * amount))),
    )
    jolt = forgery.jolt + np.column_stack([np.zeros((2, 2)), rng.normal(0, 0.006 * side * amount, 2)])
    return replace(forgery, mask=mask, jolt=jolt)


def _walk(rng: np.random.Generator) -> NDArray[np.float64]:
    """Matrices [16, 2, 3] from 184 to 144 pixels: one framing, and a slow drift about it, with a tracker's jitter."""
    base = np.array([rng.normal(0, 3.0), rng.uniform(-0.1, 0.1), *rng.uniform(-0.04, 0.04, 2)])
    drift = _smooth_path(rng.normal(0, 1, (4, 4)) * np.array([1.5, 0.02, 0.012, 0.012]), LENGTH)
    jitter = rng.normal(0, 1, (LENGTH, 4)) * np.array([0.3, 0.004, 0.003, 0.003]) * rng.uniform(0, 1.5)
    mirror = -1.0 if rng.random() < 0.5 else 1.0  # noqa: PLR2004
    return np.stack([_matrix(base + drift[k] + jitter[k], mirror) for k in range(LENGTH)])


def _matrix(move: NDArray[np.float64], mirror: float) -> NDArray[np.float64]:
    turn, zoom = np.deg2rad(move[0]), np.exp(move[1])
    linear = zoom * np.array([[np.cos(turn) * mirror, -np.sin(turn)], [np.sin(turn) * mirror, np.cos(turn)]])
    shift = (CROP_PX - 1) / 2 + move[2:] * CROP_PX - linear @ np.full(2, (STORED_PX - 1) / 2)
    return np.column_stack([linear, shift])


def _shot(image: Image, matrix: NDArray[np.float64], seed: int, plan: SequencePlan, rng: np.random.Generator) -> Image:
    """One frame as the camera gives it: the same degradation for the whole sequence, noise and codec of its own."""
    cut = cv2.warpAffine(image, matrix, (CROP_PX, CROP_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    cut = degrade(np.asarray(cut, np.uint8), np.random.default_rng(seed), plan.spoil)
    noisy = np.clip(cut + rng.normal(0, rng.uniform(0.3, 2.0), cut.shape), 0, 255).astype(np.uint8)
    return compress(noisy, int(rng.integers(75, 96)))


def _smooth_path(knots: NDArray[np.floating[Any]], length: int) -> NDArray[np.floating[Any]]:
    """Values [length, ...] on straight lines between `knots` [K, ...]."""
    at = np.linspace(0, len(knots) - 1, length)
    low = np.minimum(at.astype(int), len(knots) - 2)
    share = (at - low).reshape(-1, *([1] * (knots.ndim - 1)))
    return np.asarray(knots[low] * (1 - share) + knots[low + 1] * share)
