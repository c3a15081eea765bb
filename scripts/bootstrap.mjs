/** Makes a clone ready to run: installs packages that are missing, builds what is stale. Needs nothing but Node and npm. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
const leastNode = [20, 19];

/**
 * Installs what package-lock.json says where node_modules is absent or older. Not with `npm ci`: that refuses a lock file that does not
 * list the optional packages of every other platform, which no lock file does that was made where the registry lacks them.
 */
export function installIfMissing() {
  requireNode();
  const installed = modified("node_modules/.package-lock.json");
  if (installed >= modified("package-lock.json")) return;
  console.error("Installing packages (npm install); this takes a minute …");
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm?.endsWith(".js") ? [process.execPath, npm] : ["npm"];
  const options = ["install", "--no-save", "--include=dev", "--no-audit", "--no-fund"];
  run(command, [...first, ...options], process.platform === "win32" && npm === undefined);
  // npm leaves its own record alone where it had nothing to do.
  const now = new Date();
  utimesSync(join(root, "node_modules/.package-lock.json"), now, now);
}

/** Builds dist/ where it is absent or older than what it is made from. */
export function buildIfStale() {
  const built = modified("dist/plangate.js");
  const sources = ["src", "package.json", "package-lock.json", "scripts/build.mjs"];
  if (sources.every((source) => newest(join(root, source)) <= built)) return;
  console.error("Building …");
  run(process.execPath, [join(root, "scripts/build.mjs")]);
}

/** Milliseconds since 1970; 0: there is no such file. */
function modified(file) {
  return statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newest(path) {
  if (!existsSync(path)) return 0;
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1])) return;
  console.error(`plangate needs Node ${leastNode.join(".")} or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

function run(command, args, shell = false) {
  // Standard output belongs to the program that is started afterwards.
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], shell });
  if (error !== undefined) console.error(`${command} cannot be run: ${error.message}`);
  if (status !== 0) process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  installIfMissing();
  buildIfStale();
}
