import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { analyze } from "./support.ts";

beforeAll(loadGrammar);

test.each([
  ["LF", "\n"],
  ["CR LF", "\r\n"],
  ["CR", "\r"],
])("lines and texts with multi-byte characters, line ends %s", (_name, end) => {
  const sql = ["-- größe 📦", "SELECT 'é📦'; /* ü */ SELECT", "  2 -- zwei", ";", "", "DROP INDEX a;"].join(end);
  const { statements, comments } = analyze(sql);
  expect(statements.map(({ location, endLine, text }) => [location.line, location.column, endLine, text])).toEqual([
    [2, 1, 2, "SELECT 'é📦'"],
    [2, 23, 3, `SELECT${end}  2`],
    [6, 1, 6, "DROP INDEX a"],
  ]);
  expect(comments.map(({ location, text }) => [location.line, text])).toEqual([
    [1, "größe 📦"],
    [2, "ü"],
    [3, "zwei"],
  ]);
});

test("comments belong to the statement that they stand before or in", () => {
  const { statements } = analyze("-- one\nDROP INDEX /* two */ a; -- three\nDROP INDEX b;\n-- four\n");
  expect(statements.map((statement) => statement.comments.map(({ text }) => text))).toEqual([
    ["one", "two"],
    ["three"],
  ]);
});

test("what is not a comment is none", () => {
  expect(analyze("SELECT '-- a', $$ /* b */ $$, \"--c\"; SELECT 4 --d\n;").comments.map(({ text }) => text)).toEqual([
    "d",
  ]);
});

test.each([
  ["SELECT 'é📦';\nDROP ünsinn INDEX;", 2, 6, 'syntax error at or near "ünsinn"'],
  ["-- migrate:up\nSELECT 'é';\nSELEKT 1;", 3, 1, 'syntax error at or near "SELEKT"'],
  ["SELECT 1;\r\n  \\d orders", 2, 3, "a psql meta-command (backslash), which only psql understands"],
  ["SELECT 1;\n'unterminated", 2, 1, 'unterminated quoted string at or near "\'unterminated"'],
])("an error in %j is at %i:%i", (sql, line, column, detail) => {
  const format = sql.startsWith("-- migrate") ? "dbmate" : "plain";
  const [change] = analyze(sql, format).changes;
  expect(change).toMatchObject({
    kind: "opaque",
    detail,
    statement: { location: { path: "migration.sql", line, column } },
  });
});

test("a change inside a DO block stands on its own line", () => {
  const sql = "SELECT 1;\nDO $$\nBEGIN\n  PERFORM 1;\n  DROP INDEX a;\nEND\n$$;";
  expect(analyze(sql).changes.map(({ statement }) => statement.location.line)).toEqual([5]);
});
