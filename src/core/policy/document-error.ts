import { PlangateError } from "../errors.ts";

/** A file of the policy directory, or plangate.yaml. `path` is what the user would type; "/" separates its parts. */
export interface SourceFile {
  path: string;
  content: Uint8Array | string;
}

/** One thing wrong with one file. Lines and columns start at 1; columns count UTF-16 units. */
export interface DocumentIssue {
  path: string;
  line: number;
  column: number;
  /** "changeWindow.allow[0].from"; null: the file as a whole. */
  key: string | null;
  /** What is wrong and what is allowed. */
  message: string;
}

/** Files that do not have the documented form. Names every place at once, in the order of the files, each once. */
export class DocumentError extends PlangateError {
  readonly issues: readonly DocumentIssue[];
  constructor(code: string, subject: string, issues: readonly DocumentIssue[], options?: { cause?: unknown }) {
    const sorted = inOrder(issues);
    const lines = sorted.map(formatIssue);
    super(code, lines.length === 1 ? `${subject}: ${lines[0]}` : `${subject}:\n  ${lines.join("\n  ")}`, options);
    this.issues = sorted;
  }
}

function inOrder(issues: readonly DocumentIssue[]): DocumentIssue[] {
  const sorted = [...issues].sort((a, b) =>
    a.path === b.path ? a.line - b.line || a.column - b.column : a.path < b.path ? -1 : 1,
  );
  return [...new Map(sorted.map((issue) => [formatIssue(issue), issue])).values()];
}

/** `invalid-policy`: policies, their calendars or their tests. */
export class PolicyError extends DocumentError {
  constructor(issues: readonly DocumentIssue[], options?: { cause?: unknown }) {
    super("invalid-policy", "The policies are not valid", issues, options);
  }
}

/** "policies/a.yaml:3:5: rules.index-usage: what is wrong" */
export function formatIssue({ path, line, column, key, message }: DocumentIssue): string {
  return `${path}:${line}:${column}: ${key === null ? "" : `${key}: `}${message}`;
}

/** Latin letters, punctuation, arrows: no control or format character among them. Building the exact pattern takes some 20 ms. */
const plainlyPrintable = /^[\x20-\x7e\xa1-\xac\xae-\u02ff\u2010-\u2027\u2190-\u22ff]*$/;

/** Text of a user's file, made safe to print: control characters (of terminals too) are shown as escapes. */
export function printable(text: string): string {
  if (plainlyPrintable.test(text)) return text;
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

/** A value of a user's file for a message: quoted, escaped, cut short. */
export function quoted(text: string): string {
  const characters = [...text];
  return `"${printable(characters.length > 60 ? `${characters.slice(0, 60).join("")}…` : text)}"`;
}

/** Null: the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // A fatal decoder throws for nothing else (WHATWG Encoding, section 7.2).
    return null;
  }
}
