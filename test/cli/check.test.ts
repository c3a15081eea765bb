import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Decision, decisionSchema } from "../../src/core/decision.ts";
import { cli } from "./run.ts";

const cwd = join(__dirname, "project");
const tuesday = "2026-03-10T09:30:00Z"; // 10:30 in Berlin
const friday = "2026-03-13T20:47:00Z"; // 21:47 in Berlin
const parcels = ["--service", "parcels", "--environment", "production"];
const table = "migrations/0001_orders.sql";
const data = "migrations/0002_data.sql";
const dba = ["--approval", "dba@example.com"];

async function decide(
  args: readonly string[],
  stdin?: string,
): Promise<{ code: number; decision: Decision; stderr: string }> {
  const { code, stdout, stderr } = await cli(["check", ...args, "--format", "json"], {
    cwd,
    now: tuesday,
    ...(stdin !== undefined && { stdin }),
  });
  expect({ code, stderr }).not.toMatchObject({ code: 1 });
  return { code, decision: decisionSchema.parse(JSON.parse(stdout)), stderr };
}

function failing({ findings }: Decision): string[] {
  return findings.filter(({ outcome }) => outcome !== "pass").map(({ ruleId }) => ruleId);
}

describe("the verdict and the exit code", () => {
  test("approved: 0", async () => {
    const { code, decision } = await decide([table, ...parcels, ...dba]);
    expect({ code, failing: failing(decision), allowed: decision.allowed }).toEqual({
      code: 0,
      failing: [],
      allowed: true,
    });
    expect(decision.notAfter).toBe("2026-03-10T10:30:00.000Z");
  });

  test("rejected: 2", async () => {
    const { code, decision } = await decide([table, ...parcels, "--at", friday]);
    expect({ code, failing: failing(decision) }).toEqual({ code: 2, failing: ["human-review", "change-window"] });
    expect(decision.window.nextFit).toBe("2026-03-16T07:00:00.000Z");
  });

  test("no migration: a deploy like any other", async () => {
    expect(await decide([...parcels])).toMatchObject({ code: 0, decision: { policies: ["weekdays"] } });
  });

  test("a duration that does not fit before the window closes", async () => {
    const { decision } = await decide([data, ...parcels, "--at", "2026-03-10T14:30:00Z", "--duration", "45m"]);
    expect(failing(decision)).toEqual(["change-window"]);
  });

  test("no policy: rejected, unless somebody said otherwise and nothing changes the schema", async () => {
    const elsewhere = ["--service", "parcels", "--environment", "staging"];
    expect((await decide([data, ...elsewhere])).code).toBe(2);
    expect((await decide([data, ...elsewhere, "--unmatched", "approve"])).code).toBe(0);
    expect((await decide([table, ...elsewhere, "--unmatched", "approve"])).code).toBe(2);
  });

  test("the same question gives the same decision, id included", async () => {
    const [one, other] = [await decide([table, ...parcels]), await decide([table, ...parcels])];
    expect(one).toEqual(other);
    expect((await decide([data, ...parcels])).decision.id).not.toBe(one.decision.id);
  });
});

describe("where the request comes from", () => {
  test("from a file", async () => {
    const { decision } = await decide(["--request", "request.json"]);
    expect(decision).toMatchObject({
      service: "parcels",
      environment: "staging",
      commit: "4f1c2e7",
      requestedBy: "dev@example.com",
    });
  });

  test("flags beat the file; approvals add up", async () => {
    const { decision, code } = await decide([
      "--request",
      "request.json",
      "--environment",
      "production",
      "--commit",
      "beef",
      table,
    ]);
    expect(decision).toMatchObject({ environment: "production", commit: "beef" });
    expect(decision.findings.map(({ policy }) => policy)).toContain("review");
    expect(code).toBe(0);
  });

  test("one's own approval does not count", async () => {
    const { decision } = await decide([table, ...parcels, "--requested-by", "dba@example.com", ...dba]);
    expect(failing(decision)).toEqual(["human-review"]);
  });

  test("a migration from standard input", async () => {
    const { decision } = await decide(["-", ...parcels], "CREATE TABLE t (id bigint);");
    expect(decision.findings.find(({ ruleId }) => ruleId === "human-review")).toMatchObject({ outcome: "fail" });
  });

  test("the path in a finding is relative to the working directory, however it was given", async () => {
    const digests = await Promise.all(
      [table, `./${table}`, join(cwd, table)].map(
        async (file) => (await decide([file, ...parcels])).decision.requestDigest,
      ),
    );
    expect(new Set(digests).size).toBe(1);
  });

  test("bytes that are not UTF-8 cannot be analysed", async () => {
    const { code, decision } = await decide(["migrations/0003_latin1.sql", ...parcels, ...dba]);
    expect({ code, failing: failing(decision) }).toEqual({ code: 2, failing: expect.arrayContaining(["opaque-sql"]) });
  });

  test("evidence files count once, with their trust", async () => {
    const { decision } = await decide([data, ...parcels, "--evidence", "evidence.json", "--evidence", "evidence.json"]);
    expect(decision.evidence.map(({ server, trust }) => [server, trust])).toEqual([
      ["parcels-primary", "asserted"],
      ["parcels-replica-1", "asserted"],
    ]);
  });

  test("tokens that prove nothing do not count, and the decision says so", async () => {
    const { decision } = await decide([
      table,
      ...parcels,
      "--approval",
      "eyJhbGciOiJub25lIn0.e30.",
      "--override",
      "eyJhbGciOiJub25lIn0.e30.",
    ]);
    expect(failing(decision)).toEqual(["human-review"]);
    expect(decision.warnings).toEqual([
      "The approval does not count: it has no signature.",
      "The override does not count: it has no signature.",
    ]);
  });

  test("a name with two dots is a name", async () => {
    expect((await decide([table, ...parcels, "--approval", "ada.lovelace.dba"])).code).toBe(0);
  });

  test("a rollback is held by the window, since nobody here knows what was approved before", async () => {
    const { decision } = await decide(["--request", "rollback.json", "--at", friday]);
    expect(failing(decision)).toEqual(["change-window"]);
    expect(decision.warnings.join()).toMatch(/No earlier decision is known here/);
  });
});

describe("plangate.yaml", () => {
  test("gives the policies, the service's format and the lease", async () => {
    const { decision } = await decide(
      ["--config", "configured/plangate.yaml", "-", ...parcels, ...dba],
      "-- migrate:up\nCREATE TABLE t (id bigint);\n-- migrate:down\nDROP TABLE t;\n",
    );
    expect({ failing: failing(decision), notAfter: decision.notAfter }).toEqual({
      failing: [],
      notAfter: "2026-03-10T09:45:00.000Z",
    });
  });

  test("is found in the working directory", async () => {
    const world = { cwd: join(cwd, "configured"), now: tuesday, stdin: "-- migrate:up\nSELECT 1;\n" };
    const { stdout } = await cli(["check", "-", ...parcels, "--format", "json"], world);
    expect(JSON.parse(stdout)).toMatchObject({ decision: "approved", notAfter: "2026-03-10T09:45:00.000Z" });
  });

  test("a request that contradicts it is refused", async () => {
    const { code, stdout, stderr } = await cli(
      ["check", "--config", "configured/plangate.yaml", table, ...parcels, "--migration-format", "goose"],
      { cwd, now: tuesday },
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/migrationFormat is "goose", but the gate's configuration says "dbmate"/);
  });
});

describe("how it is printed", () => {
  const print = (format: string, world = {}) =>
    cli(["check", table, ...parcels, "--at", friday, "--format", format], { cwd, ...world });

  test("text, for people", async () => {
    const { stdout } = await print("text");
    expect(stdout).toMatch(
      /^REJECTED {2}parcels to production\nat Fri 2026-03-13 21:47 Europe\/Berlin \(2026-03-13 20:47 UTC\)\n/,
    );
    expect(stdout).toMatch(/Earliest: Mon 2026-03-16 08:00 Europe\/Berlin \(2026-03-16 07:00 UTC\)/);
  });

  test("colour on a terminal only, and not against NO_COLOR", async () => {
    expect((await print("text")).stdout).not.toContain("\u001b[");
    expect((await print("text", { isTTY: true })).stdout).toContain("\u001b[1;31mREJECTED");
    expect((await print("text", { isTTY: true, env: { NO_COLOR: "1" } })).stdout).not.toContain("\u001b[");
  });

  test("SARIF points at the migration, or else at the policy", async () => {
    const { stdout } = await print("sarif");
    const [run] = JSON.parse(stdout).runs;
    const uris = run.results.map(
      (result: { ruleId: string; locations: [{ physicalLocation: { artifactLocation: { uri: string } } }] }) => [
        result.ruleId,
        result.locations[0].physicalLocation.artifactLocation.uri,
      ],
    );
    expect(uris).toEqual(expect.arrayContaining([["change-window", "policies/weekdays.yaml"]]));
    expect(run.tool.driver.rules[0].help.markdown).not.toBe("");
  });

  test("GitHub annotations", async () => {
    const { stdout } = await print("github");
    expect(stdout.split("\n").filter((line) => line !== "" && !/^::(error|warning|notice) /.test(line))).toEqual([]);
  });
});

describe("bad input: exit code 1, nothing on stdout, and what to do on stderr", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "plangate-check-"));
    writeFileSync(join(folder, "empty.sql"), "");
    writeFileSync(join(folder, "huge.sql"), "");
    truncateSync(join(folder, "huge.sql"), 64 * 1024 * 1024 + 1);
    writeFileSync(join(folder, "broken.json"), '{ "service": "a",\n  "service": "b" }');
    writeFileSync(join(folder, "unknown.json"), '{ "service": 1, "environment": "x", "evidense": [] }');
    writeFileSync(join(folder, "list.json"), "[]");
    writeFileSync(
      join(folder, "bundle.json"),
      '[{ "version": 1, "capturedAt": "yesterday", "server": { "name": "a", "role": "boss" } }]',
    );
    writeFileSync(join(folder, "latin1.json"), Buffer.from([0x22, 0xe9, 0x22]));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each<[string, string[], RegExp]>([
    ["no service and no environment", [table], /The deploy request is not valid:\n {2}service: .*\n {2}environment: /],
    ["a missing file", ["nowhere.sql", ...parcels], /^plangate: nowhere\.sql: there is no such file\n$/],
    ["a directory", ["migrations", ...parcels], /migrations: is a directory; name the files in it/],
    ["an empty file", ["$/empty.sql", ...parcels], /empty\.sql: is empty/],
    ["a huge file", ["$/huge.sql", ...parcels], /huge\.sql: is larger than 64 MiB/],
    ["an empty standard input", ["-", ...parcels], /stdin\.sql: is empty/],
    ["a file twice", [table, `./${table}`, ...parcels], /0001_orders\.sql: is given twice/],
    [
      "a key twice in the request",
      ["--request", "$/broken.json"],
      /broken\.json: line 2, column 3: the key "service" occurs twice/,
    ],
    ["an unknown key, a wrong type", ["--request", "$/unknown.json"], /service: [\s\S]*evidense: unknown key/],
    ["a request that is a list", ["--request", "$/list.json"], /The deploy request is not valid/],
    [
      "evidence of the wrong form",
      [table, ...parcels, "--evidence", "$/bundle.json"],
      /bundle\.json:[\s\S]*capturedAt[\s\S]*role/,
    ],
    [
      "evidence that is not UTF-8",
      [table, ...parcels, "--evidence", "$/latin1.json"],
      /latin1\.json: is not UTF-8 text/,
    ],
    [
      "a missing policy directory",
      [table, ...parcels, "--policies", "nowhere"],
      /nowhere.*there is no such file or directory/,
    ],
    [
      "broken policies",
      [table, ...parcels, "--policies", "broken-policies"],
      /broken-policies\/a\.yaml:3:1: .*enforcment/,
    ],
    [
      "a moment without an offset",
      [table, ...parcels, "--at", "2026-03-10T09:30:00"],
      /an instant is an RFC 3339 date-time with an offset/,
    ],
    ["a wrong duration", [table, ...parcels, "--duration", "10 minutes"], /a duration is a whole number and a unit/],
    ["a wrong format", [table, ...parcels, "--format", "xml"], /Allowed choices are text, json, sarif, github/],
    [
      "a misspelt option",
      [table, "--enviroment", "production"],
      /unknown option '--enviroment'\n\(Did you mean --environment\?\)/,
    ],
    [
      "a config that is not there",
      [table, ...parcels, "--config", "nowhere.yaml"],
      /nowhere\.yaml.*there is no such file/,
    ],
  ])("%s", async (_, args, message) => {
    const { code, stdout, stderr } = await cli(["check", ...args.map((argument) => argument.replace("$", folder))], {
      cwd,
      now: tuesday,
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});
