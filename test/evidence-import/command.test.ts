import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evidenceBundleSchema } from "../../src/core/evidence/bundle.ts";
import { migrationsDigest } from "../../src/core/request.ts";
import { cli } from "../cli/run.ts";

const incident = join(__dirname, "../../examples/incident");
const migration = "migrations/20260314_cleanup_redundant_indexes.sql";
const server = [
  "evidence",
  "import",
  "--server",
  "orders-primary",
  "--role",
  "primary",
  "--captured-at",
  "2026-03-13T20:40:00Z",
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plangate-import-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("what the incident's people had at hand becomes one bundle", async () => {
  const { code, stdout, stderr } = await cli(
    [
      ...server,
      ...["--system-identifier", "7412", "--database", "orders", "--standbys", "1"],
      ...["--window-start", "2026-02-11T00:00:00Z", "--usage", "index-usage.txt", "--table", "orders"],
      ...["--indexes", "indexes.sql", "--rows", "orders=2,300,000"],
      ...["--query", "query.sql", "--before", "before.txt", "--after", "after.txt", "--migration", migration],
      ...["--note", "The before plan is reconstructed."],
    ],
    { cwd: incident },
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const bundle = evidenceBundleSchema.parse(JSON.parse(stdout));
  expect(bundle.server).toEqual({
    name: "orders-primary",
    role: "primary",
    systemIdentifier: "7412",
    database: "orders",
    standbys: 1,
  });
  expect(bundle.indexUsage?.rows.map(({ index, scans }) => [index, scans])).toContainEqual([
    "idx_orders_user_id_ca",
    47_213_884,
  ]);
  expect(bundle.catalog?.indexes?.map(({ name, keys }) => [name, keys.map(({ column }) => column)])).toEqual([
    ["idx_orders_pkey", ["id"]],
    ["idx_orders_user_id", ["user_id"]],
    ["idx_orders_user_id_ca", ["user_id", "status", "created_at"]],
    ["idx_orders_status", ["status"]],
  ]);
  expect(bundle.catalog?.constraints).toBeUndefined();
  expect(bundle.catalog?.tables).toMatchObject([{ name: "orders", rows: 2_300_000 }]);
  const sql = readFileSync(join(incident, migration), "utf8");
  expect(bundle.plans).toMatchObject([
    {
      phase: "before",
      method: "explain-analyze",
      note: "The before plan is reconstructed.",
      query: expect.stringMatching(/^SELECT \*\nFROM orders[\s\S]*LIMIT 20;$/),
    },
    {
      phase: "after",
      method: "explain-analyze",
      migrationsDigest: migrationsDigest({ migrations: [{ path: "any", sql }] }),
    },
  ]);
});

test("--out writes the file whole and says what is in it", async () => {
  const out = join(folder, "bundle.json");
  const { code, stdout, stderr } = await cli([...server, "--indexes", "indexes.sql", "--out", out], { cwd: incident });
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: "",
    stderr: `plangate: wrote ${out}: 0 index usage rows, 4 index definitions, 0 query plans\n`,
  });
  expect(evidenceBundleSchema.parse(JSON.parse(readFileSync(out, "utf8"))).version).toBe(1);
  expect(readdirSync(folder)).toEqual(["bundle.json"]);
});

test("a mistake anywhere leaves the old file as it was", async () => {
  const out = join(folder, "bundle.json");
  writeFileSync(out, "old");
  writeFileSync(
    join(folder, "usage.txt"),
    readFileSync(join(incident, "index-usage.txt"), "utf8").replace("47,213,884", "47M       "),
  );
  const { code, stderr } = await cli([...server, "--usage", "usage.txt", "--table", "orders", "--out", out], {
    cwd: folder,
  });
  expect(code).toBe(1);
  expect(stderr).toBe(
    'plangate: Nothing was imported: usage.txt:3: idx_scan: "47M" is not a whole number such as 47213884 or 47,213,884\n',
  );
  expect(readFileSync(out, "utf8")).toBe("old");
  expect(readdirSync(folder).sort()).toEqual(["bundle.json", "usage.txt"]);
});

test("counters without a known beginning are imported with a warning", async () => {
  const { code, stderr } = await cli([...server, "--usage", "index-usage.txt", "--table", "orders"], { cwd: incident });
  expect(code).toBe(0);
  expect(stderr).toMatch(/without --window-start nobody knows how long these counters have counted/);
});

test("PowerShell's UTF-16 files are read", async () => {
  const text = readFileSync(join(incident, "index-usage.txt"), "utf8").replaceAll("\n", "\r\n");
  writeFileSync(join(folder, "usage.txt"), Buffer.from(`\ufeff${text}`, "utf16le"));
  const { code, stdout } = await cli([...server, "--usage", "usage.txt", "--table", "orders"], { cwd: folder });
  expect(code).toBe(0);
  expect(JSON.parse(stdout).indexUsage.rows).toHaveLength(4);
});

describe("refused, with exit code 1 and nothing on stdout", () => {
  const plans = ["--query", "query.sql", "--before", "before.txt"];
  test.each([
    ["nothing to import", [], /nothing to import; give --usage/],
    ["after plans without a migration", [...plans, "--after", "after.txt"], /--after needs --migration/],
    ["fewer plans than queries", [...plans, "--query", "query.sql"], /1 --before for 2 --query/],
    ["a query without plans", ["--query", "query.sql"], /--query needs its plans/],
    [
      "a window that starts after the capture",
      ["--indexes", "indexes.sql", "--window-start", "2026-03-14T00:00:00Z"],
      /--window-start is after --captured-at/,
    ],
    ["a missing file", ["--usage", "nowhere.txt"], /nowhere\.txt: there is no such file/],
    ["a directory", ["--usage", "migrations"], /migrations: is a directory/],
    [
      "an EXPLAIN text as query",
      ["--query", "before.txt", "--before", "before.txt"],
      /before\.txt: is not SQL that can be read/,
    ],
    [
      "a query as EXPLAIN text",
      ["--query", "query.sql", "--before", "query.sql"],
      /Nothing was imported: query\.sql: /,
    ],
    [
      "a table twice",
      ["--rows", "orders=1", "--rows", "public.orders=2"],
      /public\.orders is described more than once/,
    ],
    [
      "an index twice",
      ["--indexes", "indexes.sql", "--indexes", "indexes.sql"],
      /public\.idx_orders_pkey is described more than once/,
    ],
    ["a wrong number of rows", ["--rows", "orders=many"], /expected TABLE=N such as orders=2300000/],
    ["a wrong moment", ["--captured-at", "yesterday"], /an instant is an RFC 3339 date-time/],
    ["a wrong role", ["--role", "standby"], /Allowed choices are primary, replica/],
    ["a wrong option", ["--usages", "index-usage.txt"], /unknown option '--usages'\n\(Did you mean --usage\?\)/],
  ])("%s", async (_, args, message) => {
    const { code, stdout, stderr } = await cli([...server, ...args], { cwd: incident });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
  });

  test("a file that tries to take over the terminal is quoted harmlessly", async () => {
    writeFileSync(join(folder, "usage.csv"), "relname,indexrelname,idx_scan\na,b,\u001b[2J7\n");
    const { stderr } = await cli([...server, "--usage", "usage.csv"], { cwd: folder });
    expect(stderr).toContain('usage.csv:2: idx_scan: "\\u{1b}[2J7" is not a whole number');
  });

  test("no server named", async () => {
    const { code, stderr } = await cli(["evidence", "import", "--indexes", "indexes.sql"], { cwd: incident });
    expect(code).toBe(1);
    expect(stderr).toMatch(/required option '--server <NAME>' not specified/);
  });
});
