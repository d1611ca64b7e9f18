// What Skerry says about this node, read from the files of its mount: no port, no library.
import { readFileSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";

export type NodeInfo = {
  region: string;
  role: "primary" | "replica" | "no mount";
  primary: string | null; // its host name, where this node is a replica of one that has a name
  txid: string; // 16 hex digits
  checksum: string;
  lagMs: number | null; // null: not yet in step
};

const database = (process.env.DATABASE_URL ?? "file:./dev.db").replace(/^file:/, "");
const folder = process.env.LITEFS_DIR ?? dirname(database);
const kNeverInStep = 2_147_483_647;

export const region = process.env.FLY_REGION ?? process.env.REGION ?? "local";

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

export function nodeInfo(): NodeInfo {
  const position = read(`${folder}/${basename(database)}-pos`);
  const lag = read(`${folder}/.lag`);
  // ".primary" is there on replicas only, and names the primary.
  const primary = read(`${folder}/.primary`);
  const [txid = "", checksum = ""] = (position ?? "").split("/");
  const lagMs = lag === null ? null : Number.parseInt(lag, 10);
  return {
    region,
    role: position === null ? "no mount" : primary === null ? "primary" : "replica",
    primary: primary || null,
    txid,
    checksum,
    lagMs: lagMs === null || lagMs >= kNeverInStep ? null : lagMs,
  };
}

/** Changes with every transaction of the database, wherever it was made. */
export function position(): string {
  const text = read(`${folder}/${basename(database)}-pos`);
  if (text !== null) return text;
  // Without Skerry: the log's size and time do, for development.
  try {
    const wal = statSync(`${database}-wal`);
    return `${wal.size}/${wal.mtimeMs}`;
  } catch {
    return "";
  }
}
