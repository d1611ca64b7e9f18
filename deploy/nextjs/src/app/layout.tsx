import type { Metadata } from "next";
import type { ReactNode } from "react";
import { NodeBar } from "@/components/NodeBar";
import { Navigation } from "@/components/Navigation";
import { nodeInfo } from "@/lib/node";
import "./globals.css";

// Every page is made for its request, from the local database; none is made when the application is built.
export const dynamic = "force-dynamic";

export const metadata: Metadata = {
  title: { default: "Harbour Log", template: "%s · Harbour Log" },
  description: "A log book that is written on every island and reads the same on all of them.",
};

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <header className="masthead">
          <div className="wrap">
            {/* eslint-disable-next-line @next/next/no-html-link-for-pages -- a whole page load, on purpose */}
            <a className="brand" href="/">
              <Mark />
              Harbour Log
            </a>
            <Navigation />
          </div>
        </header>
        <NodeBar first={nodeInfo()} />
        <main>
          <div className="wrap">{children}</div>
        </main>
        <footer>
          <div className="wrap">
            An ordinary Next.js and Prisma application on a plain SQLite file. Skerry keeps the file the same in every
            region; this code knows nothing of it but the row above.
          </div>
        </footer>
      </body>
    </html>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" aria-hidden="true">
      <path d="M13 19 14.4 8h3.2L19 19" strokeLinejoin="round" />
      <path d="M13.5 5.5h5" />
      <path d="M9.5 6.5 5.5 5m17 1.5 4-1.5" opacity=".55" />
      <path d="M7 21c2.5-2.6 5.2-2.6 9-2.6s6.5 0 9 2.6" strokeLinejoin="round" />
      <path d="M3 25c2.2 0 2.2 1.5 4.3 1.5S9.500 25 11.700 25s2.2 1.5 4.3 1.5 2.2-1.5 4.3-1.5 2.2 1.5 4.4 1.5S26.800 25 29 25" />
    </svg>
  );
}
