import { z } from "zod";
import { canonicalJson } from "../../core/digest.ts";
import { PlangateError } from "../../core/errors.ts";
import { type ChainEntry, readCanonical } from "./audit-entry.ts";

const lineSchema = z.strictObject({
  sequence: z.number().int().positive(),
  previous: z.string(),
  hash: z.string(),
  kind: z.string(),
  payload: z.unknown(),
  decision: z
    .strictObject({
      id: z.string(),
      caller: z.string(),
      service: z.string(),
      environment: z.string(),
      action: z.string(),
      commit: z.string().nullable(),
      decision: z.string(),
      evaluatedAt: z.string(),
      notAfter: z.string().nullable(),
      requestDigest: z.string(),
      request: z.unknown(),
      body: z.unknown(),
    })
    .nullable()
    .optional(),
});

/**
 * An entry as a line of JSON, without the line break. `payload` is the entry's content, whose RFC 8785 form `hash` is the SHA-256 of; where
 * the stored text is not of that form, it is that text as a string.
 */
export function toLine({ sequence, previousHash, hash, kind, body, stored }: ChainEntry): string {
  const value = readCanonical(body);
  return JSON.stringify({
    sequence,
    previous: previousHash,
    hash,
    kind,
    payload: value === undefined ? body : value,
    decision: stored,
  });
}

/** Throws PlangateError `bad-export`. */
export function fromLine(line: string, number: number): ChainEntry {
  const fail = (cause: unknown) =>
    new PlangateError("bad-export", `line ${number}: is not an entry as \`plangate audit export\` writes them`, {
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw fail(cause);
  }
  const parsed = lineSchema.safeParse(json);
  if (!parsed.success) throw fail(parsed.error);
  const { sequence, previous, hash, kind, payload, decision } = parsed.data;
  const body = typeof payload === "string" ? payload : canonicalOrFail(payload ?? null, fail);
  return { sequence, previousHash: previous, hash, kind, body, stored: decision };
}

function canonicalOrFail(value: unknown, fail: (cause: unknown) => PlangateError): string {
  try {
    return canonicalJson(value);
  } catch (error) {
    if (error instanceof RangeError) throw fail(error); // nested too deeply
    throw error;
  }
}
