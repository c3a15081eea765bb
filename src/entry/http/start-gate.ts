import { openAuthenticator } from "../../adapters/callers/authenticator.ts";
import type { GateConfig } from "../../adapters/config/config.ts";
import type { ListenAddress } from "../../adapters/config/listen.ts";
import { isLoopback } from "../../adapters/config/loopback.ts";
import { evidenceTrust } from "../../adapters/evidence-signature/evidence-trust.ts";
import { loadGateKeys } from "../../adapters/gate-keys.ts";
import { jwkSetOf } from "../../adapters/passes/jwk-set.ts";
import { passIssuer } from "../../adapters/passes/passes.ts";
import { PlangateError } from "../../core/errors.ts";
import type { PolicySet } from "../../core/policy/policy.ts";
import { loadGrammar } from "../../core/sql/grammar.ts";
import { createApp } from "./app.ts";
import type { GateEnvironment, OnStop } from "./gate-environment.ts";
import { watchHumanTokens } from "./gate-human-tokens.ts";
import { watchGatePolicies } from "./gate-policies.ts";
import { openGateStore, readDatabases } from "./gate-store.ts";
import { startHousekeeping } from "./housekeeping.ts";
import type { Gate, GateBase } from "./route.ts";
import { apiRoutes, metricsRoutes } from "./routes.ts";
import { listen } from "./server.ts";
import { startAdmission } from "./start-admission.ts";
import { newTelemetry } from "./telemetry.ts";

export interface RunningGate {
  url: string;
  /** null: on the API's address. */
  metricsUrl: string | null;
  /** null: there is none. */
  admissionUrl: string | null;
  policies: PolicySet;
  reloadPolicies(): Promise<void>;
  reloadRevocations(): Promise<void>;
  /** Answers and records what was accepted, then lets go of everything. */
  stop(): Promise<void>;
}

/** Starts everything or nothing. Throws PolicyError, StoreError and PlangateError with what the operator has to mend. */
export async function startGate(config: GateConfig, environment: GateEnvironment): Promise<RunningGate> {
  const closers: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    return { ...(await start(config, environment, (close) => closers.push(close))), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(config: GateConfig, environment: GateEnvironment, onStop: OnStop) {
  const { clock, log } = environment;
  const { api, metrics } = config.listen;
  if (config.callers === null) {
    for (const { address } of [api, ...(metrics === null ? [] : [metrics])]) requireLoopback(address);
  }
  const telemetry = newTelemetry(() => policies.current());
  const policies = await watchGatePolicies(config, telemetry, environment, onStop);
  await loadGrammar();
  const keys = await loadGateKeys(config.keys, config.gate.dataDir);
  let stopping = false;
  const base: GateBase = {
    authenticator: openAuthenticator(config.callers, clock),
    jwks: jwkSetOf(keys),
    isStopping: () => stopping,
    telemetry,
    log,
    clock,
  };
  const admission = await startAdmission(config, base, keys, policies, environment, onStop);
  const { store, embedded } = await openGateStore(config, environment, onStop, admission !== null);
  if (admission !== null) {
    admission.useStore(store);
    // Before the store is closed.
    onStop(admission.close);
  }
  await startHousekeeping(config, keys, store, environment, onStop);
  const databases = readDatabases(config, store, environment, telemetry, onStop);

  const tokens = watchHumanTokens(config, environment, onStop);
  telemetry.watchConfiguration(() => tokens.staleSince());
  let pinging: Promise<void> | null = null;
  const gate: Gate = {
    ...base,
    ports: {
      clock,
      policies,
      decisions: store.decisions,
      evidence: store.evidence,
      evidenceTrust: evidenceTrust(config.evidence.keys),
      passes: passIssuer(config.gate.name, keys[0]),
      databases,
      idempotency: store.idempotency,
    },
    settings: {
      staleAfterMs: config.policies.staleAfterMs,
      unmatched: config.policies.unmatched,
      leaseMs: config.lease.maxMs,
      timeZoneDatabase: environment.timeZoneDatabase,
      services: config.services,
    },
    async pingDatabase() {
      if (embedded !== null && !embedded.isAlive()) throw new PlangateError("embedded-postgres", "It has ended");
      // Anybody may ask whether the gate is ready: however many do, the database is asked once at a time.
      pinging ??= store.ping().finally(() => {
        pinging = null;
      });
      await pinging;
    },
    humanTokens: tokens,
    databaseStates: () => databases.states(),
  };
  const hosts = config.callers === null ? allowedHosts(config) : null;
  const ownMetrics = metrics === null ? null : await serveOn(gate, metricsRoutes, hosts, metrics, onStop);
  const routes = metrics === null ? apiRoutes : apiRoutes.filter(({ path }) => path !== "/metrics");
  const server = await serveOn(gate, routes, hosts, api, onStop);
  onStop(async () => {
    stopping = true;
  });
  return {
    url: server.url,
    metricsUrl: ownMetrics?.url ?? null,
    admissionUrl: admission?.url ?? null,
    policies: policies.current().set,
    reloadPolicies: () => policies.reload(),
    reloadRevocations: () => tokens.reload(),
  };
}

function requireLoopback(address: string): void {
  if (isLoopback(address)) return;
  const message = `Nobody authenticates at this gate, so it listens on loopback only, not on ${address}. Use 127.0.0.1.`;
  throw new PlangateError("unauthenticated-listen", message);
}

async function serveOn(
  gate: Gate,
  routes: Parameters<typeof createApp>[1],
  hosts: ReadonlySet<string> | null,
  { address, port }: ListenAddress,
  onStop: OnStop,
) {
  const server = await listen(createApp(gate, routes, hosts), address, port);
  onStop(() => server.close());
  return server;
}

function allowedHosts({ gate, listen: { api } }: GateConfig): ReadonlySet<string> {
  const names = ["localhost", "127.0.0.1", "[::1]", api.address.toLowerCase()];
  return new Set(gate.publicUrl === null ? names : [...names, new URL(gate.publicUrl).hostname]);
}
