import { scanSql } from "../sql/grammar.ts";

/** Keys of EXPLAIN (FORMAT JSON) whose text is a name or a word of PostgreSQL, never a value of a row. */
const names = new Set([
  "Alias",
  "CTE Name",
  "Command",
  "Constraint Name",
  "Custom Plan Provider",
  "Function Name",
  "Index Name",
  "Join Type",
  "Node Type",
  "Operation",
  "Parent Relationship",
  "Partial Mode",
  "Relation Name",
  "Sampling Method",
  "Scan Direction",
  "Schema",
  "Sort Method",
  "Sort Space Type",
  "Strategy",
  "Subplan Name",
  "Trigger Name",
  "Tuplestore Name",
]);

/** The plan with `'?'` for every constant in its conditions and expressions, where these may be users' data. */
export function redactPlan(plan: unknown, key = ""): unknown {
  if (Array.isArray(plan)) return plan.map((item) => redactPlan(item, key));
  if (typeof plan === "object" && plan !== null) {
    if (key === "Settings") return plan;
    return Object.fromEntries(Object.entries(plan).map(([name, value]) => [name, redactPlan(value, name)]));
  }
  return typeof plan === "string" && !names.has(key) ? redactExpression(plan) : plan;
}

function redactExpression(text: string): string {
  const scanned = scanSql(text);
  if (!scanned.ok) return "'?'";
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  let result = "";
  let from = 0;
  for (const { start, end, name } of scanned.value) {
    if (!["ICONST", "FCONST", "SCONST", "USCONST", "BCONST", "XCONST"].includes(name)) continue;
    result += `${decoder.decode(bytes.subarray(from, start))}'?'`;
    from = end;
  }
  return result + decoder.decode(bytes.subarray(from));
}
