"""Why a camera or a microphone cannot be had, as the page says it: one table for both, in Node."""

from __future__ import annotations

import json
import subprocess

import pytest

from medauth.web.component import Component
from tests.integration.test_bundle_vectors import find_node
from tests.integration.test_microphone_script import MICROPHONE

SCRIPT = """
import { pathToFileURL } from "node:url";
const [folder, name] = process.argv.slice(1);
const mediaDevices = { getUserMedia: async () => { throw Object.assign(new Error(), { name }); } };
Object.defineProperty(globalThis, "navigator", { value: name ? { mediaDevices } : {} });
globalThis.document = { createElement: () => ({}) };
const { Camera } = await import(pathToFileURL(folder + "/camera.js"));
const { Microphone } = await import(pathToFileURL(folder + "/microphone.js"));
const devices = [new Camera({}), new Microphone()];
console.log(JSON.stringify(await Promise.all(devices.map((one) => one.open().catch(({ code }) => code)))));
"""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("NotAllowedError", "denied"),
        ("SecurityError", "denied"),
        ("NotReadableError", "busy"),
        ("NotFoundError", "absent"),
        ("OverconstrainedError", "absent"),
        ("TypeError", "busy"),
    ],
)
def test_both_fail_in_the_same_ways(name: str, why: str) -> None:
    assert opened(name) == [f"camera_{why}", f"microphone_{why}"]


def test_a_browser_without_devices_is_unsupported() -> None:
    assert opened("") == ["unsupported", "unsupported"]


def test_there_is_one_table() -> None:
    assert Component.read().code.count(b"NotAllowedError") == 1


def opened(name: str) -> list[str]:
    """What a camera and a microphone fail with where the browser throws an error of this name."""
    node = find_node() or pytest.skip("no Node")
    command = [node, "--input-type=module", "-e", SCRIPT, str(MICROPHONE.parent), name]
    codes: list[str] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return codes
