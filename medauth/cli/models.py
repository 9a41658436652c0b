"""`medauth models`: which model files are here, what they are and how good they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from medauth.bootstrap import open as open_medauth
from medauth.cli.console import JsonOption, print_json, print_table, reporting
from medauth.errors import MedauthError
from medauth.signals.models import ModelLibrary


def models(as_json: JsonOption = False) -> None:
    """List the models with digest, terms and figures; each file is held against its manifest."""
    with reporting(as_json=as_json), open_medauth() as auth:
        found = [_described(auth.models, name) for name in auth.models.names()]
        if as_json:
            print_json(found)
        rows = [
            (m["name"], m["version"], m["state"], m["sha256"][:16], m["figure"], m["licence"] or "see its card")
            for m in found
        ]
        print_table(("model", "version", "file", "sha256", "figure", "terms"), rows)


def _described(library: ModelLibrary, name: str) -> dict[str, Any]:
    folder = library.folder(name)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    try:
        library.load(name)
        state = "ok"
    except MedauthError as error:
        state = "missing" if not (folder / manifest["file"]).exists() else error.got
    return {
        "name": name,
        "version": str(manifest.get("version", "")),
        "state": state,
        "sha256": manifest["sha256"],
        "bytes": _size(folder / manifest["file"]),
        "licence": manifest.get("licence") or manifest.get("license") or manifest.get("source", {}).get("licence", ""),
        "figure": _figure(manifest.get("metrics", {})),
        "card": str(folder / "CARD.md"),
    }


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _figure(metrics: dict[str, Any]) -> str:
    """The first figure of the strictest split that was judged."""
    for split in ("test", "valid"):
        for name in ("accuracy", "auc"):
            rate = metrics.get(split, {}).get(name) if isinstance(metrics.get(split), dict) else None
            if isinstance(rate, dict) and rate.get("interval95"):
                low, high = rate["interval95"]
                return f"{split} {name} {rate['value']:.3f} [{low:.3f}, {high:.3f}]"
    return "see its card"
