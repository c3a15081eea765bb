import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { PolicyError } from "../../src/core/policy/document-error.ts";
import { loadPolicySet } from "../../src/core/policy/load.ts";

const shipped = readFileSync(join(__dirname, "../../policies/schema-changes.yaml"), "utf8").replace(/^\s*#.*\n/gm, "");
const snippets = [
  "",
  "[",
  "]",
  "{",
  "}",
  ":",
  "- ",
  "\n",
  "\t",
  "#",
  "&a ",
  "*a",
  "!!x ",
  "<<: ",
  "? ",
  "|",
  ">",
  '"',
  "'",
  "%",
  "---\n",
  "...\n",
  "null",
  "9",
  "~",
  "\u0000",
  "\uFEFF",
  "__proto__: ",
  "constructor",
  "\u2028",
  "😀",
];

/** The file with a few places replaced. */
const damaged = fc
  .array(
    fc.record({
      at: fc.nat(shipped.length),
      length: fc.nat(6),
      text: fc.oneof(fc.constantFrom(...snippets), fc.string({ maxLength: 4 })),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((edits) =>
    edits.reduce((text, { at, length, text: put }) => text.slice(0, at) + put + text.slice(at + length), shipped),
  );

test("whatever is in a file, it loads or says where it is wrong", () => {
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 60 }), fc.string({ unit: "binary" })), (content) => {
      try {
        expect(loadPolicySet([{ path: "p.yaml", content }]).policies).toHaveLength(1);
      } catch (error) {
        if (!(error instanceof PolicyError)) throw error;
        expect(error.issues.length).toBeGreaterThan(0);
        for (const { line, column } of error.issues) expect(Math.min(line, column)).toBeGreaterThanOrEqual(1);
        expect(error.message.replaceAll("\n", " ")).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      }
    }),
    { numRuns: 500 },
  );
});
