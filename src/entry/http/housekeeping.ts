import type { GateConfig } from "../../adapters/config/config.ts";
import type { GateKeys } from "../../adapters/gate-keys.ts";
import { notifyAll } from "../../adapters/notify/notifier.ts";
import type { Store } from "../../adapters/store/store.ts";
import type { GateEnvironment, OnStop } from "./gate-environment.ts";
import { describeError, type Log } from "./log.ts";

const pruneEveryMs = 3_600_000;
const notifyEveryMs = 2_000;

/** What runs beside the requests: old rows go, checkpoints are signed, webhooks are told. */
export async function startHousekeeping(
  config: GateConfig,
  keys: GateKeys,
  store: Store,
  environment: GateEnvironment,
  onStop: OnStop,
): Promise<void> {
  pruneRegularly(store, environment.log, onStop);
  await signCheckpoints(config, keys, store, environment, onStop);
  notifyRegularly(config, store, environment, onStop);
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
  keys: GateKeys,
  store: Store,
  { clock, log }: GateEnvironment,
  onStop: OnStop,
): Promise<void> {
  const checkpoints = await store.openCheckpoints({ keys, gate: gate.name, file: audit.checkpointFile, clock });
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
