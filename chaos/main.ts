import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startPostgres } from "../test/support/postgres-server.ts";
import { type Fault, faults } from "./faults.ts";
import { type GateProcess, newGate } from "./gates.ts";
import { type Load, startLoad } from "./load.ts";
import { replay } from "./replay.ts";

const root = process.cwd();
const clients = 20;
const calmMs = 1_500;
/** How long /readyz may take to notice; connections in the pool are tried with a timeout of 5 s. */
const noticeMs = 1_000;
const recoveryMs = 20_000;

void main();

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "plangate-chaos-"));
  const server = await startPostgres({ major: 18, settings: { fsync: "on" } });
  const gates: GateProcess[] = [];
  const violations: string[] = [];
  try {
    for (const name of ["gate-a", "gate-b"]) gates.push(await newGate(root, folder, name, server.url));
    for (const gate of gates) await gate.start();
    print("Two gates on one PostgreSQL 18, 20 clients; each fault comes under load.\n");
    const load = startLoad(gates, clients);
    await sleep(calmMs);
    for (const fault of faults(server, gates)) violations.push(...(await survive(fault, gates, load)));
    const { figures, violations: found } = await replay(server.url, await load.stop());
    violations.push(...found);
    for (const gate of gates) await gate.stop();
    print("\nThe clients' log against the database:\n");
    for (const [name, value] of figures) print(`  ${name.padEnd(44)}${value}\n`);
    if (!chainHolds(server.url, folder)) violations.push("the audit chain does not verify");
  } finally {
    for (const gate of gates) gate.kill9();
    await server.cleanup();
    rmSync(folder, { recursive: true });
  }
  for (const violation of violations.slice(0, 20)) print(`VIOLATION ${violation}\n`);
  print(
    violations.length === 0
      ? "\nok: nothing lost, nothing doubled, no approval without an audit entry\n"
      : `\n${violations.length} violations\n`,
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
}

/** Under the fault, and until both gates decide again without having been touched. */
async function survive(fault: Fault, gates: readonly GateProcess[], load: Load): Promise<string[]> {
  const violations: string[] = [];
  const before = load.answered().length;
  await fault.begin();
  const began = Date.now();
  let wrong = 0;
  let asked = 0;
  while (Date.now() - began < fault.lastsMs) {
    const since = Date.now() - began;
    const states = await Promise.all(gates.map(readiness));
    if (fault.ready !== null && since > noticeMs) {
      asked += states.length;
      wrong += states.filter((ready) => ready !== fault.ready).length;
    }
    await sleep(200);
  }
  await fault.end();
  const ended = Date.now();
  const during = load.answered().length - before;
  const recovered = await recovery(gates, load, ended);
  if (wrong > 0) violations.push(`${fault.name}: /readyz was wrong ${wrong} of ${asked} times`);
  if (recovered === null) violations.push(`${fault.name}: a gate did not decide again within ${recoveryMs / 1000} s`);
  const back = recovered === null ? "never" : `${(recovered / 1000).toFixed(1)} s`;
  const ready = asked === 0 ? "" : `, /readyz right ${asked - wrong} of ${asked} times`;
  print(`  ${fault.name.padEnd(52)} both decide again after ${back}; ${during} answered meanwhile${ready}\n`);
  await sleep(calmMs);
  return violations;
}

/** Milliseconds until each gate has answered a request that was decided after `ended`, and says that it is ready; null: too long. */
async function recovery(gates: readonly GateProcess[], load: Load, ended: number): Promise<number | null> {
  while (Date.now() - ended < recoveryMs) {
    const deciding = gates.every(({ name }) =>
      load
        .answered()
        .slice(-2_000)
        .some(({ answer }) => answer !== null && answer.gate === name && answer.at > ended),
    );
    if (deciding && (await Promise.all(gates.map(readiness))).every(Boolean)) return Date.now() - ended;
    await sleep(50);
  }
  return null;
}

async function readiness({ url }: GateProcess): Promise<boolean> {
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(15_000) }).catch(() => null);
  return answer?.status === 200;
}

function chainHolds(url: string, folder: string): boolean {
  const keys = ["gate-a", "gate-b"].flatMap((gate) => ["--key", join(folder, gate, ".plangate/keys/gate.public.pem")]);
  const args = [
    "audit",
    "verify",
    "--database-url",
    "env:STORE_URL",
    "--checkpoints",
    join(folder, "checkpoints.txt"),
    ...keys,
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "dist/plangate.js"), ...args], {
    cwd: folder,
    env: { ...process.env, STORE_URL: url },
    encoding: "utf8",
  });
  print(`\nplangate audit verify:\n${stdout.replace(/^/gm, "  ").trimEnd()}\n${stderr}`);
  return status === 0;
}

function print(text: string): void {
  process.stdout.write(text);
}
