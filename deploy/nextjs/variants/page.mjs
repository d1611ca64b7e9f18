// What both variants show: a page with a form, on the database of better-sqlite3, without Prisma and Next.js.
import { hostname } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { getInstanceInfo } from "litefs-js";

const folder = process.env.LITEFS_DIR ?? ".";
const database = new Database(join(folder, process.env.DATABASE_FILENAME ?? "variant.db"));

export const kTextMax = 280;

// The table is made by the first write: only the primary takes it.
function table() {
  database.exec("CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT NOT NULL, at TEXT NOT NULL)");
}

export function addNote(text) {
  const trimmed = String(text ?? "").trim().slice(0, kTextMax);
  if (trimmed === "") return null;
  table();
  const note = { text: trimmed, at: new Date().toISOString() };
  const { lastInsertRowid } = database.prepare("INSERT INTO note (text, at) VALUES (@text, @at)").run(note);
  return { id: Number(lastInsertRowid), ...note };
}

export function notes() {
  const there = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'note'").get();
  return there ? database.prepare("SELECT * FROM note ORDER BY id DESC LIMIT 50").all() : [];
}

const kEscapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text) => text.replace(/[&<>"]/g, (letter) => kEscapes[letter]);

export async function page(name) {
  const { currentIsPrimary, primaryInstance } = await getInstanceInfo();
  const role = currentIsPrimary ? "primary" : `replica of ${primaryInstance || "a primary without a name"}`;
  const rows = notes().map(({ text, at }) => `<li>${escaped(text)} <time>${at.slice(11, 19)}</time></li>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${name} notes</title>
<style>
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,"DejaVu Sans",sans-serif;max-width:38rem;margin:2rem auto;padding:0 1rem}
form{display:flex;gap:.5rem;margin:1rem 0}input{flex:1;padding:.5rem}button{padding:.5rem 1rem}time{opacity:.6;font-size:.85em}
</style></head><body>
<h1>Notes with ${name}</h1>
<p>${escaped(process.env.FLY_REGION ?? hostname())}, ${escaped(role)}</p>
<form method="post" action="/notes"><input name="text" maxlength="${kTextMax}" required aria-label="Note"><button>Add</button></form>
<ul>${rows.join("")}</ul>
</body></html>`;
}
