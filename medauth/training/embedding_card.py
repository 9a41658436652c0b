"""Cards of the face embeddings: the shipped one and the one that is added on request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_SHIPPED = {
    "title": "face_embedding: is this still the same face?",
    "purpose": "Compares looks at a face within one check, and, where the app gives a reference, with that face. It does "
    "not tell who somebody is, and decides no login alone.",
    "data": "Labeled Faces in the Wild (folds 0 to 6 and one picture each of 1,468 more persons: news photographs of "
    "public figures, offered for research, without a licence of their own) and the real crops of the DeepFake Detection "
    "Challenge (paid, consenting actors; research use). So these are **research weights**.",
    "terms": "Research weights: see `../LICENSE`. They are not under Apache-2.0.",
    "limits": (
        (
            "Trained on few pictures a person, mostly of public figures who look towards a press camera: children, and skins "
            "and ages that are rare there, are not measured."
        ),
        (
            "Two persons who look alike, twins above all, are one to it. A good mask of somebody else is somebody else, a "
            "good swap is the person shown: those are other signals' part."
        ),
        "Figures on the ten folds of LFW include persons of the training; the honest figure is that of folds 8 and 9.",
    ),
    "retrain": "Folders of the same form at `DIR/faces_lfw` and `DIR/deepfake_dfdc_faces` (their READMEs), then the "
    "command above; an interrupted training goes on where it was.",
}
_ADDED = {
    "title": "face_api: dlib's face embedding, added on request",
    "purpose": "The stronger of the two embeddings. 50 times the cost of the shipped one.",
    "data": "By its author: some three million pictures of 7,485 persons, among them public sets of celebrities. The "
    "weights are dlib's (Davis King), given to the public domain; the package that carries them is MIT.",
    "terms": "Weights CC0, package MIT: `LICENSE` beside this file. Made on this machine by `medauth models add face-api`.",
    "limits": (
        "Its author reports that it works worse for faces rare in its data; not measured here by group.",
        "Whether persons of LFW are in its training data is not known here: its LFW figures may flatter.",
    ),
    "retrain": "Not trained here.",
}


def write_embedding_card(folder: Path) -> Path:
    """Write `CARD.md` of an embedding in `folder` from its manifest, and from `verification.json` and `continuity.json`."""
    manifest = json.loads((folder / "manifest.json").read_text())
    text: Json = _ADDED if manifest["name"] == "face_api" else _SHIPPED
    figures = manifest["metrics"]
    needs = manifest["preprocessing"]
    lines = [f"# {text['title']}", "", text["purpose"], "", "## File", ""]
    lines += [f"`{manifest['file']}`, {manifest['size_bytes']:,} bytes, SHA-256 `{manifest['sha256']}`", ""]
    side, depth = needs["size_px"], 1 if needs["colour"] == "grey" else 3
    lines += [
        f"Input: float32 [1, {side}, {side}, {depth}], {needs['colour']} levels 0..255, a chip cut by five points"
    ]
    lines += ["(`medauth/signals/face_chip.py`). Output: 128 numbers of length 1. "]
    lines += [f"{figures['milliseconds_a_call']['predict']} ms CPU a call, one thread.", ""]
    lines += _verification(figures)
    thresholds = manifest["calibration"]["same_person"]
    lines += ["## Thresholds", "", f"Cosine {thresholds['match']} and above matches a reference; below"]
    lines += [f"{thresholds['stranger']} it is a stranger. From {thresholds['data']}.", ""]
    lines += _continuity(folder / "continuity.json") + _checks(folder / "checks.json")
    lines += ["## Trained on", "", text["data"], "", f"    {manifest['training']['command']}", ""]
    lines += ["## What it cannot do", "", *[f"- {limit}" for limit in text["limits"]], ""]
    lines += ["## Train it on your own data", "", text["retrain"], "", "## Terms", "", text["terms"]]
    path = folder / "CARD.md"
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n")
    return path


def _verification(figures: Json) -> list[str]:
    if "unseen" not in figures:
        return [
            "## Figures",
            "",
            "`medauth train judge-faces --data DIR --model face_api` measures it on your data.",
            "",
        ]
    unseen, folds = figures["unseen"], figures["ten_folds"]
    rate = unseen["accuracy"]
    lines = ["## Figures", "", "Of the file itself, on pairs of Labeled Faces in the Wild.", ""]
    lines += ["| pairs | accuracy |", "|---|---|"]
    low, high = rate["interval95"]
    lines += [
        f"| folds 8 and 9, persons never seen, threshold from fold 7 | {rate['value']:.4f} [{low:.4f}, {high:.4f}], n = {rate['n']} |"
    ]
    lines += [
        f"| ten folds (folds 0 to 6 are training persons) | {folds['mean']:.4f} ± {folds['deviation']:.4f}, n = {folds['pairs']} |",
        "",
    ]
    lines += [
        f"Equal error rate on folds 8 and 9: {unseen['equal_error_rate']:.4f}; area under the ROC curve {unseen['area_under_curve']:.4f}."
    ]
    for part, found in figures.get("actors", {}).items():
        lines += [
            f"Actors of other videos ({part}): area {found['area_under_curve']:.4f} over {found['same']} pairs of one and {found['other']} of two."
        ]
    return [*lines, ""]


def _continuity(path: Path) -> list[str]:
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    lines = [
        "## Continuity",
        "",
        "Looks at five people in six clips, each against what the first half of a clip showed:",
    ]
    lines += ["known, undecided, called a stranger. The changes are simulated.", ""]
    ways = list(found)
    lines += [f"| change | {' | '.join(f'{way}: same person | {way}: another' for way in ways)} |"]
    lines += ["|---" * (1 + 2 * len(ways)) + "|"]
    for change in found[ways[0]]:
        cells = [_cell(found[way][change][kind]) for way in ways for kind in ("same person", "another person")]
        lines += [f"| {change} | {' | '.join(cells)} |"]
    return [*lines, "", "Command: `medauth train judge-faces --data DIR --model NAME`.", ""]


def _checks(path: Path) -> list[str]:
    if not path.exists():
        return []
    lines = [
        "## Whole checks",
        "",
        "Half a clip and then half a clip of the same person or of another, up to ten seconds",
    ]
    lines += ["each, by the identity signal: called the same, undecided, called changed.", ""]
    lines += ["| way | in between | same person | another person |", "|---|---|---|---|"]
    for way, gaps in json.loads(path.read_text()).items():
        for gap, kinds in gaps.items():
            cells = [_codes(kinds[kind]) for kind in ("same person", "another person")]
            lines.append(f"| {way} | {gap} | {' | '.join(cells)} |")
    return [*lines, "", "Command: `medauth train judge-faces --data DIR --model NAME`.", ""]


def _codes(count: Mapping[str, int]) -> str:
    same, changed = count.get("identity.same", 0), count.get("identity.changed", 0)
    return f"{same}, {sum(count.values()) - same - changed}, {changed}"


def _cell(tally: Json) -> str:
    return f"{tally['same']}, {tally['undecided']}, {tally['stranger']}"
