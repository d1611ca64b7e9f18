"use server";

import { revalidatePath } from "next/cache";
import { checkedName, checkedText } from "@/lib/entries";
import { db } from "@/lib/db";
import { nodeInfo } from "@/lib/node";
import { currentUser } from "@/lib/session";

export type Written = { id?: number; author?: string; error?: string; role?: string; region?: string };

export async function addEntry(_before: Written, form: FormData): Promise<Written> {
  const checked = checkedText(form.get("text"));
  if ("error" in checked) return checked;
  const user = await currentUser();
  const author = user?.name ?? checkedName(form.get("author"));
  const region = checkedName(form.get("region"));
  const { id } = await db.entry.create({ data: { text: checked.text, author, region } });
  revalidatePath("/");
  const here = nodeInfo();
  return { id, author, role: here.role, region: here.region };
}

export async function pinEntry(form: FormData): Promise<void> {
  const id = Number(form.get("id"));
  if (!Number.isSafeInteger(id)) return;
  await db.entry.updateMany({ where: { id }, data: { pinned: form.get("pinned") === "true" } });
  revalidatePath("/");
}

export async function removeEntry(form: FormData): Promise<void> {
  const id = Number(form.get("id"));
  if (!Number.isSafeInteger(id)) return;
  await db.entry.deleteMany({ where: { id } });
  revalidatePath("/");
}
