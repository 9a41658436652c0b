"""What an attack matrix is made of: jobs, each with a name that says all it does, so that a run can go on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import zip_longest

from medauth.errors import InputError
from medauth.evaluation.attacks.cue_film import Window
from medauth.evaluation.attacks.species import SPECIES
from medauth.evaluation.attacks.victims import Portrait
from medauth.protocol.policy import policy_named

WHOLE, CUE, NATURAL, LOOP, FORGERY, TAMPER = "whole", "cue", "natural", "loop", "forged", "tampered"
CLOCKS, COLOURS = "clocks", "colours"
BONA_FIDE = "bona_fide"
LOOP_CHECKS_A_JOB = 100
TRIES_A_JOB = 100
_MISUSES = (
    (FORGERY, "client_forgery"),
    (TAMPER, "database_tamper"),
    (CLOCKS, "virtual_camera"),
    (COLOURS, "wrong_light"),
)
_SIZES = frozenset({"sessions", "cue_people", "misuse_tries", "only", "model_folders"})


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run depends on."""

    policy: str
    portraits: Sequence[Portrait]
    windows: Sequence[Window]
    sessions: int
    """Whole checks a species."""
    cue_people: int
    """People a species is shown on to the cues; 0: all."""
    loop_checks: int
    misuse_tries: int = TRIES_A_JOB
    """Forged clients, changes of the mirror, forged clocks, wrong colours: of each so many, rounded up to hundreds."""
    seed: int = 0
    only: Sequence[str] = ()
    model_folders: Sequence[str] = ()
    """Where models are looked for, in this order; those of the installation, if empty. What lies there counts, not where."""
    screen: float = 0.0
    """The white screen's light on the face by the room's; 0: drawn for each check."""
    judged_by: Mapping[str, str] = field(default_factory=dict)
    """By which models and rules, see `evaluation.judged_by`."""

    def digest(self) -> str:
        """Names this plan but for its size: a run can go on with more checks, people or species, and not with other faces,
        models or rules."""
        named = {key: value for key, value in asdict(self).items() if key not in _SIZES}
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]

    def __post_init__(self) -> None:
        unknown = sorted(set(self.only) - set(SPECIES))
        if unknown:
            raise InputError(f"no species {unknown[0]!r}", expected=f"some of {', '.join(SPECIES)}")
        if self.sessions and policy_named(self.policy).spoken:
            raise InputError(
                f"whole checks under {self.policy}: the driver has no voice, and a check that it left open tells nothing",
                expected="a policy without digits, or no whole checks",
                next_step="--sessions 0, or medauth evaluate digits",
            )


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to play: `index` chooses the person and the variant, and seeds the rest."""

    part: str
    species: str
    index: int

    @property
    def key(self) -> str:
        """Its name in the record."""
        return f"{self.part}/{self.species}/{self.index}"


def jobs(plan: Plan) -> list[Job]:
    """In an order in which every species has had its turn before one has its second: a run that was stopped early tells
    something of all."""
    chosen = [s for s in SPECIES.values() if not plan.only or s.name in plan.only]
    people = len(plan.portraits) if not plan.cue_people else min(plan.cue_people, len(plan.portraits))
    rows = [[Job(WHOLE, s.name, i) for i in range(plan.sessions)] for s in chosen if s.whole]
    rows += [[Job(CUE, s.name, i) for i in range(people)] for s in chosen if s.cue]
    if any(s.cue for s in chosen):
        rows.append([Job(CUE, BONA_FIDE, i) for i in range(people)])
        rows.append([Job(NATURAL, BONA_FIDE, i) for i in range(len(plan.windows))])
    names = {s.name for s in chosen}
    if "gesture_loop" in names:
        rows.append([Job(LOOP, "gesture_loop", i) for i in range(-(-plan.loop_checks // LOOP_CHECKS_A_JOB))])
        rows.append([Job(LOOP, "gesture_loop_cut", 0)] if plan.loop_checks else [])
    for part, name in _MISUSES:
        rows += [[Job(part, name, i) for i in range(-(-plan.misuse_tries // TRIES_A_JOB))]] if name in names else []
    return list(_by_turns(rows))


def _by_turns(rows: Sequence[Sequence[Job]]) -> Iterator[Job]:
    for turn in zip_longest(*rows):
        yield from (job for job in turn if job is not None)
