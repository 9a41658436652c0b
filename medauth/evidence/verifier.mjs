/**
 * Checks a bundle step by step in a browser or in Node (22 or newer), with Web Crypto and nothing else.
 *
 *   import { verify } from "./verifier.mjs";
 *   const found = await verify(bundleText, trustText, { rpc: "https://node.example" });
 *   found.holds; found.steps.forEach(({ name, state, text }) => ...); found.files.forEach(({ name, sha256 }) => ...);
 *
 * 1. signature   - the statement is signed by a key trusted for this log
 * 2. statement   - its bytes are canonical, and it is the record the bundle names
 * 3. challenge   - the commitment opens to the steps that were asked
 * 4. verdict     - answers keep to their windows and to the frames, the decision follows from the readings under the rules
 * 5. leaf        - the keyed commitment of the record
 * 6. inclusion   - the leaf lies under the bundle's root
 * 7. start       - a verdict's check was begun, with this commitment, by a leaf ahead of the verdict's
 * 8. checkpoint  - the root is pinned, or consistent with a pinned one, or at least signed by the log's key for checkpoints
 * 9. time stamp  - where the bundle carries one: skipped here, `medauth verify` reads it
 * 10. chain      - the contract, the trusted one where one is named, holds that root for that size, and revoked no such leaf
 *
 * A step that cannot be done says why it was skipped; a step that fails ends the check. `verifier.py` beside this file
 * does the same steps; `tests/vectors/bundles.json` holds the two to the same answers.
 */

export const HOLDS = "holds";
export const FAILS = "fails";
export const SKIPPED = "skipped";

/** What is no bundle or no trust file at all; nothing was checked. */
export class InputError extends Error {}

class Fault extends Error {}
class Skip extends Error {}

const MAX_BYTES = 8 * 1024 * 1024;
const MAX_DEPTH = 32;
const ANSWER_MS = 30_000;
const MAX_ANSWER_BYTES = 1024 * 1024;
const CLAIMED = " - the bundle's own claim: no contract is trusted, and another one may have revoked the record";
const UNNAMED = ", as the bundle has it: it names no contract, and none is trusted that could be asked";
const PURPOSES = { main: "statements", rehearsal: "rehearsals" };
const KEY_PURPOSES = ["statements", "rehearsals", "checkpoints", "tokens", "webhooks"];
const VERDICT = "application/vnd.medauth.verdict.v1+json";
const KEY = "application/vnd.medauth.key.v1+json";
const START = "application/vnd.medauth.start.v1+json";
const RECORDS = [VERDICT, START, "application/vnd.medauth.tombstone.v1+json", KEY];
const LOCAL_CHAINS = [1337, 31337];

/** What the rules say about each action: its family, and how many outcomes can be told apart. */
export const ACTIONS = {
  blink: ["blink", 3],
  smile: ["expression", 2],
  raise_brows: ["expression", 2],
  open_mouth: ["expression", 2],
  turn_left: ["turn", 2],
  turn_right: ["turn", 2],
  look_up: ["other", 1],
  look_down: ["other", 1],
  tilt_left: ["other", 1],
  tilt_right: ["other", 1],
  closer: ["other", 1],
  farther: ["other", 1],
  profile_left: ["breaker", 1],
  profile_right: ["breaker", 1],
  hand_across: ["breaker", 1],
  say_digits: ["speech", 10 * 9 ** 3],
};
/** Answered by voice: any digits may follow on any. */
const SPOKEN = "say_digits";
/** Four digits, none twice in a row. */
const DIGITS = /^(?!.*(.)\1)[0-9]{4}$/;
const MOST_SAMPLES = 4_000;
/** One movement may pass for either: a wide turn that went far, and back. */
const ALIKE = [
  ["turn_left", "profile_left"],
  ["turn_right", "profile_right"],
];
/** Drawn as an expression and read by no cue: it meets no requirement. Challenges from before this was so still fit. */
const UNREAD = "open_mouth";
const FAMILIES = ["expression", "blink", "turn", "other", "breaker", "speech"];
const MINIMUM_ENTROPY_BITS = 20;
const MAXIMUM_STEPS = 24;
const PPM = 1_000_000;
const ROUNDING_MS = 1;

/** Rules that are known by name: the SHA-256 of each version, today's last. Nobody passes others off under their name. */
export const POLICIES = {
  standard: [
    "383450a4bf41d12f8ba929e41cf227d76ac9e54e82247414975a3d33ff6dd42a",
    "e2538c6e4b292fb9a13ea43c3034eee9260e8c138df2f590cd263052f9f0c53a",
    "74a14d153d850fc01d36cb615d10a15ac0196f06c08210e2ebdbb01417fb5ae6",
    "24a1bfaf95ee30d133b13fdf65ce92b063006a3b335b3f3d96ffecf032505cd7",
  ],
  strict: [
    "1b59424dbd88c70042920a7417597018024f5a2f02c493cdfe19d80a37873da5",
    "10fdcfa32beb515dfec68bd03454ecc04a741c76bc5038555c5d96e19cc70809",
    "9d7c9d55dbadbfb93a018a2ff402f930c7a9de3602eb031770c2e72163a98693",
    "79fbd1dc981aa2016bdad78cc8a9a20e95339c28b9abf582ece34e4a99ab6d21",
  ],
  "no-expression": [
    "94f33c2185c0b3ca1d709916c8cbc7364f334c14a4b5dc584c0bbc68eafcbbff",
    "695b16539ff5844e43c919a07e891e3c8a6f69b9e504a00cc5e2677bfcf78232",
    "7d8da2544f24c8aa575c24856af67e71928de03694d6b2a5778108c53d85ab82",
    "2f3a2e55f5b07851064821d60bce35e590b3fcfdf672efd0a2604f1259c75002",
  ],
  "no-turn": [
    "009c0819cf5d7ada890fb50cbccf07cda697636aa3c75f9169136e268b07bca8",
    "05d9983a507846b267b9729499d9f62477858edffff146716b3866a25c557621",
    "87d0743cfee57a160a483ed67a0b1a7d35abb62549d4c4907370cff11f56d794",
    "1e45d9944e33c7bd5c479d5ccca78287c45fb589fa947c09a1701ed75ce6c1c7",
  ],
  unhurried: [
    "b50bf162888ef947bed71cdea520f3201d26dff515ad7565e6ca0b4f0deffea2",
    "a870adbbaeeab3e313d91a4b6ddba422f015a0fbe309c612050e35fcdcd3a3b2",
    "daefc8331b92f63e45ed856dd93501bab7836aa9051258dde8a660f0ea7818ea",
    "ff0ac1b291bd76e885cb6823fc38bdbace40fc84f4e43078bebd938dd8651b69",
  ],
  "no-flash": [
    "3728f51b48716038a46b04baf4c2740c7eb79775bcb269631c1e1627c9639b6a",
    "9079e5afde1f03df512aff1b74d9dbdc6bdf676c965ee93565c3aff01f04135f",
  ],
  "by-voice": ["4659787919b21918a6991d472f40285008769982e146982c4f397351235d71f6"],
  rehearsal: [
    "2e46dc45b9a68faebc835702797bc42ba7a78a7ae1c8ee3dfa970d79cd71dc8c",
    "002e349eb71dbaaa01d4113d33aada99f945fac095ddae527987fb6f256a9c1c",
    "a2a3adc51c0433816b1f6ddc455340f2bee125d69221d66dd5017c4592b3c358",
    "efc561ba2553c0075f5b07864784c13ba4aec6081ffc7eba289850266fee9dc5",
  ],
};

/** The ledger contract: its code with zeros where the log's id stands, and the one question that is asked. */
export const CONTRACT = {
  sha256: "cbd12c695ed94ec6f25ce63dd847c1f8569259167bace39ea3ef1df23e995675",
  logIdOffset: 859,
  checkpointOf: "0x2d2275ad",
  revocationOf: "0xcb74c873",
};
/** Why a record no longer stands, numbered as in the contract. */
export const REASONS = ["unspecified", "key-compromised", "attack-found", "operator-error", "superseded", "erased"];

/**
 * Checks a bundle against a trust file, both as text, bytes or parsed JSON.
 * @returns {Promise<{recordId: string, holds: boolean, steps: {name: string, state: string, text: string}[],
 *   files: {name: string, sha256: string}[]}>} `files`: sealed ones beside a verdict, traces and heat maps, by digest.
 * @throws {InputError} for what is no bundle or no trust file.
 */
export async function verify(bundle, trust, { rpc = "", fetch = globalThis.fetch } = {}) {
  if (!globalThis.crypto?.subtle) throw new InputError("no Web Crypto here: open this page over https");
  const [readable, trusted] = [await reading(() => readBundle(bundle)), await reading(() => readTrust(trust))];
  const check = new Examination(readable, trusted, rpc ? { rpc, fetch } : null);
  const steps = [];
  for (const [name, run] of check.plan()) {
    const step = await done(name, run);
    steps.push(step);
    if (step.state === FAILS) break;
  }
  const holds = steps.every(({ state }) => state !== FAILS);
  return { recordId: check.bundle.recordId, holds, steps, files: holds ? check.files() : [] };
}

/** What the engine gives up on, such as an object that holds itself or a text of a million escapes, is no input of ours. */
async function reading(read) {
  try {
    return await read();
  } catch (error) {
    throw error instanceof InputError ? error : new InputError("not readable as JSON");
  }
}

async function done(name, run) {
  try {
    return { name, state: HOLDS, text: await run() };
  } catch (error) {
    if (error instanceof Skip) return { name, state: SKIPPED, text: error.message };
    if (error instanceof Fault || error instanceof InputError) return { name, state: FAILS, text: error.message };
    return { name, state: FAILS, text: `malformed: ${error.message}` };
  }
}

class Examination {
  constructor(bundle, trust, chain) {
    Object.assign(this, { bundle, trust, chain, statement: {} });
  }

  plan() {
    const steps = [
      ["signature", () => this.signature()],
      ["statement", () => this.canonicalStatement()],
      ["challenge", () => this.challenge()],
      ["verdict", () => this.verdict()],
      ["leaf", () => this.leaf()],
      ["inclusion", () => this.inclusion()],
      ["start", () => this.start()],
      ["checkpoint", () => this.checkpoint()],
      ["time stamp", () => this.timeStamp()],
      ["chain", () => this.onChain()],
    ];
    return steps.filter(([name]) => name !== "time stamp" || this.bundle.stamps.length);
  }

  /** 1. A key trusted for this log's purpose, over exactly these bytes and this type. */
  async signature() {
    const { log, envelope } = this.bundle;
    const purpose = own(PURPOSES, log);
    if (!purpose) throw new Fault(`a log called ${log.slice(0, 40)}`);
    if (!RECORDS.includes(envelope.payloadType))
      throw new Fault(`a payload of type ${envelope.payloadType.slice(0, 80)}`);
    await this.signed(envelope);
    return `signed by ${envelope.keyId}`;
  }

  async signed({ keyId: id, payloadType, payload, signature }) {
    const [key, purpose] = [this.trust.keys.get(id), PURPOSES[this.bundle.log]];
    if (key?.purpose !== purpose) {
      throw new Fault(`a signature by key ${id.slice(0, 80)}, which is not trusted for ${purpose}`);
    }
    if (!(await ed25519(key.raw, signature, preAuthenticationEncoding(payloadType, payload))))
      throw new Fault("the signature does not fit the payload");
  }

  /** Sealed files beside a verdict, by the SHA-256 of what they hold. */
  files() {
    const { blobs } = this.bundle.envelope.payloadType === VERDICT ? this.statement : {};
    return Object.entries(blobs ?? {}).map(([name, digest]) => ({ name, sha256: digest }));
  }

  /** 2. One byte form, so that one digest stands for one statement. */
  async canonicalStatement() {
    const { envelope, recordId } = this.bundle;
    const statement = parseObject(envelope.payload);
    if (!same(utf8(canonical(statement)), envelope.payload))
      throw new Fault("a statement that is not in canonical form");
    if (statement.version !== 1) throw new Fault(`a statement of version ${statement.version}`);
    if (statement.record_id !== recordId) throw new Fault("a statement about another record");
    if (envelope.payloadType === KEY) await requireEndorsed(statement, this.bundle);
    this.statement = statement;
    return `SHA-256 ${hex(await sha256(envelope.payload))}`;
  }

  /** 3. What was asked is what had been committed to, and no step was swapped afterwards. */
  async challenge() {
    this.onlyVerdicts();
    const { opening, commitment } = this.statement.challenge;
    if (hex(await sha256(utf8(canonical(object(opening))))) !== commitment) {
      throw new Fault("the commitment does not open to the challenge");
    }
    if (opening.version !== versionOf(object(opening.challenge)) || text(opening.check_id) !== this.statement.check.id)
      throw new Fault("a challenge of another check");
    if (!/^[0-9a-f]{64}$/.test(text(opening.nonce))) throw new Fault("a nonce of another length than 32 bytes");
    const planned = list(opening.challenge.steps);
    const steps = list(this.statement.steps);
    if (steps.length > planned.length) throw new Fault(`${steps.length} steps were closed, ${planned.length} asked`);
    steps.forEach((step, position) => {
      const plan = having(planned[position], PLANNED);
      having(step, CLOSED);
      const bounds = [[plan.low, plan.high], [plan.hold_min_ms, plan.hold_max_ms]];
      const wanted = [plan.action, plan.target, ...bounds, plan.digits ?? null];
      const closed = [step.action, step.target, step.accepted, step.hold_ms, step.digits ?? null];
      if (!equal([step.index, ...closed], [position, ...wanted])) {
        throw new Fault(`step ${position} is not the one committed to`);
      }
    });
    const colours = requireLit(this.statement);
    requireSound(this.statement);
    return `${planned.length} steps${colours ? ` and ${colours} colours` : ""}, as the commitment opens`;
  }

  /** 4. Judged again from the stated readings, under the stated rules. */
  async verdict() {
    this.onlyVerdicts();
    const stated = this.statement.policy;
    const policy = readPolicy(stated.rules);
    const digest = hex(await sha256(utf8(canonical(stated.rules))));
    const known = own(POLICIES, policy.name);
    // A rehearsal is as long as its script: the number of steps is no rule of it.
    const named = policy.rehearsal ? hex(await sha256(utf8(canonical({ ...stated.rules, steps: 0 })))) : digest;
    if (known && !known.includes(named)) {
      throw new Fault(`other rules under the name ${policy.name} v${policy.version}`);
    }
    if (!equal([digest, policy.name, policy.version], [stated.digest, stated.name, stated.version])) {
      throw new Fault("the policy's rules do not fit its digest");
    }
    if (policy.rehearsal !== (PURPOSES[this.bundle.log] === "rehearsals"))
      throw new Fault("a rehearsal outside its log");
    const readings = list(this.statement.readings).map(readReading);
    requireAnswers(this.statement, policy, readings);
    requireLight(this.statement, policy, readings);
    requireFrames(this.statement, policy, readings);
    requireSpoken(this.statement, readings);
    requireFiles(this.statement.blobs);
    const [decision, reasons] = decide(policy, readings);
    const verdict = this.statement.verdict;
    if (decision !== verdict.decision || !equal(reasons, verdict.reasons))
      throw new Fault(`the readings say ${decision}`);
    const unknown = known ? "" : ", which is not a policy that this version knows";
    return `${decision}, by policy ${policy.name} v${policy.version}${unknown}`;
  }

  /** 5. Only who has the record's key can tell what a leaf commits to; whether it does, inclusion tells. */
  async leaf() {
    if (!this.bundle.proof) throw new Skip("nothing to compare the leaf with: the record waits for a checkpoint");
    return `leaf ${hex(await hmac(this.bundle.leafKey, this.bundle.envelope.payload))}`;
  }

  /** 6. The leaf's place in the log cannot be changed without changing the root. */
  async inclusion() {
    const { proof, envelope, leafKey } = this.bundle;
    const until = this.trust.retired.get(envelope.keyId);
    if (!proof) {
      if (until !== undefined) throw new Fault(`a new record signed by the retired key ${envelope.keyId}`);
      throw new Skip("the record waits for a checkpoint");
    }
    const leaf = await leafHash(await hmac(leafKey, envelope.payload));
    if (!(await verifyInclusion(leaf, proof.leafIndex, proof.size, proof.root, proof.path))) {
      throw new Fault("the leaf does not lie under the root");
    }
    this.requireInUse(envelope.keyId, proof.leafIndex);
    return `leaf ${proof.leafIndex} of ${proof.size} under root ${hex(proof.root)}`;
  }

  /** 7. Signed and logged before the verdict: nobody chose the steps after seeing the frames. */
  async start() {
    const { start, proof, envelope } = this.bundle;
    if (envelope.payloadType !== VERDICT) {
      if (start) throw new Fault("a start beside a record that is no verdict");
      throw new Skip("this record holds no verdict");
    }
    if (!start) throw new Fault("a verdict without the start of its check");
    if (start.envelope.payloadType !== START) throw new Fault("a start that is signed as something else");
    await this.signed(start.envelope);
    requireBegun(start.envelope.payload, this.statement);
    if (!proof) {
      if (start.leafIndex !== null || start.path.length) throw new Fault("a place in the log without a root above it");
      throw new Skip("the signed start fits; its place in the log waits for a checkpoint");
    }
    if (start.leafIndex === null) throw new Fault("a start without a place in the log");
    const leaf = await leafHash(await hmac(start.leafKey, start.envelope.payload));
    if (!(await verifyInclusion(leaf, start.leafIndex, proof.size, proof.root, start.path)))
      throw new Fault("the start does not lie under the root");
    if (start.leafIndex >= proof.leafIndex)
      throw new Fault(`the start is leaf ${start.leafIndex}, the verdict leaf ${proof.leafIndex}`);
    this.requireInUse(start.envelope.keyId, start.leafIndex);
    return `${this.statement.start_record_id} is leaf ${start.leafIndex}, ahead of leaf ${proof.leafIndex}`;
  }

  requireInUse(id, leafIndex) {
    const until = this.trust.retired.get(id);
    if (until !== undefined && leafIndex >= until) throw new Fault(`leaf ${leafIndex}, signed by a retired key`);
  }

  /** 8. A root that somebody vouches for. A pin is the verifier's own; a signature is only the operator's word. */
  async checkpoint() {
    const { proof, note, consistency: link } = this.bundle;
    if (!proof) {
      if (note || link) throw new Fault("a checkpoint without a place in it");
      throw new Skip("the record waits for a checkpoint");
    }
    const signer = note ? await this.signer(note, proof) : null;
    if (link) await requireConsistent(proof, link);
    const pinned = this.trust.checkpoints;
    if (!pinned.size) {
      if (!signer) {
        this.requireVoucher();
        throw new Skip("no checkpoint is pinned, and none is signed by a key that is trusted for checkpoints");
      }
      return `checkpoint of ${proof.size} leaves, signed by ${signer}; none is pinned`;
    }
    const size = pinned.get(hex(proof.root));
    if (size === undefined) return this.linked(pinned, signer);
    if (size !== proof.size) throw new Fault(`the root stands for ${size} leaves`);
    return `checkpoint of ${size} leaves is pinned${signer ? ", and signed" : ""}`;
  }

  /** By way of another head that is pinned. */
  linked(pinned, signer) {
    const { proof, consistency: link } = this.bundle;
    if (!link || pinned.get(hex(link.root)) !== link.size) throw new Fault(unpinned(proof.size, [...pinned.values()]));
    const signed = signer ? ", and signed" : "";
    if (link.size >= proof.size) {
      return `checkpoint of ${proof.size} leaves is the beginning of the pinned one of ${link.size}${signed}`;
    }
    const extended = `checkpoint of ${proof.size} leaves extends the pinned one of ${link.size}${signed}`;
    if (proof.leafIndex < link.size || signer) return extended;
    this.requireVoucher();
    throw new Skip(`${extended}; the record came after that one, and nobody vouches for what came after`);
  }

  /** Who stole a retired key can make a log, and a contract, in which its record stands early enough. */
  requireVoucher() {
    const asked = this.chain && this.trust.contracts.length && this.bundle.anchor;
    if (this.trust.retired.has(this.bundle.envelope.keyId) && !asked)
      throw new Fault("signed by a retired key, and nobody vouches for its place in the log");
  }

  /** Who signed the checkpoint, which must be that of the proof and of this log; null: no key for it is trusted. */
  async signer(note, proof) {
    const { anchor, log } = this.bundle;
    if (note.size !== proof.size || !same(note.root, proof.root)) {
      throw new Fault(`a checkpoint of ${note.size} leaves under another root`);
    }
    if (!anchor || note.origin !== `medauth/${anchor.contract.log_id}`)
      throw new Fault(`a checkpoint of ${note.origin}`);
    const keys = [...this.trust.keys.values()].filter(({ purpose }) => purpose === "checkpoints");
    if (!keys.length) return null;
    for (const line of note.signatures) {
      for (const key of keys) {
        const hint = (await sha256(join(utf8(`${note.origin}\n`), [1], key.raw))).slice(0, 4);
        if (line.name !== note.origin || !same(line.hint, hint)) continue;
        if (!(await ed25519(key.raw, line.signature, utf8(note.body)))) continue;
        const until = this.trust.retired.get(key.id);
        if (until !== undefined && note.size > until && log === "main") {
          throw new Fault(`${note.size} leaves, signed by a retired key`);
        }
        return key.id;
      }
    }
    throw new Fault(`no trusted key signed the checkpoint of ${note.size} leaves`);
  }

  /** 9. Somebody other than the operator says that the checkpoint was there by then. */
  timeStamp() {
    if (!this.bundle.note) throw new Fault("a time stamp without a checkpoint");
    throw new Skip("time stamps are not read here; `medauth verify` reads them");
  }

  /** 10. The contract accepted the root only with a proof that it extends the one before. */
  async onChain() {
    const { proof, anchor, log } = this.bundle;
    const { contracts } = this.trust;
    const known = contracts.filter((other) => other.log === log).map((other) => other.contract);
    if (!proof || !anchor) {
      // Asked about revocations all the same: the bundle's holder may have left the contract out.
      if (this.chain && known.length) await this.standing(known.at(-1), known);
      throw new Skip(`the record is not on chain yet${contracts.length ? "" : UNNAMED}`);
    }
    const { contract } = anchor;
    if (contracts.length && !contracts.some((other) => other.log === log && sameContract(other.contract, contract))) {
      throw new Fault(`contract ${contract.address} on chain ${contract.chain_id} is not a trusted one`);
    }
    if (!this.chain) throw new Skip("no chain was asked; give an RPC address to ask one");
    const size = await sizeOnChain(this.chain, contract, proof.root);
    if (size !== BigInt(proof.size))
      throw new Fault(`the contract holds ${size ? `it for ${size} leaves` : "no such root"}`);
    await this.standing(contract, known);
    const local = LOCAL_CHAINS.includes(contract.chain_id) ? " - a local chain: it proves nothing to outsiders" : "";
    return `contract ${contract.address}, chain ${contract.chain_id}, block ${anchor.block} as stated${contracts.length ? "" : CLAIMED}${local}`;
  }

  /** What was revoked keeps its place in the log: only the contract tells, or another one that the log was in. */
  async standing(contract, known) {
    const here = known.filter((one) => one.chain_id === contract.chain_id && one.genesis === contract.genesis);
    const others = here.filter((one) => !sameContract(one, contract));
    const leaf = await hmac(this.bundle.leafKey, this.bundle.envelope.payload);
    for (const one of [contract, ...others]) {
      const revoked = await revocation(this.chain, one, leaf);
      if (revoked) throw new Fault(`the record was revoked ${revoked}`);
    }
  }

  onlyVerdicts() {
    if (this.bundle.envelope.payloadType !== VERDICT) throw new Skip("this record holds no verdict");
  }
}

/** Says how the bundle's checkpoint stands to those that are pinned, so that a reader knows which file is old. */
function unpinned(size, pinned) {
  const [least, most] = [Math.min(...pinned), Math.max(...pinned)];
  if (size > most) {
    return `the bundle's checkpoint of ${size} leaves is larger than the newest pinned one, of ${most}`;
  }
  if (pinned.includes(size)) {
    return `another root than the pinned checkpoint of ${size} leaves: the log was rewritten, or is not this one`;
  }
  if (size < least)
    return `the bundle's checkpoint of ${size} leaves is smaller than the oldest pinned one, of ${least}`;
  return `the bundle's checkpoint of ${size} leaves lies between the pinned ones and is none of them`;
}

// Keys that give way to their successors

async function requireEndorsed(statement, { envelope, log }) {
  if (!KEY_PURPOSES.includes(statement.purpose)) throw new Fault(`a key for ${statement.purpose}`);
  const [before, after] = [await readKey(statement.old), await readKey(statement.new)];
  if (before.id === after.id) throw new Fault("a key that replaces itself");
  const { endorsements, ...announced } = statement;
  const signed = preAuthenticationEncoding(KEY, utf8(canonical(announced)));
  for (const [name, key] of [
    ["old", before],
    ["new", after],
  ]) {
    if (!(await ed25519(key.raw, unhex(endorsements[name], 64), signed)))
      throw new Fault(`the ${name} key did not endorse this`);
  }
  if (statement.purpose === PURPOSES[log] && before.id !== envelope.keyId) {
    throw new Fault("a key whose successor another one announces");
  }
}

async function readKey({ key_id: id, ed25519: raw }) {
  const key = { id, raw: unhex(raw) };
  if (id !== (await keyId(key.raw))) throw new Fault("a key id that does not fit its key");
  return key;
}

async function keyId(raw) {
  return `ed25519:${hex(await sha256(raw)).slice(0, 32)}`;
}

// What was asked and what came

/** What is missing on both sides would be the same on both. */
const PLANNED = ["action", "target", "low", "high", "hold_min_ms", "hold_max_ms"];
const CLOSED = ["index", "action", "target", "accepted", "hold_ms"];

function versionOf({ steps, light }) {
  if (list(steps).some((plan) => Object.hasOwn(object(plan), "digits"))) return 3;
  return light === undefined ? 1 : 2;
}

function requireAnswers(statement, policy, readings) {
  const { scripted, steps: planned } = statement.challenge.opening.challenge;
  const steps = statement.steps;
  if (scripted !== policy.rehearsal) throw new Fault("a scripted challenge under rules for checks");
  requireDrawable(planned, policy);
  requireOrder(steps, planned);
  const answered = steps.filter((step) => having(step, ["outcome"]).outcome === "answered");
  for (const step of answered) {
    if (!(timely(step, policy.timing) && withinBounds(step))) throw new Fault(`step ${step.index} says answered`);
  }
  const given = readings.filter(({ signal }) => signal === "challenge");
  const passed = given.some(({ outcome }) => outcome === "pass");
  const expired = given.some(({ code, outcome }) => code === "challenge.expired" && outcome === "inconclusive");
  const all = planned.length > 0 && answered.length === planned.length;
  if (passed !== all && !(expired && !passed))
    throw new Fault(`${answered.length} of ${planned.length} steps answered`);
}

/** The rules could have drawn these steps: as many, of their actions, with every family they require. */
function requireDrawable(planned, policy) {
  const families = planned.map(({ action }) => (own(ACTIONS, action) ?? refuse(`an action ${action}`))[0]);
  const fits =
    planned.length === policy.steps &&
    planned.every(({ action }) => policy.actions.includes(action)) &&
    policy.required.every((family) => families.includes(family));
  if (!fits) throw new Fault(`${planned.length} steps that ${policy.name} does not draw`);
  for (const { action, digits } of planned) {
    const said = action === SPOKEN ? typeof digits === "string" && DIGITS.test(digits) : digits === undefined;
    if (!said) throw new Fault("digits that nobody draws");
  }
}

/** No prompt was shown before the step ahead of it had closed and the pause was over. */
function requireOrder(steps, planned) {
  let before = 0;
  steps.forEach((step, position) => {
    const closed = integer(step.closed_ms);
    if (closed < before) throw new Fault("steps that closed out of order");
    const due = before + integer(planned[position].pause_ms);
    if (step.shown_ms !== null && integer(step.shown_ms) + ROUNDING_MS < due) {
      throw new Fault(`step ${step.index} was shown too early`);
    }
    before = closed;
  });
}

function timely(step, timing) {
  const delay = integer(step.onset_ms) - integer(step.shown_ms);
  const onTime = timing.onset_min_ms - ROUNDING_MS <= delay && delay <= timing.onset_max_ms + ROUNDING_MS;
  return onTime && step.gesture === step.action && step.onset_ms <= step.closed_ms;
}

function withinBounds(step) {
  const [[low, high], [shortest, longest]] = [list(step.accepted).map(integer), list(step.hold_ms).map(integer)];
  const amount = integer(step.amount);
  if (!longest) return low <= amount && amount <= high;
  const held = integer(step.held_ms);
  return low <= amount && shortest <= held && held <= longest;
}

// The screen's colours

const COLOURS = ["rose", "yellow", "green", "cyan", "blue", "magenta"];
const LEAST_MS = 334;
const LONGEST_MS = 5_000;
const MOST_COLOURS = 6;
const MOST_ROUND_TRIP_MS = 10_000;
const SHOWN = ["index", "colour", "shown_ms", "round_trip_ms"];

/** Every colour shown is the one committed to; returns how many were asked. */
function requireLit(statement) {
  const { challenge } = statement.challenge.opening;
  if (!Object.hasOwn(challenge, "light")) {
    if (Object.hasOwn(statement, "light")) throw new Fault("colours that no challenge holds");
    return 0;
  }
  const { colours } = readSequence(challenge.light);
  const shown = list(statement.light);
  if (shown.length > colours.length) throw new Fault(`${shown.length} colours were shown, ${colours.length} asked`);
  shown.forEach((entry, position) => {
    const { index, colour, round_trip_ms: trip } = exactly(entry, SHOWN);
    if (!equal([index, colour], [position, colours[position].colour]))
      throw new Fault(`colour ${position} is not the one committed to`);
    if (integer(trip) < 0 || trip > MOST_ROUND_TRIP_MS) throw new Fault(`a round trip of ${trip} ms`);
  });
  return colours.length;
}

/** Each colour came when it was due, after the step ahead of it had closed, and no step was prompted meanwhile. */
function requireInTime({ steps, frames, light: shown }, { before_step: before, colours }) {
  if (shown.length && before > steps.length) throw new Fault(`colours ahead of step ${before}`);
  let due = shown.length && before ? integer(steps[before - 1].closed_ms) : 0;
  shown.forEach(({ shown_ms: at }, position) => {
    if (integer(at) + ROUNDING_MS < due) throw new Fault(`colour ${position} was shown too early`);
    due = at + colours[position].lasts_ms;
  });
  if (shown.length && shown.at(-1).shown_ms > integer(object(frames).last_ms) + ROUNDING_MS)
    throw new Fault("a colour after the last frame");
  const prompted = steps.slice(before).find((step) => step.shown_ms !== null);
  if (prompted && (shown.length < colours.length || integer(prompted.shown_ms) + ROUNDING_MS < due))
    throw new Fault(`step ${before} was shown before the colours were over`);
}

/** The rules could have drawn these colours, each was shown in its time, and none passes that was not shown. */
function requireLight(statement, { name, light: rule }, readings) {
  const { steps, light } = statement.challenge.opening.challenge;
  if ((light === undefined) !== (rule === undefined)) throw new Fault("a challenge with other light than its rules");
  if (!rule) return;
  const { before_step: before, colours } = readSequence(light);
  const [white, ...drawn] = colours;
  const fits =
    white.colour === "white" &&
    white.lasts_ms === rule.white_ms &&
    drawn.length === rule.colours &&
    drawn.every(({ colour }, index) => colour !== "white" && colour !== drawn[index - 1]?.colour) &&
    drawn.every(({ lasts_ms: lasts }) => rule.shortest_ms <= lasts && lasts <= rule.longest_ms) &&
    before >= Math.min(1, steps.length - 1) &&
    before < steps.length;
  if (!fits) throw new Fault(`colours that ${name} does not draw`);
  requireInTime(statement, { before_step: before, colours });
  const passed = readings.some(({ signal, outcome }) => signal === "light" && outcome === "pass");
  if (passed && statement.light.length < colours.length)
    throw new Fault(`light passes by ${statement.light.length} colours`);
}

function readSequence(light) {
  integer(exactly(light, ["before_step", "colours"]).before_step);
  for (const timed of list(light.colours)) {
    const { colour, lasts_ms: lasts } = exactly(timed, ["colour", "lasts_ms"]);
    if (colour !== "white" && !COLOURS.includes(colour)) refuse(`a colour ${colour}`);
    integer(lasts);
  }
  if (!light.colours.length) throw new Fault("a light sequence without colours");
  return light;
}

// Digits that were to be said

function digitsOf({ challenge }) {
  return challenge.opening.challenge.steps.filter((plan) => Object.hasOwn(plan, "digits")).map(({ digits }) => digits);
}

/** Sound where digits were asked for, and none elsewhere; its numbers fit one another. */
function requireSound(statement) {
  const spoken = digitsOf(statement).length > 0;
  if (Object.hasOwn(statement, "sound") !== spoken) throw new Fault("sound that nobody asked for, or none");
  if (!spoken) return;
  const { count: pieces, samples, chain, kept } = exactly(statement.sound, ["count", "samples", "chain", "kept"]);
  if (!(integer(pieces) >= 0 && pieces <= integer(samples) && samples <= pieces * MOST_SAMPLES))
    throw new Fault(`${samples} samples in ${pieces} pieces`);
  requireDigest(chain, "the sound's chain");
  const frames = object(statement.frames);
  let [before, framesBefore, earlier] = [-1, 0, 0];
  for (const entry of list(kept)) {
    if (list(entry).length !== 4) refuse("kept sound that is not number, place, time and digest");
    const [index, among, time, digest] = entry;
    if (!(before < integer(index) && index < pieces && framesBefore <= integer(among) && among <= integer(frames.count)))
      throw new Fault(`kept sound ${index} of ${pieces}`);
    const late = among < frames.count && BigInt(integer(time)) > 1_000n * BigInt(integer(frames.last_ms) + ROUNDING_MS);
    if (integer(time) < earlier || late) throw new Fault(`kept sound ${index} at ${time} µs`);
    requireDigest(digest, `kept sound ${index}`);
    [before, framesBefore, earlier] = [index, among, time];
  }
}

/** No speech passes without sound, or by other digits than those committed to. */
function requireSpoken(statement, readings) {
  const digits = digitsOf(statement);
  for (const { signal, outcome, details } of readings) {
    if (signal !== "speech" || outcome !== "pass") continue;
    const heard = object(details ?? {}).heard ?? null;
    if (!digits.length || !statement.sound.count || !equal(heard, digits))
      throw new Fault(`speech passes by ${heard}, asked were ${digits}`);
  }
}

// Frames, and the start

const FRAMES = ["count", "chain", "first_ms", "last_ms", "judged", "kept"];

/** Counts, times and digests fit one another, the steps and the decision: nothing is decided that nobody was filmed for. */
function requireFrames(statement, policy, readings) {
  const { count: frames, judged, first_ms: first, last_ms: last, chain, kept } = exactly(statement.frames, FRAMES);
  [frames, judged, first, last].forEach(integer);
  const fits = judged >= 0 && judged <= frames && first >= 0 && first <= last && (frames > 1 || first === last);
  if (!fits) throw new Fault(`${judged} of ${frames} frames judged, from ${first} to ${last} ms`);
  requireDigest(chain, "the frames' chain");
  requireKept(list(kept), frames, first, last);
  const { decision } = statement.verdict;
  if (!frames && decision !== "inconclusive") throw new Fault(`${decision} without a frame`);
  const end = Math.min(last, policy.timing.session_max_ms) + ROUNDING_MS;
  for (const step of statement.steps.filter(({ outcome }) => outcome === "answered")) {
    if (!frames || integer(step.closed_ms) > end)
      throw new Fault(`step ${step.index} was answered after the last frame`);
  }
  if (readings.some(({ signal, outcome }) => signal === "capture" && outcome === "pass")) {
    const share = frames > 0 && BigInt(judged) * BigInt(PPM) >= BigInt(policy.min_judged_ppm - 1) * BigInt(frames);
    const often = 1_000n * BigInt(frames - 1) >= BigInt(policy.min_fps) * BigInt(last - first - ROUNDING_MS);
    if (!share || !often) throw new Fault(`a clear view by ${judged} of ${frames} frames in ${last - first} ms`);
  }
  const [started, finished] = [integer(statement.started_ms), integer(statement.finished_ms)];
  const least = BigInt(started) + BigInt(policy.rehearsal ? 0 : last - ROUNDING_MS);
  if (finished < started || BigInt(finished) < least) throw new Fault("an end before the start or the last frame");
}

function requireKept(kept, frames, first, last) {
  let [before, earlier] = [-1, 1_000n * BigInt(first - ROUNDING_MS)];
  for (const entry of kept) {
    if (list(entry).length !== 3) refuse("a kept frame that is not number, time and digest");
    const [index, time, digest] = entry;
    if (!(before < integer(index) && index < frames)) throw new Fault(`kept frame ${index} of ${frames}`);
    const at = BigInt(integer(time));
    if (at < earlier || at > 1_000n * BigInt(last + ROUNDING_MS)) throw new Fault(`kept frame ${index} at ${time} µs`);
    requireDigest(digest, `kept frame ${index}`);
    [before, earlier] = [index, at];
  }
}

/** Sealed files beside the statement, traces and heat maps: any name, each with the SHA-256 of what it holds. */
function requireFiles(files) {
  for (const [name, digest] of Object.entries(object(files))) {
    if (!name) throw new Fault("a file without a name");
    requireDigest(digest, `file ${name.slice(0, 40)}`);
  }
}

function requireDigest(value, what) {
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) throw new Fault(`${what} has no digest`);
}

/** The signed start is that of the verdict's check: identity, rules, commitment, time. */
function requireBegun(payload, verdict) {
  const start = parseObject(payload);
  if (!same(utf8(canonical(start)), payload) || start.version !== 1)
    throw new Fault("a start that is not in canonical form");
  if (text(start.record_id) !== verdict.start_record_id) throw new Fault("the start of another record");
  for (const name of ["check", "policy", "started_ms"]) {
    if (!Object.hasOwn(start, name) || !equal(start[name], verdict[name]))
      throw new Fault(`the start says another ${name}`);
  }
  if (start.commitment !== verdict.challenge.commitment) throw new Fault("the start committed to another challenge");
  const lasts = integer(verdict.policy.rules.timing.session_max_ms);
  if (BigInt(integer(start.expires_ms)) !== BigInt(integer(start.started_ms)) + BigInt(lasts))
    throw new Fault("a start with another time to live");
}

// Rules, readings and what follows from them

const TIMING = ["onset_min_ms", "onset_max_ms", "perform_ms", "relax_max_ms", "session_max_ms"];
const RULES = [
  "name",
  "version",
  "actions",
  "steps",
  "required",
  "deny",
  "confirm",
  "timing",
  "min_judged_ppm",
  "min_fps",
  "rehearsal",
];

const LIGHT_RULE = ["colours", "white_ms", "shortest_ms", "longest_ms"];

/** How the screen's colours are drawn; rules from before there were any have no word of it. */
function readLightRule(rule) {
  const { colours, white_ms: white, shortest_ms: shortest, longest_ms: longest } = exactly(rule, LIGHT_RULE);
  [colours, white, shortest, longest].forEach(integer);
  if (colours < 1 || colours > MOST_COLOURS) refuse(`${colours} colours`);
  if (Math.min(white, shortest) < LEAST_MS) refuse("more than three changes a second");
  if (shortest > longest || longest > LONGEST_MS || white > LONGEST_MS) refuse("colours of no such range");
}

function readPolicy(rules) {
  const lit = Object.hasOwn(object(rules), "light");
  exactly(rules, lit ? [...RULES, "light"] : RULES);
  if (lit) readLightRule(rules.light);
  [rules.name, ...list(rules.actions), ...list(rules.required), ...list(rules.deny), ...list(rules.confirm)].forEach(
    text,
  );
  [rules.version, rules.steps, rules.min_judged_ppm, rules.min_fps].forEach(integer);
  TIMING.forEach((name) => integer(exactly(rules.timing, TIMING)[name]));
  if (typeof rules.rehearsal !== "boolean") refuse("rules that leave open whether this is a rehearsal");
  if (!rules.actions.every((action) => own(ACTIONS, action))) refuse("an action that nobody knows");
  if (!rules.required.every((family) => FAMILIES.includes(family))) refuse("a family that nobody knows");
  if (new Set(rules.actions).size !== rules.actions.length) refuse("an action twice");
  if (rules.steps < 0 || rules.steps > MAXIMUM_STEPS) refuse(`${rules.steps} steps`);
  if (rules.min_judged_ppm < 0 || rules.min_judged_ppm > PPM) refuse(`a share of ${rules.min_judged_ppm} ppm`);
  if (rules.rehearsal) return rules;
  if (!rules.confirm.includes("challenge")) refuse("no challenge to confirm");
  if (entropyBits(rules) < MINIMUM_ENTROPY_BITS) refuse(`rules that draw ${entropyBits(rules).toFixed(1)} bits`);
  return rules;
}

/** log2 of how many sequences can be drawn: no action twice in a row, every required family in each. Where one movement may
 * pass for two actions, a bit a step is taken off. */
function entropyBits({ actions, steps, required }) {
  const families = [...new Set(required)];
  const allMissing = (1 << families.length) - 1;
  let states = new Map([["", new Map([[allMissing, 1]])]]);
  for (let step = 0; step < steps; step += 1) {
    const following = new Map(actions.map((action) => [action, new Map()]));
    for (const [last, missing] of states) {
      for (const action of actions.filter((other) => other !== last || other === SPOKEN)) {
        const [family, outcomes] = ACTIONS[action];
        const seen = families.indexOf(action === UNREAD ? "other" : family);
        for (const [mask, ways] of missing) {
          const left = seen < 0 ? mask : mask & ~(1 << seen);
          following.get(action).set(left, (following.get(action).get(left) ?? 0) + ways * outcomes);
        }
      }
    }
    states = following;
  }
  const sequences = [...states.values()].reduce((sum, missing) => sum + (missing.get(0) ?? 0), 0);
  const bits = sequences > 1 ? Math.log2(sequences) : 0;
  const alike = ALIKE.some((pair) => pair.every((action) => actions.includes(action)));
  return alike ? Math.max(0, bits - steps) : bits;
}

function readReading(value) {
  const needed = ["signal", "outcome", "code", "reason"];
  const names = Object.keys(object(value));
  if (!needed.every((name) => names.includes(name))) refuse("not a reading");
  if (!names.every((name) => [...needed, "score_ppm", "details"].includes(name))) refuse("not a reading");
  if (!WORST_LAST.includes(value.outcome)) refuse("not a reading");
  return value;
}

const WORST_LAST = ["pass", "inconclusive", "fail"];

/** A failing cue denies; a missing or unclear one leaves open; of several readings of one signal the worst counts. */
function decide(policy, readings) {
  const bySignal = new Map();
  const ordered = [...readings].sort((a, b) => WORST_LAST.indexOf(a.outcome) - WORST_LAST.indexOf(b.outcome));
  ordered.forEach((reading) => bySignal.set(reading.signal, reading));
  const reasons = (signals, role, outcome) =>
    signals
      .map((name) => bySignal.get(name))
      .filter((reading) => reading?.outcome === outcome)
      .map(({ code, signal, reason }) => ({ code, signal, role, text: reason }));
  const confirmedOnly = policy.confirm.filter((name) => !policy.deny.includes(name));
  const failed = [...reasons(policy.deny, "deny", "fail"), ...reasons(confirmedOnly, "confirm", "fail")];
  if (failed.length) return ["not_live", failed];
  const unclear = [...new Set([...policy.confirm, ...policy.deny])].flatMap((name) => {
    const role = policy.confirm.includes(name) ? "confirm" : "deny";
    if (bySignal.has(name)) return reasons([name], role, "inconclusive");
    return [{ code: `${name}.missing`, signal: name, role, text: "This signal gave no reading." }];
  });
  if (unclear.length) return ["inconclusive", unclear];
  return [policy.rehearsal ? "rehearsed" : "live", reasons(policy.confirm, "confirm", "pass")];
}

// The log: RFC 9162 section 2.1 over SHA-256

/** SHA-256(0x00 || leaf). */
export async function leafHash(leaf) {
  return sha256(join([0], leaf));
}

/** Whether the leaf with hash `digest` stands at `index` below `root` (section 2.1.3.2). */
export async function verifyInclusion(digest, index, size, root, path) {
  if (!(index >= 0 && index < size)) return false;
  let [position, last, node] = [BigInt(index), BigInt(size) - 1n, digest];
  for (const sibling of path) {
    if (last === 0n) return false;
    if (position & 1n || position === last) {
      node = await sha256(join([1], sibling, node));
      while (position && !(position & 1n)) [position, last] = [position >> 1n, last >> 1n];
    } else {
      node = await sha256(join([1], node, sibling));
    }
    [position, last] = [position >> 1n, last >> 1n];
  }
  return last === 0n && same(node, root);
}

/** Whether the tree under `newRoot` begins with that under `oldRoot` (section 2.1.4.2). */
export async function verifyConsistency(oldSize, oldRoot, newSize, newRoot, proof) {
  if (!(oldSize >= 0 && oldSize <= newSize)) return false;
  if (oldSize === newSize) return !proof.length && same(oldRoot, newRoot);
  if (!oldSize || !proof.length) return !oldSize && !proof.length;
  let [position, last] = [BigInt(oldSize) - 1n, BigInt(newSize) - 1n];
  // An old tree that is complete is itself the first node, and the proof leaves it out.
  const path = (BigInt(oldSize) & position) === 0n ? [oldRoot, ...proof] : proof;
  while (position & 1n) [position, last] = [position >> 1n, last >> 1n];
  let [before, after] = [path[0], path[0]];
  for (const sibling of path.slice(1)) {
    if (last === 0n) return false;
    if (position & 1n || position === last) {
      [before, after] = [await sha256(join([1], sibling, before)), await sha256(join([1], sibling, after))];
      while (position && !(position & 1n)) [position, last] = [position >> 1n, last >> 1n];
    } else {
      after = await sha256(join([1], after, sibling));
    }
    [position, last] = [position >> 1n, last >> 1n];
  }
  return last === 0n && same(before, oldRoot) && same(after, newRoot);
}

/** One of the two heads is the beginning of the other. */
async function requireConsistent(one, other) {
  const [old, head] = one.size < other.size ? [one, other] : [other, one];
  if (!old.size || !(await verifyConsistency(old.size, old.root, head.size, head.root, other.path))) {
    throw new Fault(`the checkpoint of ${head.size} leaves does not begin with that of ${old.size}`);
  }
}

// The chain, by JSON-RPC

/** The size that the contract holds under a root. */
async function sizeOnChain(chain, contract, root) {
  const words = await asked(chain, contract, CONTRACT.checkpointOf + hex(root), 3);
  return words[0];
}

/** When and why the contract revoked a leaf; "" where it did not. */
async function revocation(chain, contract, leaf) {
  const [time, reason] = await asked(chain, contract, CONTRACT.revocationOf + hex(leaf), 2);
  if (!time) return "";
  return `at ${new Date(Number(time) * 1000).toISOString()}: ${REASONS[Number(reason)] ?? "for a reason unknown here"}`;
}

/** The words of a contract's answer, once chain, code and log are seen to be those that were named. */
async function asked({ rpc, fetch }, contract, data, count) {
  const ask = (method, ...params) => call(fetch, rpc, method, params);
  const chainId = Number(await ask("eth_chainId"));
  if (chainId !== contract.chain_id) throw new Fault(`the node is on chain ${chainId}, not ${contract.chain_id}`);
  const genesis = (await ask("eth_getBlockByNumber", "0x0", false))?.hash;
  if (genesis !== `0x${contract.genesis}`) throw new Fault("the node's chain has another first block");
  const code = bytesOf(await ask("eth_getCode", contract.address, "latest"));
  const logId = code.slice(CONTRACT.logIdOffset, CONTRACT.logIdOffset + 32);
  code.fill(0, CONTRACT.logIdOffset, CONTRACT.logIdOffset + 32);
  if (hex(logId) !== contract.log_id || hex(await sha256(code)) !== CONTRACT.sha256) {
    throw new Fault(`no ledger of this log at ${contract.address}`);
  }
  const answer = bytesOf(await ask("eth_call", { to: contract.address, data }, "latest"));
  if (answer.length !== 32 * count) throw new Fault("an answer of the contract that makes no sense");
  return Array.from({ length: count }, (_, at) => BigInt(`0x${hex(answer.slice(32 * at, 32 * at + 32))}`));
}

async function call(fetch, rpc, method, params) {
  let answer;
  try {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(rpc, { method: "POST", headers, body, signal: AbortSignal.timeout(ANSWER_MS) });
    answer = JSON.parse(new TextDecoder().decode(await bounded(response)));
  } catch {
    throw new Fault("no answer from the node");
  }
  if (answer?.error || answer?.result === undefined) throw new Fault(`the node refused ${method}`);
  return answer.result;
}

/** The body of an answer, read no further than anybody needs: a node may send without end. */
async function bounded(response) {
  const reader = response.body.getReader();
  const chunks = [];
  for (let length = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return join(...chunks);
    length += value.length;
    if (length > MAX_ANSWER_BYTES) {
      await reader.cancel();
      throw new Error("an answer without end");
    }
    chunks.push(value);
  }
}

function bytesOf(value) {
  if (typeof value !== "string" || !/^0x([0-9a-fA-F]{2})*$/.test(value))
    throw new Fault("an answer that makes no sense");
  return Uint8Array.from(value.slice(2).match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function sameContract(one, other) {
  const names = ["chain_id", "genesis", "log_id"];
  return names.every((name) => one[name] === other[name]) && one.address.toLowerCase() === other.address.toLowerCase();
}

// Reading bundles and trust files: of the texts that mean the same, layout aside, only one is taken

function readBundle(source) {
  const value = parsed(source);
  if (value.format !== "medauth bundle v1") refuse("a file that is no evidence bundle");
  exactly(value, [
    "format",
    "log",
    "record_id",
    "envelope",
    "leaf_key",
    "start",
    "proof",
    "consistency",
    "anchor",
    "checkpoint",
    "time_stamps",
  ]);
  const stamps = list(value.time_stamps);
  if (stamps.length > 16) refuse("more time stamps than anybody asks for");
  return {
    log: text(value.log),
    recordId: text(value.record_id),
    envelope: readEnvelope(value.envelope),
    leafKey: unhex(value.leaf_key),
    start: value.start === null ? null : readStart(value.start),
    proof: value.proof === null ? null : readProof(value.proof),
    consistency: value.consistency === null ? null : readConsistency(value.consistency),
    anchor: value.anchor === null ? null : readAnchor(value.anchor),
    note: value.checkpoint === null ? null : readNote(value.checkpoint),
    stamps: stamps.map(unbase64),
  };
}

function readEnvelope(value) {
  const { payload, payloadType, signatures } = exactly(value, ["payload", "payloadType", "signatures"]);
  if (list(signatures).length !== 1) refuse("an envelope without exactly one signature");
  const { keyid, sig } = exactly(signatures[0], ["keyid", "sig"]);
  return { payload: unbase64(payload), payloadType: text(payloadType), keyId: text(keyid), signature: unbase64(sig) };
}

function readProof(value) {
  exactly(value, ["leaf_index", "size", "root", "path"]);
  const path = list(value.path).map((node) => unhex(node));
  return { leafIndex: count(value.leaf_index), size: count(value.size), root: unhex(value.root), path };
}

function readStart(value) {
  exactly(value, ["envelope", "leaf_key", "leaf_index", "path"]);
  return {
    envelope: readEnvelope(value.envelope),
    leafKey: unhex(value.leaf_key),
    leafIndex: value.leaf_index === null ? null : count(value.leaf_index),
    path: list(value.path).map((node) => unhex(node)),
  };
}

function readConsistency(value) {
  exactly(value, ["size", "root", "path"]);
  return { size: count(value.size), root: unhex(value.root), path: list(value.path).map((node) => unhex(node)) };
}

function readAnchor(value) {
  const { tx_hash, block, ...contract } = exactly(value, [...CONTRACT_FIELDS, "tx_hash", "block"]);
  unhex(tx_hash);
  return { contract: readContract(contract), block: count(block) };
}

const CONTRACT_FIELDS = ["chain_id", "genesis", "address", "log_id"];

function readContract(value) {
  exactly(value, CONTRACT_FIELDS);
  count(value.chain_id);
  [value.genesis, value.log_id].forEach((digest) => unhex(digest));
  if (!/^0x[0-9a-fA-F]{40}$/.test(text(value.address))) refuse("an address that is none");
  return value;
}

const NOTE = /^([!-*,-~]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n\n((?:.+\n)+)$/;
const SIGNATURE = /^\u2014 ([!-*,-~]+) ([A-Za-z0-9+/=]+)$/;

/** C2SP tlog-checkpoint in signed-note form: origin, size and root, an empty line, signatures. */
function readNote(value) {
  const [, origin, size, root, below] = NOTE.exec(text(value)) ?? refuse("a checkpoint that is no signed note");
  if (value.length > 16 * 1024) refuse("a huge note");
  const signatures = below
    .slice(0, -1)
    .split("\n")
    .map((line) => {
      const [, name, data] = SIGNATURE.exec(line) ?? refuse("a signature line that is none");
      const bytes = unbase64(data);
      if (bytes.length <= 4) refuse("a signature line without a signature");
      return { name, hint: bytes.slice(0, 4), signature: bytes.slice(4) };
    });
  return { origin, size: count(Number(size)), root: unbase64(root), body: `${origin}\n${size}\n${root}\n`, signatures };
}

async function readTrust(source) {
  const value = parsed(source);
  if (value.format !== "medauth trust v1") refuse("a file that is no trust file");
  exactly(value, ["format", "keys", "checkpoints", "contracts", "time_stamp_authorities"]);
  const keys = list(value.keys).map((entry) => {
    exactly(entry, ["purpose", "key_id", "ed25519", "until_size"]);
    if (!KEY_PURPOSES.includes(entry.purpose)) refuse("a key for nothing that is known");
    const until = entry.until_size === null ? undefined : positive(entry.until_size);
    return { id: text(entry.key_id), purpose: entry.purpose, raw: unhex(entry.ed25519), until };
  });
  const checkpoints = list(value.checkpoints).map((entry) => {
    exactly(entry, ["root", "size"]);
    return [hex(unhex(entry.root)), positive(entry.size)];
  });
  const contracts = list(value.contracts).map((entry) => {
    const { log, ...contract } = exactly(entry, ["log", ...CONTRACT_FIELDS]);
    return { log: text(log), contract: readContract(contract) };
  });
  const authorities = list(value.time_stamp_authorities).map(text);
  if (!authorities.every((pem) => pem.startsWith("-----BEGIN CERTIFICATE-----")))
    refuse("an authority without a certificate");
  for (const { id, raw } of keys) {
    if (id !== (await keyId(raw))) refuse("a key id that does not fit its key");
  }
  const trust = {
    keys: new Map(keys.map((key) => [key.id, key])),
    retired: new Map(keys.filter(({ until }) => until !== undefined).map(({ id, until }) => [id, until])),
    checkpoints: new Map(checkpoints),
    contracts,
  };
  const twice = trust.keys.size !== keys.length || trust.checkpoints.size !== checkpoints.length;
  return twice ? refuse("a trust file that says a thing twice") : trust;
}

/** JSON from outside: text, bytes, or what a caller has parsed. */
function parsed(source) {
  if (typeof source === "string") return parseObject(utf8(source));
  if (source instanceof Uint8Array) return parseObject(source);
  return parseObject(utf8(canonical(object(source))));
}

function exactly(value, names) {
  if (!equal(Object.keys(object(value)).sort(), [...names].sort()))
    refuse("a part missing, or more than belongs there");
  return value;
}

/** Every one of these must be there, as Python has it; more may be. */
function having(value, names) {
  return names.every((name) => Object.hasOwn(object(value), name)) ? value : refuse("a part missing");
}

function object(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : refuse("no object");
}

function list(value) {
  return Array.isArray(value) ? value : refuse("no list");
}

function text(value) {
  return typeof value === "string" ? value : refuse("no text");
}

function integer(value) {
  return Number.isSafeInteger(value) ? value : refuse("no whole number");
}

function count(value) {
  return integer(value) >= 0 ? value : refuse("no count");
}

function positive(value) {
  return integer(value) >= 1 ? value : refuse("no size");
}

function refuse(what) {
  throw new InputError(what);
}

function own(table, name) {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

// JSON with one meaning, and RFC 8785 for values without floats

/** JSON.parse takes a key twice and 1.0 for 1; a signed document must not be read in two ways. */
function parseObject(bytes) {
  if (bytes.length > MAX_BYTES) refuse(`${bytes.length} bytes of JSON`);
  let source, value;
  try {
    source = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(source);
  } catch {
    refuse("not JSON");
  }
  requireUnambiguous(source);
  return object(checked(value, 0));
}

/** Over a text that JSON.parse took: no key twice in one object, and no number but a whole one. */
function requireUnambiguous(source) {
  const open = [];
  const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|-?[0-9][0-9.eE+-]*|true|false|null/gs;
  for (const [token] of source.matchAll(tokens)) {
    const top = open.at(-1);
    if (token === "{" || token === "[") open.push(token === "{" ? { keys: new Set(), key: true } : {});
    else if (token === "}" || token === "]") open.pop();
    else if (token === "," && top.keys) top.key = true;
    else if (token === ":") top.key = false;
    else if (token[0] === '"' && top?.key) {
      const key = JSON.parse(token);
      if (top.keys.has(key)) refuse("a key stands twice in one object");
      top.keys.add(key);
    } else if (/^-?[0-9]/.test(token) && !/^-?[0-9]+$/.test(token)) refuse("a number that is not whole");
  }
}

function checked(value, depth) {
  if (depth > MAX_DEPTH) refuse("JSON nested too deep");
  if (typeof value === "number") integer(value);
  else if (typeof value === "string") requireWhole(value);
  else if (Array.isArray(value)) value.forEach((item) => checked(item, depth + 1));
  else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      requireWhole(key);
      checked(item, depth + 1);
    }
  }
  return value;
}

function requireWhole(value) {
  if (/\p{Surrogate}/u.test(value)) refuse("half a surrogate pair in a string");
}

/** The RFC 8785 form: keys in the order of their UTF-16 code units, no blanks. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  if (typeof value === "number") return String(integer(value));
  return value === undefined ? "undefined" : JSON.stringify(value);
}

function equal(one, other) {
  return canonical(one) === canonical(other);
}

// Bytes

function preAuthenticationEncoding(kind, payload) {
  const name = utf8(kind);
  return join(utf8(`DSSEv1 ${name.length} `), name, utf8(` ${payload.length} `), payload);
}

async function ed25519(raw, signature, signed) {
  if (signature.length !== 64) return false;
  const key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, key, signature, signed);
}

async function hmac(raw, data) {
  const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, data));
}

async function sha256(data) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

function utf8(value) {
  return new TextEncoder().encode(value);
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function unhex(value, length = 32) {
  if (!/^(?:[0-9a-f]{2})*$/.test(text(value)) || value.length !== 2 * length)
    refuse(`no ${length} bytes in hexadecimal`);
  return Uint8Array.from(value.match(/../g), (pair) => parseInt(pair, 16));
}

function unbase64(value) {
  try {
    const bytes = Uint8Array.from(atob(text(value)), (character) => character.charCodeAt(0));
    let back = "";
    bytes.forEach((byte) => (back += String.fromCharCode(byte)));
    if (btoa(back) === value) return bytes;
  } catch {
    // named below
  }
  return refuse("no base64");
}

function join(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function same(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
