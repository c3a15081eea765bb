import { type ChainEntry, entryProblems } from "./audit-entry.ts";

/** What the first entry has in place of the hash of the entry before it. */
export const beforeTheFirst = "0".repeat(64);

/** A place where the chain is not as the gates wrote it. `position`: the sequence number; null: it is not about an entry. */
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
  admissions: number;
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
  let admissions = 0;
  const report = (position: number, message: string) => void problems.push({ position, message });
  return {
    add(entry) {
      entries += 1;
      if (entry.stored != null) decisions += 1;
      if (entry.kind === "admission") admissions += 1;
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
      return { entries, decisions, admissions, head: last.sequence === 0 ? null : last, problems };
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
