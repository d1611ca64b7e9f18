import type { NextRequest } from "next/server";
import { db } from "@/lib/db";
import { checkedName, checkedText, newestEntries } from "@/lib/entries";
import { nodeInfo } from "@/lib/node";

export const dynamic = "force-dynamic";

const kTakeMax = 200;

export async function GET(request: NextRequest) {
  const take = Number(request.nextUrl.searchParams.get("take") ?? 30);
  const wanted = Number.isSafeInteger(take) ? Math.min(Math.max(take, 1), kTakeMax) : 30;
  const here = nodeInfo();
  return Response.json({ node: { region: here.region, role: here.role }, entries: await newestEntries(wanted) });
}

export async function POST(request: NextRequest) {
  const body = (await request.json().catch(() => ({}))) as Record<string, unknown>;
  const checked = checkedText(body.text);
  if ("error" in checked) return Response.json(checked, { status: 400 });
  const entry = await db.entry.create({
    data: { text: checked.text, author: checkedName(body.author), region: checkedName(body.region) },
  });
  return Response.json(entry, { status: 201, headers: { Location: `/api/entries/${entry.id}` } });
}
