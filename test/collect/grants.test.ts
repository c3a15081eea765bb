import { PlangateError } from "../../src/core/errors.ts";
import { type PostgresServer, query } from "../support/postgres-server.ts";
import { collectFrom, runFile, startCollected, urlOf } from "./collector.ts";

async function failure(work: Promise<unknown>): Promise<PlangateError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof PlangateError) return error;
  throw new Error("It did not fail as expected", { cause: error });
}

describe.each([13, 15, 18] as const)("PostgreSQL %i", (major) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startCollected(major);
    await query(
      server.url,
      "CREATE SCHEMA sales; CREATE TABLE sales.orders (id int); CREATE TABLE public.users (id int)",
    );
    await runFile(server, "../../sql/collector-role.sql");
  });
  afterAll(() => server.cleanup());

  it("works with the role of sql/collector-role.sql, which may be run again", async () => {
    expect((await collectFrom(server)).notes).toBeUndefined();
  });

  it("that role can change nothing", async () => {
    const writing = `${urlOf(server)}?options=${encodeURIComponent("-c default_transaction_read_only=off")}`;
    const attempt = query(writing, "INSERT INTO sales.orders VALUES (1)");
    await expect(attempt).rejects.toMatchObject({ code: "42501" });
  });

  it("names every missing grant, and works once they are given", async () => {
    await query(server.url, 'CREATE ROLE "no-body" LOGIN');
    const { code, message } = await failure(collectFrom(server, { user: "no-body" }));
    expect(code).toBe("missing-grant");
    expect(message).toBe(
      `node (127.0.0.1:${server.port}/postgres): the role no-body may not read the server's statistics, public.users and 1 more table; ` +
        'grant what it lacks: GRANT pg_monitor TO "no-body"; GRANT SELECT ON "public"."users", "sales"."orders" TO "no-body";',
    );
    await query(server.url, message.slice(message.indexOf("GRANT")));
    expect((await collectFrom(server, { user: "no-body" })).server.standbys).toBe(0);
  });

  it("does not list hundreds of tables", async () => {
    await query(server.url, "CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor");
    await query(server.url, "CREATE TABLE sales.a (); CREATE TABLE sales.b (); CREATE TABLE sales.c ()");
    const { message } = await failure(collectFrom(server, { user: "monitor" }));
    const grants = message.slice(message.indexOf("GRANT"));
    expect(grants).toBe(
      major === 13
        ? 'GRANT SELECT ON ALL TABLES IN SCHEMA "public", "sales" TO "monitor";'
        : 'GRANT pg_read_all_data TO "monitor";',
    );
    await query(server.url, grants);
    expect((await collectFrom(server, { user: "monitor" })).statistics?.relations).toHaveLength(5);
  });

  it("names the function that somebody revoked", async () => {
    await query(server.url, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
    await query(server.url, "GRANT SELECT ON ALL TABLES IN SCHEMA sales TO plangate_collector");
    const { message } = await failure(collectFrom(server));
    expect(message).toContain(
      "the role lacks a privilege: permission denied for function pg_control_system (SQLSTATE 42501)",
    );
    await query(server.url, "GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC");
  });
});
