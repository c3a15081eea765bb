import type { MigrationAnalysis, OpaqueChange } from "./change.ts";

/**
 * What of the migrations cannot be analysed, less calls of functions that the policy trusts. `allowFunctions` holds names
 * as the SQL writes them: "refresh_totals", "audit.log"; a schema that is written must be listed.
 */
export function opaqueChangesFor(analysis: MigrationAnalysis, allowFunctions: readonly string[]): OpaqueChange[] {
  const allowed = new Set(allowFunctions);
  return analysis.changes
    .filter((change): change is OpaqueChange => change.kind === "opaque")
    .filter(
      ({ reason, functionName }) => reason !== "function-call" || functionName === null || !allowed.has(functionName),
    );
}
