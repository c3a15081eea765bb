import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { migrationFormats } from "../../src/core/request.ts";
import { loadGrammar, parseSql } from "../../src/core/sql/grammar.ts";
import { analyze, noted } from "./support.ts";

beforeAll(loadGrammar);

const words = [
  "DROP INDEX",
  "a",
  "idx_orders_lower",
  "orders",
  "CONCURRENTLY",
  "IF EXISTS",
  "CASCADE",
  "ALTER TABLE",
  "DROP COLUMN",
  "status",
  "RENAME TO",
  "CREATE INDEX",
  "ON",
  "(",
  ")",
  ",",
  ";",
  "'",
  "''",
  '"',
  "$$",
  "$a$",
  "--",
  "/*",
  "*/",
  "\n",
  "\r",
  "\\",
  "E'",
  'U&"',
  "DO",
  "BEGIN",
  "END",
  "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS",
  "SELECT f()",
  "EXECUTE",
  "SET search_path =",
  "-- migrate:up\n",
  "-- migrate:down\n",
  "-- +goose Up\n",
  "-- +goose Down\n",
  "\0",
  "\ufffd",
  "\ud800",
  "é",
  "📦",
  "\u00a0",
  "::",
  "1",
  "NULL",
  "WITH x AS (",
  "INSERT INTO",
  "VALUES",
];

test("any soup of tokens in any format gives an analysis", () => {
  const soup = fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => parts.join(" "));
  fc.assert(
    fc.property(soup, fc.constantFrom(...migrationFormats), (sql, format) => {
      for (const change of analyze([["deploy/V1__x.up.sql", sql]], format).changes)
        expect(change.statement.location.line).toBeGreaterThan(0);
    }),
    { numRuns: 2000 },
  );
});

test("a fixture with a piece cut out, doubled or replaced gives an analysis", () => {
  const folder = join(__dirname, "hides-a-drop");
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.nat(400),
      fc.nat(30),
      fc.constantFrom("", ...words),
      (text, start, length, put) => {
        const from = start % (text.length + 1);
        expect(Array.isArray(analyze(text.slice(0, from) + put + text.slice(from + length)).changes)).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
});

test("white space, comments and case around its tokens do not hide a drop", () => {
  const blanks = fc.constantFrom(
    " ",
    "\n",
    "\t",
    "\r\n",
    "\r",
    "\f",
    " /* DROP */ ",
    " -- x\n",
    "/*/**/*/",
    " /* ' */ ",
    " -- $$\n",
    " -- ' \r",
  );
  const tokens = [
    "DROP",
    "INDEX",
    "CONCURRENTLY",
    "IF",
    "EXISTS",
    "public",
    ".",
    "idx_orders_lower",
    ",",
    "sales",
    ".",
    "idx_orders_user_id",
  ];
  const cased = fc.tuple(
    ...tokens.map((token) => fc.boolean().map((upper) => (upper ? token.toUpperCase() : token.toLowerCase()))),
  );
  const around = fc.constantFrom("", "SELECT 1;", "SELECT $$ ' $$;", "SELECT '--';", "-- '\n", "/* $$ */", ";;");
  fc.assert(
    fc.property(
      cased,
      fc.array(blanks, { minLength: 13, maxLength: 13 }),
      around,
      around,
      (parts, gaps, before, after) => {
        const statement = parts.map((part, index) => `${gaps[index]}${part}`).join("");
        const lines = noted(analyze(`${before}${statement}${gaps[12]};${after}`));
        expect(lines).toEqual(["drop idx_orders_lower of orders", "drop sales.idx_orders_user_id of sales.orders"]);
      },
    ),
    { numRuns: 1000 },
  );
});

describe("hostile sizes", () => {
  beforeEach(loadGrammar);

  const n = 30_000;
  test.each([
    ["operators", `SELECT 1${"+1".repeat(n)}`],
    ["parentheses", `SELECT ${"(".repeat(n)}1${")".repeat(n)}`],
    ["unions", `SELECT 1${" UNION SELECT 1".repeat(n)}`],
    ["joins", `SELECT 1 FROM a${" JOIN b ON true".repeat(n)}`],
    ["casts", `SELECT 1${"::int".repeat(n)}`],
    ["blocks", `DO $$ ${"BEGIN ".repeat(n)} NULL; ${"END; ".repeat(n)} $$`],
    ["an expression in a block", `DO $$ BEGIN PERFORM 1${"+1".repeat(n)}; END $$`],
  ])("%s nested without end are too large", (_name, sql) => {
    expect(noted(analyze(sql))).toContain("opaque: too-large");
  });

  test.each([
    ["an index expression", `CREATE INDEX ON orders (${"(".repeat(4000)}id${")".repeat(4000)})`],
    ["casts", `CREATE INDEX ON orders ((id${"::int".repeat(3000)}))`],
    ["a constant that is executed", `DO $$ BEGIN EXECUTE 'SELECT 1'${"::text".repeat(3000)}; END $$`],
  ])("%s nested as deep as the parser takes it", (_name, sql) => {
    expect(analyze(sql).statements).toHaveLength(1);
  });

  test("after many stack overflows the next file is still read", async () => {
    const deep = `SELECT 1${"+1".repeat(n)}`;
    for (let round = 0; round < 60; round += 1) {
      expect(noted(analyze(deep))).toEqual(["opaque: too-large"]);
      await loadGrammar();
      expect(noted(analyze("DROP INDEX idx_orders_lower"))).toEqual(["drop idx_orders_lower of orders"]);
    }
  });

  test("many of them at once: what cannot be read is opaque, never left out", async () => {
    const deep = `SELECT 1${"+1".repeat(n)}`;
    const files = Array.from({ length: 100 }, (_, index) => [`${index}.sql`, deep] as const);
    expect(noted(analyze(files))).toEqual(files.map(() => "opaque: too-large"));
    await loadGrammar();
    expect(parseSql("SELECT 1").ok).toBe(true);
  });

  test("a function that calls itself, and two that call each other", () => {
    const f =
      "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM g(); DROP INDEX idx_orders_lower; END $$;";
    const g = "CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM f(), g(); END $$;";
    expect(noted(analyze(`${f}${g}SELECT f()`))).toContain("drop idx_orders_lower of orders");
  });

  test("DO blocks in DO blocks", () => {
    let sql = "DROP INDEX idx_orders_lower";
    for (let depth = 0; depth < 30; depth += 1) sql = `DO $q${depth}$ BEGIN ${sql}; END $q${depth}$`;
    expect(noted(analyze(sql))).toEqual(["opaque: too-large"]);
  });

  test("many statements, names and comments", () => {
    const lines: string[] = [];
    for (let index = 0; index < 20_000; index += 1)
      lines.push(`-- step ${index}\nCREATE INDEX ON orders (user_id); DROP INDEX gone_${index};`);
    const { statements, comments } = analyze(lines.join("\n"));
    expect([statements.length, comments.length]).toEqual([40_000, 20_000]);
  });
});
