import { z } from "zod";
import { canonicalJson, digestOf, sha256Hex } from "../../core/digest.ts";
import { type AdmissionRow, admissionColumns, admissionRow } from "./admission-row.ts";

/** A row of plangate.decisions: its columns, and the two documents that the entry has digests of. */
export interface StoredDecision {
  id: string;
  caller: string;
  service: string;
  environment: string;
  action: string;
  commit: string | null;
  decision: string;
  evaluatedAt: string;
  notAfter: string | null;
  requestDigest: string;
  request: unknown;
  body: unknown;
}

/** A row of plangate.consumed_overrides, without the decision that it names. */
export interface UsedOverride {
  jti: string;
  subject: string;
  kid: string;
  expiresAt: string;
}

/** One link of the chain as it was found, right or wrong. `stored`: the row of the decision; null: there is none; undefined: not looked for. */
export interface ChainEntry {
  sequence: number;
  previousHash: string;
  hash: string;
  kind: string;
  body: string;
  stored?: StoredDecision | null;
  /** The row of the admission, likewise. */
  admission?: AdmissionRow | null;
  /** The rows of the overrides that the decision has used up; undefined: not looked for. */
  used?: readonly UsedOverride[];
}

const bodySchema = z.looseObject({
  version: z.literal(1),
  sequence: z.number(),
  previousHash: z.string(),
  kind: z.string(),
});

const decisionBodySchema = bodySchema.extend({
  decisionId: z.string(),
  decision: z.string(),
  service: z.string(),
  environment: z.string(),
  commit: z.string().nullable(),
  action: z.string(),
  caller: z.string(),
  evaluatedAt: z.string(),
  notAfter: z.string().nullable(),
  requestDigest: z.string(),
  decisionDigest: z.string(),
  requestRecordDigest: z.string(),
  overrides: z
    .array(z.object({ jti: z.string(), by: z.string(), kid: z.string(), expiresAt: z.string(), consumed: z.boolean() }))
    .optional(),
});

/** What of its content is not as a gate wrote it, and what of the row that it is about. */
export function entryProblems(entry: ChainEntry): string[] {
  if (sha256Hex(entry.body) !== entry.hash) return ["its content was changed: the hash does not fit it"];
  const json = readCanonical(entry.body);
  const body = bodySchema.safeParse(json);
  if (!body.success) return ["its content is not that of an audit entry in canonical JSON (RFC 8785)"];
  const { sequence, previousHash, kind } = body.data;
  if (sequence !== entry.sequence)
    return [`it stands in the wrong place: its content says that it is entry ${sequence}`];
  if (previousHash !== entry.previousHash || kind !== entry.kind) return ["its columns differ from its content"];
  if (kind === "admission") return storedAdmissionProblems(json, entry.admission);
  if (kind !== "decision" || entry.stored === undefined) return [];
  const decision = decisionBodySchema.safeParse(json);
  if (!decision.success) return ["its content is not that of a decision's audit entry"];
  if (entry.stored === null) return [`its decision ${decision.data.decisionId} is missing`];
  return [...decisionProblems(decision.data, entry.stored), ...usedOverrideProblems(decision.data, entry.used)];
}

const decisionColumns = [
  "caller",
  "service",
  "environment",
  "action",
  "commit",
  "decision",
  "evaluatedAt",
  "notAfter",
  "requestDigest",
] as const;

function decisionProblems(entry: z.infer<typeof decisionBodySchema>, stored: StoredDecision): string[] {
  const which = `the decision ${entry.decisionId}`;
  if (digestOrNull(stored.body) !== entry.decisionDigest)
    return [`${which} was changed: its digest is not that of the entry`];
  if (digestOrNull(stored.request) !== entry.requestRecordDigest) {
    return [`the request of ${which} was changed: its digest is not that of the entry`];
  }
  if (stored.id !== entry.decisionId) return [`${which} is stored as ${stored.id}`];
  return changedColumns(which, decisionColumns, stored, entry);
}

function usedOverrideProblems(
  { decisionId, overrides = [] }: z.infer<typeof decisionBodySchema>,
  rows: readonly UsedOverride[] | undefined,
): string[] {
  if (rows === undefined) return [];
  const table = new Map(rows.map((row) => [row.jti, row]));
  const problems = overrides
    .filter(({ consumed }) => consumed)
    .flatMap(({ jti, by, kid, expiresAt }) => {
      const row = table.get(jti);
      table.delete(jti);
      return row === undefined
        ? [`the use of the override ${jti} by its decision ${decisionId} is missing in plangate.consumed_overrides`]
        : changedColumns(`the use of the override ${jti}`, overrideColumns, row, { subject: by, kid, expiresAt });
    });
  const added = [...table.keys()].map(
    (jti) => `its decision ${decisionId} has not used up the override ${jti}, as plangate.consumed_overrides says`,
  );
  return [...problems, ...added];
}

const overrideColumns = ["subject", "kid", "expiresAt"] as const;

const admissionBodySchema = bodySchema.extend({
  recordedAt: z.string(),
  admission: z.object({
    id: z.string(),
    at: z.iso.datetime(),
    environment: z.string(),
    namespace: z.string(),
    kind: z.string(),
    name: z.string(),
    operation: z.string(),
    user: z.string(),
    service: z.string().nullable(),
    allowed: z.boolean(),
    basis: z.string(),
    decisionId: z.string().nullable(),
    templateDigest: z.string().nullable(),
  }),
});

function storedAdmissionProblems(json: unknown, stored: AdmissionRow | null | undefined): string[] {
  if (stored === undefined) return [];
  const body = admissionBodySchema.safeParse(json);
  if (!body.success) return ["its content is not that of an admission's audit entry"];
  const { id } = body.data.admission;
  if (stored === null) return [`its admission ${id} is missing`];
  if (stored.id !== id) return [`the admission ${id} is stored as ${stored.id}`];
  return changedColumns(`the admission ${id}`, admissionColumns, stored, admissionRow(body.data.admission));
}

function changedColumns<Column extends string>(
  which: string,
  columns: readonly Column[],
  stored: Record<Column, unknown>,
  entry: Record<Column, unknown>,
): string[] {
  const differing = columns.filter((column) => stored[column] !== entry[column]);
  return differing.length === 0
    ? []
    : [`${which} was changed: its ${differing.join(", ")} in the table differs from the entry`];
}

/** The JSON value; undefined: it is not canonical JSON. */
export function readCanonical(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return canonicalJson(value) === text ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** null: nested too deeply to be anything that a gate wrote. */
function digestOrNull(value: unknown): string | null {
  try {
    return digestOf(value);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
