"""What the rows of a long run were judged by: every model and the rules of a policy. Part of a run's plan, so that a run
that was stopped never goes on under another net or other rules, and one table never mixes what two of them said."""

from __future__ import annotations

from collections.abc import Mapping

from medauth.protocol.policy import Policy
from medauth.sensing import software_versions
from medauth.signals.models import ModelLibrary, read_manifest


def judged_by(models: ModelLibrary, policy: Policy) -> dict[str, str]:
    """By name: SHA-256 of what a model's manifest says, its file's digest and thresholds included; of the policy's rules;
    and which MediaPipe's mesh. A model whose file is absent judges nothing and is left out. Raises `ModelError`."""
    found = {
        f"policy {policy.name}": policy.digest().hex(),
        "face mesh": f"mediapipe {software_versions()['mediapipe']}",
    }
    for name in models.names():
        folder = models.folder(name)
        manifest = read_manifest(folder / "manifest.json")
        if (folder / manifest.file).is_file():
            found[f"model {name}"] = manifest.settings_sha256
    return found


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Names of what differs, in words: `model deepfake`."""
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
