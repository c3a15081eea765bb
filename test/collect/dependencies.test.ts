import { Client } from "pg";
import type { EvidenceBundle } from "../../src/core/evidence/bundle.ts";
import { type PostgresServer, query } from "../support/postgres-server.ts";
import { collectFrom, runFile, startCollected } from "./collector.ts";

type Dependencies = NonNullable<NonNullable<EvidenceBundle["catalog"]>["indexDependencies"]>;

/** Every object of the user's that can be dropped by itself, with the kind that dependencies call it. */
const droppable = `
SELECT CASE typtype WHEN 'd' THEN 'domain' ELSE 'type' END AS kind, nspname AS schema, typname AS name,
  format('%s %I.%I', CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, nspname, typname) AS object
FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = typnamespace LEFT JOIN pg_class AS c ON c.oid = typrelid
WHERE nspname IN ('far', 'shop') AND typtype IN ('e', 'd', 'c', 'r') AND (typrelid = 0 OR c.relkind = 'c')
  AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = t.oid AND deptype = 'e')
UNION ALL
SELECT 'function', nspname, proname, format('FUNCTION %s', p.oid::regprocedure)
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace JOIN pg_language AS l ON l.oid = prolang
WHERE nspname IN ('far', 'shop') AND lanname = 'sql'
UNION ALL
SELECT 'operator', nspname, oprname, format('OPERATOR %I.%s (integer, integer)', nspname, oprname)
FROM pg_operator JOIN pg_namespace AS n ON n.oid = oprnamespace WHERE nspname = 'far'
UNION ALL
SELECT 'collation', nspname, collname, format('COLLATION %I.%I', nspname, collname)
FROM pg_collation JOIN pg_namespace AS n ON n.oid = collnamespace WHERE nspname = 'shop'
UNION ALL
SELECT 'extension', NULL, extname, format('EXTENSION %I', extname) FROM pg_extension
UNION ALL
SELECT 'schema', NULL, nspname, format('SCHEMA %I', nspname) FROM pg_namespace WHERE nspname IN ('far', 'shop')
`;

interface Droppable {
  kind: string;
  schema: string | null;
  name: string;
  object: string;
}

describe.each([13, 15, 18] as const)("PostgreSQL %i", (major) => {
  let server: PostgresServer;
  let dependencies: Dependencies;
  let objects: Droppable[];

  beforeAll(async () => {
    server = await startCollected(major);
    for (const file of ["schema.sql", "dependencies.sql"]) await runFile(server, file);
    dependencies = (await collectFrom(server, { user: "postgres" })).catalog?.indexDependencies ?? [];
    // The columns are those of the interface.
    objects = (await query(server.url, droppable)) as unknown as Droppable[];
  });
  afterAll(() => server.cleanup());

  it("the indexes that the evidence ties to an object are those that DROP … CASCADE really takes, outside its own schema", async () => {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    const indexes = async () => {
      const { rows } = await client.query(
        "SELECT nspname, relname FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace WHERE relkind IN ('i', 'I') AND nspname !~ '^pg_'",
      );
      return new Set(rows.map(({ nspname, relname }) => `${nspname}.${relname}`));
    };
    const before = await indexes();
    const real: Record<string, string[]> = {};
    const told: Record<string, string[]> = {};
    for (const { kind, schema, name, object } of objects) {
      await client.query("BEGIN");
      await client.query(`DROP ${object} CASCADE`);
      const after = await indexes();
      await client.query("ROLLBACK");
      const inside = (index: string) => kind === "schema" && index.startsWith(`${name}.`);
      real[object] = [...before].filter((index) => !after.has(index) && !inside(index)).sort();
      told[object] = dependencies
        .filter(({ on }) => on.kind === kind && on.name === name && (on.schema ?? null) === schema)
        .map(({ index }) => `${index.schema}.${index.name}`)
        .sort();
    }
    await client.end();
    expect(told).toEqual(real);
    expect(Object.values(real).filter((list) => list.length > 0).length).toBeGreaterThan(10);
    expect(real["FUNCTION far.in_default()"]).toEqual([]);
    expect(real["FUNCTION far.kept(integer)"]).toEqual(["public.second_n"]);
  });
});
