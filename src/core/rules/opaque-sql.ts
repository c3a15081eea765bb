import { z } from "zod";
import { inconclusive, passed } from "../rule-support/findings.ts";
import type { OpaqueChange, OpaqueReason } from "../sql/change.ts";
import { opaqueChangesFor } from "../sql/opaque.ts";
import { defineRule } from "./rule.ts";

const parameters = z.strictObject({
  allowFunctions: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Functions that migrations may call although nothing is known of them, written as in the SQL: "refresh_totals", "audit.log".',
    ),
});

const help: Record<OpaqueReason, string> = {
  unparseable:
    "Correct the SQL: PostgreSQL would refuse it too, unless a tool fills something in first; then send what the tool makes of it.",
  "nul-byte": "Take the NUL character out of the file.",
  "not-utf8": "Save the file as UTF-8.",
  "psql-meta-command": "Write the migration in SQL alone, without psql's commands.",
  "dynamic-sql": "Write the statement out instead of putting it together at run time.",
  "unreadable-language": "Write the routine in SQL or PL/pgSQL, or create it by a way that someone reviews.",
  "function-call":
    "Take the call out, or list the function in allowFunctions of the opaque-sql rule if it changes no schema.",
  "catalogue-write": "Use DDL instead of writing to the system catalogues.",
  "remote-sql": "Run what concerns another server outside of the migration.",
  program: "Run what concerns the server's files, programs and configuration outside of the migration.",
  "too-large": "Split the statement or the file.",
  "unknown-statement": "Split the migration, and have the statement that is not known here reviewed by itself.",
  "missing-section": "Correct the file's markers or name, or the request's migrationFormat.",
};

export default defineRule({
  id: "opaque-sql",
  summary: "Every statement of a migration must be one that can be analysed.",
  rationale:
    "A drop can hide in a string that is executed, in a function, behind a psql command or in text that the parser refuses. What cannot be read is taken for every kind of change. The rule is judged whether or not a policy lists it.",
  parameters,
  evaluate({ analysis }, { allowFunctions }) {
    const opaque = distinct(opaqueChangesFor(analysis, allowFunctions));
    if (opaque.length === 0) return [passed("migrations", "Every statement can be analysed.")];
    return opaque.map((change) => {
      const { path, line } = change.statement.location;
      return inconclusive({
        subject: `${path}:${line}`,
        message: `This SQL cannot be analysed, so it may do anything: ${change.detail}.`,
        help: help[change.reason],
        location: change.statement.location,
        details: { reason: change.reason, functionName: change.functionName },
      });
    });
  },
});

/** The same reason at the same place, such as a function called twice in a statement, is told once. */
function distinct(changes: readonly OpaqueChange[]): OpaqueChange[] {
  const seen = new Map<string, OpaqueChange>();
  for (const change of changes) {
    const { path, line } = change.statement.location;
    const key = JSON.stringify([path, line, change.reason, change.detail]);
    if (!seen.has(key)) seen.set(key, change);
  }
  return [...seen.values()];
}
