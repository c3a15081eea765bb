import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { loadPolicyDirectory, readPolicyDirectory } from "../../src/adapters/policies/read-directory.ts";
import { runPolicyTests } from "../../src/app/policy-tests.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";

const directory = join(__dirname, "../../policies");
const filesEnding = (end: string) => readdirSync(directory).filter((name) => name.endsWith(end));

beforeAll(loadGrammar);

test("every shipped policy has its tests", () => {
  const tests = filesEnding(".test.yaml").map((name) => name.replace(".test.yaml", ".yaml"));
  const policies = filesEnding(".yaml").filter((name) => !name.endsWith(".test.yaml"));
  expect(policies.length).toBeGreaterThan(2);
  expect(tests).toEqual(policies);
});

test("they load without a warning, next year too", async () => {
  for (const at of ["2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z"]) {
    const { warnings } = await loadPolicyDirectory(directory, { directory: "policies", at: new Date(at) });
    expect(warnings).toEqual([]);
  }
});

test("their tests pass", async () => {
  const { results } = runPolicyTests({
    files: await readPolicyDirectory(directory),
    directory: "policies",
    readFile: (path) => readFileSync(join(directory, path)),
    timeZoneDatabase: "test",
  });
  expect(results.length).toBeGreaterThan(15);
  const shown = results.map(({ name, expected, actual, decision }) => ({
    name,
    expected,
    actual,
    said: decision.findings.filter(({ outcome }) => outcome !== "pass").map(({ message }) => message),
  }));
  expect(shown.filter(({ expected, actual }) => JSON.stringify(expected) !== JSON.stringify(actual))).toEqual([]);
});

test("policy.schema.json accepts them, and refuses what the loader refuses", () => {
  const schema = z.fromJSONSchema(JSON.parse(readFileSync(join(directory, "policy.schema.json"), "utf8")));
  for (const name of filesEnding(".yaml").filter((file) => !file.endsWith(".test.yaml"))) {
    const policy = parse(readFileSync(join(directory, name), "utf8"));
    expect(schema.safeParse(policy).error).toBeUndefined();
    expect(schema.safeParse({ ...policy, enforcment: "deny" }).success).toBe(false);
    expect(schema.safeParse({ ...policy, rules: { "index-useage": {} } }).success).toBe(false);
    expect(schema.safeParse({ ...policy, rules: { "index-usage": { maxScan: 1 } } }).success).toBe(false);
    expect(schema.safeParse({ ...policy, rules: { "index-usage": { enforcement: "warn" } } }).success).toBe(true);
    expect(schema.safeParse({ ...policy, rules: { "index-usage": null } }).success).toBe(true);
  }
});
