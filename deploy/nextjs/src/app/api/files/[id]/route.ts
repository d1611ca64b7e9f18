import type { NextRequest } from "next/server";
import { db } from "@/lib/db";

export async function GET(_request: NextRequest, { params }: { params: Promise<{ id: string }> }) {
  const id = Number((await params).id);
  const file = Number.isSafeInteger(id) ? await db.file.findUnique({ where: { id } }) : null;
  if (!file) return new Response("There is no such file.", { status: 404 });

  let place = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = await db.fileChunk.findUnique({ where: { fileId_place: { fileId: id, place: place++ } } });
      if (chunk) controller.enqueue(chunk.data);
      else controller.close();
    },
  });
  return new Response(body, {
    headers: {
      // Never shown in place: what people upload must not run as a page of this site.
      "Content-Type": "application/octet-stream",
      "Content-Disposition": `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
      "Content-Length": String(file.bytes),
      ETag: `"${file.sha256}"`,
    },
  });
}
