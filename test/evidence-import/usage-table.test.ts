import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readUsageTable } from "../../src/core/evidence/import/usage-table.ts";

const capturedAt = new Date("2026-03-13T20:47:00Z");
const fixture = (name: string) => readFileSync(join(__dirname, "psql", name), "utf8");
const read = (text: string, options: { schema?: string; table?: string } = {}) =>
  readUsageTable(text, { file: "usage.txt", capturedAt, schema: options.schema ?? null, table: options.table ?? null });

const rowsAsPsqlPrintsThem = read(fixture("usage-aligned.txt"));

test("the aligned table, number by number", () => {
  expect(rowsAsPsqlPrintsThem.map((row) => [row.schema, row.table, row.index, row.scans, row.tuplesRead])).toEqual([
    ["public", "orders", "Weird Index|name", 1, 210],
    ["public", "orders", "idx_orders_pkey", 0, 0],
    ["public", "orders", "idx_orders_status", 1, 2000],
    ["public", "orders", "idx_orders_user_id", 0, 0],
    ["public", "orders", "idx_orders_user_id_ca", 1, 200],
    ["public", "orders", "orders_collate", 0, 0],
    ["public", "orders", "orders_created_desc", 0, 0],
    ["public", "orders", "orders_expr", 0, 0],
    ["public", "orders", "orders_no_overlap", 0, 0],
    ["public", "orders", "orders_note_key", 0, 0],
    ["public", "orders", "orders_ri", 0, 0],
  ]);
});

test.each([
  "usage-border0.txt",
  "usage-border2.txt",
  "usage-unicode.txt",
  "usage-unicode-double.txt",
  "usage-old-ascii.txt",
  "usage-titled.txt",
  "usage.csv",
  "usage-tabs.tsv",
  "usage-expanded.txt",
  "usage-expanded-unicode.txt",
  "usage-expanded-border2.txt",
])("%s says the same", (name) => {
  expect(read(fixture(name))).toEqual(rowsAsPsqlPrintsThem);
});

test("unaligned output says the same, as long as no name has a | in it", () => {
  expect(read(fixture("usage-unaligned.txt"))).toEqual(rowsAsPsqlPrintsThem.slice(1));
  expect(() => read(fixture("usage-unaligned-ambiguous.txt"))).toThrow(
    /usage\.txt:2: this row has 7 values, the header 6/,
  );
});

test("Windows line ends and a byte order mark make no difference", () => {
  const text = `\ufeff${fixture("usage-aligned.txt").replaceAll("\n", "\r\n")}`;
  expect(read(text)).toEqual(rowsAsPsqlPrintsThem);
});

test("the table of the incident, grouped digits, dates, never and all", () => {
  const rows = read(fixture("story-usage.txt"), { table: "orders" });
  expect(rows.map((row) => [row.index, row.scans, row.tuplesRead, row.lastScan?.toISOString() ?? null])).toEqual([
    ["idx_orders_user_id_ca", 47_213_884, 941_877_680, "2026-03-13T20:47:00.000Z"],
    ["idx_orders_user_id", 0, 0, null],
    ["idx_orders_status", 2_841_022, 56_820_440, "2026-03-13T20:47:00.000Z"],
    ["idx_orders_pkey", 8_104_991, 8_104_991, "2026-03-13T20:47:00.000Z"],
  ]);
  expect(new Set(rows.map((row) => `${row.schema}.${row.table}`))).toEqual(new Set(["public.orders"]));
});

test("the query that the incident's report recommends", () => {
  const rows = read(fixture("story-query.txt"), { table: "orders", schema: "shop" });
  expect(rows.find((row) => row.index === "idx_orders_status")).toMatchObject({
    schema: "shop",
    scans: 1,
    tuplesRead: 2000,
    tuplesFetched: 2000,
    sizeBytes: expect.any(Number),
  });
});

test("two results in one file are read one after the other", () => {
  const items =
    " schemaname | relname | indexrelname | idx_scan\n------------+---------+--------------+----------\n public     | items   | items_pkey   |        7\n(1 row)\n";
  expect(read(`${fixture("usage-aligned.txt")}\nTime: 2.134 ms\n${items}`)).toEqual([
    ...rowsAsPsqlPrintsThem,
    expect.objectContaining({ table: "items", index: "items_pkey", scans: 7 }),
  ]);
});

const usage = (rows: string) =>
  ` relname | indexrelname | idx_scan | last_idx_scan\n---------+--------------+----------+---------------\n${rows}`;

test.each([
  ["47213884", 47_213_884],
  ["47,213,884", 47_213_884],
  ["47.213.884", 47_213_884],
  ["47 213 884", 47_213_884],
  ["47\u202f213\u202f884", 47_213_884],
  ["47'213'884", 47_213_884],
  ["2,841", 2_841],
  ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ["0", 0],
])("%s scans are %d", (text, scans) => {
  expect(read(usage(` orders | idx | ${text} |`))[0]?.scans).toBe(scans);
});

test.each([
  ["2026-03-13 14:02:11.123456+00", "2026-03-13T14:02:11.123Z"],
  ["2026-03-13 10:02:11-04", "2026-03-13T14:02:11.000Z"],
  ["2026-03-13 19:32:11+05:30", "2026-03-13T14:02:11.000Z"],
  ["2026-03-13T14:02:11Z", "2026-03-13T14:02:11.000Z"],
  ["2026-03-10", "2026-03-10T23:59:59.000Z"],
  ["", null],
  ["never", null],
  ["(null)", null],
])("last used %j is %j", (text, instant) => {
  expect(read(usage(` orders | idx | 1 | ${text}`))[0]?.lastScan?.toISOString() ?? null).toBe(instant);
});

describe("what cannot be read with certainty is refused, with its line", () => {
  test.each([
    [
      "a fraction or a group",
      usage(" orders | idx | 2.841 |"),
      /usage\.txt:3: idx_scan: "2\.841" could be a fraction; write it as 2841/,
    ],
    ["a rounded number", usage(" orders | idx | 47M |"), /usage\.txt:3: idx_scan: "47M" is not a whole number/],
    ["a negative number", usage(" orders | idx | -1 |"), /idx_scan: "-1" is not a whole number/],
    ["groups of two", usage(" orders | idx | 4,72,13,884 |"), /is not a whole number/],
    ["mixed groups", usage(" orders | idx | 47,213.884 |"), /is not a whole number/],
    ["a number beyond 2^53", usage(" orders | idx | 9007199254740993 |"), /larger than 2\^53/],
    ["unknown scans", usage(" orders | idx | |"), /idx_scan: is empty; unknown is not 0/],
    ["no name", usage(" orders | | 3 |"), /indexrelname: is empty/],
    ["an index twice", usage(" orders | idx | 3 |\n orders | idx | 4 |"), /usage\.txt:4: idx stands in line 3 already/],
    ["a use after the capture", usage(" orders | idx | 3 | 2026-03-16"), /is after the capture/],
    ["a time without a zone", usage(" orders | idx | 3 | 2026-03-13 14:02:11"), /is not a time such as/],
    ["an impossible date", usage(" orders | idx | 3 | 2026-02-31 14:02:11+00:99"), /is not a time such as/],
    ["a missing row", usage(" orders | idx | 3 |\n(2 rows)\n"), /usage\.txt:4: psql counted 2 rows, but 1 are here/],
    ["a missing cell", usage(" orders | idx 3 |"), /usage\.txt:3: this row does not have the header's 4 columns/],
    ["rows after a gap", usage(" orders | idx | 3 |\n\n orders | idx2 | 4 |"), /usage\.txt:5: this looks like a row/],
    ["no rows", usage("(0 rows)\n"), /the table has no rows/],
    ["no table", "hello\n", /no table found/],
    ["nothing", "", /no table found/],
    ["only tuples", " public | orders | idx | 3\n", /unknown column "public"/],
    [
      "an unknown column",
      " relname | indexrelname | idx_scan | note\n---+---+---+---\n a | b | 1 | c\n",
      /usage\.txt:1: unknown column "note"; allowed are/,
    ],
    ["a prototype name", "indexrelname,relname,idx_scan,__proto__\na,b,1,c\n", /unknown column "__proto__"/],
    [
      "two names for one column",
      "indexrelname,relname,idx_scan,scans\na,b,1,2\n",
      /the columns "idx_scan" and "scans" mean the same/,
    ],
    ["no scans", "indexrelname,relname\na,b\n", /no column counts the scans/],
    ["no table column", "indexrelname,idx_scan\na,1\n", /no column names the table; add --table NAME/],
    [
      "unquoted groups in CSV",
      "indexrelname,relname,idx_scan\na,b,47,213,884\n",
      /usage\.txt:2: this row has 5 values, the header 3/,
    ],
    ["an open quote", 'indexrelname,relname,idx_scan\n"a,b,47\n', /a quoted value is not closed/],
    [
      "a record cut short",
      "-[ RECORD 1 ]---\nrelname | a\nindexrelname | b\nidx_scan | 1\n-[ RECORD 2 ]---\nrelname | a\n",
      /usage\.txt:5: this record does not have the columns of the first one/,
    ],
  ])("%s", (_, text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  test("every wrong row is named, not the first only", () => {
    expect(() => read(usage(" orders | a | x |\n orders | b | y |"))).toThrow(
      /usage\.txt:3: .*"x"[\s\S]*usage\.txt:4: .*"y"/,
    );
  });
});
