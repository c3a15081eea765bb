import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { catalogIndexSchema } from "../../src/core/catalog/catalog.ts";
import { coverage } from "../../src/core/catalog/coverage.ts";

/** Each case: an index that goes, one that stays, and whether the one that stays does all that the other did. */
interface Case {
  name: string;
  dropped: object;
  survivor: object;
  because?: string;
}

const cases = parseAllDocuments(readFileSync(join(__dirname, "coverage.yaml"), "utf8")).map(
  (document) => document.toJS() as Case,
);

const base = { schema: "public", name: "i", table: "orders" };
const index = (fields: object) => catalogIndexSchema.parse({ ...base, ...fields });

describe("an index covers another", () => {
  test.each(cases.filter(({ because }) => because === undefined))("$name", ({ dropped, survivor }) => {
    expect(coverage(index(dropped), index(survivor))).toEqual({ covers: true });
  });
});

describe("an index does not cover another", () => {
  test.each(cases.filter(({ because }) => because !== undefined))("$name", ({ dropped, survivor, because }) => {
    expect(coverage(index(dropped), index(survivor))).toEqual({ covers: false, because });
  });
});
