import { readFileSync } from "node:fs";
import { join } from "node:path";
import { catalogSchema } from "../../src/core/catalog/catalog.ts";
import { readIndexesFile } from "../../src/core/evidence/import/indexes-file.ts";
import { loadGrammar } from "../../src/core/sql/grammar.ts";

const fixture = (name: string) => readFileSync(join(__dirname, "psql", name), "utf8");
const read = (text: string, schema = "public") => readIndexesFile(text, "indexes.txt", schema);
const keyText = (key: { column?: string | null; expression?: string | null; order: string; nulls?: string | null }) =>
  `${key.column ?? key.expression}${key.order === "desc" ? " desc" : ""}${key.nulls ? ` nulls ${key.nulls}` : ""}`;

beforeAll(loadGrammar);

describe("\\d orders", () => {
  test("every index with its keys", () => {
    const { indexes } = read(fixture("describe-orders.txt"));
    expect(indexes.map((index) => [index.name, index.method, index.keys.map(keyText).join(", ")])).toEqual([
      ["idx_orders_pkey", "btree", "id"],
      ["Weird Index|name", "brin", "created_at"],
      ["idx_orders_status", "btree", "status"],
      ["idx_orders_user_id", "btree", "user_id"],
      ["idx_orders_user_id_ca", "btree", "user_id, status, created_at"],
      ["orders_collate", "btree", "note"],
      ["orders_created_desc", "btree", "created_at desc nulls last, id"],
      ["orders_expr", "btree", "lower(note), (status::text || '|'::text) || note, case when gone then 1 else 2 end"],
      ["orders_no_overlap", "gist", "during"],
      ["orders_note_key", "btree", "note"],
      ["orders_ri", "btree", "user_id, id"],
    ]);
  });

  test("what makes an index more than its keys", () => {
    const { indexes } = read(fixture("describe-orders.txt"));
    const named = (name: string) => indexes.find((index) => index.name === name);
    expect(named("idx_orders_pkey")).toMatchObject({ primary: true, unique: true, schema: "public", table: "orders" });
    expect(named("idx_orders_status")).toMatchObject({ clustered: true, valid: true });
    expect(named("idx_orders_user_id")).toMatchObject({ valid: false });
    expect(named("orders_collate")?.keys).toMatchObject([{ collation: "C", operatorClass: "text_pattern_ops" }]);
    expect(named("orders_created_desc")).toMatchObject({
      unique: true,
      nullsNotDistinct: true,
      include: ["total"],
      predicate: "status::text <> 'deleted'::text",
    });
    expect(named("orders_no_overlap")).toMatchObject({ exclusion: true, predicate: "not gone" });
    expect(named("orders_ri")).toMatchObject({ unique: true, replicaIdentity: true });
    expect(named("orders_note_key")).toMatchObject({ unique: true, primary: false });
    expect(named("idx_orders_user_id_ca")?.definition).toBe(
      'CREATE INDEX "idx_orders_user_id_ca" ON "public"."orders" USING btree (user_id, status, created_at)',
    );
  });

  test("constraints, those of other tables that refer to it included", () => {
    const { constraints } = read(fixture("describe-orders.txt"));
    expect(
      constraints?.map(({ schema, table, name, type, columns, index, references }) => ({
        owner: `${schema}.${table}`,
        name,
        type,
        columns,
        index,
        references,
      })),
    ).toEqual([
      {
        owner: "public.orders",
        name: "idx_orders_pkey",
        type: "primary-key",
        columns: ["id"],
        index: "idx_orders_pkey",
      },
      {
        owner: "public.orders",
        name: "orders_no_overlap",
        type: "exclusion",
        columns: ["during"],
        index: "orders_no_overlap",
      },
      { owner: "public.orders", name: "orders_note_key", type: "unique", columns: ["note"], index: "orders_note_key" },
      { owner: "public.orders", name: "orders_total_check", type: "check", columns: [] },
      {
        owner: "public.orders",
        name: "orders_user_id_fkey",
        type: "foreign-key",
        columns: ["user_id"],
        references: { schema: "public", table: "users", columns: ["id"] },
      },
      {
        owner: "public.order_items",
        name: "order_items_order_id_fkey",
        type: "foreign-key",
        columns: ["order_id"],
        references: { schema: "public", table: "orders", columns: ["id"] },
      },
      {
        owner: "sales.refunds",
        name: "refunds_order_id_fkey",
        type: "foreign-key",
        columns: ["order_id"],
        references: { schema: "public", table: "orders", columns: ["id"] },
      },
    ]);
  });

  test("columns and the table's own facts", () => {
    const [table] = read(fixture("describe-orders.txt")).tables;
    expect(table).toMatchObject({
      schema: "public",
      name: "orders",
      kind: "table",
      replicaIdentity: "index",
      published: true,
    });
    expect(table?.columns?.map(({ name, type, notNull }) => `${name} ${type}${notNull ? " not null" : ""}`)).toEqual([
      "id bigint not null",
      "user_id bigint not null",
      "status character varying(20) not null",
      "created_at timestamp with time zone not null",
      "total numeric(10,2)",
      "note text",
      "gone boolean",
      "during tstzrange",
      "upper_note text",
    ]);
    expect(table?.columns?.[0]).toMatchObject({ identity: "always", default: null });
    expect(table?.columns?.[3]).toMatchObject({ default: "now()", identity: null });
    expect(table?.columns?.[8]).toMatchObject({ generated: "stored" });
  });

  test.each(["describe-orders-plus.txt", "describe-orders-unicode.txt"])("%s says the same", (name) => {
    expect(read(fixture(name))).toEqual(read(fixture("describe-orders.txt")));
  });

  test("Windows line ends make no difference", () => {
    expect(read(fixture("describe-orders.txt").replaceAll("\n", "\r\n"))).toEqual(read(fixture("describe-orders.txt")));
  });

  test("what newer versions add does not disturb: named not-null constraints, virtual columns (PostgreSQL 18)", () => {
    const newer = fixture("describe-orders.txt")
      .replace("(upper(note)) stored", "(upper(note))       ")
      .replace("Publications:", 'Not-null constraints:\n    "orders_id_not_null" NOT NULL "id"\nPublications:');
    const { tables, ...rest } = read(newer);
    const { tables: _tables, ...before } = read(fixture("describe-orders.txt"));
    expect(rest).toEqual(before);
    expect(tables[0]?.columns?.[8]).toMatchObject({ generated: "virtual" });
  });

  test("what is read is a valid catalogue", () => {
    const { tables, indexes, constraints } = read(fixture("describe-orders.txt"));
    expect(catalogSchema.parse({ tables, indexes, constraints })).toMatchObject({ tables: [{ name: "orders" }] });
  });
});

test("partitioned tables and partitions", () => {
  const both = fixture("describe-partitions.txt")
    .split(/(?=^ +Partitioned table)/m)
    .slice(-1)
    .join("");
  const { tables, indexes } = read(both);
  expect(tables).toMatchObject([
    { name: "events", kind: "partitioned-table", partitionKey: "RANGE (at)" },
    {
      name: "events_2026",
      kind: "table",
      partitionOf: { schema: "public", name: "events" },
      partitionBound: expect.stringMatching(/^FOR VALUES FROM/),
    },
  ]);
  expect(indexes.map(({ name }) => name)).toEqual([
    "events_pkey",
    "events_kind",
    "events_2026_pkey",
    "events_2026_kind_idx",
  ]);
});

test("a table outside public refers to tables of the search path", () => {
  const { tables, constraints } = read(fixture("describe-sales.txt"));
  expect(tables[0]).toMatchObject({ schema: "sales", name: "refunds" });
  expect(constraints).toMatchObject([{ schema: "sales", table: "refunds", references: { table: "orders" } }]);
});

describe("rows of pg_indexes", () => {
  test.each(["pg-indexes.txt", "pg-indexes.csv", "pg-indexes-unicode.txt"])(
    "%s shows the indexes that \\d shows",
    (name) => {
      const shape = (file: string) =>
        new Map(
          read(fixture(file)).indexes.map((index) => [
            index.name,
            [
              index.schema,
              index.table,
              index.method,
              index.unique,
              index.keys.length,
              index.include,
              index.nullsNotDistinct,
            ],
          ]),
        );
      expect(shape(name)).toEqual(shape("describe-orders.txt"));
    },
  );

  test("expressions, a cell over several lines too", () => {
    const keys = (file: string) =>
      read(fixture(file))
        .indexes.find(({ name }) => name === "orders_expr")
        ?.keys.map(keyText);
    const expected = ["lower(note)", "((status)::text || '|'::text) || note", "case when gone then 1 else 2 end"];
    expect(keys("pg-indexes.txt")).toEqual(expected);
    expect(keys("pg-indexes.csv")).toEqual(expected);
    expect(keys("pg-indexes-unicode.txt")).toEqual(expected);
  });

  test("constraints are not known from them", () => {
    expect(read(fixture("pg-indexes.txt")).constraints).toBeNull();
  });
});

describe("CREATE INDEX statements", () => {
  test("with comments, quoted names and no schema", () => {
    const sql =
      '-- as drawn in the report\nCREATE INDEX a ON orders (user_id, status, created_at DESC);\ncreate unique index "B c" on "Odd ""t" using hash (lower(x));';
    expect(read(sql, "shop").indexes).toMatchObject([
      { schema: "shop", name: "a", table: "orders", method: "btree", unique: false },
      {
        schema: "shop",
        name: "B c",
        table: 'Odd "t',
        method: "hash",
        unique: true,
        keys: [{ expression: "lower(x)" }],
      },
    ]);
  });

  test("expressions without USING", () => {
    const sql =
      'CREATE INDEX a ON orders (lower(note) COLLATE "C" DESC, (a + b), pg_catalog.upper(note), c) WHERE a > (1)';
    const [index] = read(sql).indexes;
    expect(index?.keys.map(keyText)).toEqual(["lower(note) desc", "a + b", "pg_catalog.upper(note)", "c"]);
    expect(index?.predicate).toBe("a > (1)");
  });
});

describe("what cannot be read is refused, with its line", () => {
  const broken = fixture("describe-orders.txt").replace("btree (status)", "btree (status");
  test.each([
    [
      "prose",
      "There are four indexes.",
      /indexes\.txt:1: neither psql's \\d \(in English\), nor rows of pg_indexes, nor CREATE INDEX/,
    ],
    ["nothing", "\n", /no index found/],
    ["a NUL byte", "CREATE INDEX a ON b (c);\0", /a NUL byte/],
    [
      "other SQL",
      "CREATE INDEX a ON b (c);\nDROP INDEX a;",
      /indexes\.txt:2: not an index definition: only CREATE INDEX is read here/,
    ],
    ["an index without a name", "CREATE INDEX ON b (c);", /the index has no name/],
    ["a syntax error", "CREATE INDEX a ON b (c);\nCREATE INDEX b ON;", /indexes\.txt:2: .*syntax error/],
    [
      "\\d of an index",
      fixture("describe-index.txt"),
      /indexes\.txt:1: this describes a index; describe the table instead/,
    ],
    ["a broken \\d", broken, /indexes\.txt:16: the definition of idx_orders_status cannot be read: syntax error/],
    ["a name with dots", fixture("describe-sales.txt").replace("sales.refunds", "a.b.c"), /could be read in two ways/],
    [
      "\\d in German",
      fixture("describe-orders.txt").replace("Nullable", "NULL erlaubt?").replace("  Default ", "  Vorgabe "),
      /\\d prints a column "Nullable"; paste its output in English/,
    ],
    [
      "pg_indexes with a broken definition",
      "indexname,indexdef\na,CREATE INDEX a ON\n",
      /indexes\.txt:2: not an index definition: syntax error/,
    ],
  ])("%s", (_, text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});
