/** Real servers print every case anew, so that the corpus cannot rot. See corpus.ts for how to rewrite it. */
import type { Client } from "pg";
import { comparePlans, describeFlip } from "../../src/core/query-plan/compare.ts";
import { parseQueryPlan } from "../../src/core/query-plan/parse.ts";
import { nodesOf } from "../../src/core/query-plan/query-plan.ts";
import type { PostgresServer } from "../support/postgres-server.ts";
import { cases } from "./cases.ts";
import { explainCase, majors, startWithTables, withoutTimes, writeCorpus } from "./corpus.ts";

const rewrite = process.env.UPDATE_QUERY_PLAN_CORPUS === "1";

describe.each(majors)("PostgreSQL %i", (major) => {
  let server: PostgresServer;
  let client: Client;
  beforeAll(async () => {
    ({ server, client } = await startWithTables(major));
  });
  afterAll(async () => {
    await client?.end();
    await server?.cleanup();
  });

  it.each(cases.filter(({ since = 13 }) => since <= major).map((entry) => [entry.name, entry] as const))(
    "%s: text and JSON are one plan",
    async (name, entry) => {
      const printed = await explainCase(client, entry);
      if (rewrite) writeCorpus(major, name, printed);
      expect(withoutTimes(parseQueryPlan(printed.text))).toEqual(withoutTimes(parseQueryPlan(printed.json)));
    },
  );

  it("named-tuplestore-scan: a trigger reads its transition table", async () => {
    await client.query("INSERT INTO tiny VALUES (11, 'eleven')");
    const { rows } = await client.query(
      "SELECT format, string_agg(line, E'\\n' ORDER BY n) AS lines FROM seen_by_trigger GROUP BY format",
    );
    const lines = (format: string) => `${rows.find((row) => row.format === format).lines}\n`;
    const printed = { text: lines("text"), json: lines("json") };
    if (rewrite) writeCorpus(major, "named-tuplestore-scan", printed);
    const plan = parseQueryPlan(printed.text);
    expect(plan).toEqual(parseQueryPlan(printed.json));
    expect([...nodesOf(plan.root)].map(({ nodeType }) => nodeType)).toContain("Named Tuplestore Scan");
  });

  describe("what a dropped index does to a plan", () => {
    const byUser = "SELECT * FROM orders WHERE user_id = 42 AND status = 'paid' ORDER BY created_at DESC LIMIT 20";
    const lastOnes = "SELECT * FROM orders ORDER BY created_at DESC LIMIT 20";
    const counted = "SELECT count(*) FROM orders a JOIN orders b ON b.user_id = a.user_id WHERE a.id = 7";
    const byEvent = "SELECT * FROM events WHERE id = 77";
    const composite = "orders_user_id_status_created_at";
    it.each([
      [
        "the only one for this query",
        byUser,
        composite,
        [`orders: Index Scan Backward using ${composite} → Seq Scan over 60,000 rows`],
      ],
      [
        "the one that gives the order",
        lastOnes,
        "orders_created_at",
        ["orders: Index Scan Backward using orders_created_at → Seq Scan over 60,000 rows"],
      ],
      [
        "one side of a self-join",
        counted,
        composite,
        [`orders as b: Index Only Scan using ${composite} → Seq Scan over 60,000 rows`],
      ],
      [
        "the index of all partitions",
        byEvent,
        "events_id",
        [
          expect.stringMatching(
            /^events \(partitions events_2026_01, .*\): Index Scan using events_2026_01_id_idx, .* → Seq Scan over 30,000 rows$/,
          ),
        ],
      ],
      ["one that this query does not use", byUser, "orders_total", []],
    ])("%s", async (_name, sql, index, expected) => {
      await client.query("BEGIN; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL enable_bitmapscan = off");
      try {
        const before = await explain(sql);
        await client.query(`DROP INDEX ${index}`);
        const after = await explain(sql);
        const tableRows = ({ name }: { name: string }) =>
          name === "orders" ? 60_000 : name.startsWith("events_") ? 10_000 : null;
        const comparison = comparePlans(before, after, { maxCostRatio: 2, smallTableRows: 1000, tableRows });
        expect(comparison.flips.map(describeFlip)).toEqual(expected);
        expect(comparison).toMatchObject({ comparable: true, costExceeded: expected.length > 0 });
      } finally {
        await client.query("ROLLBACK");
      }
    });

    async function explain(sql: string) {
      const { rows } = await client.query(`EXPLAIN (FORMAT JSON) ${sql}`);
      return parseQueryPlan(rows[0]["QUERY PLAN"]);
    }
  });
});
