import type { SectionResult } from "./formats.ts";
import { scanSql } from "./grammar.ts";
import type { SourceText } from "./source-text.ts";

/** A line as a tool that reads files line by line sees it. Offsets in bytes. */
export interface Line {
  /** First byte of the line. */
  start: number;
  /** Byte after its line feed. */
  end: number;
  text: string;
  /** Its first characters (after blanks) begin an SQL line comment. */
  isComment: boolean;
  /** Something of it lies outside comments. */
  hasSql: boolean;
}

export type Lines = { ok: true; lines: Line[] } | { ok: false; result: SectionResult };

/**
 * dbmate and goose look for their markers line by line and know no SQL; the grammar knows no lines. Where the two could
 * disagree on what is a comment, the file is opaque rather than read as one of them does.
 */
export function readLines(source: SourceText): Lines {
  const scanned = scanSql(source.bytes);
  if (!scanned.ok) {
    const tooLarge = scanned.failure.kind === "too-large";
    return refuse(tooLarge ? "too-large" : "unparseable", scanned.failure.message, 0);
  }
  const comments = new Set<number>();
  const sql: { start: number; end: number }[] = [];
  for (const token of scanned.value) {
    if (token.name === "SQL_COMMENT") comments.add(token.start);
    else if (token.name !== "C_COMMENT") sql.push({ start: token.start, end: token.end });
  }
  const { bytes } = source;
  const lines: Line[] = [];
  let next = 0;
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(10, start);
    const end = feed === -1 ? bytes.length : feed + 1;
    const text = source.slice(start, end);
    const carriageReturn = text.replace(/\r?\n$/, "").indexOf("\r");
    if (carriageReturn !== -1) {
      return refuse(
        "unparseable",
        "a carriage return without a line feed, which SQL takes for a line's end and the migration tool does not",
        start,
      );
    }
    const blanks = text.length - text.trimStart().length;
    while (next < sql.length && (sql[next]?.end ?? 0) <= start) next += 1;
    const token = sql[next];
    lines.push({
      start,
      end,
      text,
      isComment: comments.has(start + blanks),
      hasSql: token !== undefined && token.start < end,
    });
    start = end;
  }
  return { ok: true, lines };
}

function refuse(reason: "unparseable" | "too-large", detail: string, offset: number): Lines {
  return { ok: false, result: { kind: "opaque", reason, detail, offset } };
}
