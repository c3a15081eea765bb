import type { MigrationAnalysis } from "../sql/change.ts";
import { type ChangeKind, changeKinds, type Policy } from "./policy.ts";

/** Does the policy apply to a request for this service and environment with these kinds of change? */
export function policyMatches(
  policy: Pick<Policy, "appliesTo">,
  request: { service: string; environment: string },
  kinds: ReadonlySet<ChangeKind>,
): boolean {
  const { environments, services, changes } = policy.appliesTo;
  return (
    (environments === null || environments.some((glob) => globMatches(glob, request.environment))) &&
    (services === null || services.some((glob) => globMatches(glob, request.service))) &&
    changes.some((kind) => kind === "any" || kinds.has(kind))
  );
}

/**
 * What the request's migrations are, for `appliesTo.changes`. A drop or creation of an index is `schema` too; `deploy`
 * is a request without migrations or whose migrations change nothing. `opaque`: the policy's `opaque-sql` rule found
 * SQL that cannot be analysed, which is every kind. What that rule allows (`allowFunctions`) may change data.
 */
export function changeKindsOf(analysis: MigrationAnalysis, hasMigrations: boolean, opaque: boolean): Set<ChangeKind> {
  if (opaque) return new Set(changeKinds);
  const kinds = new Set<ChangeKind>();
  for (const { kind } of hasMigrations ? analysis.changes : []) {
    kinds.add(kind === "data" || kind === "opaque" ? "data" : "schema");
    if (kind === "drop-index" || kind === "drop-unknown-indexes") kinds.add("index-drop");
    if (kind === "create-index") kinds.add("index-create");
  }
  if (kinds.size === 0) kinds.add("deploy");
  return kinds;
}

const schemaKinds: ReadonlySet<ChangeKind> = new Set(["any", "schema", "index-drop", "index-create"]);
const dropKinds: ReadonlySet<ChangeKind> = new Set(["any", "schema", "index-drop"]);

/**
 * What none of the policies that match a request is for: a schema change beside data that they are for, a dropped index beside one
 * that is built. null: nothing.
 */
export function unmatchedKind(
  policies: readonly Pick<Policy, "appliesTo">[],
  kinds: ReadonlySet<ChangeKind>,
): "schema" | "index-drop" | null {
  const isFor = (wanted: ReadonlySet<ChangeKind>) =>
    policies.some(({ appliesTo }) =>
      appliesTo.changes.some((kind) => wanted.has(kind) && (kind === "any" || kinds.has(kind))),
    );
  if (kinds.has("schema") && !isFor(schemaKinds)) return "schema";
  return kinds.has("index-drop") && !isFor(dropKinds) ? "index-drop" : null;
}

/** `*` is any number of characters, `?` is one; everything else stands for itself. Case matters. */
export function globMatches(glob: string, text: string): boolean {
  const pattern = [...glob];
  const characters = [...text];
  let position = 0;
  let at = 0;
  let star = -1;
  let resumeAt = 0;
  while (at < characters.length) {
    const wanted = pattern[position];
    if (wanted === "*") {
      star = position++;
      resumeAt = at;
    } else if (wanted === "?" || wanted === characters[at]) {
      position++;
      at++;
    } else if (star >= 0) {
      position = star + 1;
      at = ++resumeAt;
    } else return false;
  }
  return pattern.slice(position).every((rest) => rest === "*");
}
