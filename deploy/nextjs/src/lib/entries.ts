import { db } from "@/lib/db";

export const kTextMax = 280;
export const kNameMax = 40;

/** The newest lines, pinned ones first. */
export function newestEntries(take = 30) {
  return db.entry.findMany({ orderBy: [{ pinned: "desc" }, { id: "desc" }], take });
}

/** The text of a line as it is kept, or what is wrong with it. */
export function checkedText(value: unknown): { text: string } | { error: string } {
  const text = typeof value === "string" ? value.trim() : "";
  if (text === "") return { error: "Write something first." };
  if (text.length > kTextMax) return { error: `At most ${kTextMax} characters, please.` };
  return { text };
}

export function checkedName(value: unknown): string {
  const name = typeof value === "string" ? value.trim().slice(0, kNameMax) : "";
  return name === "" ? "somebody" : name;
}
