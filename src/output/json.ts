import type { Decision } from "../core/decision.ts";

/** The decision as the HTTP interface answers it. */
export function formatJson(decision: Decision): string {
  return `${JSON.stringify(decision, null, 2)}\n`;
}
