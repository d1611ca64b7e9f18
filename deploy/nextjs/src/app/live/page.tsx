import type { Metadata } from "next";
import { Feed } from "@/components/Feed";

export const metadata: Metadata = { title: "Live" };

export default function LivePage() {
  return (
    <>
      <h1>Live</h1>
      <p className="lead">
        Lines as they reach this region, over a connection that stays open. Open this page in two regions and write in
        either.
      </p>
      <Feed />
    </>
  );
}
