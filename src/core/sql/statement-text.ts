import type { Node } from "@pgsql/types";
import type { SqlComment, Statement } from "./change.ts";
import type { Context } from "./context.ts";
import type { Section } from "./formats.ts";
import { type ParsedStatement, scanSql } from "./grammar.ts";
import type { SourceText } from "./source-text.ts";

const minus = 0x2d;
const slash = 0x2f;
const star = 0x2a;

/** The statements' texts, places and comments. Only pieces that can hold a comment are scanned. */
export function readStatements(
  source: SourceText,
  section: Section,
  parsed: readonly ParsedStatement[],
  migration: number,
): { statements: Statement[]; comments: SqlComment[] } {
  const statements: Statement[] = [];
  const comments: SqlComment[] = [];
  let from = section.start;
  for (const { start, length } of parsed) {
    const first = section.start + start;
    const last = length === null ? section.end : first + length;
    const found = commentsIn(source, from, last);
    const end = trimEnd(source, first, last, found);
    statements.push({
      migration,
      location: source.location(first),
      endLine: source.line(Math.max(first, end - 1)),
      text: source.slice(first, end),
      comments: found.map(({ comment }) => comment),
      inTransaction: false,
    });
    for (const { comment } of found) comments.push(comment);
    from = last;
  }
  for (const { comment } of commentsIn(source, from, section.end)) comments.push(comment);
  return { statements, comments };
}

interface Found {
  start: number;
  end: number;
  comment: SqlComment;
}

/** `start` and `end` stand between tokens, so the piece scans as it does in the whole text. */
function commentsIn(source: SourceText, start: number, end: number): Found[] {
  if (!mayHoldComment(source.bytes, start, end)) return [];
  const scanned = scanSql(source.bytes.subarray(start, end));
  if (!scanned.ok) return [];
  const found: Found[] = [];
  for (const token of scanned.value) {
    if (token.name !== "SQL_COMMENT" && token.name !== "C_COMMENT") continue;
    const text = token.name === "SQL_COMMENT" ? token.text.slice(2) : token.text.slice(2, -2);
    const location = source.location(start + token.start);
    found.push({ start: start + token.start, end: start + token.end, comment: { location, text: text.trim() } });
  }
  return found;
}

function mayHoldComment(bytes: Uint8Array, start: number, end: number): boolean {
  for (let index = start; index + 1 < end; index += 1) {
    const byte = bytes[index];
    if (byte === minus && bytes[index + 1] === minus) return true;
    if (byte === slash && bytes[index + 1] === star) return true;
  }
  return false;
}

/** Without the blanks and comments that follow the last token. */
function trimEnd(source: SourceText, first: number, last: number, found: readonly Found[]): number {
  let end = last;
  let next = found.length - 1;
  for (;;) {
    while (end > first && (source.bytes[end - 1] ?? 0) <= 32) end -= 1;
    while (next >= 0 && (found[next]?.end ?? 0) > end) next -= 1;
    const comment = found[next];
    if (!comment || comment.end !== end || comment.start < first) return end;
    end = comment.start;
  }
}

/** ROLLBACK or a savepoint: what came before it may not have happened. */
export function rollsBack(node: Node): boolean {
  if (!("TransactionStmt" in node)) return false;
  const kind = node.TransactionStmt.kind ?? "";
  return kind.startsWith("TRANS_STMT_ROLLBACK") || kind === "TRANS_STMT_PREPARE" || kind === "TRANS_STMT_SAVEPOINT";
}

/** A BEGIN without its COMMIT: PostgreSQL undoes all of it when the session ends. */
export function leavesOpen({ transaction }: Section, parsed: readonly ParsedStatement[]): boolean {
  if (transaction !== "none") return false;
  let open = false;
  for (const { node } of parsed) {
    if (!("TransactionStmt" in node)) continue;
    const { kind, chain } = node.TransactionStmt;
    if (kind === "TRANS_STMT_BEGIN" || kind === "TRANS_STMT_START") open = true;
    else if (kind === "TRANS_STMT_COMMIT") open = chain ?? false;
  }
  return open;
}

/** Follows transaction blocks through a file. `enter` says whether the statement runs inside of one. */
export function tracksTransaction(
  context: Context,
  section: Section,
  parsed: readonly ParsedStatement[],
): { enter(node: Node): boolean; leave(node: Node): void } {
  const implicit =
    (section.transaction === "single-message" && parsed.length > 1) ||
    (section.transaction === "unless-refused" &&
      !(parsed.length > 0 && parsed.every(({ node }) => refusesTransaction(node))));
  let open = section.transaction === "file" || implicit;
  let atBegin = context.path.save();
  return {
    enter: () => open,
    leave(node) {
      if (!("TransactionStmt" in node)) return;
      const kind = node.TransactionStmt.kind;
      if (kind === "TRANS_STMT_BEGIN" || kind === "TRANS_STMT_START") {
        open = true;
        atBegin = context.path.save();
      } else if (kind === "TRANS_STMT_COMMIT" || kind === "TRANS_STMT_ROLLBACK" || kind === "TRANS_STMT_PREPARE") {
        // COMMIT AND CHAIN opens the next one at once. A message of several statements is a transaction of its own.
        open = implicit || (node.TransactionStmt.chain ?? false);
        context.path.rejoin(atBegin);
      }
    },
  };
}

/** Statements that Flyway runs without a transaction by itself, since PostgreSQL refuses them in one. */
function refusesTransaction(node: Node): boolean {
  if ("IndexStmt" in node) return node.IndexStmt.concurrent ?? false;
  if ("DropStmt" in node) return node.DropStmt.concurrent ?? false;
  if ("ReindexStmt" in node) {
    return (node.ReindexStmt.params ?? []).some(
      (param) => "DefElem" in param && param.DefElem.defname === "concurrently",
    );
  }
  return (
    "VacuumStmt" in node ||
    "CreatedbStmt" in node ||
    "DropdbStmt" in node ||
    "AlterSystemStmt" in node ||
    "CreateTableSpaceStmt" in node
  );
}
