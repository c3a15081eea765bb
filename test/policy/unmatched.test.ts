import { loadPolicySet } from "../../src/core/policy/load.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { decideAsked } from "../support/decide.ts";

beforeAll(loadGrammar);

const policySet = loadPolicySet([
  { path: "data.yaml", content: Buffer.from("version: 1\npolicy: data\nappliesTo: { changes: [data, deploy] }\n") },
]);

function decideOn(sql: string) {
  const { allowed, findings } = decideAsked({
    policySet,
    request: { service: "orders", environment: "staging", migrations: [{ path: "a.sql", sql }] },
    at: "2026-03-18T14:00:00Z",
  });
  return { allowed, failing: findings.filter(({ outcome }) => outcome !== "pass") };
}

test("a policy for data lets data through", () => {
  expect(decideOn("INSERT INTO orders VALUES (1);")).toEqual({ allowed: true, failing: [] });
});

test("a schema change that no policy is for is rejected, alone and beside data", () => {
  expect(decideOn("DROP INDEX a;")).toMatchObject({ allowed: false, failing: [{ ruleId: "unmatched" }] });
  expect(decideOn("INSERT INTO orders VALUES (1);\nDROP INDEX a;")).toMatchObject({
    allowed: false,
    failing: [
      {
        ruleId: "unmatched",
        message:
          "No policy applies to the schema changes of orders/staging, only to what else is in the request; what no policy allows is rejected.",
        location: { path: "a.sql", line: 2 },
      },
    ],
  });
});
