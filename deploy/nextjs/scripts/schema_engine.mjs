#!/usr/bin/env node
// Prisma's schema engine for machines that cannot download the native one: the published WebAssembly build of it behind the
// command line and the JSON-RPC that the "prisma" command speaks. PRISMA_SCHEMA_ENGINE_BINARY names this file.
//
// Packages are those of the application in the current folder, with @prisma/schema-engine-wasm beside them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.cwd(), "package.json"));
const load = async (name) => import(pathToFileURL(require.resolve(name)));

function parseArguments(words) {
  const parsed = { datamodels: [], datasource: {}, command: null };
  for (let i = 0; i < words.length; i++) {
    if (words[i] === "--datamodels") parsed.datamodels.push(words[++i]);
    else if (words[i] === "--datasource") parsed.datasource = JSON.parse(words[++i]);
    else if (words[i] === "cli") parsed.command = words[++i];
    else if (words[i].startsWith("--")) i++; // options that SQLite does not need
  }
  return parsed;
}

// Failures are read from stderr, from its second line on.
function fail(code, message) {
  const line = { level: "ERROR", target: "schema_engine::logger", fields: { error_code: code, message } };
  process.stderr.write(`schema engine\n${JSON.stringify(line)}\n`);
  process.exit(1);
}

// The engine reads its table of migrations before it makes it.
const kMigrationsTable = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" TEXT PRIMARY KEY NOT NULL, "checksum" TEXT NOT NULL, "finished_at" DATETIME, "migration_name" TEXT NOT NULL,
  "logs" TEXT, "rolled_back_at" DATETIME, "started_at" DATETIME NOT NULL DEFAULT current_timestamp,
  "applied_steps_count" INTEGER UNSIGNED NOT NULL DEFAULT 0)`;

// What the native engine takes for the length of its work, unless it is told not to.
const wantsLock = process.env.PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK === undefined;
const kLockedMethods = new Set(["applyMigrations", "createMigration", "devDiagnostic", "reset", "schemaPush"]);
const kLock = "PRAGMA main.locking_mode=EXCLUSIVE; SELECT count(*) FROM sqlite_master";

async function startEngine(datamodels, url, firstMethod) {
  const glue = await load("@prisma/schema-engine-wasm/schema_engine_bg");
  const wasm = readFileSync(join(require.resolve("@prisma/schema-engine-wasm"), "..", "schema_engine_bg.wasm"));
  const { instance } = await WebAssembly.instantiate(wasm, { "./schema_engine_bg.js": glue });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const { PrismaBetterSqlite3 } = await load("@prisma/adapter-better-sqlite3");
  const { bindMigrationAwareSqlAdapterFactory } = await load("@prisma/driver-adapter-utils");
  const factory = new PrismaBetterSqlite3({ url });
  const connect = factory.connect.bind(factory);
  factory.connect = async () => {
    const connection = await connect();
    if (wantsLock && kLockedMethods.has(firstMethod)) await connection.executeScript(kLock);
    if (firstMethod === "applyMigrations") await connection.executeScript(kMigrationsTable);
    return connection;
  };
  const adapter = bindMigrationAwareSqlAdapterFactory(factory);
  const models = datamodels.map((path) => [path, readFileSync(path, "utf8")]);
  const engine = await glue.SchemaEngine.new({ datamodels: models.length > 0 ? models : undefined }, () => {}, adapter);
  return engine;
}

function errorOf(error) {
  const text = error?.message ?? String(error);
  let known;
  try {
    known = JSON.parse(text);
  } catch {
    known = { is_panic: false, message: text };
  }
  return { code: 4466, message: "An error happened. Check the data field for details.", data: { message: text, is_panic: false, ...known } };
}

async function serve({ datamodels, datasource }) {
  let engine;
  const names = { getDatabaseVersion: "version" };
  const answer = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, method, params } = JSON.parse(line);
    if (method === undefined) continue; // the answer to our "print"
    try {
      engine ??= await startEngine(datamodels, datasource.url, method);
      const result = await engine[names[method] ?? method](params);
      if (method === "diff" && typeof result?.stdout === "string") {
        answer({ id: `print-${id}`, method: "print", params: { content: result.stdout } });
      }
      answer({ id, result: result ?? null });
    } catch (error) {
      answer({ id, error: errorOf(error) });
    }
  }
  process.exit(0);
}

const parsed = parseArguments(process.argv.slice(2));
if (parsed.command === null) {
  await serve(parsed);
} else if (parsed.command === "can-connect-to-database" || parsed.command === "create-database") {
  try {
    const { PrismaBetterSqlite3 } = await load("@prisma/adapter-better-sqlite3");
    const connection = await new PrismaBetterSqlite3({ url: parsed.datasource.url }).connect();
    await connection.dispose();
    process.stdout.write("Connection successful\n");
  } catch (error) {
    fail("P1003", error.message);
  }
} else {
  fail("P0000", `this engine does not know "${parsed.command}"`);
}
