import { type GateConfig, loadRevoked } from "../../adapters/config/config.ts";
import { openApproverKeys, tokensOf } from "../../adapters/tokens/approver-keys.ts";
import { humanTokens, refusedTokens } from "../../adapters/tokens/human-tokens.ts";
import { type RevocationEvent, watchRevocations } from "../../adapters/tokens/revocations.ts";
import type { HumanTokens } from "../../app/ports.ts";
import type { GateEnvironment, OnStop } from "./gate-environment.ts";
import { describeError, type Log } from "./log.ts";

export interface GateHumanTokens {
  /** What checks the tokens of this request (JSON, not looked at yet): the keys that it needs are fetched, what is revoked is known. */
  forRequest(request: unknown): Promise<HumanTokens>;
  /** plangate.yaml has been broken since then; null: it is not. */
  staleSince(): Date | null;
  reload(): Promise<void>;
}

/** Approvals and overrides at a running gate. */
export function watchHumanTokens(
  { approvers, policies: { staleAfterMs } }: GateConfig,
  { clock, log, configFile }: GateEnvironment,
  onStop: OnStop,
): GateHumanTokens {
  const keys = openApproverKeys(approvers, clock, ({ kid }, error) =>
    log.warn({ kid, error: describeError(error) }, "an approver's key could not be fetched"),
  );
  const revocations = watchRevocations({
    file: configFile ?? null,
    initial: approvers.revoked,
    load: (content) => loadRevoked(content, configFile ?? ""),
    clock,
    onEvent: (event) => logEvent(log, event),
  });
  onStop(() => revocations.close());
  return {
    async forRequest(request) {
      const keyOf = await keys.gather(tokensOf(request));
      const { revoked, staleSince } = revocations.current();
      const tokens = humanTokens({ ...approvers, revoked }, keyOf);
      if (staleSince === null || clock.now().getTime() - staleSince.getTime() < staleAfterMs) return tokens;
      const since = staleSince.toISOString();
      return refusedTokens(tokens, `the gate's configuration has been broken since ${since}, so it may be revoked`);
    },
    staleSince: () => revocations.current().staleSince,
    reload: () => revocations.reload(),
  };
}

function logEvent(log: Log, event: RevocationEvent): void {
  if (event.kind === "reloaded") {
    const { jtis, kids, subjects } = event.revoked;
    log.info({ jtis: jtis.size, kids: kids.size, subjects: subjects.size }, "revocations read");
  } else if (event.kind === "broken") {
    const fields = { error: describeError(event.error), staleSince: event.staleSince.toISOString() };
    log.error(fields, "the configuration file is broken; what was revoked before stays revoked, and nothing else is");
  } else {
    log.warn(
      { error: describeError(event.error) },
      "the configuration's directory is not watched; revocations are noticed every 5 s",
    );
  }
}
