import * as fc from "fast-check";
import { parseJson } from "../../src/core/json.ts";

const messageOf = (text: string): string => {
  try {
    parseJson(text, "The body is not JSON");
    return "accepted";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

it.each([
  ["", "line 1, column 1: the JSON text ends too early"],
  ["{", 'line 1, column 2: expected a key in double quotes or "}"'],
  ['{"a":1,}', 'line 1, column 8: expected a key in double quotes or "}"'],
  ['{"a" 1}', 'line 1, column 6: expected ":" after the key'],
  ["[1 2]", 'line 1, column 4: expected "," or "]"'],
  ["[1,]", "line 1, column 4: expected a JSON value"],
  ['{\n  "a": tru\n}', "line 2, column 8: expected a JSON value"],
  ['["a]', "line 1, column 2: the string does not end"],
  ['["a\nb"]', "line 1, column 4: control characters in a string must be escaped"],
  ['["\\x41"]', 'line 1, column 3: unknown escape sequence; allowed: \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000'],
  ["01", "line 1, column 1: expected a JSON value"],
  ["1.", "line 1, column 1: expected a JSON value"],
  ["NaN", "line 1, column 1: expected a JSON value"],
  ["{} {}", "line 1, column 4: the JSON value has ended, but text follows"],
  ['{"a":1,"\\u0061":2}', 'line 1, column 8: the key "a" occurs twice in one object'],
  ['{"__proto__":{}}', 'line 1, column 2: the key "__proto__" is not allowed'],
  ['{"\\u005f_proto__":{}}', 'line 1, column 2: the key "__proto__" is not allowed'],
  ['["\\ud83d"]', "line 1, column 2: the string holds an unpaired surrogate, which is no character"],
])("refuses %j with its place", (text, message) => {
  expect(messageOf(text)).toBe(`The body is not JSON: ${message}`);
});

it("refuses nesting deeper than 256 levels, however deep", () => {
  expect(messageOf("[".repeat(256) + "]".repeat(256))).toBe("accepted");
  for (const depth of [257, 1_000_000]) {
    expect(messageOf('{"a":'.repeat(depth))).toMatch(/nested deeper than 256 levels$/);
  }
});

it("accepts exactly what JSON.parse accepts, apart from that, with the same value", () => {
  const mutated = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom("", ",", "}", "[", '"', "\\", "1", "-", " ", "e", "\u0001"))
    .map(([text, at, insert]) => {
      const offset = at % (text.length + 1);
      return text.slice(0, offset) + insert + text.slice(offset + (at % 2));
    });
  fc.assert(
    fc.property(fc.oneof(fc.json(), mutated), (text) => {
      const message = messageOf(text);
      if (/occurs twice|__proto__|unpaired surrogate/.test(message)) return;
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        expect(message).not.toBe("accepted");
        return;
      }
      expect(message).toBe("accepted");
      expect(parseJson(text, "")).toEqual(value);
    }),
    { numRuns: 2000 },
  );
});
