import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { canonicalJson, sha256Hex } from "../../src/core/digest.ts";

test("keys are ordered by their UTF-16 units at every depth, and numbers are written as ECMAScript does (RFC 8785, section 3.2.3)", () => {
  const value = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\ud83d\ude00": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
  };
  expect(Object.values(JSON.parse(canonicalJson(value)) as object).sort()).toEqual(Object.values(value).sort());
  expect(canonicalJson(value).match(/"(?:[^"])*"(?=:)/g)).toEqual(
    ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"].map((key) => JSON.stringify(key)),
  );
  expect(canonicalJson([{ b: 1e21, a: -0, aa: [4.5, 1e-7] }])).toBe('[{"a":0,"aa":[4.5,1e-7],"b":1e+21}]');
});

test.each([
  ["keys that are integers", { b: 1, "10": 2, "2": 3, a: { "0": 1, "-1": 2 } }],
  ["the key __proto__", JSON.parse('{"z": 1, "__proto__": {"b": 1, "a": 2}, "constructor": 3}')],
  ["nothing", { b: undefined, a: [undefined] }],
  ["a date", { b: new Date(0), a: 1 }],
  ["more keys than people write", Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`k${(n * 37) % 60}`, n]))],
])("%s", (_name, value) => {
  expect(canonicalJson(value)).toBe(canonicalize(value));
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, undefined, { a: Number.NaN }])("%p has no JSON form", (value) => {
  expect(() => canonicalJson(value)).toThrow();
});

test("any JSON value is written as the library does, and hashed as UTF-8", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 5 }), (value) => {
      const text = canonicalJson(value);
      expect(text).toBe(canonicalize(value));
      expect(sha256Hex(text)).toBe(createHash("sha256").update(text, "utf8").digest("hex"));
    }),
  );
});
