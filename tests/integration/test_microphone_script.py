"""The page's microphone in Node, with an audio context of numbers: how many pieces at any rate, and that it is let go."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from medauth.protocol.sound import MOST_SAMPLES, RATE_HZ, SLACK_MS
from medauth.web.live import PIECES_PER_S
from tests.integration.test_bundle_vectors import find_node

MICROPHONE = Path(__file__).parents[2] / "medauth" / "web" / "static" / "check" / "microphone.js"
SCRIPT = """
import { pathToFileURL } from "node:url";
const [program, rate] = process.argv.slice(1);
let tap = null, stopped = 0, closed = 0;
const node = { connect: (next) => next };
const stream = { getTracks: () => [{ stop: () => (stopped += 1) }] };
Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: { getUserMedia: async () => stream } } });
globalThis.AudioContext = class {
  sampleRate = Number(rate);
  resume = async () => {};
  close = async () => (closed += 1);
  createMediaStreamSource = () => node;
  createBiquadFilter = () => ({ ...node, frequency: {} });
  createScriptProcessor = (size) => (tap = { ...node, size });
};
const { Microphone } = await import(pathToFileURL(program));
const pieces = [];
const second = () => {
  for (let at = 0; at + tap.size <= Number(rate); at += tap.size)
    tap.onaudioprocess({ inputBuffer: { getChannelData: () => new Float32Array(tap.size) } });
};
const microphone = new Microphone();
await microphone.open();
second();
const before = pieces.length;
microphone.listen((piece) => pieces.push((piece.byteLength - 8) / 2));
second();
microphone.hush();
second();
microphone.close();
console.log(JSON.stringify({ before, pieces, stopped, closed, buffer_ms: (1000 * tap.size) / Number(rate), size: tap.size }));
"""


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 44_100, 48_000, 88_200, 96_000, 192_000])
def test_at_any_rate_the_server_takes_what_comes(rate: int) -> None:
    node = find_node() or pytest.skip("no Node")
    command = [node, "--input-type=module", "-e", SCRIPT, str(MICROPHONE), str(rate)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert (found["before"], found["stopped"], found["closed"]) == (0, 1, 1)
    assert 256 <= found["size"] <= 16_384, "what browsers take"
    assert found["buffer_ms"] <= SLACK_MS
    assert 0 < len(found["pieces"]) <= PIECES_PER_S
    assert max(found["pieces"]) <= MOST_SAMPLES
    assert sum(found["pieces"]) == pytest.approx(RATE_HZ, rel=0.1)
