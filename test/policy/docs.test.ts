import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runPolicyTests } from "../../src/app/policy-tests.ts";
import { loadPolicySet } from "../../src/core/policy/load.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";

const root = join(__dirname, "../..");
const markdown = readFileSync(join(root, "docs/policies.md"), "utf8");
const blocks = [...markdown.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml = ""]) => yaml);
const whole = blocks.filter((yaml) => yaml.startsWith("version: 1\n"));
const tests = blocks.filter((yaml) => yaml.includes("\ncases:\n"));
const parts = blocks.filter((yaml) => !whole.includes(yaml) && !tests.includes(yaml));

beforeAll(loadGrammar);

test("docs/policies.md has a whole policy, tests of it, and parts", () => {
  expect([whole.length, tests.length, parts.length]).toEqual([1, 1, 4]);
});

test.each([...whole, ...parts.map((yaml) => `version: 1\npolicy: example\n${yaml}`)])("this loads:\n%s", (content) => {
  const calendar = { path: "holidays.ics", content: readFileSync(join(root, "policies/holidays.ics")) };
  expect(loadPolicySet([{ path: "example.yaml", content }, calendar]).policies).toHaveLength(1);
});

test("the tests in docs/policies.md pass against the policy in it", () => {
  const report = runPolicyTests({
    files: [
      { path: "schema-changes.yaml", content: whole.join() },
      { path: "schema-changes.test.yaml", content: tests.join() },
    ],
    directory: "",
    readFile: () => {
      throw new Error("no files here");
    },
    timeZoneDatabase: "test",
  });
  expect(report.results.map(({ name, actual }) => [name, actual])).toEqual(
    report.results.map(({ name, expected }) => [name, expected]),
  );
  expect(report.results).toHaveLength(2);
});
