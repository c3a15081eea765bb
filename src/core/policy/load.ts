import { createHash } from "node:crypto";
import { lintChangeWindow } from "../calendar/lint.ts";
import type { ChangeWindow, FreezeWindow } from "../calendar/types.ts";
import { digestOf } from "../digest.ts";
import { rules as everyRule } from "../rules/index.ts";
import { bindRules, type RuleRegistry } from "./bind-rules.ts";
import { CalendarFiles } from "./calendars.ts";
import { type DocumentIssue, PolicyError, quoted, type SourceFile } from "./document-error.ts";
import type { Policy, PolicySet } from "./policy.ts";
import { enforcementSchema, type PolicyFile, policyFileSchema } from "./policy-schema.ts";
import { displayPath } from "./relative-path.ts";
import { parsePart } from "./schema-issues.ts";
import { type ChangeWindowInput, changeWindowSchema } from "./window-schema.ts";
import { readYamlDocument, type YamlDocument } from "./yaml-document.ts";

export interface LoadOptions {
  /** What error messages and locations put before the files' paths: "policies". Not part of the digest. */
  directory?: string;
  /** The day for which calendars that run out are warned about; absent: they are not looked at. */
  at?: Date;
  rules?: RuleRegistry;
}

export type PolicyFileKind = "policy" | "test" | "calendar" | "other";

/** What a file of a policy directory is, by its name. Names (of directories too) that begin with a dot are nothing. */
export function policyFileKind(path: string): PolicyFileKind {
  if (path.split("/").some((part) => part.startsWith("."))) return "other";
  if (/\.test\.ya?ml$/i.test(path)) return "test";
  if (/\.ya?ml$/i.test(path)) return "policy";
  return /\.ics$/i.test(path) ? "calendar" : "other";
}

/**
 * The files of a policy directory → its policies. Paths are relative to the directory, "/" between their parts. Policy
 * tests and other files are passed over.
 * @throws PolicyError (`invalid-policy`) with everything that is wrong with every file. The set loads whole or not at all.
 */
export function loadPolicySet(files: readonly SourceFile[], options: LoadOptions = {}): PolicySet {
  const { directory = "", rules = everyRule, at = null } = options;
  const display = (path: string) => displayPath(directory, path);
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const policyFiles = sorted.filter(({ path }) => policyFileKind(path) === "policy");
  const calendarFiles = sorted.filter(({ path }) => policyFileKind(path) === "calendar");
  if (policyFiles.length === 0) {
    const message = "no policy here: no *.yaml file, so every request would be rejected as unmatched";
    throw new PolicyError([{ path: directory === "" ? "." : directory, line: 1, column: 1, key: null, message }]);
  }
  const calendars = new CalendarFiles(calendarFiles, display);
  const loaded = policyFiles.map((file) => loadPolicy(file, display(file.path), calendars, rules, at));
  const issues = [...loaded.flatMap((one) => one.issues), ...calendars.issues, ...duplicateIds(loaded)];
  const policies = loaded.flatMap(({ policy }) => (policy === null ? [] : [policy]));
  if (issues.length > 0) throw new PolicyError(issues);
  if (policies.length !== policyFiles.length) throw new TypeError("a policy without issues did not load");
  return {
    policies,
    digest: digestOf(
      [...policyFiles, ...calendarFiles].map(({ path, content }) => ({ path, sha256: sha256(content) })),
    ),
    warnings: loaded.flatMap(({ warnings }) => warnings),
  };
}

interface LoadedFile {
  policy: Policy | null;
  /** As far as it can be read even in a broken file, for finding duplicates. */
  id: { text: string; document: YamlDocument } | null;
  issues: DocumentIssue[];
  warnings: PolicySet["warnings"][number][];
}

function loadPolicy(
  file: SourceFile,
  path: string,
  calendars: CalendarFiles,
  registry: RuleRegistry,
  at: Date | null,
): LoadedFile {
  const { document, issues } = readYamlDocument({ ...file, path });
  const warnings: LoadedFile["warnings"] = [];
  if (document === null) return { policy: null, id: null, issues, warnings };
  const raw = entriesOf(document.value);
  const parsed = parsePart(policyFileSchema, document, [], document.value);
  issues.push(...parsed.issues);

  // From here on each part is looked at by itself, so that one mistake does not hide those of another part.
  const window = parsed.data?.changeWindow ?? changeWindowOf(raw.get("changeWindow"));
  const changeWindow = window === null ? null : buildChangeWindow(window, document, file.path, calendars, issues);
  for (const { severity, path: place, message } of changeWindow === null ? [] : lintChangeWindow(changeWindow, at)) {
    const found = document.issue(["changeWindow", ...placeOf(place)], "value", message);
    if (severity === "error") issues.push(found);
    else warnings.push({ message, location: { path, line: found.line, column: found.column } });
  }
  const bound = bindRules(
    document,
    {
      listed: entriesOf(raw.get("rules")),
      enforcement: parsed.data?.enforcement ?? enforcementSchema.safeParse(raw.get("enforcement")).data ?? "deny",
      hasChangeWindow: raw.has("changeWindow"),
    },
    registry,
  );
  issues.push(...bound.issues);

  const text = raw.get("policy");
  const id = typeof text === "string" ? { text, document } : null;
  if (parsed.data === null || issues.length > 0) return { policy: null, id, issues, warnings };
  const policy = buildPolicy(parsed.data, document, changeWindow, bound.rules);
  return { policy, id, issues, warnings: [...warnings, ...warningsOf(policy)] };
}

/** "allow[0]" → ["allow", 0] */
function placeOf(place: string): (string | number)[] {
  return place.split(/[[\].]+/).flatMap((part) => (part === "" ? [] : [/^[0-9]+$/.test(part) ? Number(part) : part]));
}

function entriesOf(value: unknown): Map<string, unknown> {
  return new Map(typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : []);
}

function changeWindowOf(raw: unknown): ChangeWindowInput | null {
  return changeWindowSchema.safeParse(raw).data ?? null;
}

function buildPolicy(
  file: PolicyFile,
  document: YamlDocument,
  changeWindow: ChangeWindow | null,
  rules: Policy["rules"],
): Policy {
  return {
    id: file.policy,
    description: file.description ?? null,
    location: document.locate(["policy"], "key"),
    appliesTo: {
      environments: file.appliesTo?.environments ?? null,
      services: file.appliesTo?.services ?? null,
      changes: file.appliesTo?.changes ?? ["any"],
    },
    enforcement: file.enforcement,
    minTrust: file.minTrust,
    changeWindow,
    rules,
  };
}

/** Calendars that cannot be read are left out of the result; then there are issues, and nobody uses it. */
function buildChangeWindow(
  window: ChangeWindowInput,
  document: YamlDocument,
  policyPath: string,
  calendars: CalendarFiles,
  issues: DocumentIssue[],
): ChangeWindow {
  const freeze = (window.freeze ?? []).flatMap((entry, index): FreezeWindow[] => {
    if (entry.kind !== "calendar") return [entry];
    const found = calendars.find(policyPath, entry.path);
    if ("problem" in found) {
      issues.push(document.issue(["changeWindow", "freeze", index, "calendar"], "value", found.problem));
      return [];
    }
    return found.calendar === null ? [] : [{ ...entry, calendar: found.calendar }];
  });
  return {
    timeZone: window.timeZone,
    allow: window.allow ?? null,
    freeze,
    expectedDurationMs: window.expectedDuration ?? 0,
  };
}

function duplicateIds(files: readonly LoadedFile[]): DocumentIssue[] {
  const first = new Map<string, string>();
  return files.flatMap(({ id }) => {
    if (id === null) return [];
    const { path, line } = id.document.locate(["policy"], "value");
    const other = first.get(id.text);
    if (other === undefined) {
      first.set(id.text, `${path}:${line}`);
      return [];
    }
    const message = `${quoted(id.text)} is already the id of the policy in ${other}; ids are unique in the directory`;
    return [id.document.issue(["policy"], "value", message)];
  });
}

function warningsOf({ changeWindow, rules, id, location }: Policy): PolicySet["warnings"] {
  if (changeWindow !== null || rules.length > 1) return [];
  const message = `the policy ${id} has no change window and no rules: it approves every request that it matches, except SQL that cannot be analysed`;
  return [{ message, location }];
}

function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}
