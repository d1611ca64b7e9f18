import { randomBytes } from "node:crypto";
import { cookies } from "next/headers";
import type { NextRequest } from "next/server";
import { db } from "@/lib/db";
import { checkedName } from "@/lib/entries";
import { kSessionCookie } from "@/lib/session";

const kSessionSeconds = 30 * 24 * 3600;

export async function POST(request: NextRequest) {
  const name = checkedName((await request.formData()).get("name"));
  const token = randomBytes(24).toString("base64url");
  await db.session.create({ data: { token, user: { connectOrCreate: { where: { name }, create: { name } } } } });
  (await cookies()).set(kSessionCookie, token, {
    httpOnly: true,
    sameSite: "lax",
    secure: request.headers.get("x-forwarded-proto") === "https",
    path: "/",
    maxAge: kSessionSeconds,
  });
  // 303: the browser GETs the page, from its own region; the session must be there.
  return new Response(null, { status: 303, headers: { Location: "/account" } });
}
