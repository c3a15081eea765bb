import { join } from "node:path";
import fc from "fast-check";
import { InputError } from "../../src/core/errors.ts";
import type { PolicySet } from "../../src/core/policy/policy.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { decideAsked, readJson, shippedPolicies } from "../support/decide.ts";
import { editJson, gone } from "../support/edit-json.ts";

const wednesday = "2026-03-18T14:00:00Z";

let policySet: PolicySet;
beforeAll(async () => {
  await loadGrammar();
  policySet = await shippedPolicies();
});

const example = (name: string): object => readJson(join(__dirname, `../../examples/${name}/request.json`)) as object;

function pathsIn(value: unknown, prefix = ""): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => [`${prefix}${key}`, ...pathsIn(child, `${prefix}${key}.`)]);
}

/** Whether it is approved; null: it is no deploy request. Edits of places that earlier edits took away are left out. */
function allowedAfter(request: object, edits: readonly (readonly [path: string, value: unknown])[]): boolean | null {
  const edited = structuredClone(request);
  // From the back, so that what is taken out of an array does not move what is still to be edited.
  for (const [path, value] of [...edits].sort(([a], [b]) => (a < b ? 1 : -1))) {
    try {
      editJson(edited, path, value);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
  try {
    return decideAsked({ policySet, request: edited, at: wednesday }).allowed;
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

const strange = fc.oneof(
  fc.constantFrom<unknown>(
    gone,
    null,
    [],
    {},
    "",
    0,
    -1,
    1e15,
    true,
    "9999-12-31T23:59:59Z",
    "public",
    "orders",
    "\u202e",
  ),
  fc.constantFrom<unknown>({ schema: "public", name: "orders" }, { schema: "public", name: "idx_orders_user_id" }),
  fc.jsonValue({ maxDepth: 2 }),
  fc.string(),
);

test("whatever is in a request, it gets a decision or a list of what is wrong with it", () => {
  const request = example("corrected");
  const edit = fc.tuple(fc.constantFrom(...pathsIn(request)), strange);
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      expect([true, false, null]).toContain(allowedAfter(request, edits));
    }),
    { numRuns: 600 },
  );
});

test("evidence that is taken away never gets the incident through", () => {
  const request = { ...example("incident"), approvals: [{ by: "dba@example.com", of: "query-plans" }] };
  const edit = fc.tuple(
    fc.constantFrom(...pathsIn(request).filter((path) => path.startsWith("evidence"))),
    fc.constantFrom<unknown>(gone, null, [], 0, false),
  );
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 12 }), (edits) => {
      expect(allowedAfter(request, edits)).not.toBe(true);
    }),
    { numRuns: 600 },
  );
});

test.each([
  ["an index that is attached to itself", "evidence.0.catalog.indexes.1.partitionOf", "idx_orders_user_id"],
  ["a table that is its own partition", "evidence.0.catalog.tables.0.partitionOf", "orders"],
])("%s is no endless loop", (_what, path, name) => {
  expect(allowedAfter(example("corrected"), [[path, { schema: "public", name }]])).toEqual(expect.any(Boolean));
});

test("an index key that is neither a column nor an expression is refused", () => {
  expect(allowedAfter(example("corrected"), [["evidence.0.catalog.indexes.1.keys.0", {}]])).toBeNull();
});
