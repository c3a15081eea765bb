import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AdmissionBench, benchAdmission, type Latency } from "./admission.ts";
import { benchCollect, type CollectBench } from "./collect.ts";
import { benchCore } from "./core.ts";
import { benchDecisions, type Measured } from "./decisions.ts";
import { type Compared, compare } from "./timing.ts";

const root = process.cwd();
const plangate = join(root, "dist/plangate.js");
const squawk = join(root, "node_modules/.bin/squawk");
const target = ["--environment", "production", "--service", "orders", "--policies", join(root, "policies")];

/** `npm run bench -- decisions` runs that one alone. */
const benches = new Map<string, () => void | Promise<void>>([
  [
    "core",
    async () => report("One decision on the incident, core only", "one parse of its SQL", await benchCore(root)),
  ],
  [
    "check",
    () => report("`plangate check` on the incident, whole process (aim: under 8x)", "`node -e 0`", benchCheck()),
  ],
  [
    "large",
    () =>
      report(
        "10,000 statements, `plangate check`, whole process (aim: under 2 s)",
        "`squawk` on the same file",
        benchLarge(),
      ),
  ],
  ["collect", async () => reportCollected(await benchCollect(root))],
  ["decisions", async () => reportDecisions(await benchDecisions(root))],
  ["admission", async () => reportAdmission(await benchAdmission(root))],
]);

void main();

async function main(): Promise<void> {
  const [name, ...others] = process.argv.slice(2);
  const chosen = name === undefined ? [...benches.values()] : benches.has(name) ? [benches.get(name)] : [];
  if (chosen.length === 0 || others.length > 0) {
    process.stderr.write(`Usage: npm run bench [-- ${[...benches.keys()].join(" | ")}]\n`);
    process.exitCode = 2;
  }
  for (const bench of chosen) await bench?.();
}

function reportCollected(collected: CollectBench): void {
  report(
    `\`plangate evidence collect\`: 500 tables, 2,000 indexes, 5,000 statements; ${(collected.bundleBytes / 1e6).toFixed(1)} MB`,
    "one query by node and pg",
    collected,
  );
}

function reportDecisions(servers: readonly Measured[]): void {
  const lines = servers.map(
    ({ name, requestsPerSecond, median, p99, throughput, p99Ratio }) =>
      `  ${name}: ${requestsPerSecond.toFixed(0)} requests/s (${throughput.toFixed(2)}x), median ${median.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (${p99Ratio.toFixed(2)}x)\n`,
  );
  process.stdout.write(
    `\`POST /v1/decisions\` with signature, evaluation and chained entry at 50 connections (aim: 1x of an express handler with one INSERT)\n${lines.join("")}`,
  );
}

function reportAdmission({ gate, bare, gateWithoutDatabase }: AdmissionBench): void {
  const line = (name: string, { median, p99 }: Latency) =>
    `  ${name}: median ${median.toFixed(2)} ms (${(median - bare.median).toFixed(2)} ms more), p99 ${p99.toFixed(1)} ms\n`;
  process.stdout.write(
    `500 admission reviews/s on one process (aim: p99 under 10 ms, median at most 1 ms more than an express handler that answers a constant)\n${line("bare handler", bare)}${line("gate", gate)}${line("gate, its database stopped", gateWithoutDatabase)}`,
  );
}

function benchCheck(): Compared {
  const incident = [
    plangate,
    "check",
    "--request",
    join(root, "examples/incident/request.json"),
    ...target,
    "--at",
    "2026-03-13T16:47:00-04:00",
  ];
  return compare(
    15,
    () => run(process.execPath, incident, 2),
    () => run(process.execPath, ["-e", "0"], 0),
  );
}

/** A schema that grows: tables, columns, indexes, constraints, rows. */
function benchLarge(): Compared {
  const folder = mkdtempSync(join(tmpdir(), "plangate-bench-"));
  try {
    const statements = Array.from({ length: 2_000 }, (_, n) => [
      `CREATE TABLE t${n} (id bigint PRIMARY KEY, owner_id bigint NOT NULL, name text);`,
      `ALTER TABLE t${n} ADD COLUMN created_at timestamptz DEFAULT now();`,
      `CREATE INDEX t${n}_owner ON t${n} (owner_id, created_at);`,
      `COMMENT ON TABLE t${n} IS 'table ${n}; not an index';`,
      `INSERT INTO t${n} (id, owner_id, name) VALUES (${n}, 1, 'first');`,
    ]);
    const file = join(folder, "large.sql");
    writeFileSync(file, `${statements.flat().join("\n")}\n`);
    return compare(
      5,
      () => run(process.execPath, [plangate, "check", file, ...target], 2),
      () => run(squawk, [file], 1),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Fails where the program does not end as it should: a crash would be quick. */
function run(command: string, args: readonly string[], expectedExit: number): void {
  const result = spawnSync(command, args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  if (result.status !== expectedExit)
    throw new Error(`${command} ${args.join(" ")} ended with ${result.status}: ${result.stderr}`);
}

function report(subject: string, baseline: string, { subject: ms, baseline: baselineMs, ratio }: Compared): void {
  process.stdout.write(
    `${subject}\n  ${ms.toFixed(1)} ms against ${baselineMs.toFixed(1)} ms for ${baseline}: ${ratio.toFixed(2)}x\n`,
  );
}
