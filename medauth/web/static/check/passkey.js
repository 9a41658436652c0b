// The person's passkey: asks the browser for one assertion over the server's challenge. What it means, the server judges.

const EACH_MS = 60_000;

// The server waits no longer than 120 s; the page gives up before, so that it is the one to say how it ended.
export const PASSKEY_MS = 110_000;

export class Passkey {
  #asked;
  #trying = null;

  constructor(asked) {
    this.#asked = asked;
  }

  // The assertion in words for the wire; null where the browser gave none. A call while another waits replaces it.
  async get() {
    this.#trying?.abort();
    const trying = (this.#trying = new AbortController());
    try {
      const publicKey = {
        challenge: bytesOf(this.#asked.challenge),
        rpId: this.#asked.rp_id,
        allowCredentials: this.#asked.credentials.map((id) => ({ type: "public-key", id: bytesOf(id) })),
        userVerification: this.#asked.user_verification,
        timeout: EACH_MS,
      };
      const { rawId, response } = await navigator.credentials.get({ publicKey, signal: trying.signal });
      return {
        id: textOf(rawId),
        client_data: textOf(response.clientDataJSON),
        authenticator_data: textOf(response.authenticatorData),
        signature: textOf(response.signature),
      };
    } catch {
      // Declined, none there, out of time, or a click is wanted first: browsers do not say which.
      return null;
    }
  }

  close() {
    this.#trying?.abort();
    this.#trying = null;
  }
}

function bytesOf(text) {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
}

function textOf(buffer) {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(letters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
