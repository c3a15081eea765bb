import { openAdmissionSpool } from "../../adapters/admission-spool/admission-spool.ts";
import type { SpoolEvent } from "../../adapters/admission-spool/spool-event.ts";
import type { GateConfig } from "../../adapters/config/config.ts";
import type { GateKeys } from "../../adapters/gate-keys.ts";
import { passVerifier } from "../../adapters/passes/passes.ts";
import type { Store } from "../../adapters/store/store.ts";
import { boundedTemplates } from "../../app/known-templates.ts";
import type { PolicySource } from "../../app/ports.ts";
import { PlangateError } from "../../core/errors.ts";
import { startAdmissionServer } from "./admission-server.ts";
import { createApp } from "./app.ts";
import type { GateEnvironment, OnStop } from "./gate-environment.ts";
import { describeError, type Log } from "./log.ts";
import type { AdmissionGate } from "./post-admission.ts";
import type { GateBase } from "./route.ts";
import { admissionRoutes } from "./routes.ts";
import { logTlsEvent, tlsReadiness } from "./tls-report.ts";

export interface RunningAdmission {
  url: string;
  /** From now on verdicts enter the audit chain, and rollbacks are known. */
  useStore(store: Store): void;
  /** Answers what was asked, and gives the store what it has not yet. May be called twice. */
  close(): Promise<void>;
}

/** Longer, and the API server would not wait for the answer (the chart gives it 3 s). */
const templateLookUpMs = 300;

/**
 * The admission address. It needs no store to answer, so it is up before the store is: verdicts wait on this machine's disk.
 * null: none is configured. Throws TlsFilesError, and PlangateError `listen`, `spool-failed`, `spool-in-use`.
 */
export async function startAdmission(
  config: GateConfig,
  base: GateBase,
  keys: GateKeys,
  policies: PolicySource,
  { clock, log }: GateEnvironment,
  onStop: OnStop,
): Promise<RunningAdmission | null> {
  const { listen, admission } = config;
  if (listen.admission === null) return null;
  if (config.database !== null && config.keys.length === 0) {
    log.warn(
      "this gate signs with a key of its own, so passes of other gates do not count here; set `keys` for all of them",
    );
  }
  const spool = await openAdmissionSpool({
    directory: admission.spoolDirectory,
    onEvent: (event) => logSpoolEvent(log, event),
  });
  onStop(() => spool.close());
  base.telemetry.watchSpool(() => spool.backlog());
  let store: Store | null = null;
  const gate: AdmissionGate = {
    ...base,
    ports: {
      clock,
      policies,
      passes: passVerifier(config.gate.name, keys),
      recorder: spool.recorder,
      templates: boundedTemplates(
        () => store?.admissions ?? null,
        templateLookUpMs,
        (error) => log.warn({ error: describeError(error) }, "admitted templates could not be looked up"),
      ),
    },
    settings: { admission, staleAfterMs: config.policies.staleAfterMs, unmatched: config.policies.unmatched },
    recordProblem: () => spool.checkWritable().then(() => null, recordProblem),
    certificate: () => tlsReadiness(server.state(), clock.now()),
  };
  const server = await startAdmissionServer({
    handler: createApp(gate, admissionRoutes, null),
    listen: listen.admission,
    clock,
    onEvent(event) {
      base.telemetry.tlsEvent(event);
      logTlsEvent(log, event);
    },
  });
  base.telemetry.watchTls(() => server.state());
  log.info({ url: server.url }, "the admission address is up");
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= server.close().then(() => spool.close());
    return closing;
  };
  onStop(close);
  return {
    url: server.url,
    useStore(opened) {
      store = opened;
      spool.drainTo(opened);
    },
    close,
  };
}

function recordProblem(error: unknown): string {
  if (error instanceof PlangateError) return error.message;
  throw error;
}

function logSpoolEvent(log: Log, event: SpoolEvent): void {
  if (event.kind === "drained") log.debug({ records: event.records }, "admission records entered the audit chain");
  else if (event.kind === "drain-failed") {
    const fields = { error: describeError(event.error), failures: event.failures };
    log.warn(fields, "admission records wait on this machine's disk: the database does not take them");
  } else if (event.kind === "torn") {
    const { file, bytes } = event;
    log.warn({ file, bytes }, "the end of an admission record that was being written when a gate ended is dropped");
  } else log.error(event, "admission records are missing");
}
