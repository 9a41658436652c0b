"""The model card of the deepfake net; every figure comes from the manifest and the comparison file beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]
SPECIES = ("all", "dataset_fake", "forged", "animated")

_PURPOSE = """# deepfake: was this face painted over, frame by frame?

Sixteen aligned crops of a face, a tenth of a second apart, to one probability that the face was exchanged or driven by a
computer. Policies deny by the signal `deepfake`, which takes the eighth of a check's windows that look most painted. It looks
for what pasting and warping leave (edges, other texture, other colours, flicker), not for one forger's software."""

_DATA = """Real faces: `faces_lfw` (news photographs, research use, no licence of their own) and the real halves of
`deepfake_dfdc_faces` (DFDC, paid and consenting actors, research and non-commercial use), four people before webcams
(the live half of `spoof_selfrec`, no licence; two more set-ups judge), six natural clips for the LSTM (`blink_clips`). Forged ones: made from these on the fly (self-blended images after Shiohara and Yamasaki 2022,
landmark swaps with fitted colours, compressed after blending; pictures made to move, by smooth fields, splines and flat
pieces, with painted lids, mouths and teeth, some drawn anew as small networks draw), and DFDC's own fakes, weighed by how much of another person
they show. A forged picture stands
beside the real one of the same face in every batch, both cut and spoiled alike, a drawn hand or thing before both of one
pair in five; the net learns which is which, which of the two is forged, and where the pasted part ends. It began with the
lower ten blocks of npm `nsfwjs@4.3.0`'s MobileNetV2 (MIT), all of which were trained on. So these are **research weights**."""

_LIMITS = (
    (
        "It is one cue among others and no proof: a good forgery passes, see the figures by method. A face that was exchanged "
        "before a strong compression, a face far away or a blurred one hides what it looks for."
    ),
    (
        "Photographs made to move by warping are in its training; faces that a network draws whole (a talking head, a face model) "
        "are not. In the table of single frames an animated picture is once more resampled than the real one beside it; what it "
        "is worth against another animator is in `docs/attacks.md`."
    ),
    (
        "DFDC's fakes of 2019 come from a handful of methods; the faces forged here are simulations. Other methods, other cameras "
        "and other skins are not measured here: judge it on your own data."
    ),
    (
        "Beauty filters, heavy make-up, portrait blur and video calls that redraw a face change just what it looks at: false "
        "alarms under them are not measured."
    ),
    "Natural clips are few (six, of five people): their false-alarm interval is wide.",
    "The crop is 144 pixels with 72 between the outer eye corners: finer traces are averaged away.",
)


def write_deepfake_card(folder: Path) -> Path:
    """Write `CARD.md` of the model in `folder`."""
    manifest = json.loads((folder / "manifest.json").read_text())
    parts = [
        [_PURPOSE],
        _file(manifest),
        _frame_figures(manifest["metrics"].get("test")),
        _sequence_figures(manifest["metrics"]),
        _natural(manifest["metrics"]["natural_clips"]),
        _recordings(manifest["metrics"].get("test")),
        _volume(folder / "comparison_volume.json"),
        _explained(folder / "deletion.json"),
        ["## Trained on", "", _DATA, "", *_training(manifest["training"])],
        ["## What it cannot do", "", *[f"- {limit}" for limit in _LIMITS]],
        ["## Terms", "", "Research weights: see `../LICENSE`. They are not under Apache-2.0."],
    ]
    path = folder / "CARD.md"
    path.write_text("\n\n".join("\n".join(lines) for lines in parts if lines) + "\n")
    return path


def _file(manifest: Json) -> list[str]:
    lines = ["## File", "", f"`{manifest['file']}`, {manifest['size_bytes']:,} bytes, SHA-256 `{manifest['sha256']}`"]
    lines += ["", "| signature | inputs | outputs | CPU ms a call, one thread |", "|---|---|---|---|"]
    for name, signature in manifest["signatures"].items():
        speed = manifest["metrics"]["milliseconds_a_call"][name]
        lines.append(f"| `{name}` | {', '.join(signature['inputs'])} | {', '.join(signature['outputs'])} | {speed} |")
    points = [
        f"`{name}`: probability {point['threshold']}, for BPCER {point['target_bpcer']:.1%} by {point['data']}"
        for name, point in manifest["operating_points"].items()
    ]
    return [
        *lines,
        "",
        (
            "Input of `encode`: float32 [1, 144, 144, 3], BGR 0..255, the face as `preprocessing.face` says. `explain` is Grad-CAM "
            "through the LSTM, equal to `tf.GradientTape` within 1e-3 (checked at export and in the tests)."
        ),
        "",
        "Operating points. " + "; ".join(points) + ".",
    ]


def _frame_figures(test: Json | None) -> list[str]:
    if test is None:
        return ["## Single frames", "", "The test splits have not been read yet (`--judge-test`)."]
    lines = [
        "## Single frames of unseen persons",
        "",
        "Area under the ROC curve of the file's frame logit, with a 95 %",
    ]
    lines += ["interval over persons (bootstrap). Test splits: nothing was chosen by them.", ""]
    lines += ["| what | " + " | ".join(test["dataset"]) + " |", "|---|" + "---|" * len(test["dataset"])]
    for name in test["dataset"]["as they are"]:
        lines.append(
            f"| DFDC test, {name} | " + " | ".join(_area(part[name]) for part in test["dataset"].values()) + " |"
        )
    for name in test["blends"]["as they are"]:
        label = f"LFW folds 8 and 9, {name.replace('_', '-')}"
        lines.append(f"| {label} | " + " | ".join(_area(part[name]) for part in test["blends"].values()) + " |")
    goals = "Goals: DFDC at least 0.80, above an `id_shift` of 0.5 at least 0.90, self-blends at least 0.95."
    return [*lines, "", goals]


def _sequence_figures(metrics: Json) -> list[str]:
    lines = [
        "## Sequences of 16 frames",
        "",
        "| split | judged by | all | dataset's fakes, moved | forged here | animated |",
    ]
    lines.append("|---|---|---|---|---|---|")
    rows = [("valid", "LSTM", metrics["valid"]["sequences"])]
    rows.append(("valid", "mean of single frames", metrics["valid"]["frames_alone"]))
    if "test" in metrics:
        rows.append(("test", "LSTM", metrics["test"]["sequences"]))
        rows.append(("test", "mean of single frames", metrics["test"]["sequences_by_frames_alone"]))
    for split, judge, found in rows:
        lines.append(f"| {split} | {judge} | " + " | ".join(_area(found[k]) for k in SPECIES) + " |")
    valid = metrics["valid"]
    lines += ["", f"Expected calibration error on validation sequences: {valid['calibration_error_before']:.3f} raw, "]
    lines[-1] += (
        f"{valid['calibration_error_after']:.3f} with the temperature that is in the file (fitted on the same)."
    )
    if "test" in metrics:
        lines[-1] += f" On test sequences, of other persons: {metrics['test']['calibration_error']:.3f}."
    return [*lines, "", "![reliability_valid.png](reliability_valid.png)"]


def _natural(found: Json) -> list[str]:
    counts = [
        f"`{name}` (from {point['threshold']} on) {point['hits']} of {point['n']} {_span(point)}"
        for name, point in found["points"].items()
    ]
    return [
        "## False alarms on natural clips",
        "",
        (
            "`blink_clips` (two of them are `samples_permissive`), judged by a head that was trained without any of them; the encoder "
            "saw none of them. The point of `standard` lies above all of them by choice, so for it the count proves nothing."
        ),
        "",
        "Whole clips called fake: "
        + "; ".join(counts)
        + ". Probability by clip: "
        + ", ".join(f"{name} {value:.3f}" for name, value in found["by_clip"].items())
        + ". Goal: under 5 %.",
    ]


def _recordings(test: Json | None) -> list[str]:
    if test is None:
        return []
    found = test["recordings"]
    counts = [f"`{name}` {part['hits']} of {part['n']} {_span(part)}" for name, part in found.items()]
    people = next(iter(found.values()))["people"]
    return [
        "## Real recordings called fake",
        "",
        (
            f"A sequence from each of up to eight pictures of the {people} people of the test splits of whom there are four or "
            f"more, nearly all of them actors before telephones: {'; '.join(counts)}. Intervals over people."
        ),
    ]


def _volume(path: Path) -> list[str]:
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    return [
        "## A 3-D CNN on the same sequences",
        "",
        (
            f"Trained once on the same {found['sequences']} sequences ({found['parameters']:,} parameters, {found['epochs']} epochs): "
            f"area under the curve on validation sequences {_area(found['valid'])}, against the LSTM's in the table above. Not "
            "shipped."
        ),
    ]


def _explained(path: Path) -> list[str]:
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    return [
        "## Does the heat map matter?",
        "",
        (
            f"Blanking the hottest 20 % of the cells lowers the logit by {found['hottest']:.3f} on average, a random 20 % by "
            f"{found['random']:.3f} ({found['sequences']} forged validation sequences; the hottest move it further in "
            f"{found['hottest_moves_more']['hits']} of them)."
        ),
    ]


def _training(training: Json) -> list[str]:
    return [
        (
            f"Single frames: {training['images']:,} pictures shown (half of them real) in {training['frame_epochs']} epochs; "
            f"LSTM: {training['sequences']} sequences, {training['head_epochs']} epochs. Command, in the revision "
            f"`{training['git_revision']}`:"
        ),
        "",
        f"    {training['command']}",
        "",
        *([training["note"], ""] if training.get("note") else []),
        "![history.png](history.png)",
        "",
        "To train on your own faces, put them in folders of the same form. Digests of what was read are in `manifest.json`.",
    ]


def _area(found: Json) -> str:
    span = found["interval95"]
    interval = f" [{span[0]:.3f}, {span[1]:.3f}]" if span else ""
    return f"{found['auc']:.3f}{interval} ({found['real']}+{found['fake']})"


def _span(rate: Json) -> str:
    return f"[{rate['interval95'][0]:.3f}, {rate['interval95'][1]:.3f}]"
