import { cookies } from "next/headers";
import { db } from "@/lib/db";
import { kSessionCookie } from "@/lib/session";

export async function POST() {
  const jar = await cookies();
  const token = jar.get(kSessionCookie)?.value;
  if (token) await db.session.deleteMany({ where: { token } });
  jar.delete(kSessionCookie);
  return new Response(null, { status: 303, headers: { Location: "/account" } });
}
