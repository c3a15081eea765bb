import { addProperty, type NodeDraft } from "./draft.ts";
import { maxDepth, propertyLabels, type QueryPlan } from "./query-plan.ts";
import { excerpt, QueryPlanError } from "./query-plan-error.ts";
import { column, joinWrapped, type Line } from "./text-lines.ts";
import { parseNumber, parseTitle } from "./text-title.ts";

/** A node on the way from the root to the line that is being read. */
interface Open {
  node: NodeDraft;
  /** Where its title begins; its children's arrows stand to the right of this. */
  titleColumn: number;
  /** Where its first child's arrow stood; all others stand there too. */
  arrowColumn: number | null;
}

interface Reading {
  root: NodeDraft | null;
  open: Open[];
  /** "SubPlan 1" and the like, which the next node belongs to. */
  header: Line | null;
  /** Whether the lines about the whole query have begun. */
  summary: boolean;
  planningTimeMs: number | null;
  executionTimeMs: number | null;
  settings: Map<string, string>;
}

const headerPattern = /^(?:InitPlan|SubPlan|CTE) \S/;
/** Further tables of an UPDATE on a partitioned one. */
const furtherTarget = /^(?:Foreign )?(?:Insert|Update|Delete|Merge) on \S/;
const summaryLabels = new Set([
  "Planning",
  "Planning Time",
  "Execution Time",
  "JIT",
  "Settings",
  "Query Identifier",
  "Serialization",
]);

export function parsePlanText(lines: readonly Line[]): QueryPlan {
  const reading: Reading = {
    root: null,
    open: [],
    header: null,
    summary: false,
    planningTimeMs: null,
    executionTimeMs: null,
    settings: new Map(),
  };
  for (const line of joinWrapped(lines, holdsSql)) readLine(reading, line);
  if (reading.header !== null) throw damaged(reading.header, "its node is missing");
  if (reading.root === null) throw new QueryPlanError("empty", null, "there is no text; give EXPLAIN's output");
  return {
    root: reading.root,
    planningTimeMs: reading.planningTimeMs,
    executionTimeMs: reading.executionTimeMs,
    settings: reading.settings,
    hasActuals: reading.root.actual !== null,
  };
}

function damaged(line: Line, why: string): QueryPlanError {
  return new QueryPlanError("not-explain-output", line.number, `${excerpt(line.text)}: ${why}`);
}

function holdsSql(content: string, isFirst: boolean): boolean {
  if (isFirst || content.startsWith("->")) return true;
  const label = content.slice(0, Math.max(0, content.indexOf(":")));
  return label === "Output" || propertyLabels.has(label) || furtherTarget.test(content);
}

function readLine(reading: Reading, line: Line): void {
  const content = line.text.trim();
  const colon = content.indexOf(":");
  const label = content.slice(0, Math.max(0, colon));
  if (reading.root === null) readRoot(reading, line, content);
  else if (content.startsWith("->")) readChild(reading, line, content);
  else if (reading.header !== null) throw damaged(reading.header, "its node must follow");
  else if (headerPattern.test(content) && !reading.summary) reading.header = line;
  else if (furtherTarget.test(content) && reading.open.at(-1)?.node.nodeType === "ModifyTable") return;
  else if (summaryLabels.has(label) || label.startsWith("Trigger ")) {
    readSummary(reading, line, label, content.slice(colon + 1).trim());
  } else if (/^[A-Z][\w ()/-]*$/.test(label)) readDetail(reading, line, label, content.slice(colon + 1).trim());
  else throw notALine(line, content);
}

function notALine(line: Line, content: string): QueryPlanError {
  if (content.includes("(cost=")) {
    return new QueryPlanError("several-plans", line.number, "a second plan begins here; give one query plan");
  }
  return damaged(line, "not a line of EXPLAIN's text; give its output alone and unchanged");
}

function readRoot(reading: Reading, line: Line, content: string): void {
  if (content.startsWith("->")) throw damaged(line, "the output's first line is missing");
  if (!/^[A-Z]/.test(content)) throw damaged(line, 'EXPLAIN\'s text begins with a node such as "Seq Scan on orders"');
  reading.root = parseTitle(content, line.number);
  reading.open = [{ node: reading.root, titleColumn: column(line), arrowColumn: null }];
}

function readChild(reading: Reading, line: Line, content: string): void {
  if (reading.summary) throw damaged(line, "a node after the end of the plan");
  const arrow = column(line);
  const title = content.slice("->".length).trimStart();
  const node = parseTitle(title, line.number);
  if (reading.header !== null) {
    if (column(reading.header) >= arrow) throw damaged(line, "indentation was lost; give the output unchanged");
    node.subplanName = reading.header.text.trim();
  }
  const { open } = reading;
  while ((open.at(-1)?.titleColumn ?? -1) >= arrow) open.pop();
  const parent = open.at(-1);
  if (parent === undefined) throw damaged(line, "indentation was lost; give the output unchanged");
  if (reading.header === null) {
    parent.arrowColumn ??= arrow;
    if (parent.arrowColumn !== arrow)
      throw damaged(line, "indentation differs from the node's siblings; give the output unchanged");
  }
  if (open.length >= maxDepth) {
    throw new QueryPlanError("too-deep", line.number, `nodes are nested deeper than ${maxDepth} levels`);
  }
  parent.node.children.push(node);
  open.push({ node, titleColumn: arrow + content.length - title.length, arrowColumn: null });
  reading.header = null;
}

function readDetail(reading: Reading, line: Line, label: string, value: string): void {
  const current = reading.open.at(-1);
  if (current === undefined || reading.summary) {
    if (propertyLabels.has(label)) throw damaged(line, "belongs to no node");
    return;
  }
  if (reading.open.length > 1 && column(line) <= current.titleColumn - "->  ".length) {
    throw damaged(line, "indentation was lost; give the output unchanged");
  }
  const { node } = current;
  const count = () => {
    const found = parseNumber(value);
    if (found === null) throw damaged(line, "a number is expected");
    return found;
  };
  if (label === "Rows Removed by Filter") node.rowsRemovedByFilter = count();
  else if (label === "Workers Planned") node.workersPlanned = count();
  else if (label === "Subplans Removed") node.subplansRemoved = count();
  else if (label === "Disabled") node.disabled = value === "true";
  else addProperty(node, label, value);
}

function readSummary(reading: Reading, line: Line, label: string, value: string): void {
  reading.summary = true;
  if (label === "Planning Time") reading.planningTimeMs = milliseconds(line, value);
  else if (label === "Execution Time") reading.executionTimeMs = milliseconds(line, value);
  else if (label === "Settings") reading.settings = parseSettings(line, value);
}

function milliseconds(line: Line, value: string): number {
  const found = value.endsWith(" ms") ? parseNumber(value.slice(0, -" ms".length)) : null;
  if (found === null) throw damaged(line, 'a time such as "0.312 ms" is expected');
  return found;
}

/** `work_mem = '64MB', search_path = '"$user", public'`: values are not escaped, so a setting begins where a name and ` = '` stand. */
function parseSettings(line: Line, value: string): Map<string, string> {
  const settings = new Map<string, string>();
  if (!value.endsWith("'")) throw damaged(line, "settings such as work_mem = '64MB' are expected");
  let current: { name: string; text: string } | null = null;
  for (const part of value.slice(0, -1).split("', ")) {
    const start = /^([A-Za-z_][\w.]*) = '/.exec(part);
    if (start?.[1] !== undefined) current = { name: start[1], text: part.slice(start[0].length) };
    else if (current !== null) current.text += `', ${part}`;
    else throw damaged(line, "settings such as work_mem = '64MB' are expected");
    settings.set(current.name, current.text);
  }
  return settings;
}
