import { changeKindsOf, globMatches, policyMatches, unmatchedKind } from "../../src/core/policy/match.ts";
import type { ChangeKind } from "../../src/core/policy/policy.ts";
import type { Change, MigrationAnalysis } from "../../src/core/sql/change.ts";

const globs: [string, string, boolean][] = [
  ["production", "production", true],
  ["production", "Production", false],
  ["production", "production-eu", false],
  ["prod*", "production", true],
  ["*", "", true],
  ["*", "anything at all", true],
  ["*-eu", "production-eu", true],
  ["prod*-??", "production-eu", true],
  ["prod*-??", "production-eur", false],
  ["a*b*c", "a-b-b-c", true],
  ["a*b*c", "a-b-b", false],
  ["?", "😀", true],
  ["?", "", false],
  ["pay.*", "payments", false],
  ["(a|b)", "a", false],
  ["[a-z]", "a", false],
  ["a\\*", "a*", false],
  ["*".repeat(30), "x".repeat(2000), true],
  [`${"a*".repeat(40)}b`, "a".repeat(2000), false],
];
test.each(globs)("the glob %j on %j: %j", (glob, text, expected) => {
  expect(globMatches(glob, text)).toBe(expected);
});

/** Only the kind of a change matters here. */
function analysisOf(...kinds: Change["kind"][]): MigrationAnalysis {
  return {
    statements: [],
    comments: [],
    after: null,
    builtAt: new Map(),
    changes: kinds.map((kind) => ({ kind })) as Change[],
  };
}

describe("kinds of change", () => {
  const cases: [string, Change["kind"][], ChangeKind[]][] = [
    ["no migrations, or none that changes anything", [], ["deploy"]],
    ["DROP INDEX", ["drop-index"], ["schema", "index-drop"]],
    ["an object goes whose indexes nobody knows", ["drop-unknown-indexes"], ["schema", "index-drop"]],
    ["CREATE INDEX", ["create-index"], ["schema", "index-create"]],
    ["ALTER COLUMN TYPE", ["alter-column-type"], ["schema"]],
    ["other DDL", ["schema"], ["schema"]],
    ["UPDATE", ["data"], ["data"]],
    ["UPDATE and DROP INDEX", ["data", "drop-index"], ["data", "schema", "index-drop"]],
    ["SQL that the policy's opaque-sql allows", ["opaque"], ["data"]],
  ];
  test.each(cases)("%s", (_, changes, expected) => {
    const kinds = changeKindsOf(analysisOf(...changes), true, false);
    expect([...kinds].sort()).toEqual([...expected].sort());
  });

  test("SQL that cannot be analysed is every kind, a deploy too", () => {
    const kinds = changeKindsOf(analysisOf("opaque"), true, true);
    expect(kinds).toEqual(new Set(["schema", "index-drop", "index-create", "data", "deploy", "any"]));
  });
});

describe("a policy applies where environment, service and a kind of change match", () => {
  const request = { service: "orders", environment: "production" };
  const all = { environments: null, services: null, changes: ["any"] as const };
  const cases: [string, object, ChangeKind[], boolean][] = [
    ["nothing given", {}, ["deploy"], true],
    ["any", {}, ["schema", "index-drop"], true],
    ["the environment", { environments: ["staging", "prod*"] }, ["deploy"], true],
    ["another environment", { environments: ["staging"] }, ["deploy"], false],
    ["another service", { services: ["pay*"] }, ["deploy"], false],
    ["one kind of several", { changes: ["index-drop"] }, ["schema", "index-drop"], true],
    ["another kind", { changes: ["schema"] }, ["deploy"], false],
  ];
  test.each(cases)("%s", (_, appliesTo, kinds, expected) => {
    expect(policyMatches({ appliesTo: { ...all, ...appliesTo } }, request, new Set(kinds))).toBe(expected);
  });
});

describe("what no policy that matches is for", () => {
  const cases: [policies: ChangeKind[][], changes: Change["kind"][], unmatched: ReturnType<typeof unmatchedKind>][] = [
    [[["data"]], ["data", "drop-index"], "schema"],
    [[["deploy", "data"], ["schema"]], ["data", "drop-index"], null],
    [[["data"]], ["data"], null],
    [[["any"]], ["data", "drop-index"], null],
    [[["index-create"]], ["create-index", "drop-index"], "index-drop"],
    [[["index-create"], ["index-drop"]], ["create-index", "drop-index"], null],
    [[["index-drop"]], ["create-index", "drop-index"], null],
    [[["index-drop"], ["data"]], ["data", "schema"], "schema"],
    [[["index-create"]], ["create-index", "drop-unknown-indexes"], "index-drop"],
  ];
  test.each(cases)("policies for %j, changes %j: %j", (policies, changes, expected) => {
    const appliesTo = policies.map((kinds) => ({ appliesTo: { environments: null, services: null, changes: kinds } }));
    expect(unmatchedKind(appliesTo, changeKindsOf(analysisOf(...changes), true, false))).toBe(expected);
  });
});
