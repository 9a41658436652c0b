#!/usr/bin/env node
// The npm package `solc` behind the command line of the native compiler, as far as py-solc-x and forge use it:
// `--version` and `--standard-json`. There is no native compiler on the registries this project installs from.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const solc = require("solc");

const ROOT = path.resolve(__dirname, "..");
const INCLUDED = [ROOT, path.join(ROOT, "node_modules")];
const words = process.argv.slice(2);

// A pipe takes 64 KiB at a time, and process.exit() would cut off the rest: write until all of it is gone.
function print(text) {
  const bytes = Buffer.from(text, "utf8");
  for (let done = 0; done < bytes.length; ) {
    try {
      done += fs.writeSync(1, bytes, done);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

function readImport(name) {
  const found = INCLUDED.map((folder) => path.resolve(folder, name)).find((file) => fs.existsSync(file));
  return found ? { contents: fs.readFileSync(found, "utf8") } : { error: `File not found: ${name}` };
}

if (words.includes("--version")) {
  const version = solc.version().replace(".Emscripten.clang", ".Linux.g++");
  print(`solc, the solidity compiler commandline interface\nVersion: ${version}\n`);
} else if (words.includes("--standard-json")) {
  print(solc.compile(fs.readFileSync(0, "utf8"), { import: readImport }));
} else {
  process.stderr.write(`got: ${words.join(" ") || "no option"} · expected: --version or --standard-json\n`);
  process.exitCode = 1;
}
