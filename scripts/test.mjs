/** `npm test`: installs what is missing, builds what the tests start as a program, runs jest with the arguments given. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { buildIfStale, installIfMissing, root } from "./bootstrap.mjs";

installIfMissing();
buildIfStale();
const jest = join(root, "node_modules/jest/bin/jest.js");
const { status } = spawnSync(process.execPath, [jest, ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
process.exitCode = status ?? 1;
