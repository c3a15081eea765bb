/** Builds the product, then bundles and runs one TypeScript program of this repository: `node scripts/run.mjs bench/main.ts`. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildIfStale, installIfMissing } from "./bootstrap.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const [entry, ...args] = process.argv.slice(2);
installIfMissing();
buildIfStale();
const folder = mkdtempSync(join(root, "node_modules/.run-"));
try {
  const outfile = join(folder, "main.js");
  await build({
    entryPoints: [join(root, entry)],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    packages: "external",
    loader: { ".sql": "text" },
  });
  process.exitCode = spawnSync(process.execPath, [outfile, ...args], { cwd: root, stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
