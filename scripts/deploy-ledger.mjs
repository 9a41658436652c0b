// Deploys a ledger to any network of hardhat.config.js and writes its file: npm run deploy:contracts -- --network NAME
// The creation code is the committed one, byte for byte: what auditors compare with, and never a fresh compilation.
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { network } from "hardhat";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LOCAL_CHAIN = 31337;
const artifact = JSON.parse(fs.readFileSync(path.join(ROOT, "medauth/ledger/artifacts/LivenessLedger.json"), "utf8"));

const connection = await network.create();
const ask = (method, ...params) => connection.provider.request({ method, params });
const [deployer] = await ask("eth_accounts");
if (!deployer) {
  throw new Error("no account: set DEPLOYER_KEY, the private key of the account that pays");
}
const roles = ["LEDGER_ADMIN", "LEDGER_ANCHORER", "LEDGER_REVOKER"].map((name) => process.env[name] ?? deployer);
const chainId = Number(await ask("eth_chainId"));
const word = (hex) => hex.replace(/^0x/, "").toLowerCase().padStart(64, "0");

// A log that goes on: its old contract, paused, is named by LEDGER_AFTER, and the new name commits to the old head.
async function epochAfter(old) {
  const [logId, head] = await Promise.all(
    ["0xc8adae4a", "0x8f7dcfa3"].map((data) => ask("eth_call", { to: old, data }, "latest")), // logId(), head()
  );
  const [size, root] = [head.slice(2, 66), head.slice(66, 130)];
  const tag = Buffer.from("medauth epoch v1").toString("hex").padEnd(64, "0");
  const words = [tag, word(chainId.toString(16)), word(old), word(logId), size, root];
  return `0x${createHash("sha256").update(Buffer.from(words.join(""), "hex")).digest("hex")}`;
}

const after = process.env.LEDGER_AFTER;
const logId = after ? await epochAfter(after) : (process.env.LEDGER_LOG_ID ?? `0x${randomBytes(32).toString("hex")}`);
const words = [...roles, logId, after ?? "0x"].map(word);
if (words.some((hex) => !/^[0-9a-f]{64}$/.test(hex))) {
  throw new Error("a role that is no address, or a log id that is not 32 bytes");
}

const data = artifact.bytecode + words.join("");
const transaction = await ask("eth_sendTransaction", { from: deployer, data, gas: "0x2625a0" });
let receipt = null;
for (let tries = 0; !receipt && tries < 300; tries += 1) {
  receipt = await ask("eth_getTransactionReceipt", transaction);
  if (!receipt) await new Promise((done) => setTimeout(done, 1_000));
}
if (receipt?.status !== "0x1") {
  throw new Error(`transaction ${transaction}: ${receipt ? "reverted" : "not mined within 5 minutes; look for it before trying again"}`);
}

const genesis = (await ask("eth_getBlockByNumber", "0x0", false)).hash;
const name = process.env.LEDGER_NETWORK_NAME ?? `chain-${chainId}`;
const contract = {
  log: "main",
  address: receipt.contractAddress,
  log_id: logId,
  deployed_block: Number(receipt.blockNumber),
  transaction,
  ...(after ? { after } : {}),
};
const file = { format: "medauth network v1", name, chain_id: chainId, genesis, contracts: [contract], abi: artifact.abi };
console.log(`address     ${contract.address}\nchain       ${chainId}\ngas         ${Number(receipt.gasUsed)}`);
console.log(`transaction ${transaction}\nlog id      ${logId}`);

const target = process.env.LEDGER_NETWORK_FILE ?? path.join(ROOT, "medauth/ledger/networks", `${name}.json`);
if (chainId === LOCAL_CHAIN && !process.env.LEDGER_NETWORK_FILE) {
  console.log("A local chain: no file is written. It proves nothing to outsiders.");
} else {
  fs.writeFileSync(target, `${JSON.stringify(file, null, 1)}\n`, { flag: "wx" });
  console.log(`file        ${target}`);
}
await connection.close();
