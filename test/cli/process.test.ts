import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";

/** The built program as people run it. `npm test` builds it first; by hand: `npm run build`. */
const program = join(__dirname, "../../dist/plangate.js");
const cwd = join(__dirname, "project");
const friday = ["--at", "2026-03-13T20:47:00Z"];
const parcels = ["--service", "parcels", "--environment", "production"];

interface Exit {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(args: readonly string[], { stdin = "", node = [] as string[], closeStdout = false } = {}): Promise<Exit> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...node, program, ...args], { cwd });
    const exit: Exit = { code: null, stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => {
      exit.stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      exit.stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...exit, code }));
    if (closeStdout) child.stdout.destroy();
    child.stdin.end(stdin);
  });
}

beforeAll(() => {
  if (!existsSync(program)) throw new Error("dist/plangate.js is missing: npm run build");
});

test("a rejection: the result alone on stdout, exit code 2, and nothing of the server loaded", async () => {
  const report = join(__dirname, "report-modules.cjs");
  const { code, stdout, stderr } = await run(["check", "-", ...parcels, ...friday, "--format", "json"], {
    stdin: "UPDATE parcels SET weight_g = 1;",
    node: ["--require", report],
  });
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ decision: "rejected" });
  expect(JSON.parse(stderr)).toEqual(
    expect.not.arrayContaining(["express", "pg", "pino", "prom-client", "@electric-sql/pglite"]),
  );
});

test("a reader that goes away early does not turn a rejection into anything else", async () => {
  const { code, stderr } = await run(["check", "migrations/0002_data.sql", ...parcels, ...friday], {
    closeStdout: true,
  });
  expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
});

const fullDisk = "/dev/full";
(existsSync(fullDisk) ? test : test.skip)("a result that cannot be written: exit code 1, and why", () => {
  const full = openSync(fullDisk, "w");
  const { status, stderr } = spawnSync(process.execPath, [program, "windows", ...parcels, ...friday], {
    cwd,
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
  });
  closeSync(full);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: "plangate: the result could not be written (ENOSPC)\n",
  });
});

test("an error that nobody caught: exit code 1", async () => {
  const { code, stdout, stderr } = await run(["--version"], {
    node: ["--require", join(__dirname, "reject-unhandled.cjs")],
  });
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringMatching(/^(\d+\.\d+\.\d+\n)?$/) });
  expect(stderr).toMatch(/^plangate: unexpected error: nobody waits for this\n/);
});
