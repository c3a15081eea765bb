import { z } from "zod";
import { canonicalJson, digestOf, sha256Hex } from "../../core/digest.ts";
import { PlangateError } from "../../core/errors.ts";

/** What the first entry has in place of the hash of the entry before it. */
export const beforeTheFirst = "0".repeat(64);

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

/** One link of the chain as it was found, right or wrong. `stored`: the row of the decision; null: there is none; undefined: not looked for. */
export interface ChainEntry {
  sequence: number;
  previousHash: string;
  hash: string;
  kind: string;
  body: string;
  stored?: StoredDecision | null;
}

/** A place where the chain is not as the gates wrote it. `position`: the sequence number; null: a decision that has none. */
export interface ChainProblem {
  position: number | null;
  message: string;
}

/** A place in the chain that somebody has vouched for. */
export interface ChainMark {
  sequence: number;
  hash: string;
  /** "the checkpoint of 2026-11-22T12:00:00.000Z by plangate": what messages call it. */
  label: string;
}

export interface ChainSummary {
  entries: number;
  decisions: number;
  head: { sequence: number; hash: string } | null;
  problems: ChainProblem[];
}

export interface ChainVerifier {
  add(entry: ChainEntry): void;
  finish(): ChainSummary;
}

/**
 * Checks entries one by one, in the order of their numbers, against the chain's own rules and against marks. Goes on after a problem as if
 * the entry were right, so that one change is one problem.
 */
export function chainVerifier(marks: readonly ChainMark[]): ChainVerifier {
  const problems: ChainProblem[] = [];
  const open = [...marks].sort((a, b) => a.sequence - b.sequence);
  let last = { sequence: 0, hash: beforeTheFirst };
  let confirmed = 0;
  let entries = 0;
  let decisions = 0;
  const report = (position: number, message: string) => void problems.push({ position, message });
  return {
    add(entry) {
      entries += 1;
      if (entry.stored != null) decisions += 1;
      const place = placeProblem(entry.sequence, last.sequence);
      if (place !== null) problems.push(place);
      else if (entry.previousHash !== last.hash) report(entry.sequence, linkProblem(entry.sequence));
      for (const message of entryProblems(entry)) report(entry.sequence, message);
      for (let mark = open[0]; mark !== undefined && mark.sequence <= entry.sequence; mark = open[0]) {
        open.shift();
        if (mark.sequence < entry.sequence) continue; // It is the gap that was reported, or an entry that occurs twice.
        if (mark.hash === entry.hash) confirmed = mark.sequence;
        else report(entry.sequence, forgedProblem(mark, confirmed));
      }
      last = { sequence: entry.sequence, hash: entry.hash };
    },
    finish() {
      const [cut] = open.slice(-1);
      if (cut !== undefined) report(last.sequence + 1, cutProblem(last.sequence, cut));
      return { entries, decisions, head: last.sequence === 0 ? null : last, problems };
    },
  };
}

function placeProblem(sequence: number, before: number): ChainProblem | null {
  if (sequence === before + 1) return null;
  if (sequence === before) return { position: sequence, message: "it occurs more than once" };
  const missing = sequence - 1 === before + 1 ? "it is missing" : `it is missing, and so are all up to ${sequence - 1}`;
  return { position: before + 1, message: missing };
}

const linkProblem = (sequence: number) =>
  sequence === 1
    ? "it does not begin a chain: the hash of an entry before it is in it"
    : `it does not continue the chain: the hash in it is not that of entry ${sequence - 1}`;

function forgedProblem({ label }: ChainMark, confirmed: number): string {
  return `it is not the entry that ${label} was made over: the chain was rewritten somewhere after entry ${confirmed}`;
}

function cutProblem(end: number, { sequence, label }: ChainMark): string {
  const where = end === 0 ? "the chain is empty" : `the chain ends at entry ${end}`;
  return `it is missing: ${where}, but ${label} was made over entry ${sequence}`;
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
});

function entryProblems(entry: ChainEntry): string[] {
  if (sha256Hex(entry.body) !== entry.hash) return ["its content was changed: the hash does not fit it"];
  const json = readCanonical(entry.body);
  const body = bodySchema.safeParse(json);
  if (!body.success) return ["its content is not that of an audit entry in canonical JSON (RFC 8785)"];
  const { sequence, previousHash, kind } = body.data;
  if (sequence !== entry.sequence)
    return [`it stands in the wrong place: its content says that it is entry ${sequence}`];
  if (previousHash !== entry.previousHash || kind !== entry.kind) return ["its columns differ from its content"];
  if (kind !== "decision" || entry.stored === undefined) return [];
  const decision = decisionBodySchema.safeParse(json);
  if (!decision.success) return ["its content is not that of a decision's audit entry"];
  return entry.stored === null
    ? [`its decision ${decision.data.decisionId} is missing`]
    : decisionProblems(decision.data, entry.stored);
}

function decisionProblems(entry: z.infer<typeof decisionBodySchema>, stored: StoredDecision): string[] {
  const which = `the decision ${entry.decisionId}`;
  if (digestOrNull(stored.body) !== entry.decisionDigest)
    return [`${which} was changed: its digest is not that of the entry`];
  if (digestOrNull(stored.request) !== entry.requestRecordDigest) {
    return [`the request of ${which} was changed: its digest is not that of the entry`];
  }
  const columns = [
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
  const differing = columns.filter((column) => stored[column] !== entry[column]);
  if (stored.id !== entry.decisionId) return [`${which} is stored as ${stored.id}`];
  return differing.length === 0
    ? []
    : [`${which} was changed: its ${differing.join(", ")} in the table differs from the entry`];
}

/** The JSON value; undefined: it is not canonical JSON. */
function readCanonical(text: string): unknown {
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
