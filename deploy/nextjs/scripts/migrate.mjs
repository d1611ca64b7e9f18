// Brings the database's schema up to date and puts it into WAL mode. skerry.yml runs this before the application, on the
// node that writes; every other node gets the result like any other transaction.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";

const prisma = fileURLToPath(new URL("../node_modules/prisma/build/index.js", import.meta.url));
const deployed = spawnSync(process.execPath, [prisma, "migrate", "deploy"], { stdio: "inherit" });
if (deployed.status !== 0) process.exit(deployed.status ?? 1);

// Prisma leaves a new database in rollback-journal mode. The mode is kept in the file, so this has an effect once.
const file = (process.env.DATABASE_URL ?? "file:./dev.db").replace(/^file:/, "");
const database = new Database(file);
const mode = database.pragma("journal_mode = WAL", { simple: true });
database.close();
if (mode !== "wal") {
  console.error(`migrate: ${file} stays in journal mode "${mode}"; is another process using it?`);
  process.exit(1);
}
