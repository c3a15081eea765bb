import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Decision } from "../../src/core/decision.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { startTestGate, type TestGate } from "../http/gate.ts";
import { decideAsked, readJson, shippedPolicies } from "../support/decide.ts";
import { expectGolden } from "../support/golden.ts";

/** Friday, 16:47 in New York: the request that dropped both indexes, with the evidence that could have been pasted. */
const friday = "2026-03-13T16:47:00-04:00";
const root = join(__dirname, "../..");
const requestFile = "examples/incident/request.json";
const migration = "migrations/20260314_cleanup_redundant_indexes.sql";

/** What it must be told, whoever asks: rule, subject, words of the message. */
const told: [rule: string, subject: string, words: string[]][] = [
  ["change-window", "orders/production", ["closed at Fri 2026-03-13 16:47", "next opens at Tue 2026-03-17 00:00"]],
  ["index-usage", "idx_orders_user_id_ca", ["47,213,884 scans"]],
  [
    "index-redundancy",
    "idx_orders_user_id_ca",
    [
      "no surviving index covers (user_id, status, created_at)",
      "circular",
      "idx_orders_user_id, which is to take over, is dropped",
    ],
  ],
  ["index-redundancy", "idx_orders_user_id", ["circular", "idx_orders_user_id_ca, which is to take over, is dropped"]],
  [
    "replica-explain",
    "SELECT * FROM orders WHERE user_id = 10482 AND status != 'd…",
    ["Index Scan Backward using idx_orders_user_id_ca → Seq Scan over 2,300,000 rows"],
  ],
  ["human-review", "orders/production", ["no approval", "AI assistant"]],
];

function expectEverythingTold(decision: Decision): void {
  expect(decision).toMatchObject({ decision: "rejected", allowed: false, notAfter: null, pass: null });
  for (const [rule, subject, words] of told) {
    const messages = decision.findings
      .filter((finding) => finding.ruleId === rule && finding.subject === subject && finding.outcome === "fail")
      .map(({ message }) => message);
    expect(messages).toHaveLength(1);
    for (const part of words) expect(messages[0]).toContain(part);
  }
  expect(decision.window).toMatchObject({ open: false, nextOpen: "2026-03-17T04:00:00.000Z" });
}

function check(...args: string[]) {
  return spawnSync(process.execPath, ["dist/plangate.js", "check", "--request", requestFile, "--at", friday, ...args], {
    cwd: root,
    encoding: "utf8",
  });
}

describe("the core", () => {
  test("rejects it and says why", async () => {
    await loadGrammar();
    const request = readJson(join(root, requestFile)) as object;
    expectEverythingTold(decideAsked({ policySet: await shippedPolicies(), request, at: friday }));
  });
});

describe("plangate check", () => {
  test("as text, for a person", () => {
    const { stdout, status } = check();
    expect(status).toBe(2);
    expectGolden(join(__dirname, "incident.txt"), stdout);
  });

  test("as JSON", () => {
    const { stdout, status } = check("--format", "json");
    expect(status).toBe(2);
    expectEverythingTold(JSON.parse(stdout) as Decision);
  });

  test("as SARIF, each result in the migration or the policy file", () => {
    const { stdout, status } = check("--format", "sarif");
    expect(status).toBe(2);
    const sarif = JSON.parse(stdout) as SarifLog;
    for (const { results } of sarif.runs) {
      for (const [rule, , words] of told) {
        const result = results.find(
          ({ ruleId, message }) => ruleId === rule && words.every((part) => message.text.includes(part)),
        );
        const [location] = result?.locations ?? [];
        const uri = location?.physicalLocation.artifactLocation.uri;
        expect(uri).toBe(rule === "change-window" ? "policies/schema-changes.yaml" : migration);
      }
    }
  });

  test("as GitHub annotations", () => {
    const { stdout, status } = check("--format", "github");
    expect(status).toBe(2);
    expect(stdout).toContain(`file=${migration},line=8`);
  });
});

interface SarifLog {
  runs: {
    results: {
      ruleId: string;
      message: { text: string };
      locations: { physicalLocation: { artifactLocation: { uri: string }; region: { startLine: number } } }[];
    }[];
  }[];
}

describe("POST /v1/decisions", () => {
  let gate: TestGate;
  beforeAll(async () => {
    gate = await startTestGate(({ policies }) => ({ policies: { ...policies, directory: join(root, "policies") } }));
    gate.setTime(friday);
  });
  afterAll(() => gate.cleanup());

  test("rejects it with 403, on record", async () => {
    const body = readFileSync(join(root, requestFile), "utf8");
    const answer = await gate.post("/v1/decisions", body);
    expect(answer.status).toBe(403);
    expect(answer.type).toBe("application/json");
    const decision = answer.body as Decision;
    expectEverythingTold(decision);
    const stored = await gate.get(`/v1/decisions/${decision.id}`);
    expect(stored.body).toMatchObject({ id: decision.id });
  });
});
