import type { DeployRequest, Migration, MigrationFormat } from "../request.ts";
import type { OpaqueReason } from "./change.ts";
import { dbmateSections } from "./format-dbmate.ts";
import { gooseSections } from "./format-goose.ts";
import type { SourceText } from "./source-text.ts";

/** How the tool sends the text: decides whether a statement runs in a transaction block. */
export type Transaction =
  /** One by one, as psql does. */
  | "none"
  /** The tool opens one around the file. */
  | "file"
  /** In one piece: PostgreSQL makes an implicit transaction of several statements. */
  | "single-message"
  /** Flyway: none where every statement is one that cannot run in a transaction. */
  | "unless-refused";

/** The part of a file that is run, in bytes. */
export interface Section {
  start: number;
  end: number;
  transaction: Transaction;
}

export type SectionResult =
  /** In the order in which they are read. */
  | { kind: "run"; sections: readonly Section[] }
  | { kind: "not-run" }
  | { kind: "opaque"; reason: OpaqueReason; detail: string; offset: number };

export type Action = DeployRequest["action"];

/**
 * Which parts of a migration its declared format runs. Never guessed from the text. A deploy runs what leads up. A rollback
 * with migrations may lead back down, or up to a correction, so both ways count, down first.
 */
export function runnableSections(
  source: SourceText,
  migration: Migration,
  format: MigrationFormat,
  action: Action,
): SectionResult {
  switch (format) {
    case "plain":
      return whole(source, "none");
    case "dbmate":
      return dbmateSections(source, action);
    case "goose":
      return gooseSections(source, action);
    case "golang-migrate":
      return golangMigrateSection(source, migration.path, action);
    case "flyway":
      return flywaySection(source, migration.path, action);
    case "sqitch":
      return sqitchSection(source, migration.path, action);
  }
}

/** Of a file with an up and a down part. */
export function upAndDown(up: Section, down: Section | null, action: Action): SectionResult {
  return { kind: "run", sections: action === "rollback" && down !== null ? [down, up] : [up] };
}

function whole(source: SourceText, transaction: Transaction): SectionResult {
  return { kind: "run", sections: [{ start: 0, end: source.bytes.length, transaction }] };
}

function missing(detail: string): SectionResult {
  return { kind: "opaque", reason: "missing-section", detail, offset: 0 };
}

/** golang-migrate runs N_title.up.sql on the way up and N_title.down.sql on the way down, in one message. */
function golangMigrateSection(source: SourceText, path: string, action: Action): SectionResult {
  if (path.endsWith(".up.sql")) return whole(source, "single-message");
  if (path.endsWith(".down.sql")) return action === "rollback" ? whole(source, "single-message") : { kind: "not-run" };
  return missing(
    "golang-migrate runs files whose names end in .up.sql or .down.sql; this one's does not say which it is",
  );
}

/** Flyway: V versioned, R repeatable, B baseline, callbacks; U (undo) on the way down. A placeholder can become any SQL. */
function flywaySection(source: SourceText, path: string, action: Action): SectionResult {
  const name = path.split(/[/\\]/).at(-1) ?? path;
  if (action === "deploy" && name.startsWith("U") && name.includes("__")) return { kind: "not-run" };
  const placeholder = source.text.indexOf("${");
  if (placeholder !== -1) {
    const offset = new TextEncoder().encode(source.text.slice(0, placeholder)).length;
    const detail = "a placeholder that Flyway fills in when the migration runs";
    return { kind: "opaque", reason: "dynamic-sql", detail, offset };
  }
  return whole(source, "unless-refused");
}

/** Sqitch runs deploy/ scripts with psql; revert/ and verify/ change nothing on the way up. */
function sqitchSection(source: SourceText, path: string, action: Action): SectionResult {
  const folders = path.split(/[/\\]/).slice(0, -1);
  const kind = folders.findLast((folder) => folder === "deploy" || folder === "revert" || folder === "verify");
  if (kind === "deploy" || (kind === "revert" && action === "rollback")) return whole(source, "none");
  if (kind !== undefined) return { kind: "not-run" };
  return missing("Sqitch runs scripts in a deploy/ folder; this file is in none of deploy/, revert/ and verify/");
}
