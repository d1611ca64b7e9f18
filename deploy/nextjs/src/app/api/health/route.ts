import { db } from "@/lib/db";

export const dynamic = "force-dynamic";

/** Whether the application itself can read its database. */
export async function GET() {
  await db.$queryRaw`SELECT 1`;
  return new Response("ok\n");
}
