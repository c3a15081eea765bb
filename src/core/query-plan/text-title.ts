/** Reads a node's own line: `Index Scan using i on public.orders o  (cost=0.43..8.45 rows=1 width=8) (actual …)`. */
import { type NodeDraft, newNode, setTarget } from "./draft.ts";
import { mayLackTarget, nodeTitles, targetKinds } from "./node-types.ts";
import type { Actual, Cost } from "./query-plan.ts";
import { excerpt, QueryPlanError } from "./query-plan-error.ts";

export function parseTitle(content: string, line: number): NodeDraft {
  const { rest: measured, actual } = takeActual(content.trim());
  const { rest, cost } = takeCost(measured);
  const { name, provider, using, on } = splitTitle(rest);
  const parallelAware = name.startsWith("Parallel ");
  const asyncCapable = name.startsWith("Async ");
  const kind = nodeTitles.get(name.replace(/^(?:Parallel|Async) /, ""));
  if (kind === undefined) {
    throw new QueryPlanError("unknown-node-type", line, `${excerpt(content)} is not a node of PostgreSQL 13 to 18`);
  }
  const node = newNode(kind);
  node.parallelAware = parallelAware;
  node.asyncCapable = asyncCapable;
  node.customProvider = provider;
  node.cost = cost;
  node.actual = actual;
  const target = targetKinds.get(kind.nodeType);
  const readable =
    (using === null) === (kind.scanDirection === null) &&
    (on === null ? target === undefined || mayLackTarget.has(kind.nodeType) : target !== undefined) &&
    (provider !== null) === (kind.nodeType === "Custom Scan");
  if (!readable) throw unreadable(content, line);
  if (using !== null) node.index = identifiers(using, content, line).at(0) ?? null;
  if (on === null || target === undefined) return node;
  const [first, ...others] = identifiers(on, content, line);
  if (first === undefined) throw unreadable(content, line);
  if (target === "index") {
    node.index = first;
    return node;
  }
  // "schema.name alias", "schema.name", "name alias", "name"
  const dotted = others[0]?.startsWith(".") ? others.shift()?.slice(1) : undefined;
  const name_ = dotted ?? first;
  setTarget(node, target, dotted === undefined ? null : first, name_, others[0] ?? name_);
  return node;
}

function unreadable(content: string, line: number): QueryPlanError {
  return new QueryPlanError("not-explain-output", line, `cannot read the node ${excerpt(content)}`);
}

/** The group in parentheses at the end, if it begins like this; titles are not searched with patterns, quoted names may hold anything. */
function takeGroup(text: string, start: string): { rest: string; group: string | null } {
  const at = text.endsWith(")") ? text.lastIndexOf(start) : -1;
  return at <= 0 ? { rest: text, group: null } : { rest: text.slice(0, at).trimEnd(), group: text.slice(at) };
}

const number = String.raw`(\d[\d,]*(?:\.\d+)?)`;
const costPattern = new RegExp(`^\\(cost=${number}\\.\\.${number} rows=${number} width=${number}\\)$`);
const actualPattern = new RegExp(`^\\(actual (?:time=${number}\\.\\.${number} )?rows=${number} loops=${number}\\)$`);

function takeCost(text: string): { rest: string; cost: Cost | null } {
  const { rest, group } = takeGroup(text, "(cost=");
  const found = group === null ? null : costPattern.exec(group);
  const [startup, total, rows, width] = (found ?? []).slice(1).map(parseNumber);
  if (startup == null || total == null || rows == null || width == null) return { rest: text, cost: null };
  return { rest, cost: { startup, total, rows, width } };
}

function takeActual(text: string): { rest: string; actual: Actual | null } {
  const never = takeGroup(text, "(never executed)");
  if (never.group !== null) return { rest: never.rest, actual: { startupMs: null, totalMs: null, rows: 0, loops: 0 } };
  const { rest, group } = takeGroup(text, "(actual ");
  const found = group === null ? null : actualPattern.exec(group);
  const [startupMs = null, totalMs = null, rows, loops] = (found ?? []).slice(1).map(parseNumber);
  if (rows == null || loops == null) return { rest: text, actual: null };
  return { rest, actual: { startupMs, totalMs, rows, loops } };
}

/** 312847.23, or with grouped digits 312,847.23; null for anything else. */
export function parseNumber(text: string | undefined): number | null {
  if (text === undefined || !/^(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?$/.test(text)) return null;
  return Number(text.replaceAll(",", ""));
}

interface TitleParts {
  name: string;
  provider: string | null;
  using: string | null;
  on: string | null;
}

function splitTitle(title: string): TitleParts {
  const custom = /^((?:Parallel |Async )?Custom Scan) \(([^)]*)\)/.exec(title);
  const provider = custom?.[2] ?? null;
  const plain = custom === null ? title : `${custom[1]}${title.slice(custom[0].length)}`;
  const [name = "", rest] = cutAtFirst(plain, [" using ", " on "]);
  if (rest === undefined) return { name, provider, using: null, on: null };
  if (plain.startsWith(" on ", name.length)) return { name, provider, using: null, on: rest };
  const [index] = quotedEnd(rest);
  const using = rest.slice(0, index);
  const on = rest.startsWith(" on ", index) ? rest.slice(index + " on ".length) : "";
  return { name, provider, using, on };
}

function cutAtFirst(text: string, separators: readonly string[]): [string, string?] {
  const found = separators
    .map((separator) => ({ separator, at: text.indexOf(separator) }))
    .filter(({ at }) => at !== -1)
    .sort((a, b) => a.at - b.at)[0];
  if (found === undefined) return [text];
  return [text.slice(0, found.at), text.slice(found.at + found.separator.length)];
}

/** Where the identifier at the start of `text` ends, and the identifier. */
function quotedEnd(text: string): [number, string] {
  const found = /^(?:"((?:[^"]|"")+)"|([^\s."]+))/.exec(text);
  if (found === null) return [0, ""];
  return [found[0].length, found[1]?.replaceAll('""', '"') ?? found[2] ?? ""];
}

/** `a.b c` as ["a", ".b", "c"]. */
function identifiers(text: string, content: string, line: number): string[] {
  const found: string[] = [];
  for (let rest = text; rest !== ""; ) {
    const separator = rest[0] === " " || rest[0] === "." ? rest[0] : "";
    const [length, identifier] = quotedEnd(rest.slice(separator.length));
    const misplaced = (found.length === 0) !== (separator === "") || (separator === "." && found.length !== 1);
    if (length === 0 || misplaced || found.length > 2) throw unreadable(content, line);
    found.push(separator === "." ? `.${identifier}` : identifier);
    rest = rest.slice(separator.length + length);
  }
  return found;
}
