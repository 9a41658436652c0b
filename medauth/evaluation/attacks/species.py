"""The species of THREATS.md that the attack matrix plays, what each is played with, and those that nobody can play here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from medauth.evaluation.attacks.screen_light import Lighting
from medauth.protocol.attack_family import AttackFamily


class Layer(StrEnum):
    """What a species is aimed at, and so which cue carries it."""

    PROTOCOL = "protocol"
    PRESENTATION = "presentation"
    DEEPFAKE = "deepfake"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Species:
    """One way to attack. `played` in a few words; `family` is what a cue that finds it points to."""

    name: str
    layer: Layer
    family: AttackFamily | None
    played: str
    lighting: Lighting = Lighting.ISSUED
    whole: bool = True
    """Whole checks are played with it."""
    cue: bool = True
    """The detection cues are shown it with gestures and light granted."""


_F = AttackFamily
_P = Layer.PRESENTATION
_D = Layer.DEEPFAKE
_ALL = (
    Species("still_photo", _P, _F.PRINT, "one photograph moved by a hand; neither paper nor screen is simulated"),
    Species("photo_cutout", _P, _F.PRINT, "the same, its lids close when a blink is asked for"),
    Species(
        "photo_animated", _D, _F.SWAPPED, "one photograph on a mesh that follows every prompt; colours reckoned in"
    ),
    Species("print", _P, _F.PRINT, "dots of ink on paper, bent, glossy, in a hand"),
    Species("screen_replay", _P, _F.SCREEN, "the animated photograph on a display, filmed again"),
    Species(
        "gesture_loop", Layer.PROTOCOL, _F.SCRIPTED, "a film of sixteen gestures, looped", Lighting.OTHER, cue=False
    ),
    Species(
        "session_replay",
        Layer.PROTOCOL,
        _F.REPLAYED,
        "a film of an earlier check, coded again, cropped, late, brighter or mirrored",
        Lighting.NONE,
        cue=False,
    ),
    Species(
        "virtual_camera", Layer.PROTOCOL, _F.INJECTED, "the animated photograph through a forger of times", cue=False
    ),
    Species("face_swap", _D, _F.SWAPPED, "the victim's face painted over an actor's"),
    Species("self_blend", _D, _F.SWAPPED, "a face painted over itself"),
    Species("reenactment", _D, _F.SWAPPED, "the photograph driven in real time: later, smoothed, jittering"),
    Species("identity_switch", Layer.PROTOCOL, _F.EXCHANGED, "one person for the first steps, then another"),
    Species("two_faces", Layer.PROTOCOL, _F.ACCOMPANIED, "a second face over the shoulder"),
    Species(
        "wrong_light",
        Layer.PROTOCOL,
        None,
        "the animated photograph under other colours than those issued, or none",
        Lighting.OTHER,
        cue=False,
    ),
    Species(
        "client_forgery",
        Layer.PROTOCOL,
        None,
        "posted times, early ends, late frames, others' tokens",
        whole=False,
        cue=False,
    ),
    Species(
        "database_tamper",
        Layer.EVIDENCE,
        None,
        "bits and rows of records, mirror and files changed",
        whole=False,
        cue=False,
    ),
)
SPECIES: Mapping[str, Species] = {species.name: species for species in _ALL}

NOT_COVERED: Mapping[str, str] = {
    "masks of silicone, latex or resin": "no material of any; nothing here is known of them",
    "make-up and prostheses": "no material of any",
    "reenactment by today's neural networks": "the forgers here are warps and pasting; networks leave other traces, or none",
    "recorded prints and displays of other people": "prints are simulated alone; recorded displays are six set-ups",
    "people other than a genuine actor": "whole-check BPCER is not measured until people have used the product",
}
"""By name: why no figure stands here."""
