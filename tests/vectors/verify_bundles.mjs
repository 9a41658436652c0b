// Runs verifier.mjs over bundles.json and merkle.json, and prints what it says as one JSON document.
import { readFile } from "node:fs/promises";
import {
  ACTIONS,
  CONTRACT,
  FAILS,
  InputError,
  POLICIES,
  REASONS,
  canonical,
  verify,
  verifyConsistency,
  verifyInclusion,
} from "../../medauth/evidence/verifier.mjs";

const read = async (path) => JSON.parse(await readFile(new URL(path, import.meta.url), "utf8"));
const { trust, cases, refused_trust: files } = await read("bundles.json");
const merkle = await read("merkle.json");
const artifact = await read("../../medauth/ledger/artifacts/LivenessLedger.json");
const live = cases[0];

function expanded(text, like) {
  if (typeof text === "string") return text;
  return like.slice(0, text.first) + text.then + like.slice(like.length - text.last);
}

function bundleOf(one) {
  const payload = Buffer.from(expanded(one.payload ?? "", live.payload), "utf8").toString("base64");
  return expanded(one.bundle, live.bundle).replaceAll("@payload", payload);
}

/** A node whose contract holds every root for one size; `broken` names the answer that is another one. */
function node(bundle, size, broken) {
  const { chain_id: chainId, genesis, log_id: logId } = bundle.anchor;
  let code = artifact.deployedBytecode.slice(2);
  for (const { start } of artifact.immutableReferences) {
    code = code.slice(0, 2 * start) + logId + code.slice(2 * start + 64);
  }
  const word = (number) => BigInt(number).toString(16).padStart(64, "0");
  const answers = {
    eth_chainId: `0x${chainId.toString(16)}`,
    eth_getBlockByNumber: { hash: `0x${genesis}` },
    eth_getCode: `0x${code}`,
  };
  const called = {
    [CONTRACT.checkpointOf]: `0x${word(size)}${word(1)}${word(0)}`,
    [CONTRACT.revocationOf]: `0x${word(0)}${word(0)}`,
  };
  return async (url, { body }) => {
    const { method, params } = JSON.parse(body);
    if (method === "eth_call") answers.eth_call = called[params[0].data.slice(0, 10)];
    if (broken && method === broken.method) return new Response(JSON.stringify(broken.answer(answers[method])));
    return new Response(JSON.stringify({ jsonrpc: "2.0", id: 1, result: answers[method] }));
  };
}

function chainOf(one, text) {
  if (one.on_chain === false) return {};
  const bundle = JSON.parse(text);
  if (!bundle.anchor) return { rpc: "http://node.test", fetch: node(JSON.parse(bundleOf(live)), 0) };
  const size = one.on_chain === true ? (bundle.proof?.size ?? 0) : one.on_chain;
  return { rpc: "http://node.test", fetch: node(bundle, size) };
}

async function stepsOf(one) {
  const text = bundleOf(one);
  try {
    const chain = one.steps ? chainOf(one, text) : {};
    const { steps, holds, files } = await verify(text, trust[one.trust], chain);
    const failed = steps.some(({ state }) => state === FAILS);
    return {
      steps: steps.map(({ name, state }) => [name, state]),
      texts: steps.map((step) => step.text),
      holds: holds && !failed,
      files: files.map(({ name, sha256 }) => [name, sha256]),
    };
  } catch (error) {
    if (error instanceof InputError) return { steps: null, texts: [error.message], holds: false, files: [] };
    throw error;
  }
}

const BROKEN = {
  "another chain": { method: "eth_chainId", answer: () => ({ result: "0x2" }) },
  "another first block": {
    method: "eth_getBlockByNumber",
    answer: () => ({ result: { hash: `0x${"11".repeat(32)}` } }),
  },
  "no block": { method: "eth_getBlockByNumber", answer: () => ({ result: null }) },
  "no code": { method: "eth_getCode", answer: () => ({ result: "0x" }) },
  "other code": { method: "eth_getCode", answer: (code) => ({ result: code.replace("6080", "6081") }) },
  "another log": {
    method: "eth_getCode",
    answer: (code) => ({ result: code.replace("07".repeat(32), "08".repeat(32)) }),
  },
  "an error": { method: "eth_call", answer: () => ({ error: { message: "no" } }) },
  "a short answer": { method: "eth_call", answer: () => ({ result: "0x01" }) },
  "no hexadecimal": { method: "eth_call", answer: () => ({ result: "yes" }) },
  nothing: { method: "eth_call", answer: () => undefined },
};

async function brokenNodes() {
  const found = {};
  for (const [name, broken] of Object.entries(BROKEN)) {
    const text = bundleOf(live);
    const fetch = node(JSON.parse(text), JSON.parse(text).proof.size, broken);
    const { steps } = await verify(text, trust.pinned, { rpc: "http://node.test", fetch });
    found[name] = [steps.at(-1).name, steps.at(-1).state, steps.at(-1).text];
  }
  return found;
}

const bytes = (text) => Uint8Array.from(Buffer.from(text.slice(2), "hex"));
const inclusion = [];
for (const { leaf_hash: leaf, index, size, root, path } of merkle.inclusion) {
  inclusion.push(await verifyInclusion(bytes(leaf), index, size, bytes(root), path.map(bytes)));
}

const consistency = [];
for (const { old_size: old, old_root: before, new_size: size, new_root: root, proof } of merkle.consistency) {
  consistency.push(await verifyConsistency(old, bytes(before), size, bytes(root), proof.map(bytes)));
}

const results = {};
for (const one of cases) results[one.name] = await stepsOf(one);

// The same as parsed JSON and as bytes, which a page may have at hand.
const text = bundleOf(live);
const forms = await Promise.all(
  [text, JSON.parse(text), new TextEncoder().encode(text)].map((form) => verify(form, trust["keys alone"])),
);

// What the engine gives up on is refused like all that is no bundle.
const endless = { format: "medauth bundle v1" };
endless.envelope = endless;
let deep = {};
for (let level = 0; level < 20_000; level += 1) deep = { deep };
const HOSTILE = { endless, deep, escapes: `{"format":"${"\\n".repeat(3_000_000)}"}`, big: { format: 1n } };
const hostile = {};
for (const [name, bundle] of Object.entries(HOSTILE)) {
  hostile[name] = await verify(bundle, trust.pinned).then(
    () => "read",
    (error) => (error instanceof InputError ? "refused" : `${error}`),
  );
}

// A node that never answers is not waited for without end.
let patience;
const silent = async (url, { signal }) => {
  patience = signal instanceof AbortSignal;
  throw new Error("nobody there");
};
await verify(text, trust.pinned, { rpc: "http://node.test", fetch: silent });

// Nor is one read without end; the reader tells it to stop.
const taken = { pieces: 0, stopped: false };
const flood = async () =>
  new Response(
    new ReadableStream({
      pull(controller) {
        taken.pieces += 1;
        controller.enqueue(new Uint8Array(64 * 1024).fill(32));
      },
      cancel() {
        taken.stopped = true;
      },
    }),
  );
const flooded = (await verify(text, trust.pinned, { rpc: "http://node.test", fetch: flood })).steps.at(-1);

const trusted = {};
for (const [name, file] of Object.entries(files)) {
  trusted[name] = await verify(text, file).then(
    ({ holds }) => holds,
    (error) => (error instanceof InputError ? null : `${error}`),
  );
}

console.log(
  JSON.stringify({
    results,
    broken: await brokenNodes(),
    inclusion,
    consistency,
    hostile,
    patience,
    flood: { ...taken, state: flooded.state, text: flooded.text },
    trusted,
    forms: forms.map(({ holds, recordId }) => [holds, recordId]),
    known: { ACTIONS, CONTRACT, POLICIES, REASONS },
    canonical: canonical({ b: [1, -2, null, true, "\u2028\u0001é"], a: {} }),
  }),
);
