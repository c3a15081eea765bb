import { Client, DatabaseError } from "pg";
import { PlangateError } from "../../src/core/errors.ts";
import { collectFrom, startCollected } from "./collector.ts";

/** One round: objects of every kind appear, change and go. */
function rounds(name: string): string[] {
  return [
    `CREATE TYPE mood_${name} AS ENUM ('calm');
     CREATE DOMAIN count_${name} AS int CHECK (VALUE > 0);
     CREATE FUNCTION one_${name}() RETURNS int LANGUAGE sql AS 'SELECT 1';
     CREATE TABLE table_${name} (id int PRIMARY KEY, a text DEFAULT 'x', b int CHECK (b > 0), c int GENERATED ALWAYS AS (b * 2) STORED);
     CREATE INDEX index_${name} ON table_${name} (lower(a)) WHERE b > 1;
     CREATE VIEW view_${name} AS SELECT a, count(*) FROM table_${name} GROUP BY a;
     CREATE STATISTICS statistics_${name} ON a, b FROM table_${name}`,
    `ALTER TABLE table_${name} ADD COLUMN d mood_${name}, ADD COLUMN e count_${name} DEFAULT one_${name}()`,
    `DROP TABLE table_${name} CASCADE; DROP FUNCTION one_${name}; DROP TYPE mood_${name}; DROP DOMAIN count_${name}`,
  ];
}

/** The two sessions' own DDL can deadlock; each text is one transaction, and the one that PostgreSQL ends is sent again. */
async function again(client: Client, sql: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    if (!(error instanceof DatabaseError && error.code === "40P01")) throw error;
    await again(client, sql);
  }
}

test.each([13, 18] as const)(
  "PostgreSQL %i: while tables come and go, a bundle is whole or the error says why",
  async (major) => {
    const server = await startCollected(major);
    let stopped = false;
    const churn = async (name: string) => {
      const client = new Client({ connectionString: server.url });
      await client.connect();
      while (!stopped) for (const sql of rounds(name)) await again(client, sql);
      await client.end();
    };
    const sessions = ["a", "b"].map(churn);
    const outcomes = [];
    for (let run = 0; run < 12; run++) {
      outcomes.push(await collectFrom(server, { user: "postgres" }).catch((error: unknown) => error));
    }
    stopped = true;
    await Promise.all(sessions);
    await server.cleanup();
    const errors = outcomes.filter((outcome) => outcome instanceof Error);
    expect(errors.filter((error) => !(error instanceof PlangateError && error.code === "changed-meanwhile"))).toEqual(
      [],
    );
    expect(errors.length).toBeLessThan(outcomes.length);
  },
);
