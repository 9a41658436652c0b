"""Named thresholds: what a check asks for, what denies it and what it needs to pass.

A policy has a name and a version, and stands in the statement with its digest, so that an auditor can ask whether a
check was decided under today's rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from medauth.errors import ConfigError, InputError
from medauth.protocol.canonical import Json, canonical, plain
from medauth.protocol.challenge import Action, Category, is_breaker, is_spoken
from medauth.protocol.light import LightRule
from medauth.protocol.random_steps import entropy_bits
from medauth.protocol.reading import PPM

MINIMUM_ENTROPY_BITS = 20.0
MAXIMUM_STEPS = 24
"""More cannot be done before a check expires."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Windows of a step, in milliseconds.

    The onset window is what a person needs to read a prompt and begin: simple reactions take a quarter of a second at
    least, and someone who has not begun after 2.5 s did not follow the prompt.
    """

    onset_min_ms: int = 250
    onset_max_ms: int = 2_500
    perform_ms: int = 6_500
    relax_max_ms: int = 6_000
    session_max_ms: int = 180_000


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules one check is decided by.

    `deny` cues fail the check at their threshold whatever else looks good; `confirm` cues are all needed. A signal in
    neither is measured and reported, and decides nothing.
    """

    name: str
    version: int
    actions: tuple[Action, ...]
    steps: int
    required: tuple[Category, ...]
    deny: tuple[str, ...]
    confirm: tuple[str, ...]
    timing: Timing = Timing()
    min_judged_ppm: int = 800_000
    """Least share of frames in which the face could be judged."""
    min_fps: int = 10
    """Below this the windows of a step cannot be measured."""
    rehearsal: bool = False
    """A scripted challenge on a recording: never an answer to who was there."""
    light: LightRule | None = None
    """How the screen's colours are drawn; None: the screen is asked for none."""

    def __post_init__(self) -> None:
        self._require(len(set(self.actions)) == len(self.actions), "an action twice", "each action once")
        self._require(0 <= self.steps <= MAXIMUM_STEPS, f"{self.steps} steps", f"at most {MAXIMUM_STEPS}")
        self._require(0 <= self.min_judged_ppm <= PPM, f"a share of {self.min_judged_ppm} ppm", f"0 to {PPM}")
        if self.rehearsal:
            return
        self._require("challenge" in self.confirm, "no challenge to confirm", "`challenge` among the confirm cues")
        bits = self.entropy_bits()
        if bits < MINIMUM_ENTROPY_BITS:
            raise ConfigError(
                f"policy {self.name} draws {bits:.1f} bits",
                expected=f"at least {MINIMUM_ENTROPY_BITS:.0f} bits",
                next_step="add steps or actions to the policy",
            )

    def _require(self, holds: bool, got: str, expected: str) -> None:
        if not holds:
            raise ConfigError(f"policy {self.name} has {got}", expected=expected, next_step="correct the policy")

    def entropy_bits(self) -> float:
        """Bits of the steps this policy draws; the screen's colours come on top, see `light_bits`."""
        return entropy_bits(self.actions, self.steps, frozenset(self.required))

    @property
    def spoken(self) -> bool:
        """Whether its steps are answered by voice: it needs a microphone."""
        return any(is_spoken(action) for action in self.actions)

    def light_bits(self) -> float:
        """Bits of the colours this policy draws; 0 without."""
        return 0.0 if self.light is None else self.light.bits()

    def to_json(self) -> dict[str, Json]:
        """All rules as JSON values; what the digest covers. Where there is no light, there is no word of it: rules
        from before it have the digest they always had.
        """
        rules: dict[str, Json] = plain(asdict(self))
        if self.light is None:
            del rules["light"]
        return rules

    @classmethod
    def from_json(cls, rules: Mapping[str, Json]) -> Policy:
        """The inverse of `to_json`, for auditors. Raises `InputError` for rules that are not a policy's, `ConfigError`
        for rules that no policy may have.
        """
        try:
            values: dict[str, Any] = dict(rules)
            _require_types(values)
            return cls(
                **values
                | {
                    "actions": tuple(Action(name) for name in values["actions"]),
                    "required": tuple(Category(name) for name in values["required"]),
                    "deny": tuple(str(name) for name in values["deny"]),
                    "confirm": tuple(str(name) for name in values["confirm"]),
                    "timing": Timing(**values["timing"]),
                    "light": LightRule.from_json(values["light"]) if "light" in values else None,
                }
            )
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise InputError(f"rules that are no policy: {error}", expected="a policy's rules") from error

    def digest(self) -> bytes:
        """SHA-256 of the RFC 8785 form of the rules."""
        return hashlib.sha256(canonical(self.to_json())).digest()


def _require_types(values: Mapping[str, Any]) -> None:
    """To Python true is 1, and any text has letters to count: rules are numbers where numbers belong."""
    numbers = [
        values["version"],
        values["steps"],
        values["min_judged_ppm"],
        values["min_fps"],
        *values["timing"].values(),
    ]
    lists = [values["actions"], values["required"], values["deny"], values["confirm"]]
    texts = [values["name"], *(name for names in lists for name in names)]
    if {type(number) for number in numbers} != {int} or type(values["rehearsal"]) is not bool:
        raise TypeError("a number that is none")
    if {type(text) for text in texts} != {str} or {type(names) for names in lists} != {list}:
        raise TypeError("a list that is none")


_VERSION = 4
"""Since 2 a face that looks like paper or a screen denies; since 3 the screen shows colours, film of an earlier check and
what no camera makes deny, and `strict` denies by the deepfake net, needs the light to come back and holds a step that
programs which paint faces handle badly; since 4 digits may be asked for, by a policy of its own, every policy denies by the
deepfake net, which knows photographs made to move, and `strict` takes cameras of 15 frames a second that give a little
less."""
_ALL = tuple(action for action in Action if not is_breaker(action) and not is_spoken(action))
_BREAKERS = tuple(action for action in Action if is_breaker(action))
"""Nobody has been filmed doing them yet, and not everybody has a free hand or turns so far: `strict` alone draws them."""
_USUAL = (Category.EXPRESSION, Category.BLINK, Category.TURN)
_REHEARSED = ("challenge", "faces", "identity", "presentation_attack", "injection", "deepfake")
_DENY = (*_REHEARSED, "replay")
_CONFIRM = ("capture", "challenge", "blink", "emotion")
_LIGHT = LightRule()
_PATIENT = Timing(onset_max_ms=5_000, perform_ms=10_000, relax_max_ms=12_000)


def _without(*actions: Action) -> tuple[Action, ...]:
    return tuple(action for action in _ALL if action not in actions)


STANDARD = Policy("standard", _VERSION, _ALL, 6, _USUAL, _DENY, _CONFIRM, light=_LIGHT)
STRICT = Policy(
    "strict",
    _VERSION,
    (*_ALL, *_BREAKERS),
    8,
    (*_USUAL, Category.BREAKER),
    (*_DENY, "light"),
    (*_CONFIRM, "light"),
    min_judged_ppm=900_000,
    min_fps=14,
    light=_LIGHT,
)
NO_EXPRESSION = Policy(
    "no-expression",
    _VERSION,
    _without(Action.SMILE, Action.RAISE_BROWS, Action.OPEN_MOUTH),
    7,
    (Category.BLINK, Category.TURN),
    _DENY,
    ("capture", "challenge", "blink"),
    light=_LIGHT,
)
"""For people whose face does not move freely: no smile, brows or mouth; one more step of head and lids instead."""
NO_TURN = Policy(
    "no-turn",
    _VERSION,
    _without(Action.TURN_LEFT, Action.TURN_RIGHT, Action.LOOK_UP, Action.LOOK_DOWN),
    7,
    (Category.EXPRESSION, Category.BLINK),
    _DENY,
    _CONFIRM,
    light=_LIGHT,
)
"""For people who cannot turn their head: more expressions and blinks stand in for the turn."""
UNHURRIED = Policy("unhurried", _VERSION, _ALL, 6, _USUAL, _DENY, _CONFIRM, timing=_PATIENT, light=_LIGHT)
"""For people who need more time: twice the windows, the same bits."""
NO_FLASH = Policy("no-flash", _VERSION, _ALL, 9, _USUAL, _DENY, _CONFIRM)
"""For people whom changing colours trouble, bright rooms, and apps without a screen of their own: three more steps stand in
for the colours, with no fewer bits."""
BY_VOICE = Policy(
    "by-voice",
    _VERSION,
    (Action.SAY_DIGITS,),
    2,
    (Category.SPEECH,),
    _DENY,
    ("capture", "challenge", "speech"),
    timing=_PATIENT,
)
"""For people who cannot well move face or head: digits to be said, with lips and voice in step. It needs a microphone."""
REHEARSAL = Policy("rehearsal", _VERSION, _ALL, 0, (), _REHEARSED, _CONFIRM, rehearsal=True)
"""A scripted challenge on a recording, decided by the rules of `standard` and labelled so."""

POLICIES: Mapping[str, Policy] = {
    policy.name: policy
    for policy in (STANDARD, STRICT, NO_EXPRESSION, NO_TURN, UNHURRIED, NO_FLASH, BY_VOICE, REHEARSAL)
}


def policy_named(name: str) -> Policy:
    """The built-in policy of that name. Raises `ConfigError`."""
    try:
        return POLICIES[name]
    except KeyError:
        raise ConfigError(
            f"no policy is called {name!r}",
            expected=f"one of {', '.join(POLICIES)}",
            next_step="see `medauth policy`",
        ) from None
