import type { AdmissionRecord, AdmittedTemplate } from "../../app/ports.ts";
import { canonicalJson, sha256Hex } from "../../core/digest.ts";

/** What plangate.admissions holds of a record. */
export interface AdmissionRow {
  id: string;
  at: string;
  environment: string;
  namespace: string;
  kind: string;
  name: string;
  operation: string;
  user: string;
  service: string | null;
  allowed: boolean;
  basis: string;
  decisionId: string | null;
  /** null: no rollback may go back to it. */
  templateKey: string | null;
}

/** All but the id. */
export const admissionColumns = [
  "at",
  "environment",
  "namespace",
  "kind",
  "name",
  "operation",
  "user",
  "service",
  "allowed",
  "basis",
  "decisionId",
  "templateKey",
] as const satisfies readonly (keyof AdmissionRow)[];

type Recorded = Omit<AdmissionRow, "templateKey"> & Pick<AdmissionRecord, "templateDigest">;

const rollbackTargets: ReadonlySet<string> = new Set<AdmissionRecord["basis"]>(["pass", "policies", "rollback"]);

export function admissionRow(record: Recorded): AdmissionRow {
  const { id, at, environment, namespace, kind, name, operation, user, service, allowed, basis, decisionId } = record;
  const { templateDigest } = record;
  const admitted = allowed && templateDigest !== null && rollbackTargets.has(basis);
  return {
    id,
    at: new Date(at).toISOString(),
    environment: columnText(environment),
    namespace: columnText(namespace),
    kind: columnText(kind),
    name: columnText(name),
    operation,
    user: columnText(user),
    service: service === null ? null : columnText(service),
    allowed,
    basis,
    decisionId: decisionId === null ? null : columnText(decisionId),
    templateKey: admitted ? templateKey({ environment, namespace, kind, name, templateDigest }) : null,
  };
}

/** A hash, since no index takes texts of any length. */
export function templateKey({ environment, namespace, kind, name, templateDigest }: AdmittedTemplate): string {
  return sha256Hex(canonicalJson([environment, namespace, kind, name, templateDigest]));
}

/** PostgreSQL's text holds neither NUL nor half of a surrogate pair. Names come from whoever writes a manifest. */
function columnText(text: string): string {
  return Buffer.from(text).toString().replaceAll("\0", "\ufffd");
}
