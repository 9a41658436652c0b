// Runs forge from node_modules, offline and with the compiler from npm: `node scripts/forge.mjs test`.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SYSTEM = process.platform === "win32" ? "win32" : process.platform;
const PROCESSOR = process.arch === "x64" ? "amd64" : process.arch;
const program = path.join(ROOT, `node_modules/@foundry-rs/forge-${SYSTEM}-${PROCESSOR}/bin/forge`);

if (!fs.existsSync(program)) {
  console.error(`no forge for ${SYSTEM}-${PROCESSOR} in node_modules · next step: npm ci`);
  process.exit(1);
}

// forge starts the wrapper through `env node`: the node that runs this script must be the one it finds. Its HOME is
// kept out of the user's, so that tests leave nothing behind there.
const home = path.join(os.tmpdir(), `medauth-forge-${process.getuid?.() ?? "user"}`);
fs.mkdirSync(home, { recursive: true });
const environment = {
  ...process.env,
  HOME: home,
  PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH ?? ""}`,
  FOUNDRY_SOLC: path.join(ROOT, "scripts/solc-wrapper.cjs"),
};
const { status, error } = spawnSync(program, process.argv.slice(2), { cwd: ROOT, env: environment, stdio: "inherit" });
if (error) console.error(error.message);
process.exitCode = status ?? 1;
