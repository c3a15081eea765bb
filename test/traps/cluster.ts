import { setTimeout as sleep } from "node:timers/promises";
import type { Decision, Finding } from "../../src/core/decision.ts";
import type { EvidenceBundle } from "../../src/core/evidence/bundle.ts";
import { loadPolicySet } from "../../src/core/policy/load.ts";
import { collectFrom, startCollected } from "../collect/collector.ts";
import { decideAsked } from "../support/decide.ts";
import { type PostgresServer, query, startStandby, waitForReplay } from "../support/postgres-server.ts";

/** The incident's table, its composite index that serves the query and its single-column one that nothing needs. */
const schema = `
CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
INSERT INTO users SELECT n, 'user' || n FROM generate_series(1, 1000) AS n;
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint NOT NULL, status text NOT NULL, created_at timestamptz NOT NULL);
INSERT INTO orders SELECT n, n % 1000 + 1, CASE WHEN n % 10 = 0 THEN 'paid' ELSE 'new' END,
    timestamptz '2026-01-01' + n * interval '1 second' FROM generate_series(1, 100000) AS n;
CREATE INDEX idx_orders_user_id ON orders (user_id);
CREATE INDEX idx_orders_user_id_ca ON orders (user_id, status, created_at);
CREATE INDEX idx_orders_status ON orders (status);
`;
export const latestPaid =
  "SELECT * FROM orders WHERE user_id = 7 AND status = 'paid' ORDER BY created_at DESC LIMIT 20";

export interface Cluster {
  primary: PostgresServer;
  standby: PostgresServer;
  cleanup(): Promise<void>;
}

/** A primary that has run for some seconds, and a streaming standby of it. */
export async function startCluster(): Promise<Cluster> {
  const servers: PostgresServer[] = [];
  const cleanup = async () => void (await Promise.all(servers.map((server) => server.cleanup())));
  try {
    const primary = await startCollected(18);
    servers.push(primary);
    await prepare(primary, schema);
    const standby = await startStandby(primary);
    servers.push(standby);
    await waitForReplay(primary, standby);
    await sleep(2_000);
    return { primary, standby, cleanup };
  } catch (error) {
    await cleanup();
    throw error;
  }
}

/** Runs SQL and makes what it created readable and analysed. */
export async function prepare(server: PostgresServer, sql: string): Promise<void> {
  await query(server.url, sql);
  await query(server.url, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO plangate_collector");
  await query(server.url, "VACUUM ANALYZE");
}

export const collectBoth = async ({ primary, standby }: Cluster): Promise<EvidenceBundle[]> => [
  await collectFrom(primary, { name: "primary" }),
  await collectFrom(standby, { name: "standby" }),
];

/** Judges a migration by some rules, given as YAML, at the moment of the newest bundle. */
export function judge(bundles: readonly EvidenceBundle[], sql: string, rules: string): Decision {
  const content = `version: 1\npolicy: traps\nappliesTo: { changes: [any] }\nenforcement: deny\nrules:\n${rules.replace(/^/gm, "  ")}\n`;
  return decideAsked({
    policySet: loadPolicySet([{ path: "traps.yaml", content }]),
    request: { service: "orders", environment: "production", migrations: [{ path: "m.sql", sql }] },
    evidence: JSON.parse(JSON.stringify(bundles)),
    at: new Date(Math.max(...bundles.map(({ capturedAt }) => capturedAt.getTime()))).toISOString(),
  });
}

/** What one rule says of one subject: "fail", "inconclusive" or "pass", and why. */
export function verdict(decision: Decision, ruleId: string, subject: string): Pick<Finding, "outcome" | "message"> {
  const found = decision.findings.find((finding) => finding.ruleId === ruleId && finding.subject === subject);
  if (found === undefined)
    throw new Error(`${ruleId} says nothing of ${subject}: ${JSON.stringify(decision.findings)}`);
  return { outcome: found.outcome, message: found.message };
}
