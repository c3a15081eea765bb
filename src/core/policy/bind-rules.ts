import { z } from "zod";
import type { Rule } from "../rules/rule.ts";
import type { DocumentIssue } from "./document-error.ts";
import type { Enforcement, RuleInstance } from "./policy.ts";
import { enforcementSchema } from "./policy-schema.ts";
import { parsePart } from "./schema-issues.ts";
import { didYouMean } from "./suggest.ts";
import type { YamlDocument } from "./yaml-document.ts";

export type RuleRegistry = ReadonlyMap<string, Rule>;

/** Rules that a change window brings along, and the one that every policy has. */
const windowRules = ["change-window", "freeze"];
const everywhere = "opaque-sql";

/** More than there are; what comes after as many that are unknown or wrong is not looked at. */
const mostRules = 100;

/**
 * `rules` of a policy file → rules with their parameters, in the order of the file, after the implied window rules and
 * before the implied `opaque-sql`. With issues, the rules that are left out are those with issues.
 */
export function bindRules(
  document: YamlDocument,
  policy: { listed: ReadonlyMap<string, unknown>; enforcement: Enforcement; hasChangeWindow: boolean },
  registry: RuleRegistry,
): { rules: RuleInstance[]; issues: DocumentIssue[] } {
  const rules: RuleInstance[] = [];
  const issues: DocumentIssue[] = [];
  const { listed } = policy;
  const add = (id: string, raw: unknown, key: readonly string[]) => {
    const bound = bindRule(document, id, raw, policy.enforcement, key, registry);
    issues.push(...bound.issues);
    if (bound.instance !== null) rules.push(bound.instance);
  };
  if (policy.hasChangeWindow) {
    for (const id of windowRules) if (!listed.has(id)) add(id, null, ["changeWindow"]);
  }
  for (const [id, raw] of [...listed].slice(0, mostRules)) {
    add(id, raw, ["rules", id]);
    if (windowRules.includes(id) && !policy.hasChangeWindow) {
      issues.push(document.issue(["rules", id], "key", "the policy has no `changeWindow` that this rule could check"));
    }
  }
  if (!listed.has(everywhere)) add(everywhere, null, ["policy"]);
  return { rules, issues };
}

function bindRule(
  document: YamlDocument,
  id: string,
  raw: unknown,
  inherited: Enforcement,
  key: readonly string[],
  registry: RuleRegistry,
): { instance: RuleInstance | null; issues: DocumentIssue[] } {
  const rule = registry.get(id);
  if (rule === undefined) {
    const known = [...registry.keys()];
    const suggestion = didYouMean(id, known);
    const message = `unknown rule${suggestion === "" ? ";" : suggestion} rules: ${known.join(", ")}`;
    return { instance: null, issues: [document.issue(key, "key", message)] };
  }
  if (typeof raw !== "object" || Array.isArray(raw)) {
    const message = "expected a mapping of parameters; {} takes the defaults";
    return { instance: null, issues: [document.issue(key, "value", message)] };
  }
  const value = raw ?? {};
  const checked = parsePart(ruleEntrySchema(rule), document, key, value);
  if (checked.data === null) return { instance: null, issues: checked.issues };
  // Not an array, not a scalar: checked above.
  const { enforcement: own, ...parameters } = value as Record<string, unknown>;
  const configured = rule.configure(parameters);
  if (!configured.ok) throw new TypeError(`the rule ${id} refuses parameters that its schema allows`);
  const enforcement = enforcementSchema.optional().parse(own) ?? inherited;
  return { instance: { rule: configured.rule, enforcement, location: document.locate(key, "key") }, issues: [] };
}

/** What a policy may write for a rule: its parameters, and an enforcement of its own. */
export function ruleEntrySchema(rule: Rule) {
  if (!(rule.parameters instanceof z.ZodObject)) throw new TypeError(`the parameters of ${rule.id} are not an object`);
  return rule.parameters.safeExtend({ enforcement: enforcementSchema.optional() });
}
