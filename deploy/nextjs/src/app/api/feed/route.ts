import { db } from "@/lib/db";
import { position } from "@/lib/node";

export const dynamic = "force-dynamic";

const kLookEveryMs = 100; // at one small file, not at the database
const kSignOfLifeMs = 15_000;
const kLinesAtOnce = 100;

/** Server-sent events: each new line once it is in this region's database. */
export async function GET(request: Request) {
  let last = Number(request.headers.get("last-event-id"));
  if (!Number.isSafeInteger(last) || last <= 0) {
    last = (await db.entry.findFirst({ orderBy: { id: "desc" } }))?.id ?? 0;
  }
  const encoder = new TextEncoder();
  let seen = position();
  let spokeAt = Date.now();
  let looking = false;
  let timer: NodeJS.Timeout;

  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const say = (text: string) => {
        spokeAt = Date.now();
        controller.enqueue(encoder.encode(text));
      };
      const look = async () => {
        const now = position();
        if (now !== seen) {
          const lines = await db.entry.findMany({ where: { id: { gt: last } }, orderBy: { id: "asc" }, take: kLinesAtOnce });
          for (const line of lines) {
            last = line.id;
            const data = { ...line, seenAfterMs: Math.max(0, Date.now() - line.createdAt.getTime()) };
            say(`id: ${line.id}\nevent: entry\ndata: ${JSON.stringify(data)}\n\n`);
          }
          if (lines.length < kLinesAtOnce) seen = now; // else the rest comes with the next look
        }
        if (Date.now() - spokeAt > kSignOfLifeMs) say(": here\n\n");
      };
      say("retry: 1000\n\n");
      timer = setInterval(() => {
        if (looking) return;
        looking = true;
        look()
          .catch(() => {}) // a database that is away for a moment; the next look tells
          .finally(() => (looking = false));
      }, kLookEveryMs);
      request.signal.addEventListener("abort", () => {
        clearInterval(timer);
        try {
          controller.close();
        } catch {
          // The client was gone already.
        }
      });
    },
    cancel() {
      clearInterval(timer);
    },
  });
  return new Response(body, {
    headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no" },
  });
}
