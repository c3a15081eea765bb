import { z } from "zod";
import { type RuleRegistry, ruleEntrySchema } from "./bind-rules.ts";
import { policyFileSchema } from "./policy-schema.ts";

export type JsonSchema = z.core.JSONSchema.JSONSchema;

/** JSON Schema of a policy file with every rule and its parameters, for editors. */
export function policyJsonSchema(registry: RuleRegistry): JsonSchema {
  const entries = [...registry.values()].map((rule) => {
    const entry = ruleEntrySchema(rule).nullable().describe(rule.summary);
    return [rule.id, entry.optional()] as const;
  });
  const { shape } = policyFileSchema;
  const rules = z
    .strictObject(Object.fromEntries(entries))
    .optional()
    .describe(shape.rules.description ?? "");
  const schema = policyFileSchema.extend({ rules }).meta({ title: "plangate policy" });
  return z.toJSONSchema(schema, { io: "input" });
}
