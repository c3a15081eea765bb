/** `npm start`: runs the gate from a clone, with the policies that ship and its data in .plangate. Further options go to `plangate serve`. */
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { buildIfStale, installIfMissing, root } from "./bootstrap.mjs";

const firstPort = 8484;
const portsToTry = 20;

process.chdir(root);
installIfMissing();
buildIfStale();
const given = process.argv.slice(2);
const port = given.some((option) => option.startsWith("--port")) ? [] : ["--port", String(await freePort())];
const defaults = ["--policies", "policies", "--data-dir", ".plangate", "--example", "examples/incident/request.json"];
process.argv = [process.execPath, "plangate", "serve", ...defaults, ...port, ...given];
if (process.env.npm_lifecycle_event === "start") stopWithNpm();
createRequire(import.meta.url)("../dist/plangate.js");

/** npm passes SIGTERM on to the shell between it and this process, and the shell does not. */
function stopWithNpm() {
  const parent = process.ppid;
  const look = () => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  };
  const timer = setInterval(look, 500);
  timer.unref();
}

/** The first port from 8484 on that nothing listens on; 8484 itself where there is none, for the error message. */
async function freePort() {
  for (let candidate = firstPort; candidate < firstPort + portsToTry; candidate += 1) {
    if (await isFree(candidate)) return candidate;
  }
  return firstPort;
}

function isFree(candidate) {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(candidate, "127.0.0.1", () => server.close(() => done(true)));
  });
}
