"use client";

import Link from "next/link";
import { usePathname } from "next/navigation";

const kPages = [
  { href: "/", name: "Log" },
  { href: "/live", name: "Live" },
  { href: "/files", name: "Files" },
  { href: "/visits", name: "Visits", whole: true },
  { href: "/account", name: "Account" },
];

export function Navigation() {
  const here = usePathname();
  return (
    <nav className="nav" aria-label="Pages">
      {kPages.map(({ href, name, whole }) => {
        const current = here === href ? ("page" as const) : undefined;
        // A page whose GET writes is loaded whole: what the router fetches answers 200 even when the page failed.
        return whole ? (
          <a key={href} href={href} aria-current={current}>{name}</a>
        ) : (
          <Link key={href} href={href} prefetch={false} aria-current={current}>{name}</Link>
        );
      })}
    </nav>
  );
}
