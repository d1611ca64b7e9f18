"use client";

import { useEffect, useState } from "react";
import type { NodeInfo } from "@/lib/node";

const kRefreshMs = 2000;

/** Which node answered, and how it stands. */
export function NodeBar({ first }: { first: NodeInfo }) {
  const [node, setNode] = useState(first);

  useEffect(() => setNode(first), [first]);
  useEffect(() => {
    const timer = setInterval(async () => {
      try {
        const response = await fetch("/api/node", { cache: "no-store" });
        if (response.ok) setNode(await response.json());
      } catch {
        // The next round tells.
      }
    }, kRefreshMs);
    return () => clearInterval(timer);
  }, []);

  return (
    <section className="node" aria-label="The node that answered">
      <div className="wrap">
        <span className={`role ${node.role}`} data-testid="role">{node.role}</span>
        <dl>
          <div className="pair"><dt>Region</dt><dd data-testid="region">{node.region}</dd></div>
          {node.primary !== null && <div className="pair"><dt>Primary</dt><dd>{node.primary}</dd></div>}
          <div className="pair">
            <dt>Position</dt>
            <dd className="mono" title={`${node.txid}/${node.checksum}`} data-testid="position">
              {node.txid === "" ? "–" : Number.parseInt(node.txid, 16).toLocaleString("en")}
            </dd>
          </div>
          <div className="pair"><dt>Lag</dt><dd data-testid="lag">{lagText(node)}</dd></div>
        </dl>
      </div>
    </section>
  );
}

function lagText({ role, lagMs }: NodeInfo): string {
  if (role === "primary") return "none";
  if (role === "no mount") return "–";
  if (lagMs === null) return "not yet in step";
  return lagMs < 1000 ? `${lagMs} ms` : `${(lagMs / 1000).toFixed(1)} s`;
}
