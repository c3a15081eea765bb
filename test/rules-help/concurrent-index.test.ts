import { loadPolicySet } from "../../src/core/policy/load.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { decideAsked } from "../support/decide.ts";

beforeAll(loadGrammar);

const policySet = loadPolicySet([
  { path: "p.yaml", content: Buffer.from("version: 1\npolicy: p\nrules: { concurrent-index: {} }\n") },
]);

function findingsOn(sql: string) {
  const request = { service: "orders", environment: "production", migrations: [{ path: "a.sql", sql }] };
  const { findings } = decideAsked({ policySet, request, at: "2026-03-18T14:00:00Z" });
  return findings.filter(({ ruleId }) => ruleId === "concurrent-index");
}

/** The help of each finding is a sentence, and then SQL. */
function applied(sql: string): string {
  return findingsOn(sql)
    .flatMap(({ help }) => (help ?? "").split("\n").slice(1))
    .join("\n");
}

test.each([
  "CREATE INDEX ON orders (user_id);",
  "create unique index if not exists a on only public.orders using btree (lower(email) text_pattern_ops desc) where b > 1",
  'CREATE INDEX "Größe" ON "Ordres d\'été" ("select", (a || \'/*\'));',
  "CREATE /* INDEX */ INDEX -- here\n a ON orders (id) INCLUDE (total);",
  "DROP INDEX a;",
  'DROP INDEX IF EXISTS sales.a, "B""c" CASCADE;',
  "DROP INDEX CONCURRENTLY a, b, c;",
  "ALTER TABLE orders ADD CONSTRAINT orders_email UNIQUE (email);",
  'ALTER TABLE "My orders" ADD CONSTRAINT "Orders pk" PRIMARY KEY (id);',
  "ALTER TABLE sales.orders ADD UNIQUE (email, status);",
])("what is said to be written instead of %j passes", (sql) => {
  expect(findingsOn(sql).some(({ outcome }) => outcome === "fail")).toBe(true);
  const subjects = findingsOn(sql).map(({ subject }) => subject);
  const instead = findingsOn(applied(sql)).map(({ subject, outcome }) => ({ subject, outcome }));
  expect(instead).toEqual(subjects.map((subject) => ({ subject, outcome: "pass" })));
});
