import { relationStatisticsSchema, type ValuesPolicy } from "../../src/core/evidence/statistics.ts";
import { type PostgresServer, query } from "../support/postgres-server.ts";
import { collectFrom, startCollected } from "./collector.ts";

/** Values of users that must not leave the server; "canary" is in each of them. */
const people = `
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE DOMAIN cents AS bigint;
CREATE TABLE people (
  id bigint PRIMARY KEY,
  email text,
  city text,
  feeling mood,
  balance cents,
  born date,
  tags text[],
  stay daterange,
  letters int4range
);
INSERT INTO people SELECT n, 'canary' || n % 5000 || '@example.com', 'city ' || n % 7, (ARRAY['calm', 'cross'])[1 + n % 2]::mood, n * 3,
  date '1970-01-01' + n % 9000, ARRAY['canary tag ' || n % 300, 'other'], daterange(date '2026-01-01' + n % 100, date '2026-06-01' + n % 50),
  int4range(n, n + 10)
FROM generate_series(1, 10000) AS n;
CREATE INDEX people_lower_email ON people (lower(email));
CREATE TABLE staff AS SELECT 'canary of staff ' || n % 30 AS name, n % 3 AS floor FROM generate_series(1, 40) AS n;
CREATE TABLE visits (at date, person bigint) PARTITION BY RANGE (at);
CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO visits SELECT date '2026-01-01' + n % 300, n FROM generate_series(1, 3000) AS n;
CREATE EXTENSION pageinspect;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO plangate_collector;
`;

describe.each([13, 18] as const)("PostgreSQL %i", (major) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startCollected(major);
    await query(server.url, people);
    await query(server.url, "VACUUM ANALYZE");
  });
  afterAll(() => server.cleanup());

  const statistics = async (values: ValuesPolicy, user?: string) =>
    (await collectFrom(server, { values, user })).statistics;
  const columnsOf = async (values: ValuesPolicy) => {
    const columns = (await statistics(values))?.columns ?? [];
    return new Map(columns.map((row) => [`${row.relation}.${row.column}${row.inherited ? " inherited" : ""}`, row]));
  };

  it("gives common values of columns with few values, and histograms of numbers and times, and says so", async () => {
    expect((await statistics("low-cardinality"))?.values).toBe("low-cardinality");
    const columns = await columnsOf("low-cardinality");
    expect(columns.get("people.city")?.mostCommonVals).toMatch(/^\{"city \d",/);
    expect(columns.get("people.city")?.mostCommonFreqs).toHaveLength(7);
    expect(columns.get("people.feeling")?.mostCommonVals).toMatch(/^\{(calm,cross|cross,calm)\}$/);
    expect(columns.get("people.balance")?.histogramBounds).toMatch(/^\{3,300,/);
    expect(columns.get("people.born")?.histogramBounds).toMatch(/^\{1970-01-0/);
    expect(columns.get("people.email")).toMatchObject({ nullFrac: 0, avgWidth: expect.any(Number) });
    expect(columns.get("staff.floor")?.mostCommonVals).toMatch(/^\{/);
  });

  it("gives no value of columns with many values, of arrays, or of small tables of people", async () => {
    const { statistics: section, statements } = await collectFrom(server);
    expect(JSON.stringify([section, statements])).not.toContain("canary");
    const columns = await columnsOf("low-cardinality");
    expect(columns.get("people.tags")).toMatchObject({ mostCommonElemFreqs: expect.any(Array) });
    expect(columns.get("people.tags")?.mostCommonElems).toBeUndefined();
  });

  it("gives frequencies only with none", async () => {
    const columns = await columnsOf("none");
    expect(JSON.stringify([...columns.values()])).not.toMatch(/canary|city \d|calm/);
    expect(columns.get("people.city")).toMatchObject({ nDistinct: 7, mostCommonFreqs: expect.any(Array) });
    const rows = [...columns.values()];
    expect(rows.filter((row) => row.mostCommonVals ?? row.histogramBounds ?? row.mostCommonElems)).toEqual([]);
    expect(rows.filter((row) => row.rangeBoundsHistogram ?? row.rangeLengthHistogram)).toEqual([]);
  });

  it("gives everything with all", async () => {
    const columns = await columnsOf("all");
    expect(columns.get("people.email")?.histogramBounds).toContain("canary");
    expect(columns.get("people.tags")?.mostCommonElems).toContain("canary tag");
  });

  it("gives histograms of ranges from PostgreSQL 17 on", async () => {
    const stay = (await columnsOf("low-cardinality")).get("people.stay");
    if (major < 17) expect(stay?.rangeBoundsHistogram).toBeUndefined();
    else {
      expect(stay).toMatchObject({ rangeEmptyFrac: 0 });
      expect(stay?.rangeBoundsHistogram).toMatch(/^\{"\[2026-01-0/);
      expect(stay?.rangeLengthHistogram).toMatch(/^\{1/);
    }
  });

  it("has partitions, their parents, and the parents' whole trees", async () => {
    const names = [...(await columnsOf("none")).keys()].filter((name) => name.startsWith("visits"));
    expect(names.sort()).toEqual([
      "visits.at inherited",
      "visits.person inherited",
      "visits_2026.at",
      "visits_2026.person",
    ]);
  });

  it("has sizes as pg_class and the files have them", async () => {
    const relations = (await statistics("none"))?.relations ?? [];
    const [row] = await query(
      server.url,
      `SELECT relpages, reltuples, relallvisible, pg_relation_size('people')::int / 8192 AS blocks FROM pg_class WHERE relname = 'people'`,
    );
    expect(relations.find(({ name }) => name === "people")).toEqual({
      schema: "public",
      name: "people",
      kind: "table",
      ...row,
    });
    expect(relations.find(({ name }) => name === "people_pkey")).toMatchObject({
      kind: "index",
      table: "people",
      reltuples: 10000,
    });
  });

  it("has the height of B-trees where a superuser asks", async () => {
    const pkey = async (user: string) => {
      const relations = (await statistics("none", user))?.relations;
      return relationStatisticsSchema.parse(relations?.find(({ name }) => name === "people_pkey"));
    };
    expect(await pkey("postgres")).toMatchObject({ height: 1 });
    expect(await pkey("plangate_collector")).not.toHaveProperty("height");
  });

  it("has statistics of indexed expressions, or says that they are hidden", async () => {
    const own = (await collectFrom(server, { user: "postgres" })).statistics;
    expect(own?.columns?.find(({ relation }) => relation === "people_lower_email")).toMatchObject({
      column: "lower",
      attnum: 1,
    });
    expect(own?.hidden).toEqual([]);
    const { statistics: collected, notes } = await collectFrom(server);
    const found = collected?.columns?.some(({ relation }) => relation === "people_lower_email");
    if (major === 13) {
      expect(found).toBe(false);
      expect(collected?.hidden).toEqual([{ schema: "public", name: "people_lower_email" }]);
      expect(notes?.join()).toContain("the expressions of public.people_lower_email; in PostgreSQL 13 only the owner");
    } else expect(found).toBe(true);
  });

  it("says where row security hides statistics", async () => {
    await query(server.url, "ALTER TABLE visits_2026 ENABLE ROW LEVEL SECURITY");
    const { statistics: section, notes } = await collectFrom(server);
    expect(section?.hidden).toContainEqual({ schema: "public", name: "visits_2026" });
    expect(notes).toContainEqual(
      expect.stringContaining("row security hides the column statistics of public.visits_2026"),
    );
    await query(server.url, "ALTER TABLE visits_2026 DISABLE ROW LEVEL SECURITY");
  });
});
