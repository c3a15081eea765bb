import path from "node:path";
import type { GateConfig } from "../../adapters/config/config.ts";
import { readPolicyDirectory } from "../../adapters/policies/read-directory.ts";
import { type PolicyEvent, type WatchedPolicySource, watchPolicies } from "../../adapters/policy-source.ts";
import { loadPolicySet } from "../../core/policy/load.ts";
import type { GateEnvironment, OnStop } from "./gate-environment.ts";
import { describeError, type Log } from "./log.ts";
import type { Telemetry } from "./telemetry.ts";

/** The policies in force; what becomes of their files is logged and counted. Throws PolicyError. */
export async function watchGatePolicies(
  { policies: { directory } }: GateConfig,
  telemetry: Telemetry,
  { clock, log }: GateEnvironment,
  onStop: OnStop,
): Promise<WatchedPolicySource> {
  const policies = await watchPolicies({
    directory,
    read: () => readPolicyDirectory(directory),
    load: (files) => loadPolicySet(files, { directory: displayed(directory), at: clock.now() }),
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
  return policies;
}

/** Findings name policy files by this path: as somebody in the working directory would. */
function displayed(directory: string): string {
  const relative = path.relative(process.cwd(), directory);
  return relative === "" || relative.startsWith("..") || path.isAbsolute(relative) ? directory : relative;
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
