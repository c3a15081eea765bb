import { parsePlanJson } from "./json.ts";
import { minimumChildren } from "./node-types.ts";
import { nodesOf, type QueryPlan } from "./query-plan.ts";
import { QueryPlanError } from "./query-plan-error.ts";
import { parsePlanText } from "./text.ts";
import { resultLines } from "./text-lines.ts";

/** Characters of a text. Plans of people are far smaller; patterns run out of stack at more than twice as much. */
export const maxTextLength = 4 * 1024 * 1024;

/**
 * Reads what EXPLAIN prints, with any options: text or FORMAT JSON as a string (also as psql or pgAdmin show it), or the parsed JSON.
 * Text and JSON of one plan give equal query plans.
 * @throws QueryPlanError for everything else. Nothing is guessed.
 */
export function parseQueryPlan(input: unknown): QueryPlan {
  const plan = read(input);
  for (const node of nodesOf(plan.root)) {
    const expected = minimumChildren(node.nodeType);
    const found = node.children.filter(({ subplanName }) => subplanName === null).length;
    if (found >= expected) continue;
    const message = `"${node.nodeType}" has ${found} of ${expected} nodes below it; give EXPLAIN's whole output`;
    throw new QueryPlanError("not-explain-output", null, message);
  }
  return plan;
}

function read(input: unknown): QueryPlan {
  if (typeof input !== "string") return parsePlanJson(input);
  if (input.length > maxTextLength) {
    throw new QueryPlanError("too-large", null, `the text has more than ${maxTextLength} characters`);
  }
  const lines = resultLines(input);
  const start = lines[0]?.text.trim() ?? "";
  if (start === "") throw new QueryPlanError("empty", null, "there is no text; give EXPLAIN's output");
  if (start.startsWith("<")) throw unsupported("XML");
  if (/^-\s+(?:Plan|Query Text):/.test(start)) throw unsupported("YAML");
  if (/^[[{]/.test(start)) return parsePlanJson(parseJson(lines.map(({ text }) => text).join("\n")));
  return parsePlanText(lines);
}

function unsupported(format: string): QueryPlanError {
  return new QueryPlanError(
    "unsupported-format",
    null,
    `FORMAT ${format} is not read; give FORMAT TEXT or FORMAT JSON`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new QueryPlanError("not-explain-output", null, "the JSON is damaged; give EXPLAIN's whole output", { cause });
  }
}
