import { Composer, type CST, isMap, isScalar, isSeq, LineCounter, type ParsedNode, Parser } from "yaml";
import { formatPath } from "../errors.ts";
import type { SourceLocation } from "../values.ts";
import { type DocumentIssue, decodeUtf8, printable, quoted, type SourceFile } from "./document-error.ts";
import { unsafeSyntax } from "./yaml-syntax.ts";

export const largestFile = 1024 * 1024;
/** More than this per file helps nobody, and keeps a hostile file from making a huge message. */
export const mostIssues = 50;

/** A position in the data of a document: ["changeWindow", "allow", 0, "from"]. */
export type DocumentPath = readonly PropertyKey[];

/** A YAML file as plain data (objects have no prototype) that still knows where everything stands. */
export interface YamlDocument {
  value: unknown;
  /** Where the value stands, or its key; of what is missing, the nearest thing around it that exists. */
  locate(path: DocumentPath, part: "key" | "value"): Required<SourceLocation>;
  /** A scalar as the file writes it: `0900`, not 900. Null for anything else. */
  sourceOf(path: DocumentPath): string | null;
  issue(path: DocumentPath, part: "key" | "value", message: string): DocumentIssue;
}

export type YamlResult = { document: YamlDocument | null; issues: DocumentIssue[] };

/**
 * Reads one YAML 1.2 document whose top is a mapping. Refused: anchors, aliases, tags, merge keys, duplicate keys,
 * several documents, directives other than `%YAML 1.2`, more than 1 MiB, more than 200 levels. With issues there can
 * still be a document, for finding more of them; it must not be used for anything else.
 */
export function readYamlDocument(file: SourceFile): YamlResult {
  const issues: DocumentIssue[] = [];
  const report = (line: number, column: number, key: string | null, message: string) => {
    issues.push({ path: file.path, line, column, key, message: printable(message) });
  };
  const text = decode(file.content);
  if (typeof text !== "string") {
    report(1, 1, null, text.problem);
    return { document: null, issues };
  }
  const lineCounter = new LineCounter();
  const reportAt = (offset: number, message: string, key: string | null = null) => {
    const { line, col } = lineCounter.linePos(offset);
    report(line, col, key, message);
  };
  const tokens = [...new Parser(lineCounter.addNewLine).parse(text)];
  const syntax = unsafeSyntax(tokens);
  for (const { offset, message } of syntax.problems.slice(0, mostIssues)) reportAt(offset, message);
  if (syntax.fatal) return { document: null, issues };

  const root = composeRoot(tokens, reportAt);
  if (root === null) return { document: null, issues: issues.slice(0, mostIssues) };
  const locator = locatorOf(file.path, root, lineCounter);
  const value = toData(root, [], (node, path, message) => {
    reportAt(node?.range[0] ?? 0, message, path.length === 0 ? null : printable(formatPath(path)));
  });
  return { document: { value, ...locator }, issues: issues.slice(0, mostIssues) };
}

function decode(content: Uint8Array | string): string | { problem: string } {
  if (content.length > largestFile) return { problem: "the file is larger than 1 MiB" };
  const text = typeof content === "string" ? content : decodeUtf8(content);
  if (text === null) return { problem: "the file is not UTF-8 text; save it as UTF-8" };
  return text.replace(/^\uFEFF/, "");
}

/** The one document's root mapping; null where there is none or its syntax is broken. */
function composeRoot(tokens: CST.Token[], reportAt: (offset: number, message: string) => void): ParsedNode | null {
  const composer = new Composer({ version: "1.2", uniqueKeys: false, merge: false, prettyErrors: false });
  const [document, second] = [...composer.compose(tokens)];
  if (document === undefined) {
    reportAt(0, "the file is empty");
    return null;
  }
  for (const error of document.errors.slice(0, mostIssues)) {
    reportAt(error.pos[0], `not valid YAML: ${error.message.split("\n")[0]}`);
  }
  if (second !== undefined) {
    reportAt(second.range[0], 'a second document begins here; one file holds one document: remove the "---"');
  }
  if (document.errors.length > 0 || second !== undefined) return null;
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    reportAt(0, "the file is empty");
    return null;
  }
  if (!isMap(contents)) {
    reportAt(contents.range[0], 'the file must hold a mapping ("key: value" lines) at its top');
    return null;
  }
  return contents;
}

type ReportNode = (node: ParsedNode | null, path: DocumentPath, message: string) => void;

function toData(node: ParsedNode | null, path: DocumentPath, report: ReportNode): unknown {
  if (isScalar(node)) {
    if (typeof node.value === "number" && !Number.isFinite(node.value)) report(node, path, "expected a finite number");
    return node.value;
  }
  if (isSeq(node)) {
    // The composer puts nodes alone into a parsed sequence; Pairs stand there only in YAML 1.1 sets and maps.
    return (node.items as ParsedNode[]).map((item, index) => toData(item, [...path, index], report));
  }
  if (!isMap(node)) return null;
  const data: Record<string, unknown> = Object.create(null);
  const firstLine = new Set<string>();
  for (const pair of node.items) {
    const key = keyText(pair.key);
    if (key === null) report(pair.key, path, "a key must be plain text");
    else if (key === "<<") report(pair.key, [...path, key], 'merge keys ("<<") are not supported: write the keys out');
    else if (firstLine.has(key)) report(pair.key, [...path, key], "the key stands here twice: remove one of the two");
    else {
      firstLine.add(key);
      // On an object without a prototype even `__proto__` is an ordinary property.
      data[key] = toData(pair.value, [...path, key], report);
    }
  }
  return data;
}

function keyText(key: ParsedNode): string | null {
  if (!isScalar(key) || key.value === null) return null;
  return typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
}

function locatorOf(file: string, root: ParsedNode, lines: LineCounter): Omit<YamlDocument, "value"> {
  const position = (node: ParsedNode): Required<SourceLocation> => {
    const { line, col } = lines.linePos(node.range[0]);
    return { path: file, line, column: col };
  };
  const locate: YamlDocument["locate"] = (path, part) => {
    const { key, value, complete } = walk(root, path);
    return position(key !== null && (part === "key" || !complete) ? key : value);
  };
  return {
    locate,
    sourceOf(path) {
      const { value, complete } = walk(root, path);
      return complete && isScalar(value) ? (value.source ?? null) : null;
    },
    issue(path, part, message) {
      const { line, column } = locate(path, part);
      const key = path.length === 0 ? null : printable(formatPath(path));
      return { path: file, line, column, key, message: printable(message) };
    },
  };
}

/** Follows the path as far as it exists. `key` is the key of the value where it stands in a mapping. */
function walk(root: ParsedNode, path: DocumentPath): { key: ParsedNode | null; value: ParsedNode; complete: boolean } {
  let key: ParsedNode | null = null;
  let value = root;
  for (const part of path) {
    if (isMap(value)) {
      const pair = value.items.find((item) => keyText(item.key) === part);
      if (pair === undefined) return { key, value, complete: false };
      key = pair.key;
      value = pair.value ?? pair.key;
    } else if (isSeq(value)) {
      const item: ParsedNode | undefined = typeof part === "number" ? (value.items as ParsedNode[])[part] : undefined;
      if (item === undefined) return { key, value, complete: false };
      key = null;
      value = item;
    } else return { key, value, complete: false };
  }
  return { key, value, complete: true };
}

/** A one-line description of data for "expected …, got …". */
export function describeValue(value: unknown, source: string | null): string {
  if (value === null || value === undefined) return "nothing";
  if (typeof value === "string") return `the text ${quoted(value)}`;
  if (typeof value === "object") return Array.isArray(value) ? "a list" : "a mapping";
  return `the ${typeof value === "number" ? "number" : "value"} ${source ?? String(value)}`;
}
