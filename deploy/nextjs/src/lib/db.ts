import { PrismaBetterSqlite3 } from "@prisma/adapter-better-sqlite3";
import { PrismaClient } from "@/generated/prisma/client";

const url = process.env.DATABASE_URL ?? "file:./dev.db";

// One client per process; "next dev" loads modules anew on every change.
const kept = globalThis as typeof globalThis & { prisma?: PrismaClient };

export const db = (kept.prisma ??= new PrismaClient({ adapter: new PrismaBetterSqlite3({ url }) }));
