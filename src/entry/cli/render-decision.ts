import { version } from "../../../package.json";
import type { Decision } from "../../core/decision.ts";
import type { PolicySet } from "../../core/policy/policy.ts";
import { rules } from "../../core/rules/index.ts";
import { formatGithub } from "../../output/github.ts";
import { formatJson } from "../../output/json.ts";
import { formatSarif } from "../../output/sarif.ts";
import { formatText } from "../../output/text.ts";
import type { CheckOptions } from "./check-options.ts";
import type { CommandIo } from "./io.ts";

/** `policySet: null`: the policy files are elsewhere, and findings without a place of their own are shown at `policies`. */
export function renderDecision(
  decision: Decision,
  policySet: PolicySet | null,
  format: CheckOptions["format"],
  io: CommandIo,
): string {
  if (format === "json") return formatJson(decision);
  if (format === "github") return formatGithub(decision);
  if (format === "text") {
    return formatText(decision, {
      width: Math.min(io.columns, 80),
      colour: io.isTTY && (io.env.NO_COLOR ?? "") === "",
    });
  }
  const policies = policySet?.policies ?? [];
  return formatSarif(decision, {
    toolVersion: version,
    rules: [...rules.values()],
    policyLocations: new Map(policies.map(({ id, location }) => [id, location])),
    fallback: policies[0]?.location ?? { path: "policies", line: 1 },
  });
}
