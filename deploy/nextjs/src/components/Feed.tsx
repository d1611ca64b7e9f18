"use client";

import { useEffect, useState } from "react";

type Line = { id: number; text: string; author: string; region: string; createdAt: string; seenAfterMs: number };

const kLinesMax = 100;

export function Feed() {
  const [state, setState] = useState("connecting");
  const [lines, setLines] = useState<Line[]>([]);

  useEffect(() => {
    const source = new EventSource("/api/feed");
    source.onopen = () => setState("open");
    source.onerror = () => setState("connecting again");
    source.addEventListener("entry", (event) => {
      const line = JSON.parse((event as MessageEvent<string>).data) as Line;
      setLines((before) => [line, ...before.filter(({ id }) => id !== line.id)].slice(0, kLinesMax));
    });
    return () => source.close();
  }, []);

  return (
    <section className="card">
      <h2>
        Stream: <span className={state === "open" ? "said" : "soft"} data-testid="feed-state">{state}</span>
      </h2>
      <ol className="feed" data-testid="feed">
        {lines.length === 0 && <li className="soft">Waiting for the next line.</li>}
        {lines.map((line) => (
          <li key={line.id}>
            <time dateTime={line.createdAt}>{line.createdAt.slice(11, 19)}</time>
            <span>
              {line.text} <span className="soft">{`${line.author}, `}</span>
              <span className="tag">{line.region}</span>{" "}
              <span className="soft">{`here after ${line.seenAfterMs} ms`}</span>
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
