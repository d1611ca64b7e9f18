import type { NextRequest } from "next/server";
import { db } from "@/lib/db";
import { checkedName, checkedText } from "@/lib/entries";

export const dynamic = "force-dynamic";

type Context = { params: Promise<{ id: string }> };

async function idOf({ params }: Context): Promise<number> {
  const id = Number((await params).id);
  return Number.isSafeInteger(id) ? id : 0; // no line has that number
}

const absent = () => Response.json({ error: "There is no such line." }, { status: 404 });

async function textOf(request: NextRequest) {
  const body = (await request.json().catch(() => ({}))) as Record<string, unknown>;
  return { body, checked: checkedText(body.text) };
}

export async function GET(_request: NextRequest, context: Context) {
  const entry = await db.entry.findUnique({ where: { id: await idOf(context) } });
  return entry ? Response.json(entry) : absent();
}

/** Replaces a line, or makes it under the number that the client chose. */
export async function PUT(request: NextRequest, context: Context) {
  const id = await idOf(context);
  if (id <= 0) return absent();
  const { body, checked } = await textOf(request);
  if ("error" in checked) return Response.json(checked, { status: 400 });
  const data = { text: checked.text, author: checkedName(body.author), region: checkedName(body.region) };
  return Response.json(await db.entry.upsert({ where: { id }, create: { id, ...data }, update: data }));
}

export async function PATCH(request: NextRequest, context: Context) {
  const id = await idOf(context);
  const { body, checked } = await textOf(request);
  if (body.text !== undefined && "error" in checked) return Response.json(checked, { status: 400 });
  const data = {
    ...("text" in checked && { text: checked.text }),
    ...(typeof body.pinned === "boolean" && { pinned: body.pinned }),
  };
  const { count } = await db.entry.updateMany({ where: { id }, data });
  if (count === 0) return absent();
  return Response.json(await db.entry.findUnique({ where: { id } }));
}

export async function DELETE(_request: NextRequest, context: Context) {
  const { count } = await db.entry.deleteMany({ where: { id: await idOf(context) } });
  return count === 0 ? absent() : new Response(null, { status: 204 });
}
