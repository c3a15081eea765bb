import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { MigrationFormat } from "../../src/core/request.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { analyze } from "./support.ts";

beforeAll(loadGrammar);

/** Files that mention a drop, or hold one that their tool does not run: no change at all. */
const cases: [file: string, format: MigrationFormat][] = [
  ["comments-only.sql", "plain"],
  ["strings.sql", "plain"],
  ["dollar-strings.sql", "plain"],
  ["explain-only.sql", "plain"],
  ["session-settings.sql", "plain"],
  ["reads-the-catalogue.sql", "plain"],
  ["dbmate-down-part.sql", "dbmate"],
  ["goose-down-part.sql", "goose"],
  ["3_orders.down.sql", "golang-migrate"],
  ["U3__orders.sql", "flyway"],
];

const folder = join(__dirname, "harmless");

test.each(cases)("%s as %s changes nothing", (file, format) => {
  const sql = readFileSync(join(folder, file), "utf8");
  expect(analyze([[file, sql]], format).changes).toEqual([]);
});

test("every file has a line in the table", () => {
  expect(readdirSync(folder).sort()).toEqual(cases.map(([file]) => file).sort());
});

test("a revert or verify script of Sqitch is not run", () => {
  const sql = "DROP INDEX idx_orders_user_id_ca;";
  expect(
    analyze(
      [
        ["revert/orders.sql", sql],
        ["verify/orders.sql", sql],
      ],
      "sqitch",
    ).changes,
  ).toEqual([]);
});

test("a routine that nobody calls runs nothing", () => {
  const routine = "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DROP ' || 'INDEX a'; END $$;";
  expect(analyze(routine).changes.map(({ kind }) => kind)).toEqual(["schema"]);
});

test("a trigger that only keeps data up to date is the DDL that creates it", () => {
  const trigger = `CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN NEW.changed = now(); INSERT INTO tags_log SELECT NEW.*; RETURN NEW; END $$;
    CREATE TRIGGER t BEFORE UPDATE ON tags FOR EACH ROW EXECUTE FUNCTION t();`;
  expect(analyze(trigger).changes.map(({ kind }) => kind)).toEqual(["schema", "schema"]);
});
