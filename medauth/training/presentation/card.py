"""The card of the presentation attack net, written from its manifest and `judged.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_PURPOSE = """Is it a face in front of the camera, or a picture of one on paper or on a screen? Two crops of a frame (0.8 and
1.6 times the width of the face) go through one net; a check is judged by the trimmed mean of the log-odds of its frames.
A score above its policy's threshold refuses a check; none passes one."""
_DATA = """Simulated prints and screen replays, made on the fly from people of `faces_lfw` (selfblend_train, folds 0-7), unchanged
faces of `deepfake_dfdc_faces` (train) and frames of three clips of `blink_clips`: halftone screens, paper, gloss, bent
sheets; sub-pixel lattices under a camera's sampling, panel gamma and gamut, bands, bezels, glare, refocusing, one JPEG
compression before and one or two after. Living faces pass the same cut and the same camera. The convolutions saw
simulation alone; only the last layer was fitted with the recorded replays of `spoof_selfrec` beside simulated pictures.
All of it is research material, most without a licence: these are **research weights**."""
_LIMITS = (
    (
        "The recorded attacks are screen replays of six set-ups and eight people: the figures by group are wide, and the next "
        "camera may be worse than the worst of them."
    ),
    (
        "No recorded print is in the data: what is said of prints is said of simulated ones, and by the same simulator that "
        "the net learned from, on other people. On real paper the figure will be lower."
    ),
    (
        "A good, large, evenly lit display filmed sharply without visible moire, and photographic prints in soft light, leave "
        "little to see. It does not find masks, make-up, dolls or pictures fed in without a camera."
    ),
    (
        "Glossy skin, strong screens as the only light, beauty filters, heavily compressed video calls and cameras that smear "
        "noise look like recapture and may be refused."
    ),
    (
        "Faces narrower than about 90 pixels, blurred ones and heads turned by more than 30 degrees are not judged; a check of "
        "nothing else is inconclusive."
    ),
    (
        "Skin tones and ages follow the data: mostly adults, mostly public figures and paid actors. Error rates by group of "
        "people are not measured."
    ),
    (
        "The false alarm figure rests on three clips of two people, and the threshold on some fifty stand-ins for checks: one "
        "in a hundred is a target, not a measurement."
    ),
    "An attacker who can try often, or knows these weights, will find a display that passes.",
)


def write_card(folder: Path) -> Path:
    """Write `CARD.md`; figures that were not measured are said to be missing."""
    manifest: Json = json.loads((folder / "manifest.json").read_text())
    judged_path = folder / "judged.json"
    judged: Json = json.loads(judged_path.read_text()) if judged_path.exists() else {}
    parts = [
        ["# presentation_attack: skin, paper or screen?", "", _PURPOSE],
        _file(manifest),
        _groups(manifest["metrics"]["leave_one_group_out"], manifest["operating_points"]),
        _judged(judged),
        _calibration(manifest),
        ["## Trained on", "", _DATA, "", *_training(manifest["training"])],
        ["## What it cannot do", "", *[f"- {limit}" for limit in _LIMITS]],
        [
            "## Train it on your own data",
            "",
            (
                "Add your recordings as a group of `spoof_selfrec` (crops as tight as the face, `MANIFEST.json` with file, "
                "sha256, label `live` or `spoof_replay`, group) and run the command above; an interrupted training goes on "
                "where it was. To judge it on them instead: `medauth evaluate signal presentation_attack --data DIR`."
            ),
        ],
        ["## Terms", "", "Research weights: see `../LICENSE`. They are not under Apache-2.0."],
    ]
    path = folder / "CARD.md"
    path.write_text("\n\n".join("\n".join(lines) for lines in parts) + "\n")
    return path


def _file(manifest: Json) -> list[str]:
    speeds, metrics = manifest["metrics"]["milliseconds_a_call"], manifest["metrics"]
    lines = ["## File", "", f"`{manifest['file']}`, {manifest['size_bytes']:,} bytes, SHA-256 `{manifest['sha256']}`"]
    lines += ["", "| signature | inputs | outputs | CPU ms a call, one thread |", "|---|---|---|---|"]
    for name, signature in manifest["signatures"].items():
        inputs, outputs = ", ".join(signature["inputs"]), ", ".join(signature["outputs"])
        lines.append(f"| `{name}` | {inputs} | {outputs} | {speeds[name]} |")
    side = manifest["preprocessing"]["size_px"]
    lines += ["", f"Input: float32 [1, {side}, {side}, 3], BGR 0..255. Classes: {', '.join(manifest['classes'])}."]
    return [
        *lines,
        "",
        (
            f"Heat maps differ from `tf.GradientTape` by at most {metrics['largest_heat_difference_to_tape']:g}, logits from "
            f"the Keras net by {metrics['largest_logit_difference_to_keras']:g}."
        ),
    ]


def _groups(found: Json, points: Json) -> list[str]:
    lines = ["## Recorded screen replays, each set-up left out", ""]
    lines += [
        "Single frames, scored by a head that never saw the set-up; its two settings were chosen by the set-ups that"
    ]
    lines += ["remained. APCER at a BPCER of 10 % of that set-up.", ""]
    lines += ["| set-up | live / attack | AUC | APCER at BPCER 10 % |", "|---|---|---|---|"]
    for name, entry in found["groups"].items():
        missed = entry["apcer_at_bpcer"]["0.1"]
        lines.append(f"| {name} | {entry['n_bona_fide']} / {entry['n_attack']} | {entry['auc']:.3f} | {missed:.3f} |")
    pooled = found["pooled"]
    lines += [
        "",
        f"Mean AUC {found['mean_auc']:.3f}, lowest {found['lowest_auc']:.3f}; pooled {_value(pooled['auc'])}.",
    ]
    lines += [f"Equal error rate, pooled: {_value(pooled['eer'])}. Intervals: bootstrap over the six set-ups.", ""]
    lines += ["All frames of a set-up as one check, at the thresholds of the policies:", ""]
    lines += ["| policy | living refused | replays refused |", "|---|---|---|"]
    for policy, point in points.items():
        refused = [sum(e[kind] >= point["threshold"] for e in found["checks"].values()) for kind in ("live", "attack")]
        lines.append(
            f"| `{policy}` | {refused[0]} of {len(found['checks'])} | {refused[1]} of {len(found['checks'])} |"
        )
    lines += ["", "![roc_groups.png](roc_groups.png)"]
    return [*lines, "![confusion.png](confusion.png)", "", "Command: `medauth train presentation-attack --data DIR`."]


def _judged(judged: Json) -> list[str]:
    if not judged:
        return ["## Other people", "", "Not judged yet: `medauth train judge-presentation-attack --data DIR`."]
    people, clips, heat = judged["held_out_people"], judged["natural_clips"], judged["heat_maps"]
    lines = ["## Other people, *simulated* attacks", ""]
    lines += [
        f"{people['persons']} people of `faces_lfw` folds 8 and 9, single pictures, the simulator of the training.",
        "",
    ]
    lines += ["| attack | AUC | APCER at BPCER 10 % | policy | APCER | BPCER |", "|---|---|---|---|---|---|"]
    for name in ("simulated_print", "simulated_replay"):
        found = people[name]
        head = (
            f"| {name.replace('_', ' ')} | {_value(found['auc'])} | {found['at_bpcer']['0.1']['apcer']['value']:.3f} "
        )
        for policy, point in found["at_threshold"].items():
            lines.append(f"{head}| `{policy}` | {point['apcer']['value']:.3f} | {point['bpcer']['value']:.3f} |")
            head = "| | | "
    alarms = ", ".join(
        f"{rate['hits']} of {rate['n']} refused under `{policy}`" for policy, rate in clips["false_alarms"].items()
    )
    lines += ["", "## False alarms on natural clips", ""]
    lines += [f"{', '.join(clips['clips'])}, none of them trained on, in windows of four seconds:"]
    lines += [f"{alarms} ({clips['inconclusive']} inconclusive); {clips['note']}.", "", "## Heat maps", ""]
    lines += ["Grad-CAM is the second signature of the file. Deletion test on the same simulated attacks, both crops:"]
    lines += ["covering the hottest fifth lowers the log-odds of the answer by a median of"]
    lines += [
        f"{_value(heat['median_drop_hot'])}, covering a random fifth by {_value(heat['median_drop_random'])}; the"
    ]
    lines += [f"hottest counts for more in a share of {_value(heat['hot_moves_more'])} of {heat['n']} crops.", ""]
    return [*lines, "Command: `medauth train judge-presentation-attack --data DIR`."]


def _calibration(manifest: Json) -> list[str]:
    found = manifest["calibration"]
    lines = [
        "## Calibration and threshold",
        "",
        f"Temperature {found['temperature']} ({found['data']}); expected calibration",
    ]
    lines += [f"error {found['error_before']:.3f} before, {found['error_after']:.3f} after.", ""]
    for policy, point in manifest["operating_points"].items():
        lines.append(
            f"- `{policy}`: {point['threshold']:.3f}, for a BPCER of {point['bpcer_target']:.0%} of checks, from "
            f"{point['bona_fide_checks']} living stand-ins for checks"
        )
    return [*lines, "", "![reliability.png](reliability.png)", "![history.png](history.png)"]


def _training(training: Json) -> list[str]:
    note = [training["note"], ""] if training.get("note") else []
    return [
        (
            f"{training['images']:,} pictures to start from, {training['epochs']} epochs of simulation, "
            f"{training['seconds'] / 60:.0f} minutes on a shared 2-core machine. Command, in the revision "
            f"`{training['git_revision']}`:"
        ),
        "",
        f"    {training['command']}",
        "",
        *note,
        "Digests of everything that was read are in `manifest.json`.",
    ]


def _value(found: Json) -> str:
    span = found["interval95"]
    return f"{found['value']:.3f}" + (f" [{span[0]:.3f}, {span[1]:.3f}]" if span else "")
