// <medauth-check session="..." locale="de">: one live check, from the first click to its outcome.
//
// Events: progress {step, steps}, done {outcome} (with sandbox: true of a test), failed {code}. All judgement is the server's: nothing here decides, and
// nothing here knows more than what the person sees.
import { promptText, wordsFor } from "./words.js";
import { drawn, pictogram } from "./pictures.js";
import { Sounds } from "./sounds.js";
import { DeviceTrouble } from "./device.js";
import { Camera } from "./camera.js";
import { Microphone } from "./microphone.js";
import { Line } from "./line.js";
import { PASSKEY_MS, Passkey } from "./passkey.js";
import { dress } from "./look.js";

const ORIGIN = new URL(import.meta.url).origin;
const FRAME_MS = 1000 / 18;
const IN_FLIGHT = 2;
const HIDDEN_MS = 10_000;
const HINT_PAUSE_MS = 3_000;
const RETRIABLE = new Set([
  "camera_denied", "camera_busy", "camera_absent", "camera_lost", "microphone_denied", "microphone_busy", "microphone_absent", "busy",
]);
const BADGES = {
  intro: ["M30 48 a18 23 0 1 0 36 0 a18 23 0 1 0 -36 0", "M8 28 V16 a8 8 0 0 1 8 -8 H28 M68 8 H80 a8 8 0 0 1 8 8 V28 M88 70 V82 a8 8 0 0 1 -8 8 H68 M28 90 H16 a8 8 0 0 1 -8 -8 V70"],
  colours: ["M48 34 a14 14 0 1 0 0.1 0", "M48 22 V10 M48 86 V74 M22 48 H10 M86 48 H74 M29.6 29.6 L21 21 M75 75 L66.4 66.4 M66.4 29.6 L75 21 M21 75 L29.6 66.4"],
  microphone: ["M36 20 a12 12 0 0 1 24 0 V46 a12 12 0 0 1 -24 0 Z", "M24 44 a24 24 0 0 0 48 0 M48 68 V86 M34 86 H62"],
  passkey: ["M20 44 a16 16 0 1 0 32 0 a16 16 0 1 0 -32 0", "M52 44 H86 V56 M72 44 V54"],
  passed: ["M8 50 a40 40 0 1 0 80 0 a40 40 0 1 0 -80 0", "M30 51 L43 64 L67 38"],
  rehearsed: ["M8 50 a40 40 0 1 0 80 0 a40 40 0 1 0 -80 0", "M30 51 L43 64 L67 38"],
  failed: ["M8 50 a40 40 0 1 0 80 0 a40 40 0 1 0 -80 0", "M48 30 V55 M48 68 V68.5"],
};

export class MedauthCheck extends HTMLElement {
  static observedAttributes = ["session", "locale"];
  #words = wordsFor();
  #parts = {};
  #camera = null;
  #line = null;
  #sounds = new Sounds();
  #prompted = -1;
  #said = "";
  #hintAt = 0;
  #step = -1;
  #timer = 0;
  #hiddenTimer = 0;
  #wanted = "";
  #live = false;
  #sandbox = false;
  #passkey = null;
  #microphone = null;
  #noticed = () => this.#visibility();

  constructor() {
    super();
    dress(this.attachShadow({ mode: "open" }));
  }

  connectedCallback() {
    document.addEventListener("visibilitychange", this.#noticed);
    this.#begin();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#noticed);
    this.#release();
  }

  attributeChangedCallback(name, before, after) {
    if (!this.isConnected || before === after) return;
    if (name === "session" || !this.#live) this.#begin();
  }

  // Everything from the start: what ran before is let go.
  #begin() {
    this.#release();
    this.#words = wordsFor(this.getAttribute("locale"));
    this.#prompted = this.#step = -1;
    this.#said = "";
    this.#build();
    this.#showIntro();
  }

  #release() {
    this.#live = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#hiddenTimer);
    this.#line?.close();
    this.#camera?.close();
    this.#microphone?.close();
    this.#sounds.close();
    this.#passkey?.close();
    this.#line = this.#camera = this.#passkey = this.#microphone = null;
  }

  #build() {
    const w = this.#words;
    const frame = make("section", { class: "frame", part: "frame", lang: w.language, "aria-label": w.title });
    const panel = make("div", { class: "panel", part: "panel" });
    const live = make("div", { class: "live", hidden: "" });
    const stage = make("div", { class: "stage", part: "stage" });
    const video = make("video", { muted: "", playsinline: "", autoplay: "", "aria-hidden": "true", tabindex: "-1" });
    video.muted = true;
    const oval = make("div", { class: "oval", "aria-hidden": "true" });
    const ring = { cx: 30, cy: 40, rx: 29, ry: 39, pathLength: 1 };
    const way = drawn("ellipse", { cx: 30, cy: 40, rx: 39, ry: 29, pathLength: 1, class: "way" });
    const svg = drawn("svg", { viewBox: "0 0 60 80" }, [["ellipse", { ...ring, class: "track" }]]);
    svg.append(way);
    way.style.visibility = "hidden";
    oval.append(svg);
    const hint = make("div", { class: "hint", "aria-hidden": "true", hidden: "" });
    const cover = make("div", { class: "cover", hidden: "" });
    stage.append(video, oval, hint, cover);
    const prompt = make("div", { class: "prompt alone", "aria-hidden": "true" });
    const tools = make("div", { class: "tools" });
    const stop = make("button", { type: "button", class: "quiet" }, w.stop);
    stop.addEventListener("click", () => this.#fail("stopped"));
    tools.append(this.#soundChoice(), stop);
    live.append(stage, prompt, tools);
    const said = make("div", { class: "said", role: "status", "aria-live": "assertive", "aria-atomic": "true" });
    const test = make("p", { class: "test", hidden: "" }, w.sandbox);
    frame.append(test, panel, live, said);
    this.shadowRoot.replaceChildren(frame);
    this.#parts = { frame, test, panel, live, stage, video, oval, way, hint, cover, prompt, stop, said };
  }

  #soundChoice() {
    const label = make("label");
    const box = make("input", { type: "checkbox" });
    box.checked = this.#sounds.on;
    box.addEventListener("change", () => (box.checked ? this.#sounds.allow() : (this.#sounds.on = false)));
    label.append(box, this.#words.sounds);
    return label;
  }

  #showIntro() {
    const w = this.#words;
    const tips = make("ul");
    tips.append(...w.tips.map((tip) => make("li", {}, tip)));
    const start = make("button", { type: "button" }, w.start);
    start.addEventListener("click", () => this.#start());
    this.#showPanel("intro", "intro", w.title, w.intro, [tips, this.#cameraChoice(), this.#soundChoice(), start], false);
  }

  // Filled once a camera was allowed before, or when there is more than one to choose from.
  #cameraChoice() {
    const label = make("label", { class: "choice", hidden: "" }, this.#words.camera);
    const select = make("select");
    select.addEventListener("change", () => (this.#wanted = select.value));
    label.append(select);
    navigator.mediaDevices
      ?.enumerateDevices()
      .then((devices) => {
        const cameras = devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
        const named = cameras.map(({ deviceId, label: name }, i) => make("option", { value: deviceId }, name || this.#words.unnamed(i + 1)));
        select.replaceChildren(...named);
        if (this.#wanted) select.value = this.#wanted;
        label.hidden = cameras.length < 2;
      })
      .catch(() => {});
    return label;
  }

  #showPanel(kind, badge, title, text, more, focus = true) {
    const { panel, live } = this.#parts;
    const picture = drawn("svg", { viewBox: "0 0 96 98", class: "badge", "aria-hidden": "true" }, BADGES[badge].map((d) => ["path", { d }]));
    const heading = make("h2", { tabindex: "-1" }, title);
    panel.className = `panel ${kind}`;
    panel.replaceChildren(picture, heading, make("p", {}, text), ...more);
    live.hidden = true;
    panel.hidden = false;
    if (focus) heading.focus();
  }

  async #start() {
    const session = this.getAttribute("session");
    if (!session) return this.#fail("refused");
    const { panel, live, video, stop } = this.#parts;
    this.#live = true;
    panel.hidden = true;
    live.hidden = false;
    stop.focus();
    this.#cover(this.#words.opening);
    const camera = (this.#camera = new Camera(video, () => this.#fail("camera_lost")));
    try {
      await camera.open(this.#wanted);
    } catch (trouble) {
      if (this.#camera === camera) this.#fail(trouble instanceof DeviceTrouble ? trouble.code : "camera_busy");
      return;
    }
    if (this.#camera !== camera) return camera.close();
    this.#cover(this.#words.connecting);
    this.#line = new Line(ORIGIN, session, {
      welcome: (message) => this.#welcome(message),
      ready: () => this.#ready(),
      state: (state) => this.#show(state),
      passkey: (asked) => this.#confirm(asked),
      end: (outcome, hint) => this.#end(outcome, hint),
      failed: (code) => this.#fail(code),
      lost: () => this.#cover(this.#words.reconnecting),
    });
    this.#line.open();
  }

  #welcome({ colours, without, sandbox, microphone, microphone_without: heardWithout }) {
    const line = this.#line;
    this.#sandbox = sandbox === true;
    this.#parts.test.hidden = !this.#sandbox;
    const begin = (chosen) => this.#goOn(line, chosen, !this.#sandbox && (chosen ? microphone : heardWithout));
    if (colours) this.#askForColours(without, begin);
    else begin(true);
  }

  // The way that the person chose decides whether they are to be heard.
  #goOn(line, colours, heard) {
    if (line !== this.#line) return;
    const go = () => {
      this.#parts.panel.hidden = true;
      this.#parts.live.hidden = false;
      this.#parts.stop.focus();
      this.#cover(this.#words.connecting);
      line.begin(colours);
    };
    // Whoever waited so long that the connection was lost is greeted again: their microphone is open.
    if (heard && !this.#microphone) return this.#askForMicrophone(line, go);
    if (!heard) {
      this.#microphone?.close();
      this.#microphone = null;
    }
    go();
  }

  // What will be heard, and when; the browser asks only after that.
  #askForMicrophone(line, go) {
    const w = this.#words;
    const use = make("button", { type: "button" }, w.use_microphone);
    const stop = make("button", { type: "button", class: "quiet" }, w.stop);
    use.addEventListener("click", async () => {
      use.disabled = true;
      const microphone = new Microphone();
      try {
        await microphone.open();
      } catch (trouble) {
        microphone.close();
        if (line === this.#line) this.#fail(trouble instanceof DeviceTrouble ? trouble.code : "microphone_busy");
        return;
      }
      if (line !== this.#line || this.#microphone) return microphone.close();
      this.#microphone = microphone;
      go();
    });
    stop.addEventListener("click", () => this.#fail("stopped"));
    this.#showPanel("microphone", "microphone", w.microphone[0], w.microphone[1], [use, stop]);
    this.#say(w.microphone[0]);
  }

  // Before any colour is shown: what will come, and a way around it.
  #askForColours(without, begin) {
    const w = this.#words;
    const choice = (text, kind, chosen) => {
      const button = make("button", { type: "button", class: kind }, text);
      button.addEventListener("click", () => begin(chosen));
      return button;
    };
    const go = choice(w.with_colours, "", true);
    const around = without ? choice(w.without_colours, "quiet", false) : make("p", {}, w.colours_only);
    const stop = make("button", { type: "button", class: "quiet" }, w.stop);
    stop.addEventListener("click", () => this.#fail("stopped"));
    this.#showPanel("colours", "colours", w.colours[0], w.colours[1], [go, around, ...(without ? [] : [stop])]);
  }

  #ready() {
    this.#parts.panel.hidden = true;
    this.#parts.live.hidden = false;
    this.#cover("");
    this.#promptIs(null, this.#words.find);
    this.#say(this.#words.find);
    this.#film();
  }

  // The check is done at the camera. The browser is asked at once; where it wants a click first, or the person closed its
  // window, the button asks again.
  #confirm(asked) {
    const w = this.#words;
    const line = this.#line;
    const passkey = (this.#passkey = new Passkey(asked));
    clearTimeout(this.#hiddenTimer);
    this.#camera?.close();
    this.#microphone?.close();
    const answer = (assertion) => {
      if (passkey !== this.#passkey) return;
      clearTimeout(this.#timer);
      this.#passkey = null;
      passkey.close();
      for (const button of [go, without]) button.disabled = true;
      this.#say(w.deciding);
      line.confirm(assertion);
    };
    const ask = async () => {
      const assertion = await passkey.get();
      if (assertion) answer(assertion);
    };
    const go = make("button", { type: "button" }, w.use_passkey);
    const without = make("button", { type: "button", class: "quiet" }, w.stop);
    go.addEventListener("click", ask);
    without.addEventListener("click", () => answer(null));
    this.#showPanel("passkey", "passkey", w.passkey[0], w.passkey[1], [go, without]);
    this.#say(w.passkey[0]);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => answer(null), PASSKEY_MS);
    ask();
  }

  // One frame after the other, as many as the server keeps up with.
  async #film() {
    clearTimeout(this.#timer);
    const line = this.#line;
    if (this.#passkey) return;
    const began = performance.now();
    if (line?.isOpen && line.waiting < IN_FLIGHT && !document.hidden) {
      const frame = await this.#camera?.frame();
      if (frame && line === this.#line) line.send(frame);
    }
    if (line && line === this.#line && !this.#passkey) {
      this.#timer = setTimeout(() => this.#film(), Math.max(4, FRAME_MS - (performance.now() - began)));
    }
  }

  #show(state) {
    this.#listen(state.done ? null : state.prompt);
    if (state.done) {
      this.#light(null);
      this.#hint("");
      this.#promptIs(null, this.#words.deciding);
      this.#line.waiting = Infinity;
      this.#way(1);
      this.#say(this.#words.deciding);
      return;
    }
    if (!("steps" in state)) return;
    this.#light(state.light);
    this.#hint(this.#words.hints[state.hint] ?? "");
    if (state.step !== this.#step) {
      if (this.#step >= 0) this.#sounds.play("closed");
      this.#step = state.step;
      this.#way(state.step / state.steps);
      this.#tell("progress", { step: state.step, steps: state.steps });
    }
    if (state.prompt && state.prompt.index !== this.#prompted) {
      this.#prompted = state.prompt.index;
      const text = promptText(this.#words, state.prompt);
      this.#promptIs(state.prompt.action, text, this.#words.step(state.prompt.index + 1, state.steps), state.prompt.digits);
      // A tone would be heard as the beginning of an answer.
      if (!state.prompt.digits) this.#sounds.play("prompt");
      this.#say(text);
    } else if (!state.prompt && (this.#prompted >= 0 || state.light)) {
      this.#promptIs(null, state.light ? this.#words.still : this.#words.wait);
      if (state.light) this.#say(this.#words.still);
    }
  }

  // The microphone is heard from a prompt with digits to its end, never else, and not while nobody sees them.
  #listen(prompt) {
    const line = this.#line;
    if (prompt?.digits && !document.hidden) this.#microphone?.listen((piece) => line?.sound(piece));
    else this.#microphone?.hush();
  }

  // The whole screen in the colour that the server asks for now; what comes next is known to nobody here.
  #light(colour) {
    const { live } = this.#parts;
    live.classList.toggle("lit", Boolean(colour));
    if (colour && /^#[0-9a-f]{6}$/.test(colour)) live.style.setProperty("--light", colour);
  }

  #promptIs(action, text, count = "", digits = "") {
    const { prompt } = this.#parts;
    const key = `${action}|${text}|${count}`;
    if (prompt.dataset.key === key) return;
    prompt.dataset.key = key;
    prompt.className = action ? "prompt fresh" : "prompt alone";
    const line = make("p", { class: "text" }, digits ? this.#words.say : text);
    const large = digits ? [make("p", { class: "digits" }, [...digits].join(" "))] : [];
    prompt.replaceChildren(...(action ? [pictogram(action), line, ...large, make("p", { class: "count" }, count)] : [line]));
  }

  #way(share) {
    this.#parts.way.style.strokeDasharray = `${share} 1`;
    this.#parts.way.style.visibility = share ? "visible" : "hidden";
  }

  #hint(text) {
    const { hint, oval } = this.#parts;
    hint.hidden = !text;
    hint.textContent = text;
    oval.classList.toggle("warns", Boolean(text));
    if (text && text !== this.#said && performance.now() - this.#hintAt > HINT_PAUSE_MS) {
      this.#hintAt = performance.now();
      this.#say(text);
    }
  }

  // For screen readers: each text once, when it is new.
  #say(text) {
    if (text === this.#said) return;
    this.#said = text;
    this.#parts.said.textContent = text;
  }

  #cover(text) {
    const { cover } = this.#parts;
    cover.hidden = !text;
    cover.textContent = text;
    if (text) this.#say(text);
  }

  #end(outcome, hint) {
    this.#sounds.play("end");
    const [title, text] = this.#words.outcomes[outcome] ?? this.#words.outcomes.not_passed;
    setTimeout(() => this.#sounds.close(), 1000);
    this.#stopFilming();
    this.#showPanel(`done ${outcome}`, outcome in BADGES ? outcome : "failed", title, this.#words.advice[hint] ?? text, []);
    this.#tell("done", this.#sandbox ? { outcome, sandbox: true } : { outcome });
  }

  #fail(code) {
    if (!this.#live) return;
    this.#stopFilming();
    const [title, text] = this.#words.failures[code] ?? this.#words.failures.unavailable;
    const again = make("button", { type: "button" }, this.#words.again);
    again.addEventListener("click", () => this.#start());
    this.#showPanel("failed", "failed", title, text, RETRIABLE.has(code) ? [this.#cameraChoice(), again] : []);
    this.#tell("failed", { code });
  }

  #stopFilming() {
    this.#light(null);
    this.#live = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#hiddenTimer);
    this.#line?.close();
    this.#camera?.close();
    this.#microphone?.close();
    this.#passkey?.close();
    this.#line = this.#camera = this.#passkey = this.#microphone = null;
    this.#parts.said.textContent = "";
    this.#said = "";
  }

  #visibility() {
    // A passkey may lie in another window, or on a phone: looking away is no longer an interruption.
    if (!this.#live || this.#passkey) return;
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) this.#microphone?.hush();
    if (document.hidden) this.#hiddenTimer = setTimeout(() => this.#fail("page_hidden"), HIDDEN_MS);
    this.#cover(document.hidden ? this.#words.hidden : "");
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

function make(name, attributes = {}, text = "") {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.append(text);
  return element;
}

if (!customElements.get("medauth-check")) customElements.define("medauth-check", MedauthCheck);
