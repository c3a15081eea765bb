import { z } from "zod";
import type { AdmissionRecord } from "../../app/ports.ts";
import { PlangateError } from "../../core/errors.ts";

const recordSchema: z.ZodType<AdmissionRecord> = z.strictObject({
  id: z.string(),
  uid: z.string(),
  at: z.iso.datetime(),
  environment: z.string(),
  namespace: z.string(),
  kind: z.string(),
  name: z.string(),
  operation: z.enum(["CREATE", "UPDATE"]),
  user: z.string(),
  service: z.string().nullable(),
  commit: z.string().nullable(),
  images: z.array(z.string()),
  allowed: z.boolean(),
  enforcement: z.enum(["deny", "warn", "dryrun"]),
  basis: z.enum(["pass", "policies", "rollback", "exempt", "unreadable"]),
  problems: z.array(z.string()),
  decisionId: z.string().nullable(),
  policyDigest: z.string(),
  templateDigest: z.string().nullable(),
});

/** With the line break. Throws PlangateError `spool-failed` where `parseLines` would not take it back. */
export function toLine(record: AdmissionRecord): Buffer {
  const { data, error } = recordSchema.safeParse(record);
  if (data !== undefined) return Buffer.from(`${JSON.stringify(data)}\n`);
  throw new PlangateError("spool-failed", "This is not a record of an admission", { cause: error });
}

export interface ParsedLines {
  records: AdmissionRecord[];
  /** How many lines hold no record: a disk gave back what nobody wrote, or another version of the gate wrote them. */
  unreadable: number;
}

export function parseLines(text: string): ParsedLines {
  const parsed = text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseLine);
  const records = parsed.filter((record) => record !== null);
  return { records, unreadable: parsed.length - records.length };
}

function parseLine(line: string): AdmissionRecord | null {
  try {
    return recordSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
