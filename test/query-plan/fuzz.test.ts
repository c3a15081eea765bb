/** Damaged EXPLAIN output is read or refused with a QueryPlanError; nothing else happens. */
import fc from "fast-check";
import { comparePlans, describeFlip } from "../../src/core/query-plan/compare.ts";
import { parseQueryPlan } from "../../src/core/query-plan/parse.ts";
import type { QueryPlan } from "../../src/core/query-plan/query-plan.ts";
import { QueryPlanError } from "../../src/core/query-plan/query-plan-error.ts";
import { majors, readCorpus } from "./corpus.ts";

const corpus = majors.flatMap((major) => readCorpus(major).map(([, printed]) => printed));
const texts = corpus.map(({ text }) => text);
const values: unknown[] = corpus.map(({ json }) => JSON.parse(json));

function read(input: unknown): QueryPlan | null {
  try {
    return parseQueryPlan(input);
  } catch (error) {
    if (error instanceof QueryPlanError) return null;
    throw error;
  }
}

const fragments = [
  "\n",
  "  ->  ",
  "(",
  ")",
  "'",
  '"',
  "(cost=",
  "(actual ",
  ":",
  ",",
  "+",
  "\t",
  " on ",
  " using ",
  "SubPlan 1\n",
  "Settings: ",
  "\0",
  "\u{1F600}",
  "9".repeat(400),
];

const mutation = fc.record({
  at: fc.nat(),
  remove: fc.oneof(fc.nat(3), fc.nat(200)),
  insert: fc.oneof(fc.constant(""), fc.constantFrom(...fragments), fc.string({ unit: "binary", maxLength: 5 })),
});

const mutatedText = fc
  .tuple(fc.constantFrom(...texts), fc.array(mutation, { minLength: 1, maxLength: 5 }))
  .map(([text, mutations]) =>
    mutations.reduce((current, { at, remove, insert }) => {
      const start = at % (current.length + 1);
      return current.slice(0, start) + insert + current.slice(start + remove);
    }, text),
  );

const shuffledLines = fc
  .constantFrom(...texts)
  .chain((text) => fc.shuffledSubarray(text.split("\n")))
  .map((lines) => lines.join("\n"));

/** One value somewhere in the JSON replaced, one key renamed or removed. */
const mutatedJson = fc
  .tuple(fc.constantFrom(...values), fc.nat(), fc.jsonValue(), fc.constantFrom("replace", "remove", "rename"))
  .map(([value, which, replacement, how]) => {
    let count = 0;
    const total = JSON.stringify(value).split(":").length;
    return JSON.parse(JSON.stringify(value), (key, inner) => {
      if (count++ !== which % total) return inner;
      if (how === "replace") return replacement;
      return how === "remove" ? undefined : { [key]: inner };
    });
  });

const runs = { numRuns: 1500 };

it("text with characters lost and inserted", () => {
  fc.assert(
    fc.property(mutatedText, (text) => void read(text)),
    runs,
  );
});

it("text with lines lost and out of order", () => {
  fc.assert(
    fc.property(shuffledLines, (text) => void read(text)),
    runs,
  );
});

it("JSON with values replaced and keys lost", () => {
  fc.assert(
    fc.property(mutatedJson, (json) => void read(json)),
    runs,
  );
});

it("anything at all", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.anything()), (input) => void read(input)),
    runs,
  );
});

it("whatever is read can be compared and described, and a plan does not differ from itself", () => {
  const options = { maxCostRatio: 2, smallTableRows: 0, tableRows: () => null };
  fc.assert(
    fc.property(fc.oneof(mutatedText, mutatedJson), fc.oneof(mutatedText, mutatedJson), (one, other) => {
      const before = read(one);
      const after = read(other);
      fc.pre(before !== null);
      expect(comparePlans(before, before, options)).toMatchObject({ comparable: true, flips: [], costExceeded: false });
      if (after !== null) comparePlans(before, after, options).flips.map(describeFlip);
    }),
    { numRuns: 400 },
  );
});
