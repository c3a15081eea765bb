import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { NodeState } from "../../adapters/databases/node-reader.ts";
import type { Decision } from "../../core/decision.ts";
import { type TlsMetrics, tlsMetrics } from "./tls-metrics.ts";

/** Environments come from requests: beyond this many different ones they are counted as "other". */
const mostEnvironments = 50;

export interface Telemetry extends TlsMetrics {
  decided(decision: Decision, seconds: number): void;
  answered(route: string, status: number): void;
  /** `outcome`: how an admission review ended. */
  admitted(environment: string, outcome: string, seconds: number): void;
  storeFailed(code: string): void;
  policiesReloaded(result: "ok" | "broken", at: Date): void;
  databaseRead(database: string, node: string, result: "ok" | "failed"): void;
  /** From now on the metrics tell of these servers. */
  watchDatabases(states: () => readonly NodeState[]): void;
  /** From now on the metrics tell of what waits for the database. */
  watchSpool(backlog: () => { records: number; bytes: number }): void;
  /** From now on the metrics tell whether plangate.yaml has been broken since some time. */
  watchConfiguration(staleSince: () => Date | null): void;
  /** Prometheus' text format. */
  text(): Promise<{ contentType: string; body: string }>;
}

export function newTelemetry(policies: () => { staleSince: Date | null }): Telemetry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const decisions = new Counter({
    name: "plangate_decisions_total",
    help: "Decisions by outcome and environment.",
    labelNames: ["decision", "environment"],
    registers,
  });
  const findings = new Counter({
    name: "plangate_findings_total",
    help: "Findings by rule and outcome.",
    labelNames: ["rule", "outcome"],
    registers,
  });
  const overrides = new Counter({
    name: "plangate_overrides_used_total",
    help: "Override tokens that brought an approval about, by environment.",
    labelNames: ["environment"],
    registers,
  });
  const duration = new Histogram({
    name: "plangate_decision_duration_seconds",
    help: "Time from the parsed body to the recorded decision.",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const reviews = new Counter({
    name: "plangate_admission_reviews_total",
    help: "Kubernetes admission reviews by environment and outcome.",
    labelNames: ["environment", "outcome"],
    registers,
  });
  const reviewDuration = new Histogram({
    name: "plangate_admission_duration_seconds",
    help: "Time from the parsed AdmissionReview to its answer.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3],
    registers,
  });
  const requests = new Counter({
    name: "plangate_http_requests_total",
    help: "HTTP requests by route and status.",
    labelNames: ["route", "status"],
    registers,
  });
  const storeErrors = new Counter({
    name: "plangate_store_errors_total",
    help: "Requests that failed because the database did not do its work.",
    labelNames: ["code"],
    registers,
  });
  const reloads = new Counter({
    name: "plangate_policy_reloads_total",
    help: "Attempts to load changed policies, by result.",
    labelNames: ["result"],
    registers,
  });
  const lastReload = new Gauge({
    name: "plangate_policies_last_load_timestamp_seconds",
    help: "When the policies in force were loaded (Unix time).",
    registers,
  });
  new Gauge({
    name: "plangate_policies_stale",
    help: "1 while the policy files are broken and the last good ones stand in.",
    registers,
    collect() {
      this.set(policies().staleSince === null ? 0 : 1);
    },
  });
  const databaseReads = new Counter({
    name: "plangate_database_reads_total",
    help: "Readings of evidence from database servers, by result.",
    labelNames: ["database", "node", "result"],
    registers,
  });
  const environments = new Set<string>();
  const bounded = (environment: string) => {
    if (environments.size < mostEnvironments) environments.add(environment);
    return environments.has(environment) ? environment : "other";
  };
  return {
    ...tlsMetrics(registers),
    decided(decision, seconds) {
      decisions.inc({ decision: decision.decision, environment: bounded(decision.environment) });
      for (const { ruleId, outcome } of decision.findings) findings.inc({ rule: ruleId, outcome });
      const used = decision.overrides?.filter(({ consumed }) => consumed).length ?? 0;
      if (used > 0) overrides.inc({ environment: bounded(decision.environment) }, used);
      duration.observe(seconds);
    },
    admitted(environment, outcome, seconds) {
      reviews.inc({ environment: bounded(environment), outcome });
      reviewDuration.observe(seconds);
    },
    answered: (route, status) => requests.inc({ route, status: String(status) }),
    storeFailed: (code) => storeErrors.inc({ code }),
    policiesReloaded(result, at) {
      reloads.inc({ result });
      if (result === "ok") lastReload.set(at.getTime() / 1000);
    },
    databaseRead: (database, node, result) => databaseReads.inc({ database, node, result }),
    watchDatabases: (states) => watchDatabases(states, registers),
    watchSpool: (backlog) => watchSpool(backlog, registers),
    watchConfiguration: (staleSince) => watchConfiguration(staleSince, registers),
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

function watchConfiguration(staleSince: () => Date | null, registers: Registry[]): void {
  new Gauge({
    name: "plangate_configuration_stale",
    help: "1 while plangate.yaml is broken and what it newly revokes is not known.",
    registers,
    collect() {
      this.set(staleSince() === null ? 0 : 1);
    },
  });
}

function watchDatabases(states: () => readonly NodeState[], registers: Registry[]): void {
  const labelNames = ["database", "node"] as const;
  new Gauge({
    name: "plangate_database_node_failures",
    help: "Failures in a row to read evidence from the server; 0: the last reading succeeded, or there was none.",
    labelNames,
    registers,
    collect() {
      for (const { database, node, failures } of states()) this.set({ database, node }, failures);
    },
  });
  new Gauge({
    name: "plangate_database_node_last_read_timestamp_seconds",
    help: "When evidence was last read from the server (Unix time).",
    labelNames,
    registers,
    collect() {
      for (const { database, node, lastRead } of states()) {
        if (lastRead !== null) this.set({ database, node }, lastRead.getTime() / 1000);
      }
    },
  });
}

function watchSpool(backlog: () => { records: number; bytes: number }, registers: Registry[]): void {
  new Gauge({
    name: "plangate_admission_spool_records",
    help: "Admission verdicts on this gate's disk that are not in the audit chain yet.",
    registers,
    collect() {
      this.set(backlog().records);
    },
  });
  new Gauge({
    name: "plangate_admission_spool_bytes",
    help: "Size of the admission verdicts on this gate's disk; at the limit nothing is admitted.",
    registers,
    collect() {
      this.set(backlog().bytes);
    },
  });
}
