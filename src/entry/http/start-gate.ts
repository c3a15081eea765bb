import path from "node:path";
import { openAuthenticator } from "../../adapters/callers/authenticator.ts";
import type { GateConfig } from "../../adapters/config/config.ts";
import type { ListenAddress } from "../../adapters/config/listen.ts";
import { isLoopback } from "../../adapters/config/loopback.ts";
import { openDatabaseReader } from "../../adapters/databases/database-reader.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../adapters/embedded/embedded-postgres.ts";
import { evidenceTrust } from "../../adapters/evidence-signature/evidence-trust.ts";
import { type GateKey, loadGateKeys } from "../../adapters/gate-keys.ts";
import { notifyAll } from "../../adapters/notify/notifier.ts";
import { jwkSetOf } from "../../adapters/passes/jwk-set.ts";
import { passIssuer } from "../../adapters/passes/passes.ts";
import { readPolicyDirectory } from "../../adapters/policies/read-directory.ts";
import { type PolicyEvent, watchPolicies } from "../../adapters/policy-source.ts";
import { openStore, type Store } from "../../adapters/store/store.ts";
import { humanTokens } from "../../adapters/tokens/human-tokens.ts";
import type { Clock } from "../../app/ports.ts";
import { PlangateError } from "../../core/errors.ts";
import { loadPolicySet } from "../../core/policy/load.ts";
import type { PolicySet } from "../../core/policy/policy.ts";
import { loadGrammar } from "../../core/sql/grammar.ts";
import { createApp } from "./app.ts";
import { describeError, type Log } from "./log.ts";
import type { Gate } from "./route.ts";
import { apiRoutes, metricsRoutes } from "./routes.ts";
import { listen } from "./server.ts";
import { newTelemetry, type Telemetry } from "./telemetry.ts";

export interface RunningGate {
  url: string;
  /** null: on the API's address. */
  metricsUrl: string | null;
  policies: PolicySet;
  reloadPolicies(): Promise<void>;
  /** Answers and records what was accepted, then lets go of everything. */
  stop(): Promise<void>;
}

export interface GateEnvironment {
  clock: Clock;
  log: Log;
  timeZoneDatabase: string;
  /** Told before the embedded database is made, which takes seconds. */
  onFirstStart(): void;
}

const pruneEveryMs = 3_600_000;
const notifyEveryMs = 2_000;

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

type OnStop = (close: () => Promise<void>) => void;

async function start(config: GateConfig, environment: GateEnvironment, onStop: OnStop) {
  const { clock, log } = environment;
  const { api, metrics } = config.listen;
  if (config.callers === null) {
    for (const { address } of [api, ...(metrics === null ? [] : [metrics])]) requireLoopback(address);
  }
  const telemetry = newTelemetry(() => policies.current());
  const policies = await watchPolicies({
    directory: config.policies.directory,
    read: () => readPolicyDirectory(config.policies.directory),
    load: (files) => loadPolicySet(files, { directory: displayed(config.policies.directory), at: clock.now() }),
    clock,
    onEvent: (event) => {
      if (event.kind !== "not-watched") {
        telemetry.policiesReloaded(event.kind === "broken" ? "broken" : "ok", clock.now());
      }
      logPolicyEvent(log, event);
    },
  });
  onStop(() => policies.close());
  telemetry.policiesReloaded("ok", clock.now());
  await loadGrammar();
  const keys = await loadGateKeys(config.keys, config.gate.dataDir);
  const { store, embedded } = await openGateStore(config, environment, onStop);
  pruneRegularly(store, log, onStop);
  await signCheckpoints(config, keys[0], store, environment, onStop);
  notifyRegularly(config, store, environment, onStop);

  const databases = readDatabases(config, store, environment, telemetry);
  onStop(() => databases.close());

  let stopping = false;
  const gate: Gate = {
    ports: {
      clock,
      policies,
      decisions: store.decisions,
      evidence: store.evidence,
      evidenceTrust: evidenceTrust(config.evidence.keys),
      humanTokens: humanTokens(config.approvers),
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
    authenticator: openAuthenticator(config.callers, clock),
    jwks: jwkSetOf(keys),
    async pingDatabase() {
      if (embedded !== null && !embedded.isAlive()) throw new PlangateError("embedded-postgres", "It has ended");
      await store.ping();
    },
    isStopping: () => stopping,
    databaseStates: () => databases.states(),
    telemetry,
    log,
    clock,
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
    policies: policies.current().set,
    reloadPolicies: () => policies.reload(),
  };
}

/** Findings name policy files by this path: as somebody in the working directory would. */
function displayed(directory: string): string {
  const relative = path.relative(process.cwd(), directory);
  return relative === "" || relative.startsWith("..") || path.isAbsolute(relative) ? directory : relative;
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

async function openGateStore(
  { database, gate, evidence, audit }: GateConfig,
  { clock, log, onFirstStart }: GateEnvironment,
  onStop: OnStop,
): Promise<{ store: Store; embedded: EmbeddedPostgres | null }> {
  let embedded: EmbeddedPostgres | null = null;
  if (database === null) {
    embedded = await startEmbeddedPostgres({
      dataDirectory: gate.dataDir,
      onDeath: (error) => log.fatal({ error: describeError(error) }, "the embedded database has ended"),
      onFirstStart,
    });
    onStop(embedded.stop);
  }
  const store = await openStore({
    connection: embedded?.connection ?? { connectionString: database?.url ?? "" },
    maxConnections: embedded === null ? 10 : 1,
    onConnectionError: (error) => log.warn({ error: describeError(error) }, "a database connection was lost"),
    clock,
    evidenceRetentionMs: evidence.retentionMs,
    masked: audit.mask,
  });
  onStop(() => store.close());
  return { store, embedded };
}

function readDatabases({ databases }: GateConfig, store: Store, { clock, log }: GateEnvironment, telemetry: Telemetry) {
  const reader = openDatabaseReader(databases, {
    evidence: store.evidence,
    clock,
    onRead({ database, node, error }) {
      telemetry.databaseRead(database, node, error === null ? "ok" : "failed");
      if (error === null) log.info({ database, node }, "evidence read");
      else log.warn({ database, node, error: describeError(error) }, "evidence could not be read");
    },
    onStoreFailure: (error) => log.warn({ error: describeError(error) }, "what was read could not be stored"),
  });
  telemetry.watchDatabases(() => reader.states());
  return reader;
}

function pruneRegularly(store: Store, log: Log, onStop: OnStop): void {
  const prune = () =>
    store.prune().catch((error: unknown) => log.warn({ error: describeError(error) }, "old rows were not deleted"));
  const timer = setInterval(prune, pruneEveryMs);
  timer.unref();
  const first = prune();
  onStop(async () => {
    clearInterval(timer);
    await first;
  });
}

/** At the start, regularly, and once more when everything is answered. */
async function signCheckpoints(
  { gate, audit }: GateConfig,
  key: GateKey,
  store: Store,
  { clock, log }: GateEnvironment,
  onStop: OnStop,
): Promise<void> {
  const checkpoints = await store.openCheckpoints({ key, gate: gate.name, file: audit.checkpointFile, clock });
  let running = Promise.resolve();
  const sign = () => {
    running = running
      .then(() => checkpoints.make())
      .then(
        (made) =>
          void (made !== null && log.info({ sequence: made.sequence, hash: made.hash }, "audit checkpoint signed")),
        (error: unknown) => log.error({ error: describeError(error) }, "no audit checkpoint was signed"),
      );
    return running;
  };
  void sign();
  const timer = setInterval(() => void sign(), audit.checkpointEveryMs);
  timer.unref();
  onStop(async () => {
    clearInterval(timer);
    await sign();
  });
}

function notifyRegularly({ notify }: GateConfig, store: Store, { clock, log }: GateEnvironment, onStop: OnStop): void {
  if (notify.length === 0) return;
  const ports = {
    store: store.notifications,
    clock,
    onFailure: (target: string, error: unknown) =>
      log.warn({ target, error: describeError(error) }, "a webhook was not told about an override; it is tried again"),
  };
  let running: Promise<void> | null = null;
  const timer = setInterval(() => {
    running ??= notifyAll(notify, ports).finally(() => {
      running = null;
    });
  }, notifyEveryMs);
  timer.unref();
  onStop(async () => {
    clearInterval(timer);
    await running;
  });
}

function logPolicyEvent(log: Log, event: PolicyEvent): void {
  if (event.kind === "reloaded") {
    const { digest, policies, warnings } = event.set;
    const fields = { digest, policies: policies.map(({ id }) => id), warnings: warnings.map(({ message }) => message) };
    log.info(fields, event.changed ? "policies reloaded" : "policies unchanged");
  } else if (event.kind === "broken") {
    const fields = { error: describeError(event.error), staleSince: event.staleSince.toISOString() };
    log.error(fields, "the policy files are broken; the last good ones stay in force");
  } else {
    log.warn(
      { error: describeError(event.error) },
      "the policy directory is not watched; changes are noticed every 5 s",
    );
  }
}
