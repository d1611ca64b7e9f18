import { cookies } from "next/headers";
import { db } from "@/lib/db";

export const kSessionCookie = "session";

/** Who is logged in, or nobody. */
export async function currentUser() {
  const token = (await cookies()).get(kSessionCookie)?.value;
  if (!token) return null;
  const session = await db.session.findUnique({ where: { token }, include: { user: true } });
  return session?.user ?? null;
}
