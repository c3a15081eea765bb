import { z } from "zod";
import { trustLevels } from "../evidence/bundle.ts";
import { changeKinds, enforcements } from "./policy.ts";
import { changeWindowSchema } from "./window-schema.ts";

export const enforcementSchema = z
  .enum(enforcements)
  .describe("`deny` rejects, `warn` only reports, `dryrun` only records what would have happened.");

const globs = z.array(z.string().min(1).max(200)).min(1, "an empty list matches nothing; remove the key to match all");

/** A policy file. `rules` is checked against the registry of rules. */
export const policyFileSchema = z
  .strictObject({
    version: z.literal(1).describe("Version of this format."),
    policy: z
      .string()
      .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'an id is kebab-case: "schema-changes"')
      .max(100)
      .describe("Id of the policy, kebab-case, unique in the directory."),
    description: z.string().min(1).max(1000).optional().describe("What the policy is for, in a sentence."),
    appliesTo: z
      .strictObject({
        environments: globs.optional().describe("Environments, as globs (`*`, `?`). Absent: all."),
        services: globs.optional().describe("Services, as globs (`*`, `?`). Absent: all."),
        changes: z
          .array(z.enum(changeKinds))
          .min(1, "an empty list matches nothing; remove the key to match every kind of change")
          .optional()
          .describe(
            "Kinds of change: `schema` (any DDL), `index-drop`, `index-create`, `data`, `deploy` (no migration), `any`. Absent: any.",
          ),
      })
      .optional()
      .describe("Which requests the policy is for. Absent: all."),
    enforcement: enforcementSchema.default("deny"),
    minTrust: z
      .enum(trustLevels)
      .default("asserted")
      .describe(
        "The least trust that evidence must have to count: `asserted` (came with the request), `signed` (by a known collector), `pulled` (read by the gate itself).",
      ),
    changeWindow: changeWindowSchema.optional(),
    rules: z
      .record(z.string(), z.unknown())
      .default({})
      .describe("The rules that the policy switches on, each with its parameters."),
  })
  .describe("A plangate policy.");

export type PolicyFile = z.output<typeof policyFileSchema>;
