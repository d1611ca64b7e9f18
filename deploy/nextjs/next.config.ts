import type { NextConfig } from "next";

const config: NextConfig = {
  // Native code is loaded, not bundled.
  serverExternalPackages: ["better-sqlite3", "@prisma/adapter-better-sqlite3"],
  // Every form of this application is a server action or a route handler that sets its own limit.
  experimental: { serverActions: { bodySizeLimit: "1mb" } },
  images: { unoptimized: true },
  poweredByHeader: false,
  devIndicators: false,
};

export default config;
