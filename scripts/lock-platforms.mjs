// Completes package-lock.json with the optional packages of other platforms that a registry did not serve when the lock
// was made. Without them `npm ci` stops with "Missing: ... from lock file", although it would never fetch them here.
// Run after every `npm install` that changes the lock: `npm run lock:platforms`.
//
// The added entries carry no integrity hash, since their bytes were never seen. On such a platform run
// `npm install` once where the registry serves them, and commit the lock it writes.
import fs from "node:fs";

const LOCK = new URL("../package-lock.json", import.meta.url);
const SYSTEMS = { darwin: "darwin", linux: "linux", win32: "win32" };
const PROCESSORS = { amd64: "x64", x64: "x64", arm64: "arm64" };
const LIBRARIES = { gnu: "glibc", musl: "musl" };

function platformOf(name) {
  const words = name.split(/[-/]/);
  const pick = (table) => words.map((word) => table[word]).filter(Boolean);
  return { os: pick(SYSTEMS), cpu: pick(PROCESSORS), libc: pick(LIBRARIES) };
}

function missingFrom(packages) {
  return Object.entries(packages).flatMap(([path, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`])
      .map(([name, version]) => ({ name, version, dev: entry.dev })),
  );
}

const lock = JSON.parse(fs.readFileSync(LOCK, "utf8"));
const missing = missingFrom(lock.packages);
for (const { name, version, dev } of missing) {
  const { os, cpu, libc } = platformOf(name);
  if (os.length === 0) throw new Error(`${name} names no platform: got a truly missing package, expected one of another system`);
  lock.packages[`node_modules/${name}`] = { version, cpu, ...(dev && { dev }), ...(libc.length && { libc }), optional: true, os };
}
const [root, ...rest] = Object.entries(lock.packages);
rest.sort(([a], [b]) => a.localeCompare(b, "en"));
lock.packages = Object.fromEntries([root, ...rest]);
fs.writeFileSync(LOCK, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json: ${missing.length} packages of other platforms added`);
