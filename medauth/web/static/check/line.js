// The connection to the server: says hello, hands frames up and states down, and is taken up again when it breaks.

const RETRIES_MS = [300, 700, 1500, 3000, 4000, 4000];
const KEPT = "medauth-check:";

export class Line {
  #url;
  #session;
  #handlers;
  #socket = null;
  #tries = 0;
  #ended = false;
  #asked = false;
  #timer = 0;
  waiting = 0;

  // handlers: welcome(message), ready(), state(message), passkey(message), end(outcome, hint), failed(code), lost()
  constructor(origin, session, handlers) {
    this.#url = `${origin.replace(/^http/, "ws")}/api/v1/live`;
    this.#session = session;
    this.#handlers = handlers;
  }

  open() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.waiting = 0;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", session: this.#session, resume: this.#kept() }));
    socket.onmessage = ({ data }) => this.#told(JSON.parse(data));
    socket.onclose = () => this.#broken(socket);
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  send(frame) {
    if (!this.isOpen) return;
    this.waiting += 1;
    this.#socket.send(frame);
  }

  // A piece of sound is answered by nothing.
  sound(piece) {
    if (this.isOpen) this.#socket.send(piece);
  }

  begin(colours) {
    this.#socket.send(JSON.stringify({ type: "begin", colours }));
  }

  // The one answer to the server's request for a passkey: an assertion, or null for none.
  confirm(assertion) {
    if (!this.isOpen) return;
    this.#socket.send(JSON.stringify(assertion ? { type: "assertion", ...assertion } : { type: "no_assertion" }));
  }

  close() {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #told(message) {
    if (message.type === "welcome") {
      this.#handlers.welcome(message);
    } else if (message.type === "ready") {
      this.#tries = 0;
      this.#keep(message.resume);
      this.#handlers.ready();
    } else if (message.type === "state") {
      this.waiting = Math.max(0, this.waiting - 1);
      this.#handlers.state(message);
    } else if (message.type === "webauthn") {
      this.#asked = true;
      this.#keep(null);
      this.#handlers.passkey(message);
    } else {
      this.#ended = true;
      this.#keep(null);
      if (message.type === "end") this.#handlers.end(message.outcome, message.hint);
      else this.#handlers.failed(message.code);
    }
  }

  #broken(socket) {
    if (this.#ended || socket !== this.#socket) return;
    // A passkey is asked for once: there is nothing to take up again.
    const pause = this.#asked ? undefined : RETRIES_MS[this.#tries];
    this.#tries += 1;
    if (pause === undefined) {
      this.#ended = true;
      this.#keep(null);
      this.#handlers.failed("connection_lost");
      return;
    }
    this.#handlers.lost();
    this.#timer = setTimeout(() => this.open(), pause);
  }

  // Kept in this tab alone, so that a reload goes on and a second device does not.
  #kept() {
    try {
      return sessionStorage.getItem(KEPT + this.#name) ?? "";
    } catch {
      return "";
    }
  }

  #keep(resume) {
    try {
      if (resume) sessionStorage.setItem(KEPT + this.#name, resume);
      else sessionStorage.removeItem(KEPT + this.#name);
    } catch {
      // Storage may be switched off: then a reload starts over.
    }
  }

  // The session itself is a secret: only its public half names the entry.
  get #name() {
    return this.#session.split(".")[0];
  }
}
