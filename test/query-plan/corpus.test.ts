/** Plans that real servers printed, as text and as JSON. */
import { nodeTypes } from "../../src/core/query-plan/node-types.ts";
import { parseQueryPlan } from "../../src/core/query-plan/parse.ts";
import { nodesOf } from "../../src/core/query-plan/query-plan.ts";
import { majors, readCorpus, withoutTimes } from "./corpus.ts";

describe.each(majors)("PostgreSQL %i", (major) => {
  it.each(readCorpus(major))("%s: text and JSON are one plan", (_name, { text, json }) => {
    const plan = withoutTimes(parseQueryPlan(text));
    expect(plan).toEqual(withoutTimes(parseQueryPlan(json)));
    expect(plan).toEqual(withoutTimes(parseQueryPlan(JSON.parse(json))));
  });

  it.each(readCorpus(major))("%s: no matter how it was copied", (_name, { text, json }) => {
    const plan = parseQueryPlan(text);
    const frames: Record<string, (printed: string) => string> = {
      psql,
      border,
      unaligned,
      csv,
      pgAdmin,
      carriageReturns,
      noBreakSpaces,
    };
    for (const [name, frame] of Object.entries(frames))
      expect([name, parseQueryPlan(frame(text))]).toEqual([name, plan]);
    expect(parseQueryPlan(psqlJson(json))).toEqual(parseQueryPlan(json));
  });
});

it("the corpus has every node type but Custom Scan, which only extensions make", () => {
  const plans = majors.flatMap((major) => readCorpus(major).map(([, { text }]) => parseQueryPlan(text)));
  const seen = new Set(plans.flatMap(({ root }) => [...nodesOf(root)].map(({ nodeType }) => nodeType)));
  expect([...nodeTypes].filter((nodeType) => !seen.has(nodeType))).toEqual(["Custom Scan"]);
});

it.each([
  ["joinType", ["Inner", "Left", "Right", "Full", "Semi", "Anti", "Right Semi", "Right Anti"]],
  ["strategy", ["Plain", "Sorted", "Hashed", "Mixed"]],
  ["partialMode", ["Simple", "Partial", "Finalize"]],
  ["operation", ["Insert", "Update", "Delete", "Merge"]],
  ["scanDirection", ["Forward", "Backward"]],
  ["command", ["Except", "Intersect All"]],
  ["parallelAware", [true, false]],
  ["asyncCapable", [true, false]],
  ["disabled", [true, false]],
] as const)("the corpus has every %s", (key, expected) => {
  const plans = majors.flatMap((major) => readCorpus(major).map(([, { text }]) => parseQueryPlan(text)));
  const nodes = plans.flatMap(({ root }) => [...nodesOf(root)]);
  const seen = new Set<string | boolean | null>(nodes.map((node) => node[key]));
  seen.delete(null);
  expect(seen).toEqual(new Set<string | boolean | null>(expected));
});

const rows = (printed: string) => printed.replace(/\n$/, "").split("\n");

/** psql's default. */
function psql(printed: string): string {
  const lines = rows(printed);
  const width = Math.max(...lines.map((line) => line.length));
  return [
    `${" ".repeat(width / 2)}QUERY PLAN`,
    "-".repeat(width + 2),
    ...lines.map((line) => ` ${line}`),
    `(${lines.length} rows)`,
    "",
    "",
  ].join("\n");
}

/** One value of many lines, as psql shows it. */
function psqlJson(printed: string): string {
  const lines = rows(printed);
  const width = Math.max(...lines.map((line) => line.length));
  const body = lines.map((line, index) => ` ${line.padEnd(width)}${index < lines.length - 1 ? "+" : ""}`);
  return ["QUERY PLAN".padStart(width), "-".repeat(width + 2), ...body, "(1 row)", ""].join("\n");
}

/** `\pset border 2` */
function border(printed: string): string {
  const lines = rows(printed);
  const width = Math.max(...lines.map((line) => line.length), 10);
  const rule = `+${"-".repeat(width + 2)}+`;
  const row = (line: string) => `| ${line.padEnd(width)} |`;
  return [rule, row("QUERY PLAN"), rule, ...lines.map(row), rule, `(${lines.length} rows)`, ""].join("\n");
}

/** `psql -A` */
function unaligned(printed: string): string {
  return `QUERY PLAN\n${printed}(${rows(printed).length} rows)\n`;
}

/** `psql --csv` */
function csv(printed: string): string {
  const field = (line: string) => (/[",]|^ | $/.test(line) ? `"${line.replaceAll('"', '""')}"` : line);
  return ["QUERY PLAN", ...rows(printed).map(field), ""].join("\n");
}

/** pgAdmin's "copy". */
function pgAdmin(printed: string): string {
  return rows(printed)
    .map((line) => `"${line.replaceAll('"', '""')}"`)
    .join("\n");
}

function carriageReturns(printed: string): string {
  return printed.replaceAll("\n", "\r\n");
}

function noBreakSpaces(printed: string): string {
  return printed.replaceAll("  ", "\u00A0 ");
}
