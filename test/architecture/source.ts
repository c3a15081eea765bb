import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative } from "node:path";
import { parseSync } from "@swc/core";

const root = join(__dirname, "../..");

/** What one source file imports and touches, as its syntax tree says. */
export interface SourceUse {
  /** "src/core/decide.ts" */
  file: string;
  /** Files of the project, and names of packages, types included. */
  imports: string[];
  /** "Date.now", "new Date()", "process", … */
  impure: string[];
}

export function readSources(folder: string): SourceUse[] {
  const entries = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return entries
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .map((name) => posix.join(folder, name.replaceAll("\\", "/")))
    .sort()
    .map((file) => inspect(file, readFileSync(join(root, file), "utf8")));
}

const impureGlobals = new Set(
  "process performance console fetch setTimeout setInterval setImmediate crypto navigator require globalThis".split(
    " ",
  ),
);
const impureMembers = new Set(["Date.now", "Math.random"]);

type Node = Record<string, unknown>;

export function inspect(file: string, code: string): SourceUse {
  const use: SourceUse = { file, imports: [], impure: [] };
  visit(parseSync(code, { syntax: "typescript", target: "es2023" }), use);
  return use;
}

function visit(value: unknown, use: SourceUse): void {
  if (Array.isArray(value)) for (const item of value) visit(item, use);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  const node = value as Node;
  const source = node.source as { value?: unknown } | null | undefined;
  if (/^(Import|Export)\w*Declaration$/.test(String(node.type)) && typeof source?.value === "string") {
    use.imports.push(resolve(use.file, source.value));
  }
  if (node.type === "CallExpression") visitCall(node, use);
  if (node.type === "NewExpression" && nameOf(node.callee) === "Date" && (node.arguments as unknown[]).length === 0) {
    use.impure.push("new Date()");
  }
  if (node.type === "MemberExpression") visitMember(node, use);
  if (node.type === "Identifier" && impureGlobals.has(String(node.value))) use.impure.push(String(node.value));
  for (const [key, child] of Object.entries(node)) {
    // A property's name is no use of a global: `{ process: 1 }`, `x.process`.
    if (key === "key" || (key === "property" && (child as Node).type === "Identifier")) continue;
    visit(child, use);
  }
}

function visitCall(node: Node, use: SourceUse): void {
  const callee = node.callee as Node;
  const [argument] = node.arguments as { expression: Node }[];
  if (callee.type === "Import" && typeof argument?.expression.value === "string") {
    use.imports.push(resolve(use.file, argument.expression.value));
  }
  if (nameOf(callee) === "Date") use.impure.push("Date()");
}

function visitMember(node: Node, use: SourceUse): void {
  const name = `${nameOf(node.object)}.${nameOf(node.property)}`;
  if (impureMembers.has(name)) use.impure.push(name);
}

function nameOf(value: unknown): string | null {
  const node = value as Node;
  return node.type === "Identifier" ? String(node.value) : null;
}

function resolve(file: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return relative(root, join(root, posix.dirname(file), specifier)).replaceAll("\\", "/");
}
