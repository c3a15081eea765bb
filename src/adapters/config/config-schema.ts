import { z } from "zod";
import { migrationFormats } from "../../core/request.ts";
import { duration } from "../../core/values.ts";
import { admissionSchema } from "./admission.ts";
import { approvalsSchema, approversSchema, overridesSchema, revokedSchema } from "./approvers.ts";
import { auditSchema, gateKeysSchema } from "./audit.ts";
import { callersSchema } from "./callers.ts";
import { databasesSchema } from "./databases.ts";
import { evidenceKeysSchema } from "./evidence-keys.ts";
import { listenSchema } from "./listen.ts";
import { notifySchema } from "./notify.ts";

const name = z.string().min(1).max(200);

const url = z.url({ protocol: /^https?$/, error: 'expected a URL: "https://plangate.example.com"' });

/** plangate.yaml. */
export const configFileSchema = z
  .strictObject({
    gate: z
      .strictObject({
        name: name.default("plangate").describe("Name of this gate: the audience of tokens that are made for it."),
        dataDir: z
          .string()
          .min(1)
          .default(".plangate")
          .describe("Directory of the embedded database and the gate's own keys, relative to this file."),
        publicUrl: url.optional().describe("Where people reach the gate; used in links."),
      })
      .prefault({})
      .describe("The gate itself."),
    listen: listenSchema,
    database: z
      .strictObject({
        url: z.string().optional().describe("postgres:// URL. Better kept out of this file: see `urlEnv`."),
        urlEnv: name.optional().describe("Environment variable that holds the URL."),
      })
      .optional()
      .describe("The gate's own database. Absent: an embedded PostgreSQL in `gate.dataDir`."),
    policies: z
      .strictObject({
        directory: z.string().min(1).default("policies").describe("Policy directory, relative to this file."),
        staleAfter: duration
          .prefault("24h")
          .describe(
            "How long the last good policies stay in force while those on disk are broken; then all is rejected.",
          ),
        unmatched: z
          .enum(["reject", "approve"])
          .default("reject")
          .describe(
            "A request that no policy matches. Schema changes and SQL that cannot be analysed are rejected anyway.",
          ),
      })
      .prefault({})
      .describe("The policies."),
    services: z
      .array(
        z.strictObject({
          name: name.describe("What requests call `service`."),
          migrationFormat: z
            .enum(migrationFormats)
            .optional()
            .describe("How the service's migration files are read; a request that says otherwise is refused."),
          database: name.optional().describe("The database of the service; a request that says otherwise is refused."),
        }),
      )
      .default([])
      .describe("What is known about services."),
    lease: z
      .strictObject({ max: duration.prefault("1h").describe("How long an approval may wait to be used, at most.") })
      .prefault({})
      .describe("Approvals are leases to start."),
    evidence: z
      .strictObject({
        retention: duration.optional().describe("How long pushed evidence is kept. Absent: for ever."),
        keys: evidenceKeysSchema,
      })
      .prefault({})
      .describe("Evidence bundles."),
    callers: callersSchema,
    approvers: approversSchema,
    overrides: overridesSchema,
    approvals: approvalsSchema,
    revoked: revokedSchema,
    databases: databasesSchema,
    keys: gateKeysSchema,
    audit: auditSchema,
    notify: notifySchema,
    admission: admissionSchema,
  })
  .describe("Configuration of the plangate gate.");

export type ConfigFile = z.output<typeof configFileSchema>;

/** JSON Schema of plangate.yaml, for editors. */
export function configJsonSchema(): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(configFileSchema.meta({ title: "plangate.yaml" }), { io: "input" });
}
