import { z } from "zod";
import { inputIssues } from "../errors.ts";
import { addProperty, type NodeDraft, newNode, setTarget } from "./draft.ts";
import {
  aggregateStrategies,
  commands,
  joinTypes,
  mayLackTarget,
  nodeTypes,
  operations,
  partialModes,
  targetKinds,
} from "./node-types.ts";
import { maxDepth, propertyLabels, type QueryPlan } from "./query-plan.ts";
import { excerpt, QueryPlanError } from "./query-plan-error.ts";

const text = z.string().nullish();
const count = z.number().nonnegative();

/** Keys that are read. Versions and extensions add others. */
const nodeSchema = z.looseObject({
  "Node Type": z.string(),
  "Parallel Aware": z.boolean().default(false),
  "Async Capable": z.boolean().default(false),
  Strategy: z.enum(aggregateStrategies).nullish(),
  "Partial Mode": z.enum(partialModes).nullish(),
  "Join Type": z.enum(joinTypes).nullish(),
  "Scan Direction": z.enum(["Forward", "Backward", "NoMovement"]).nullish(),
  Operation: z.enum(["Select", ...operations]).nullish(),
  Command: z.enum(commands).nullish(),
  "Custom Plan Provider": text,
  "Subplan Name": text,
  "Relation Name": text,
  "Function Name": text,
  "CTE Name": text,
  "Table Function Name": text,
  Schema: text,
  Alias: text,
  "Index Name": text,
  "Startup Cost": count.nullish(),
  "Total Cost": count.nullish(),
  "Plan Rows": count.nullish(),
  "Plan Width": count.nullish(),
  "Actual Startup Time": count.nullish(),
  "Actual Total Time": count.nullish(),
  "Actual Rows": count.nullish(),
  "Actual Loops": count.nullish(),
  "Rows Removed by Filter": count.default(0),
  "Workers Planned": count.nullish(),
  "Subplans Removed": count.default(0),
  Disabled: z.boolean().default(false),
  "Grouping Sets": z
    .array(
      z.object({
        "Sort Key": z.array(z.string()).optional(),
        "Group Keys": z.array(z.array(z.string())).optional(),
        "Hash Keys": z.array(z.array(z.string())).optional(),
      }),
    )
    .optional(),
  Plans: z.array(z.unknown()).default([]),
});
type JsonNode = z.infer<typeof nodeSchema>;

const documentSchema = z.looseObject({
  Plan: z.unknown(),
  "Planning Time": count.nullish(),
  "Execution Time": count.nullish(),
  Settings: z.record(z.string(), z.string()).default({}),
});

const propertySchema = z.union([z.string(), z.array(z.string())]);

/** `[{"Plan": …}]` or `{"Plan": …}`, parsed. */
export function parsePlanJson(value: unknown): QueryPlan {
  const several = Array.isArray(value) && value.length > 1;
  if (several) throw new QueryPlanError("several-plans", null, `${value.length} plans; give one query plan`);
  const document: unknown = Array.isArray(value) ? value[0] : value;
  if (typeof document !== "object" || document === null || !Object.hasOwn(document, "Plan")) {
    throw new QueryPlanError(
      "not-explain-output",
      null,
      'EXPLAIN (FORMAT JSON) gives [{"Plan": …}]; found something else',
    );
  }
  const parsed = read(documentSchema, document, "");
  const root = parseNode(parsed.Plan, "Plan", 1);
  return {
    root,
    planningTimeMs: parsed["Planning Time"] ?? null,
    executionTimeMs: parsed["Execution Time"] ?? null,
    settings: new Map(Object.entries(parsed.Settings)),
    hasActuals: root.actual !== null,
  };
}

function read<T extends z.ZodType>(schema: T, value: unknown, path: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = inputIssues(result.error.issues);
  const place = [path, issue?.path].filter(Boolean).join(".");
  throw new QueryPlanError("not-explain-output", place, issue?.message ?? "unreadable", { cause: result.error });
}

function parseNode(value: unknown, path: string, depth: number): NodeDraft {
  if (depth > maxDepth) throw new QueryPlanError("too-deep", null, `nodes are nested deeper than ${maxDepth} levels`);
  const json = read(nodeSchema, value, path);
  if (!nodeTypes.has(json["Node Type"])) {
    const message = `${excerpt(json["Node Type"])} is not a node type of PostgreSQL 13 to 18`;
    throw new QueryPlanError("unknown-node-type", path, message);
  }
  const node = ownNode(json, path);
  readProperties(node, json, path);
  node.children = json.Plans.map((child, index) => parseNode(child, `${path}.Plans[${index}]`, depth + 1));
  return node;
}

function ownNode(json: JsonNode, path: string): NodeDraft {
  const direction = json["Scan Direction"] ?? null;
  const node = newNode({
    nodeType: json["Node Type"],
    strategy: json.Strategy ?? null,
    partialMode: json["Partial Mode"] ?? null,
    joinType: json["Join Type"] ?? null,
    scanDirection: direction === "NoMovement" ? "Forward" : direction,
    operation: json.Operation === "Select" ? null : (json.Operation ?? null),
    command: json.Command ?? null,
  });
  node.parallelAware = json["Parallel Aware"];
  node.asyncCapable = json["Async Capable"];
  node.customProvider = json["Custom Plan Provider"] ?? null;
  node.subplanName = json["Subplan Name"] ?? null;
  node.index = json["Index Name"] ?? null;
  node.rowsRemovedByFilter = json["Rows Removed by Filter"];
  node.workersPlanned = json["Workers Planned"] ?? null;
  node.subplansRemoved = json["Subplans Removed"];
  node.disabled = json.Disabled;
  setCostAndActual(node, json, path);
  const kind = targetKinds.get(node.nodeType);
  const name =
    json["Relation Name"] ?? json["Function Name"] ?? json["CTE Name"] ?? json["Table Function Name"] ?? null;
  const alias = json.Alias ?? name;
  if (kind !== undefined && kind !== "index" && alias !== null) setTarget(node, kind, json.Schema ?? null, name, alias);
  if (kind === "relation" && node.relation === null && !mayLackTarget.has(node.nodeType))
    throw missing(path, "Relation Name");
  if (node.nodeType.includes("Index") && node.index === null) throw missing(path, "Index Name");
  return node;
}

function setCostAndActual(node: NodeDraft, json: JsonNode, path: string): void {
  const cost = allOrNone(json, ["Startup Cost", "Total Cost", "Plan Rows", "Plan Width"], path);
  if (cost !== null) node.cost = { startup: cost[0], total: cost[1], rows: cost[2], width: cost[3] };
  const actual = allOrNone(json, ["Actual Rows", "Actual Loops"], path);
  if (actual === null) return;
  // Where it was never executed, JSON shows zeros, and text no times at all.
  const [rows, loops] = actual;
  const time = (value: number | null | undefined) => (loops === 0 ? null : (value ?? null));
  node.actual = { startupMs: time(json["Actual Startup Time"]), totalMs: time(json["Actual Total Time"]), rows, loops };
}

function missing(path: string, key: string): QueryPlanError {
  return new QueryPlanError("not-explain-output", path, `"${key}" is missing`);
}

type NumberKey = "Startup Cost" | "Total Cost" | "Plan Rows" | "Plan Width" | "Actual Rows" | "Actual Loops";
type Numbers<Keys extends readonly unknown[]> = { [Key in keyof Keys]: number };

function allOrNone<const Keys extends readonly NumberKey[]>(
  json: JsonNode,
  keys: Keys,
  path: string,
): Numbers<Keys> | null {
  const found = keys.flatMap((key) => json[key] ?? []);
  if (found.length === 0) return null;
  const absent = keys.find((key) => json[key] == null);
  if (absent !== undefined) throw missing(path, absent);
  return found as Numbers<Keys>; // one number for each key
}

function readProperties(node: NodeDraft, json: JsonNode, path: string): void {
  for (const label of propertyLabels) {
    const value = json[label];
    if (value === undefined) continue;
    const found = read(propertySchema, value, `${path}.${label}`);
    addProperty(node, label, typeof found === "string" ? found : found.join(", "));
  }
  for (const set of json["Grouping Sets"] ?? []) {
    if (set["Sort Key"] !== undefined) addProperty(node, "Sort Key", set["Sort Key"].join(", "));
    for (const keys of set["Hash Keys"] ?? []) addProperty(node, "Hash Key", keys.join(", ") || "()");
    for (const keys of set["Group Keys"] ?? []) addProperty(node, "Group Key", keys.join(", ") || "()");
  }
}
