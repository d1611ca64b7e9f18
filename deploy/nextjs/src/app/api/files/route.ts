import { createHash } from "node:crypto";
import type { NextRequest } from "next/server";
import { db } from "@/lib/db";
import { kChunkBytes, kFileBytesMax, readBody } from "@/lib/files";
import { nodeInfo } from "@/lib/node";

const kNameMax = 200;

/** The body is the file; "?name=" names it. */
export async function POST(request: NextRequest) {
  const body = await readBody(request, kFileBytesMax);
  if (body === null) return new Response(`At most ${kFileBytesMax >> 20} MiB, please.`, { status: 413 });
  const chunks = [];
  for (let at = 0; at < body.length; at += kChunkBytes) {
    chunks.push({ place: chunks.length, data: Uint8Array.from(body.subarray(at, at + kChunkBytes)) });
  }
  const file = await db.file.create({
    data: {
      name: (request.nextUrl.searchParams.get("name") || "file").slice(0, kNameMax),
      type: request.headers.get("content-type") ?? "application/octet-stream",
      bytes: body.length,
      sha256: createHash("sha256").update(body).digest("hex"),
      chunks: { create: chunks },
    },
  });
  const { role, region } = nodeInfo();
  return Response.json({ ...file, role, region }, { status: 201, headers: { Location: `/api/files/${file.id}` } });
}
