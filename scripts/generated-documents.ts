import { configJsonSchema } from "../src/adapters/config/config-schema.ts";
import { policyJsonSchema } from "../src/core/policy/json-schema.ts";
import { ruleReference } from "../src/core/policy/rule-reference.ts";
import { rules } from "../src/core/rules/index.ts";
import { configurationReference } from "./configuration-reference.ts";
import { chartDocuments } from "./helm-values.ts";

/** File → text of everything that is generated from the product's own definitions. `root`: the repository's folder. */
export function documents(root: string): Record<string, string> {
  return {
    "policies/policy.schema.json": `${JSON.stringify(policyJsonSchema(rules), null, 2)}\n`,
    "policies/plangate.schema.json": `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
    "policies/RULES.md": ruleReference(rules),
    "docs/configuration.md": configurationReference(),
    ...chartDocuments(root),
  };
}
