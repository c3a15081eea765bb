/** Bundles the command line (and what it starts) into dist/. Packages that carry their own files (WASM, workers) or are only needed by `serve` stay outside the bundle. */
import { build } from "esbuild";

await build({
  entryPoints: { plangate: "src/entry/cli/main.ts" },
  outdir: "dist",
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  loader: { ".sql": "text" },
  external: [
    "libpg-query",
    "@electric-sql/pglite",
    "@electric-sql/pglite-socket",
    "pg",
    "express",
    "helmet",
    "pino",
    "prom-client",
  ],
  sourcemap: true,
  minifySyntax: true,
  logLevel: "warning",
});
