import { statementText } from "../../src/adapters/collect/statement-text.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";

beforeAll(loadGrammar);

describe("what of a statement leaves the server", () => {
  const texts: [string, string][] = [
    ["SELECT * FROM t WHERE a = $1", "SELECT * FROM t WHERE a = $1"],
    [
      "SELECT $1 FROM t WHERE a = 'x' AND b = -5 AND c - 1 > 2.5",
      "SELECT $1 FROM t WHERE a = $2 AND b = $3 AND c - $4 > $5",
    ],
    ["SELECT a::varchar(20), x'1f', b'01', E'\\n', $$q$$ FROM t", "SELECT a::varchar(20), $1, $2, $3, $4 FROM t"],
    ['SELECT TRUE, NULL, "it\'s" FROM "o\'Neill"', 'SELECT TRUE, NULL, "it\'s" FROM "o\'Neill"'],
    ["SELECT 1 /* of 'secret' */ FROM t -- secret", "SELECT $1   FROM t"],
    ["/*+ SeqScan(t) */ SELECT 1 FROM t", "/*+ SeqScan(t) */ SELECT $1 FROM t"],
    ["SELECT * FROM t WHERE a IN ($1 /*, ... */)", "SELECT * FROM t WHERE a IN ($1 /*, ... */)"],
    ["SELECT 'ü', 'ß' FROM \"Größe\"", 'SELECT $1, $2 FROM "Größe"'],
    ["INSERT INTO t VALUES ('a', 1) ON CONFLICT DO NOTHING", "INSERT INTO t VALUES ($1, $2) ON CONFLICT DO NOTHING"],
    ["CREATE TABLE c AS SELECT 'x' FROM t", "CREATE TABLE c AS SELECT $1 FROM t"],
    ["DECLARE c CURSOR FOR SELECT * FROM t WHERE a = 'x'", "DECLARE c CURSOR FOR SELECT * FROM t WHERE a = $1"],
    // Expressions and assignments of PL/pgSQL.
    ["NOT EXISTS (SELECT FROM t WHERE a = $1)", "SELECT NOT EXISTS (SELECT FROM t WHERE a = $1)"],
    ["total[1] := (SELECT count(*) FROM t WHERE a = 'x')", "SELECT (SELECT count(*) FROM t WHERE a = $1)"],
  ];
  it.each(texts)("%s", (text, expected) => {
    expect(statementText(text, false)).toEqual({ text: expected });
  });

  it.each([
    "ALTER ROLE app PASSWORD 'secret'",
    "CREATE USER app PASSWORD 'secret'",
    "SET app.token = 'secret'",
    "COMMENT ON TABLE t IS 'secret'",
    "EXPLAIN SELECT * FROM t WHERE a = 'secret'",
    "BEGIN",
    "VACUUM t",
    "CREATE INDEX i ON t (a) WHERE b = 'secret'",
    "CREATE SUBSCRIPTION s CONNECTION 'password=secret' PUBLICATION p",
    "CALL p('secret')",
    "",
  ])("nothing of %s, which has no query plan", (text) => {
    expect(statementText(text, false)).toBe("no-query-plan");
    expect(statementText(text, true)).toBe("no-query-plan");
  });

  it.each([
    "SELECT * FROM t WHERE a = 'cut o",
    "<insufficient privilege>",
    "SELECT 1; SELECT 2",
    "SELECT 'a'\0",
    "COPY (SELECT 1) TO '/tmp/secret'",
  ])("nothing of %j, which cannot be read without its values", (text) => {
    expect(statementText(text, false)).toBe("unreadable");
  });

  it("all of it where all values are allowed", () => {
    expect(statementText("SELECT 'x' /* y */", true)).toEqual({ text: "SELECT 'x' /* y */" });
  });
});
