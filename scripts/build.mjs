/** Bundles the command line (and what it starts) into dist/. Packages that carry their own files (WASM, workers) or are only needed by `serve` stay outside the bundle. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** zod brings its messages in fifty languages; the product speaks English. Less to read at every start. */
const englishOnly = {
  name: "english-only",
  setup({ onLoad }) {
    onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.c?js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
      loader: "js",
    }));
  },
};

const { outputFiles } = await build({
  absWorkingDir: fileURLToPath(new URL("..", import.meta.url)),
  write: false,
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
  minifyWhitespace: true,
  plugins: [englishOnly],
  logLevel: "warning",
});

// Each file appears whole: others may start the program, or build too, at this moment.
for (const { path, contents } of outputFiles) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, contents);
  renameSync(`${path}.${process.pid}`, path);
}
