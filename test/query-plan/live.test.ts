/** Real servers print every case anew, so that the corpus cannot rot. See corpus.ts for how to rewrite it. */
import type { Client } from "pg";
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
});
