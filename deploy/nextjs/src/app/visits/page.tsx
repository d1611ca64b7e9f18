import type { Metadata } from "next";
import { db } from "@/lib/db";
import { nodeInfo } from "@/lib/node";

export const metadata: Metadata = { title: "Visits" };

/** A GET that writes: on a replica the write is refused, and the proxy runs the request again on the primary. */
export default async function VisitsPage() {
  const visit = await db.visit.upsert({
    where: { page: "visits" },
    create: { page: "visits", count: 1 },
    update: { count: { increment: 1 } },
  });
  const { region, role } = nodeInfo();
  return (
    <>
      <h1>Visits</h1>
      <p className="lead">Looking at this page writes to the database, as counters, sessions and links in mails do.</p>
      <section className="card">
        <div className="big" data-testid="visits">{visit.count}</div>
        <p className="soft" style={{ margin: ".6rem 0 0" }}>{`times this page was loaded. Counted on the ${role} in ${region}.`}</p>
      </section>
    </>
  );
}
