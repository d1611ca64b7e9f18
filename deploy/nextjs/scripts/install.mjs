#!/usr/bin/env node
// Installs and builds the application in the current folder. On a machine with a network this is "npm ci && npm run build";
// where prebuilt programs cannot be downloaded, the SQLite binding is compiled (a C++ compiler and Node's headers are
// needed), and Prisma gets its schema engine as WebAssembly (schema_engine.mjs).
//
// Writes ".engine", a line for PRISMA_SCHEMA_ENGINE_BINARY, empty where Prisma's own engine was to be had.
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

const kEngine = "@prisma/schema-engine-wasm@7.10.0-4.0edf323efd1d98336f3f0a68684b56f689b900d3";
const quiet = { NEXT_TELEMETRY_DISABLED: "1", CHECKPOINT_DISABLE: "1", PRISMA_HIDE_UPDATE_MESSAGE: "1" };

function run(words, { may_fail = false, env = {} } = {}) {
  const [program, ...rest] = words;
  const { status } = spawnSync(program, rest, { stdio: may_fail ? "ignore" : "inherit", env: { ...process.env, ...quiet, ...env } });
  if (status !== 0 && !may_fail) {
    console.error(`install: "${words.join(" ")}" failed`);
    process.exit(1);
  }
  return status === 0;
}

const npm = (...words) => ["npm", ...words, "--no-audit", "--no-fund", "--loglevel=error"];
const loads = () => run(["node", "-e", "new (require('better-sqlite3'))(':memory:')"], { may_fail: true });

if (!existsSync("node_modules/next")) run(npm(existsSync("package-lock.json") ? "ci" : "install", "--ignore-scripts"));
if (!loads() && !(run(npm("rebuild", "better-sqlite3"), { may_fail: true }) && loads())) {
  const node = dirname(dirname(process.execPath));
  run(npm("rebuild", "better-sqlite3", "--build-from-source", `--nodedir=${node}`, "--ignore-scripts=false"));
}

// "version" fetches the engine where it is not there yet, and fails where it cannot.
const own = run(["node", "node_modules/prisma/build/index.js", "version"], { may_fail: true });
let engine = "";
if (!own) {
  const require = createRequire(join(process.cwd(), "package.json"));
  try {
    require.resolve("@prisma/schema-engine-wasm");
  } catch {
    run(npm("install", "--no-save", "--package-lock=false", "--ignore-scripts", kEngine));
  }
  engine = resolve("scripts/schema_engine.mjs");
}
writeFileSync(".engine", engine);
run(["npm", "run", "build"], { env: engine ? { PRISMA_SCHEMA_ENGINE_BINARY: engine } : {} });
