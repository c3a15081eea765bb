import path from "node:path";
import { z } from "zod";
import type { AdmissionSettings, Exemption } from "../../core/admission/settings.ts";
import { workloadKindNames } from "../../core/admission/workload-kinds.ts";
import { enforcements } from "../../core/policy/policy.ts";
import type { DocumentPath } from "../../core/policy/yaml-document.ts";
import { displayableName } from "../../core/values.ts";

const text = displayableName.min(1).max(500);
const globs = z.array(text).min(1).optional();
const kinds = z.array(z.enum(workloadKindNames)).min(1).optional();

export const admissionSchema = z
  .strictObject({
    environments: z
      .array(
        z.strictObject({
          name: text.max(200).describe("The environment, as the path of the webhook has it: /admission/{name}."),
          enforcement: z
            .enum(enforcements)
            .default("deny")
            .describe("`deny`; `warn`: let through with a warning; `dryrun`: let through, and noted in the audit log."),
        }),
      )
      .min(1)
      .optional()
      .describe("The environments; any other is denied. Absent: every environment, with `deny`."),
    exempt: z
      .array(
        z.strictObject({
          reason: text.describe("Why; it is recorded with each use."),
          environments: globs.describe("Globs of environments."),
          namespaces: globs.describe("Globs of namespaces."),
          kinds: kinds.describe("Kinds of object."),
          names: globs.describe("Globs of names; of the `generateName` where there is no name yet."),
          users: globs.describe("Globs of users, as the API server names them: system:serviceaccount:ops:backup."),
          images: globs.describe("Globs of images; every image of the workload must match one."),
        }),
      )
      .default([])
      .describe("Workloads that need neither a pass nor an open window. Everything that an entry lists must match."),
    controllers: z
      .array(
        z.strictObject({
          user: text.describe("The user, exactly: system:serviceaccount:argo-rollouts:argo-rollouts."),
          kinds: kinds.describe("What it makes on behalf of workloads that were admitted. Absent: all kinds."),
        }),
      )
      .default([])
      .describe("Controllers beside Kubernetes' own; what they make is not held up."),
    sidecars: z
      .array(text)
      .default([])
      .describe("Globs of images that pods may have beside those of their pass, such as an injected proxy's."),
    rollbacks: z
      .enum(["allow", "deny"])
      .default("allow")
      .describe("Does a pod template that the gate admitted before come back outside windows and in freezes?"),
    spoolDirectory: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Directory, of this gate alone, where verdicts wait for the database, relative to this file. Absent: admission-spool in `gate.dataDir`.",
      ),
  })
  .prefault({})
  .describe("The Kubernetes admission webhook; see `listen.admission`.");

/** `spoolDirectory` is absolute. */
export interface AdmissionConfig extends AdmissionSettings {
  spoolDirectory: string;
}

type Report = (at: DocumentPath, message: string) => void;

export function admissionOf(
  given: z.output<typeof admissionSchema>,
  directory: string,
  dataDirectory: string,
  report: Report,
): AdmissionConfig {
  const { environments, exempt, controllers, sidecars, rollbacks, spoolDirectory } = given;
  for (const [index, { name }] of (environments ?? []).entries()) {
    if ((environments ?? []).findIndex((other) => other.name === name) === index) continue;
    report(["admission", "environments", index, "name"], "another environment has the same name");
  }
  for (const [index, { user }] of controllers.entries()) {
    // People who copy a glob here would open the gate to every user that it matches.
    if (/[*?]/.test(user)) report(["admission", "controllers", index, "user"], "must be one user, without wildcards");
  }
  return {
    environments: environments === undefined ? null : new Map(environments.map((one) => [one.name, one.enforcement])),
    exempt: exempt.map((one, index) => exemption(one, index, report)),
    controllers: controllers.map((one) => ({ user: one.user, kinds: one.kinds ?? null })),
    sidecars,
    rollbacks,
    spoolDirectory: path.resolve(directory, spoolDirectory ?? path.join(dataDirectory, "admission-spool")),
  };
}

function exemption(
  { reason, environments, ...given }: z.output<typeof admissionSchema>["exempt"][number],
  index: number,
  report: Report,
): Exemption {
  if (Object.values(given).every((list) => list === undefined)) {
    const criteria = "namespaces, kinds, names, users, images";
    report(["admission", "exempt", index], `would exempt everything; add at least one of ${criteria}`);
  }
  const { namespaces, kinds: ofKinds, names, users, images } = given;
  return {
    reason,
    environments: environments ?? null,
    namespaces: namespaces ?? null,
    kinds: ofKinds ?? null,
    names: names ?? null,
    users: users ?? null,
    images: images ?? null,
  };
}
