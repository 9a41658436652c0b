// Writes what Hardhat compiled to medauth/ledger/artifacts/LivenessLedger.json, the file that travels in the wheel.
// `--check` writes nothing and fails where the committed file differs: CI's proof that sources and artifact agree.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const CONTRACT = "LivenessLedger";
const TARGET = path.join(ROOT, "medauth/ledger/artifacts", `${CONTRACT}.json`);

const readJson = (...parts) => JSON.parse(fs.readFileSync(path.join(ROOT, ...parts), "utf8"));
const sha256 = (text) => createHash("sha256").update(text, "utf8").digest("hex");
// Hardhat's names carry "project/" or "npm/" and a version; imports in the sources do not.
const plainName = (name) => name.replace(/^project\//, "").replace(/^npm\/(@[^/]+\/[^/@]+)@[^/]+/, "$1");

const compiled = readJson("artifacts/contracts", `${CONTRACT}.sol`, `${CONTRACT}.json`);
const build = readJson("artifacts/build-info", `${compiled.buildInfoId}.json`);
const { optimizer, evmVersion, metadata } = build.input.settings;

function sourcesOf(name, seen = new Map()) {
  const content = build.input.sources[name].content;
  seen.set(name, content);
  for (const [, target] of content.matchAll(/^import\s[^"']*["']([^"']+)["']/gm)) {
    const wanted = target.startsWith(".") ? path.posix.join(path.posix.dirname(plainName(name)), target) : target;
    const found = Object.keys(build.input.sources).find((candidate) => plainName(candidate) === wanted);
    if (!found) throw new Error(`${name} imports ${target}: got no such source in the build, expected ${wanted}`);
    if (!seen.has(found)) sourcesOf(found, seen);
  }
  return seen;
}

const sources = [...sourcesOf(compiled.inputSourceName)].map(([name, content]) => [plainName(name), sha256(content)]);
const artifact = {
  contract: CONTRACT,
  compiler: { name: "solc", version: build.solcLongVersion, settings: { optimizer, evmVersion, metadata } },
  sources: Object.fromEntries(sources.sort(([a], [b]) => (a < b ? -1 : 1))),
  bytecode: compiled.bytecode,
  deployedBytecode: compiled.deployedBytecode,
  immutableReferences: Object.values(compiled.immutableReferences).flat(),
  abi: compiled.abi,
};
const text = `${JSON.stringify(artifact, null, 1)}\n`;

if (process.argv.includes("--check")) {
  if (!fs.existsSync(TARGET) || fs.readFileSync(TARGET, "utf8") !== text) {
    console.error(`${path.relative(ROOT, TARGET)}: got another one than the sources give; next step: npm run compile, then commit it`);
    process.exitCode = 1;
  }
} else {
  fs.mkdirSync(path.dirname(TARGET), { recursive: true });
  fs.writeFileSync(TARGET, text);
}
