// The person's microphone: opened once they agreed, and heard only while digits are to be said. 16 kHz, 16 bits, in pieces.

import { openDevice } from "./device.js";

const SOUND_HZ = 16_000;
const SOUND_BUFFER = 2048;
const USUAL_HZ = 48_000;
const MOST_SAMPLES = SOUND_HZ / 4;
const MARK_BYTES = 8;

export class Microphone {
  #stream = null;
  #context = null;
  #send = null;
  #at = 0;
  #last = 0;

  // Called from a click: browsers let a page listen only then.
  async open() {
    const audio = { channelCount: 1, echoCancellation: true, autoGainControl: true };
    this.#stream = await openDevice("microphone", { audio, video: false });
    this.#context = new AudioContext();
    await this.#context.resume().catch(() => {});
    const source = this.#context.createMediaStreamSource(this.#stream);
    const narrow = this.#context.createBiquadFilter();
    narrow.type = "lowpass";
    narrow.frequency.value = 0.44 * SOUND_HZ;
    // A worklet would need a file of its own, which pages that embed this one may not load.
    // A buffer lasts 40 to 90 ms at any rate: the server takes 25 pieces a second, and no sound from before the prompt.
    const faster = 2 ** Math.ceil(Math.log2(this.#context.sampleRate / USUAL_HZ));
    const tap = this.#context.createScriptProcessor(SOUND_BUFFER * faster, 1, 1);
    tap.onaudioprocess = ({ inputBuffer }) => this.#take(inputBuffer.getChannelData(0));
    source.connect(narrow).connect(tap).connect(this.#context.destination);
  }

  // From now on every piece goes to `send`; what was recorded before is gone.
  listen(send) {
    if (this.#send) return;
    this.#send = send;
    this.#at = 0;
  }

  hush() {
    this.#send = null;
  }

  close() {
    this.hush();
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#context?.close().catch(() => {});
    this.#stream = this.#context = null;
  }

  // To 16 kHz by straight lines between samples; the filter before took away what they would fold.
  #take(heard) {
    if (!this.#send || !this.#context) return;
    const step = this.#context.sampleRate / SOUND_HZ;
    const samples = [];
    for (; this.#at < heard.length; this.#at += step) {
      const before = Math.floor(this.#at);
      const one = before ? heard[before - 1] : this.#last;
      samples.push(one + (heard[before] - one) * (this.#at - before));
    }
    this.#at -= heard.length;
    this.#last = heard[heard.length - 1];
    for (let from = 0; from < samples.length; from += MOST_SAMPLES) this.#send(soundPiece(samples.slice(from, from + MOST_SAMPLES)));
  }
}

// Eight bytes that no frame begins with, then the samples.
function soundPiece(samples) {
  const view = new DataView(new ArrayBuffer(MARK_BYTES + 2 * samples.length));
  for (let at = 0; at < MARK_BYTES; at += 1) view.setUint8(at, 0xff);
  samples.forEach((sample, at) => view.setInt16(MARK_BYTES + 2 * at, Math.max(-1, Math.min(1, sample)) * 32_767, true));
  return view.buffer;
}
