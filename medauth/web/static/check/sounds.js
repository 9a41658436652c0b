// Short tones for those who do not look at the screen. Off until asked for.

const TONES = { prompt: [[880, 0, 0.12]], closed: [[660, 0, 0.08]], end: [[660, 0, 0.12], [990, 0.14, 0.2]] };

export class Sounds {
  #context = null;
  on = false;

  // Browsers let a page make sound only after the person did something: called from a click.
  allow() {
    this.on = true;
    this.#context ??= new AudioContext();
    this.#context.resume().catch(() => {});
  }

  play(name) {
    if (!this.on || !this.#context) return;
    for (const [hertz, after, length] of TONES[name]) this.#tone(hertz, this.#context.currentTime + after, length);
  }

  close() {
    this.#context?.close().catch(() => {});
    this.#context = null;
  }

  #tone(hertz, at, length) {
    const tone = this.#context.createOscillator();
    const loudness = this.#context.createGain();
    tone.frequency.value = hertz;
    loudness.gain.setValueAtTime(0.0001, at);
    loudness.gain.exponentialRampToValueAtTime(0.15, at + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.0001, at + length);
    tone.connect(loudness).connect(this.#context.destination);
    tone.start(at);
    tone.stop(at + length);
  }
}
