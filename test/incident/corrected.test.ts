import { join } from "node:path";
import type { PolicySet } from "../../src/core/policy/policy.ts";
import { migrationsDigest, parseDeployRequest } from "../../src/core/request.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { decideAsked, readJson, shippedPolicies } from "../support/decide.ts";
import { editJson, gone } from "../support/edit-json.ts";

/** What should have shipped: one drop, proven, reviewed, on a Wednesday. Then each proof is taken away in turn. */
const wednesday = "2026-03-18T10:00:00-04:00";
const sql = (text: string) => ["migrations.0.sql", text] as const;
type Edit = readonly [path: string, value: unknown];

let policySet: PolicySet;
beforeAll(async () => {
  await loadGrammar();
  policySet = await shippedPolicies();
});

/** The request with some places changed. An honest requester makes the after plan anew when the SQL changes. */
function corrected(edits: readonly Edit[]): object {
  const request = readJson(join(__dirname, "../../examples/corrected/request.json")) as object;
  const sqlEdits = edits.filter(([path]) => path.startsWith("migrations"));
  for (const [path, value] of sqlEdits) editJson(request, path, value);
  const digest = migrationsDigest(parseDeployRequest(request).request);
  if (sqlEdits.length > 0) editJson(request, "evidence.1.plans.1.migrationsDigest", digest);
  for (const [path, value] of edits.filter((edit) => !sqlEdits.includes(edit))) editJson(request, path, value);
  return request;
}

function failingRules(edits: readonly Edit[], at: string): string[] {
  const { findings } = decideAsked({ policySet, request: corrected(edits), at });
  return [...new Set(findings.filter(({ outcome }) => outcome !== "pass").map(({ ruleId }) => ruleId))].sort();
}

test("it is approved, and may start until the lease or the window ends", () => {
  const decision = decideAsked({ policySet, request: corrected([]), at: wednesday });
  expect(decision.findings.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
  expect(decision).toMatchObject({ decision: "approved", allowed: true, notAfter: "2026-03-18T15:00:00.000Z" });
});

test.each<{ taken: string; at?: string; edits?: Edit[]; fails: string }>([
  { taken: "the hour", at: "2026-03-18T15:00:00-04:00", fails: "change-window" },
  { taken: "enough time before the close", at: "2026-03-18T14:50:01-04:00", fails: "change-window" },
  { taken: "the approval", edits: [["approvals.0", gone]], fails: "human-review" },
  { taken: "the other person", edits: [["requestedBy", "dba@example.com"]], fails: "human-review" },
  { taken: "the primary's index usage", edits: [["evidence.0.indexUsage", gone]], fails: "index-usage" },
  { taken: "the replica's index usage", edits: [["evidence.1.indexUsage", gone]], fails: "index-usage" },
  { taken: "the zero on the replica", edits: [["evidence.1.indexUsage.rows.*.scans", 1]], fails: "index-usage" },
  {
    taken: "35 days of counting",
    edits: [["evidence.0.indexUsage.windowStart", "2026-02-20T00:00:00Z"]],
    fails: "index-usage",
  },
  {
    taken: "the freshness of the counters",
    edits: [["evidence.0.capturedAt", "2026-03-17T13:30:00Z"]],
    fails: "index-usage",
  },
  { taken: "the before plan", edits: [["evidence.1.plans.0", gone]], fails: "replica-explain" },
  { taken: "the after plan", edits: [["evidence.1.plans.1", gone]], fails: "replica-explain" },
  {
    taken: "the plan's tie to these migrations",
    edits: [["evidence.1.plans.1.migrationsDigest", gone]],
    fails: "replica-explain",
  },
  {
    taken: "the freshness of the plans",
    edits: [["evidence.1.plans.*.capturedAt", "2026-03-10T13:30:00Z"]],
    fails: "replica-explain",
  },
  { taken: "the workload", edits: [["evidence.*.statements", gone]], fails: "replica-explain" },
  { taken: "the whole of the workload", edits: [["evidence.1.statements.complete", false]], fails: "replica-explain" },
  { taken: "the constraints", edits: [["evidence.0.catalog.constraints", gone]], fails: "index-role" },
  { taken: "the index that covers it", edits: [["evidence.0.catalog.indexes.2", gone]], fails: "index-redundancy" },
  { taken: "CONCURRENTLY", edits: [sql("DROP INDEX idx_orders_user_id;")], fails: "concurrent-index" },
  {
    taken: "readable SQL",
    edits: [sql("DROP INDEX CONCURRENTLY idx_orders_user_id; SELECT tidy_up();")],
    fails: "opaque-sql",
  },
])("without $taken it is rejected for $fails alone", ({ edits = [], at = wednesday, fails }) => {
  expect(failingRules(edits, at)).toEqual([fails]);
});

test("an index that nothing covers, that nobody scanned on any node and that has no role may go", () => {
  const row = "evidence.*.indexUsage.rows.3";
  const edits: Edit[] = [
    sql("DROP INDEX CONCURRENTLY idx_orders_status;"),
    [`${row}.scans`, 0],
    [`${row}.tuplesRead`, 0],
    [`${row}.tuplesFetched`, 0],
    [`${row}.lastScan`, null],
  ];
  expect(failingRules(edits, wednesday)).toEqual([]);
});
