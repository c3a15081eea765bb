import type { ValuesPolicy } from "../../core/evidence/statistics.ts";
import { limitConstants, parameterSets } from "../../core/workload/parameter-sets.ts";
import { parameterUses } from "../../core/workload/parameter-uses.ts";
import { type QueryText, withConstants } from "../../core/workload/query-text.ts";
import type { Session } from "../servers/session.ts";
import { readColumnValues } from "./column-values.ts";
import { parameterTypes, type Variant } from "./explain-query.ts";
import { literal } from "./quoted.ts";

export type Variants = { ok: true; variants: Variant[]; onlyGeneric: string | null } | { ok: false; reason: string };

/**
 * The plans that are asked for of one query: without parameters one; with parameters a generic one, and one for each set of
 * values that the statistics of `session`'s server suggest.
 * @param file where the query comes from; null: from the workload.
 */
export async function variantsOf(
  session: Session,
  query: QueryText,
  values: ValuesPolicy,
  file: string | null,
): Promise<Variants> {
  const prepared = await parameterTypes(session, query.text);
  if (!prepared.ok) return prepared;
  const { types } = prepared;
  const plain = { name: "without parameters", generic: false, text: query.text, types, withheld: false, note: null };
  // The workload may have the same query with parameters: its generic plan is none for the constants of a file.
  const recorded = file === null ? null : [{ value: "as written", of: file }];
  if (types.length === 0) return { ok: true, variants: [{ ...plain, values: [], recorded }], onlyGeneric: null };
  const uses = parameterUses(query.node, types.length);
  const found = parameterSets(uses, types, await readColumnValues(session, uses, values));
  const sets = found.ok ? found.sets : [];
  const constants = limitConstants(uses);
  const generic: Variant = {
    name: "generic",
    generic: true,
    values: sets[0]?.values ?? types.map(() => null),
    recorded: null,
    withheld: false,
    text: withConstants(query, new Map([...constants].map(([number, value]) => [number, literal(value)]))),
    types,
    note: genericNote(constants, found.ok ? null : found.reason),
  };
  const custom = sets.map(
    (set): Variant => ({
      ...plain,
      name: `with ${set.name} values`,
      values: set.values,
      recorded: set.recorded,
      withheld: set.withheld,
      note: `Planned with ${set.name} values.`,
    }),
  );
  return { ok: true, variants: [generic, ...custom], onlyGeneric: found.ok ? null : found.reason };
}

function genericNote(constants: ReadonlyMap<number, string>, noValues: string | null): string {
  const parts = ["Generic plan: for any values of the parameters."];
  for (const [number, value] of constants) parts.push(`$${number} (LIMIT or OFFSET) is planned as ${value}.`);
  if (noValues !== null) parts.push(`No plan for given values: ${noValues}.`);
  return parts.join(" ");
}
