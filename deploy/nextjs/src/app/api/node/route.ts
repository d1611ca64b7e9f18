import { nodeInfo } from "@/lib/node";

export const dynamic = "force-dynamic";

export function GET() {
  return Response.json(nodeInfo(), { headers: { "Cache-Control": "no-store" } });
}
