// Compiles offline: the compiler is the npm package `solc`, never a download.
import { createRequire } from "node:module";

import { configVariable, defineConfig } from "hardhat/config";

const require = createRequire(import.meta.url);

export const compiler = {
  version: require("solc/package.json").version,
  path: require.resolve("solc/soljson.js"),
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: "cancun",
    // No hash of metadata in the bytecode: Hardhat, py-solc-x and forge then make the same bytes.
    metadata: { bytecodeHash: "none" },
  },
};

export default defineConfig({
  solidity: compiler,
  // forge runs the contract tests; a folder that is not there keeps Hardhat from compiling them as well.
  paths: { sources: "contracts", tests: "tests/hardhat", artifacts: "artifacts", cache: "cache/hardhat" },
  networks: {
    // `npx hardhat node`: the development node. Chain 31337 is local and proves nothing to outsiders.
    node: { type: "edr-simulated", chainType: "l1", chainId: 31337, hardfork: "cancun" },
    // Any other chain, for `npm run deploy:contracts -- --network external`; read from the environment when it is used.
    external: {
      type: "http",
      chainType: "generic",
      url: configVariable("RPC_URL"),
      accounts: [configVariable("DEPLOYER_KEY")],
    },
  },
});
