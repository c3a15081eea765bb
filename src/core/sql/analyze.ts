import type { Node } from "@pgsql/types";
import type { Catalog } from "../catalog/catalog.ts";
import type { Migration, MigrationFormat } from "../request.ts";
import type { MigrationAnalysis, OpaqueReason, SqlComment, Statement } from "./change.ts";
import { Context } from "./context.ts";
import { type Action, runnableSections, type Section } from "./formats.ts";
import { type ParsedStatement, parseSql } from "./grammar.ts";
import { SourceText } from "./source-text.ts";
import { leavesOpen, readStatements, rollsBack, tracksTransaction } from "./statement-text.ts";
import { readNode } from "./statements.ts";

export interface AnalyzeInput {
  migrations: readonly Migration[];
  format: MigrationFormat;
  /** A rollback may run what leads back down. Absent: a deploy. */
  action?: Action;
  /** The database before the migrations; null: not known. */
  catalog: Catalog | null;
}

/** Far beyond any migration; a few statements can be made to mean a great many changes. */
const maxChanges = 1_000_000;

/** A part of a migration that is run, as statements, or why it cannot be read. `migration`: its place in the request. */
type ReadPart = { migration: number; source: SourceText } & (
  | { kind: "statements"; section: Section; parsed: readonly ParsedStatement[] }
  | { kind: "opaque"; offset: number; reason: OpaqueReason; detail: string }
);

/**
 * SQL text → what it changes. Total: whatever the text is, it returns; what cannot be read becomes an opaque change.
 * `loadGrammar()` must have been awaited.
 */
export function analyzeMigrations({ migrations, format, action = "deploy", catalog }: AnalyzeInput): MigrationAnalysis {
  const files = migrations.flatMap((migration, position) => readFile(migration, position, format, action));
  const statements: Statement[] = [];
  const comments: SqlComment[] = [];
  const context = new Context(catalog, placeholder(""));
  context.rollsBack = files.some(
    (file) =>
      file.kind === "statements" &&
      (file.parsed.some(({ node }) => rollsBack(node)) || leavesOpen(file.section, file.parsed)),
  );
  for (const file of files) {
    const { migration } = file;
    if (file.kind === "opaque") {
      const location = file.source.location(file.offset);
      const statement = { ...placeholder(file.source.path), migration, location, endLine: location.line };
      context.begin(statement);
      context.opaque(file.reason, file.detail);
      statements.push(statement);
      continue;
    }
    const atStart = context.path.save();
    const read = readStatements(file.source, file.section, file.parsed, migration);
    const transaction = tracksTransaction(context, file.section, file.parsed);
    for (const [index, statement] of read.statements.entries()) {
      const node = file.parsed[index]?.node;
      if (!node) continue;
      const placed = { ...statement, inTransaction: transaction.enter(node) };
      statements.push(placed);
      context.begin(placed);
      readStatement(context, node, placed);
      transaction.leave(node);
      if (context.changes.length <= maxChanges) continue;
      context.opaque("too-large", `more than ${maxChanges} changes`);
      return { statements, changes: context.changes, comments, after: null, builtAt: new Map() };
    }
    // Nobody says whether the next file runs in the same session.
    context.path.rejoin(atStart);
    // One by one: a file can hold more comments than a call takes arguments.
    for (const comment of read.comments) comments.push(comment);
  }
  const { state, changes } = context;
  return { statements, changes, comments, after: state.export(), builtAt: state.builtAt() };
}

/** A tree that parsed can still be too deep for what is made of it. */
function readStatement(context: Context, node: Node, statement: Statement): void {
  try {
    readNode(context, node, statement.text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    context.begin(statement);
    context.opaque("too-large", "a statement that is nested too deeply");
  }
}

function placeholder(path: string): Statement {
  return { migration: 0, location: { path, line: 1 }, endLine: 1, text: "", comments: [], inTransaction: false };
}

/** Empty: the migration is not run. */
function readFile(migration: Migration, position: number, format: MigrationFormat, action: Action): ReadPart[] {
  const source = new SourceText(migration.path, migration.sql);
  const opaque = (reason: OpaqueReason, detail: string, offset = 0): ReadPart[] => [
    { kind: "opaque", migration: position, source, offset, reason, detail },
  ];
  const nul = source.bytes.indexOf(0);
  if (nul !== -1) return opaque("nul-byte", "a NUL character, at which PostgreSQL's parser would stop", nul);
  // Decoding bytes that are not UTF-8 leaves the replacement character; so do lone surrogates.
  if (source.text.includes("\ufffd") || /\p{Surrogate}/u.test(source.text)) {
    return opaque("not-utf8", "text that is not UTF-8 (it holds the replacement character U+FFFD)");
  }
  const result = runnableSections(source, migration, format, action);
  if (result.kind === "not-run") return [];
  if (result.kind === "opaque") return opaque(result.reason, result.detail, result.offset);
  return result.sections.map((section) => readSection(position, source, section));
}

function readSection(migration: number, source: SourceText, section: Section): ReadPart {
  const part = { migration, source };
  const parsed = parseSql(source.bytes.subarray(section.start, section.end));
  if (parsed.ok) return { ...part, kind: "statements", section, parsed: parsed.value };
  const { kind, message, position } = parsed.failure;
  if (kind === "too-large") {
    return { ...part, kind: "opaque", reason: "too-large", detail: message, offset: section.start };
  }
  const offset = source.offsetOfCodePoint(position ?? 0, section.start);
  if (source.bytes[offset] !== 0x5c) return { ...part, kind: "opaque", reason: "unparseable", detail: message, offset };
  const detail = "a psql meta-command (backslash), which only psql understands";
  return { ...part, kind: "opaque", reason: "psql-meta-command", detail, offset };
}
