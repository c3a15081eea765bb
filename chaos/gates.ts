import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A gate in a process of its own, on a port that it keeps over restarts. */
export interface GateProcess {
  name: string;
  url: string;
  start(): Promise<void>;
  kill9(): void;
  stop(): Promise<void>;
}

export async function newGate(root: string, folder: string, name: string, storeUrl: string): Promise<GateProcess> {
  const port = await freePort();
  const home = join(folder, name);
  mkdirSync(home, { recursive: true });
  const config = join(home, "plangate.yaml");
  const lines = [
    `gate: { name: ${name} }`,
    `listen: { api: { port: ${port} } }`,
    "database: { urlEnv: STORE_URL }",
    `policies: { directory: ${JSON.stringify(join(root, "chaos/policies"))} }`,
    "audit: { checkpointEvery: 5s, checkpointFile: ../checkpoints.txt }",
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const log = openSync(join(home, "gate.log"), "a");
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | null = null;
  return {
    name,
    url,
    async start() {
      child = spawn(process.execPath, [join(root, "dist/plangate.js"), "serve", "--config", config], {
        stdio: ["ignore", log, log],
        env: { ...process.env, STORE_URL: storeUrl },
      });
      for (let attempt = 0; attempt < 200; attempt += 1) {
        const answer = await fetch(`${url}/healthz`).catch(() => null);
        if (answer?.ok === true) return;
        await sleep(100);
      }
      throw new Error(`${name} did not start; see ${home}/gate.log`);
    },
    kill9() {
      child?.kill("SIGKILL");
    },
    async stop() {
      if (child === null || child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address !== null ? done(address.port) : fail(new Error("no port")),
      );
    });
  });
}
