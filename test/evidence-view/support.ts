import { decide } from "../../src/core/decide.ts";
import { parseEvidence, type Trust } from "../../src/core/evidence/bundle.ts";
import { loadPolicySet } from "../../src/core/policy/load.ts";
import { migrationsDigest, parseDeployRequest } from "../../src/core/request.ts";
import { editJson } from "../support/edit-json.ts";

export const at = "2026-03-18T14:00:00Z";
const cluster = "7412345678901234567";

/** Hours before the decision. */
export const ago = (hours: number): string => new Date(Date.parse(at) - hours * 3_600_000).toISOString();
export const days = 24;

/** Paths and values, as `editJson` takes them. */
export type Edits = Record<string, unknown>;
export type Sent = [trust: Trust, bundle: object, edits?: Edits];

/** Captured an hour ago, counting for 60 days, the index without a scan, and all that belongs to a table of a million rows. */
export function primary(): object {
  return server("orders-primary", "primary", { standbys: 1 });
}

export function replica(name = "orders-replica-1"): object {
  return server(name, "replica", {});
}

function server(name: string, role: string, more: object): object {
  return {
    version: 1,
    capturedAt: ago(1),
    server: { name, role, systemIdentifier: cluster, database: "orders", ...more },
    indexUsage: {
      windowStart: ago(60 * days),
      rows: [{ schema: "public", table: "orders", index: "idx_orders_user", scans: 0 }],
    },
    statements: { complete: true, rows: [] },
    catalog: {
      tables: [{ schema: "public", name: "orders", rows: 1_000_000 }],
      indexes: [index("idx_orders_user", ["user_id"])],
      constraints: [],
    },
  };
}

export function index(name: string, columns: string[], more: object = {}): object {
  return { schema: "public", name, table: "orders", keys: columns.map((column) => ({ column })), ...more };
}

export const dropIndex = "DROP INDEX CONCURRENTLY idx_orders_user;";
const itsMigrations = migrationsDigest({ migrations: [{ path: "drop.sql", sql: dropIndex }] });

export const hotQuery = "SELECT * FROM orders WHERE user_id = $1";
export const indexScan =
  "Index Scan using idx_orders_user on orders  (cost=0.42..8.44 rows=1 width=8)\n  Index Cond: (user_id = $1)";
export const otherIndexScan =
  "Index Scan using idx_orders_other on orders  (cost=0.42..8.44 rows=1 width=8)\n  Index Cond: (user_id = $1)";
export const sequentialScan = "Seq Scan on orders  (cost=0.00..9.00 rows=1 width=8)\n  Filter: (user_id = $1)";

/** A query's plans before, on the replica, and after the migration, on a clone. */
export function plansOf(before: string, after: string, query = hotQuery): object[] {
  const server = { name: "orders-replica-1", role: "replica" };
  return [
    { query, phase: "before", method: "explain", server, plan: before },
    {
      query,
      phase: "after",
      method: "clone",
      server: { name: "clone", role: "primary", systemIdentifier: "555" },
      migrationsDigest: itsMigrations,
      plan: after,
    },
  ];
}

export interface Verdict {
  outcome: string;
  /** Of the findings that do not pass, or else of those that do. */
  message: string;
  warnings: readonly string[];
}

/** What one rule makes of the evidence. `rule` as a policy writes it: "index-usage: { observedFor: 30d }". */
export function judge(rule: string, sent: readonly Sent[], minTrust: Trust = "asserted"): Verdict {
  const content = `version: 1\npolicy: p\nenforcement: deny\nminTrust: ${minTrust}\nrules:\n  ${rule}\n`;
  const { request } = parseDeployRequest({
    service: "orders",
    environment: "production",
    migrations: [{ path: "drop.sql", sql: dropIndex }],
  });
  const decision = decide({
    id: "dec_test",
    policySet: loadPolicySet([{ path: "p.yaml", content }]),
    request,
    bundles: sent.flatMap(([trust, bundle, edits = {}]) => {
      const copy = structuredClone(bundle);
      for (const [path, value] of Object.entries(edits)) editJson(copy, path, value);
      return parseEvidence(copy, "evidence", trust);
    }),
    approvals: [],
    rollbackToApproved: false,
    unmatched: "reject",
    leaseMs: 3_600_000,
    timeZoneDatabase: "test",
    warnings: [],
    at: new Date(at),
  });
  const own = decision.findings.filter(({ ruleId }) => rule.startsWith(`${ruleId}:`));
  const bad = own.filter(({ outcome }) => outcome !== "pass");
  const shown = bad.length > 0 ? bad : own;
  return {
    outcome: bad.some(({ outcome }) => outcome === "fail") ? "fail" : (shown[0]?.outcome ?? "none"),
    message: shown.map(({ message }) => message).join(" "),
    warnings: decision.warnings,
  };
}
