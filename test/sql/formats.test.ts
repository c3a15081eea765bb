import type { MigrationFormat } from "../../src/core/request.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { analyze, catalog, drops, noted } from "./support.ts";

beforeAll(loadGrammar);

const create = "CREATE INDEX CONCURRENTLY i ON orders (id);";
const drop = "DROP INDEX idx_orders_lower;";

/** What is run, and whether each of its statements runs in a transaction. */
const run: [name: string, format: MigrationFormat, path: string, sql: string, inTransaction: boolean[]][] = [
  ["statements of a plain file run one by one", "plain", "a.sql", `${create}${drop}`, [false, false]],
  [
    "a plain file's own transaction",
    "plain",
    "a.sql",
    `${drop} BEGIN; ${drop} COMMIT; ${drop}`,
    [false, false, true, true, false],
  ],
  ["COMMIT AND CHAIN begins the next one", "plain", "a.sql", "BEGIN; COMMIT AND CHAIN; SELECT 1;", [false, true, true]],
  ["dbmate opens a transaction", "dbmate", "a.sql", `-- migrate:up\n${drop}\n-- migrate:down\nSELECT f();`, [true]],
  ["dbmate without a transaction", "dbmate", "a.sql", `-- migrate:up transaction:false\n${create}\n`, [false]],
  [
    "dbmate sends several statements in one message",
    "dbmate",
    "a.sql",
    `-- migrate:up transaction:false\n${create}${drop}`,
    [true, true],
  ],
  ["goose opens a transaction", "goose", "a.sql", `-- +goose Up\n${drop}\n-- +goose Down\nSELECT f();`, [true]],
  [
    "goose without a transaction",
    "goose",
    "a.sql",
    `-- +goose NO TRANSACTION\n-- +goose Up\n${create}${drop}`,
    [false, false],
  ],
  ["golang-migrate sends the file in one message", "golang-migrate", "1_a.up.sql", `${create}${drop}`, [true, true]],
  ["golang-migrate, a statement alone", "golang-migrate", "1_a.up.sql", create, [false]],
  ["Flyway runs CONCURRENTLY without a transaction", "flyway", "V1__a.sql", `${create}${create}`, [false, false]],
  ["Flyway opens one where a statement allows it", "flyway", "R__a.sql", `${create}${drop}`, [true, true]],
  ["Sqitch runs deploy scripts as they are", "sqitch", "deploy/a.sql", `BEGIN; ${drop} COMMIT;`, [false, true, true]],
];

test.each(run)("%s", (_name, format, path, sql, inTransaction) => {
  const analysis = analyze([[path, sql]], format);
  expect(analysis.statements.map((statement) => statement.inTransaction)).toEqual(inTransaction);
  expect(noted(analysis).filter((line) => line.startsWith("opaque"))).toEqual([]);
});

const refused: [name: string, format: MigrationFormat, path: string, sql: string, reason: string][] = [
  ["dbmate without its up marker", "dbmate", "a.sql", drop, "missing-section"],
  [
    "dbmate's marker in a string",
    "dbmate",
    "a.sql",
    `-- migrate:up\nSELECT '\n-- migrate:down\n'; ${drop}`,
    "missing-section",
  ],
  [
    "dbmate's marker in a dollar quote",
    "dbmate",
    "a.sql",
    `-- migrate:up\nSELECT $$\n-- migrate:down\n$$; ${drop}`,
    "missing-section",
  ],
  [
    "dbmate's marker in a block comment",
    "dbmate",
    "a.sql",
    `-- migrate:up\n/*\n-- migrate:down\n*/ ${drop}`,
    "missing-section",
  ],
  [
    "dbmate's sections the wrong way round",
    "dbmate",
    "a.sql",
    `-- migrate:down\nSELECT 1;\n-- migrate:up\n${drop}`,
    "missing-section",
  ],
  ["dbmate's up part twice", "dbmate", "a.sql", `-- migrate:up\nSELECT 1;\n-- migrate:up\n${drop}`, "missing-section"],
  ["SQL before dbmate's up part", "dbmate", "a.sql", `${drop}\n-- migrate:up\nSELECT 1;`, "missing-section"],
  [
    "carriage returns alone, which dbmate does not take for lines",
    "dbmate",
    "a.sql",
    `-- migrate:up\n-- migrate:down\r${drop}`,
    "unparseable",
  ],
  ["goose without its up marker", "goose", "a.sql", drop, "missing-section"],
  [
    "a line that goose leaves out and PostgreSQL does not",
    "goose",
    "a.sql",
    "-- +goose Up\nSELECT '\n-- ' || $$\n'; DROP INDEX idx_orders_lower; SELECT 1;\n-- $$;\n",
    "missing-section",
  ],
  [
    "goose's marker in a dollar quote",
    "goose",
    "a.sql",
    `-- +goose Up\n-- +goose StatementBegin\nSELECT $$\n-- +goose Down\n$$; ${drop}`,
    "missing-section",
  ],
  [
    "goose's marker in other letters",
    "goose",
    "a.sql",
    `-- +goose Up\nSELECT 1;\n-- +goose DOWN\n${drop}`,
    "missing-section",
  ],
  [
    "goose's marker with blanks before it",
    "goose",
    "a.sql",
    `-- +goose Up\nSELECT 1;\n  -- +goose Down\n${drop}`,
    "missing-section",
  ],
  [
    "goose's environment substitution",
    "goose",
    "a.sql",
    "-- +goose Up\n-- +goose ENVSUB ON\nSELECT '$\u007bX}';",
    "missing-section",
  ],
  ["golang-migrate without a direction", "golang-migrate", "a.sql", drop, "missing-section"],
  [
    "dbmate's marker with a blank of another kind",
    "dbmate",
    "a.sql",
    `-- migrate:up\nSELECT 1;\n--\u00a0migrate:down\n${drop}`,
    "missing-section",
  ],
  [
    "goose's marker with a byte order mark",
    "goose",
    "a.sql",
    `-- +goose Up\nSELECT 1;\n--\ufeff+goose Down\n${drop}`,
    "missing-section",
  ],
  ["a Flyway placeholder", "flyway", "V1__a.sql", "SELECT '$\u007bx}';", "dynamic-sql"],
  ["Sqitch outside its folders", "sqitch", "a.sql", drop, "missing-section"],
];

test.each(refused)("%s is opaque", (_name, format, path, sql, reason) => {
  expect(noted(analyze([[path, sql]], format))).toEqual([`opaque: ${reason}`]);
});

test("markers keep working with CR LF and a byte order mark", () => {
  const sql = `\ufeff-- migrate:up\r\n${drop}\r\n-- migrate:down\r\nSELECT f();\r\n`;
  expect(noted(analyze([["a.sql", sql]], "dbmate"))).toEqual(["drop idx_orders_lower of orders"]);
});

const down: [name: string, format: MigrationFormat, path: string, sql: string][] = [
  ["a dbmate down part", "dbmate", "a.sql", `-- migrate:up\nSELECT 1;\n-- migrate:down\n${drop}`],
  ["a goose down part", "goose", "a.sql", `-- +goose Up\nSELECT 1;\n-- +goose Down\n${drop}`],
  ["a golang-migrate down file", "golang-migrate", "1_a.down.sql", drop],
  ["a Flyway undo file", "flyway", "U1__a.sql", drop],
  ["a Sqitch revert script", "sqitch", "revert/a.sql", drop],
];

test.each(down)("%s counts in a rollback alone", (_name, format, path, sql) => {
  expect(noted(analyze([[path, sql]], format))).toEqual([]);
  expect(drops(analyze([[path, sql]], format, catalog, "rollback"))).toEqual(["drop idx_orders_lower of orders"]);
});

test("a rollback may lead up to a correction, so the up part counts too", () => {
  const sql = `-- migrate:up\n${drop}\n-- migrate:down\nCREATE INDEX CONCURRENTLY b ON orders (id);`;
  const analysis = analyze([["a.sql", sql]], "dbmate", catalog, "rollback");
  expect(noted(analysis)).toEqual(["create b of orders", "drop idx_orders_lower of orders"]);
  expect(analysis.statements.map(({ location }) => location.line)).toEqual([4, 2]);
});

test("dbmate's transaction of a down part is its own", () => {
  const sql = `-- migrate:up\nSELECT 1;\n-- migrate:down transaction:false\n${create}`;
  const analysis = analyze([["a.sql", sql]], "dbmate", catalog, "rollback");
  expect(analysis.statements.map(({ inTransaction }) => inTransaction)).toEqual([false, true]);
});
