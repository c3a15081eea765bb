/** One line of EXPLAIN's text; what belongs together is one line, wherever it was wrapped. */
import { QueryPlanError } from "./query-plan-error.ts";

export interface Line {
  /** In the input, from 1. */
  readonly number: number;
  readonly text: string;
}

export function column(line: Line): number {
  return line.text.length - line.text.trimStart().length;
}

/** Splits and takes off what psql and pgAdmin put around a result: header, rule, borders, quotes, row count, "+" of long values. */
export function resultLines(input: string): Line[] {
  const text = input
    .replace(/^\uFEFF/, "")
    .replaceAll("\r\n", "\n")
    .replaceAll("\u00A0", " ");
  const all = text.split("\n").map((line, index) => ({ number: index + 1, text: line.trimEnd() }));
  let lines = trimBlank(withoutBorder(trimBlank(all)));
  const framed = lines[0]?.text.trim() === "QUERY PLAN";
  let aligned = false;
  if (framed) {
    lines = trimBlank(lines.slice(1));
    aligned = /^[-─]+$/.test(lines[0]?.text.trim() ?? "");
    if (aligned) lines = lines.slice(1);
  }
  if (/^Time: [\d.,]+ ms/.test(lines.at(-1)?.text ?? "") && lines.some(isRowCount))
    lines = trimBlank(lines.slice(0, -1));
  if (isRowCount(lines.at(-1))) lines = trimBlank(lines.slice(0, -1));
  const isJson = /^[[{]/.test(lines[0]?.text.trim() ?? "");
  if ((framed || isJson) && lines[0]?.text.endsWith("+")) {
    lines = lines.map((line) => (line.text.endsWith("+") ? { ...line, text: line.text.slice(0, -1).trimEnd() } : line));
  }
  if (framed && lines.every(({ text }) => text === "" || text.startsWith(" "))) {
    lines = lines.map((line) => ({ ...line, text: line.text.slice(1) }));
  }
  return withoutQuotes(lines, framed && !aligned);
}

function isRowCount(line: Line | undefined): boolean {
  return line !== undefined && /^\(\d+ rows?\)$/.test(line.text.trim());
}

function trimBlank(lines: Line[]): Line[] {
  const first = lines.findIndex(({ text }) => text.trim() !== "");
  const last = lines.findLastIndex(({ text }) => text.trim() !== "");
  return first === -1 ? [] : lines.slice(first, last + 1);
}

/** psql's `\pset border 2`. */
function withoutBorder(lines: Line[]): Line[] {
  if (!/^\+-+\+$/.test(lines[0]?.text.trim() ?? "")) return lines;
  return lines
    .filter(({ text }) => !/^\+-+\+$/.test(text.trim()))
    .map((line) => {
      const text = line.text.trim();
      return text.startsWith("|") && text.endsWith("|") ? { ...line, text: text.slice(1, -1).trimEnd() } : line;
    });
}

/** pgAdmin copies each line in quotes, CSV those that need them. */
function withoutQuotes(lines: Line[], isCsv: boolean): Line[] {
  const quoted = (text: string) => text.length >= 2 && text.startsWith('"') && text.endsWith('"');
  if (!isCsv && !quoted(lines[0]?.text ?? "")) return lines;
  return lines.map((line) =>
    quoted(line.text) ? { ...line, text: line.text.slice(1, -1).replaceAll('""', '"') } : line,
  );
}

/**
 * Joins wrapped lines. A line that holds SQL goes on while a string, a quoted identifier or a parenthesis is open (so a string that
 * contains a line break cannot pass for a node), and `(actual …)` may stand on a line of its own below its node.
 */
export function joinWrapped(lines: readonly Line[], holdsSql: (content: string, isFirst: boolean) => boolean): Line[] {
  const joined: Line[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (line === undefined || line.text.trim() === "") continue;
    const content = line.text.trimStart();
    const previous = joined.at(-1);
    if (previous !== undefined && /^\((?:cost=|actual |never executed\))/.test(content)) {
      joined[joined.length - 1] = { number: previous.number, text: `${previous.text} ${content}` };
      continue;
    }
    if (!holdsSql(content, previous === undefined)) {
      joined.push(line);
      continue;
    }
    const state = { quote: "", depth: 0 };
    const parts = [line.text];
    for (scanSql(line.text, state); state.quote !== "" || state.depth > 0; ) {
      const next = lines[++i];
      if (next === undefined) {
        const open = state.quote === "" ? "a parenthesis" : `a ${state.quote}`;
        throw new QueryPlanError(
          "not-explain-output",
          line.number,
          `${open} is not closed; give EXPLAIN's whole output`,
        );
      }
      parts.push(state.quote === "" ? ` ${next.text.trim()}` : `\n${next.text}`);
      scanSql(next.text, state);
    }
    joined.push({ number: line.number, text: parts.join("") });
  }
  return joined;
}

/** Doubled quotes close and open again, which comes to the same. PostgreSQL prints no E'' strings here. */
function scanSql(text: string, state: { quote: string; depth: number }): void {
  for (const character of text) {
    if (state.quote !== "") {
      if (character === state.quote) state.quote = "";
    } else if (character === "'" || character === '"') state.quote = character;
    else if (character === "(") state.depth++;
    else if (character === ")" && state.depth > 0) state.depth--;
  }
}
