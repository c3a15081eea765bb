import { existsSync } from "node:fs";
import { type PostgresServer, query, startPostgres, startStandby, waitForReplay } from "./postgres-server.ts";

describe("a real server", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ major: 18, settings: { work_mem: "1MB" } });
  });
  afterAll(() => server.cleanup());

  const one = async (url: string, sql: string) => Object.values((await query(url, sql))[0] ?? {})[0];

  it("is of the major version asked for, with the settings asked for", async () => {
    expect(await one(server.url, "SHOW server_version")).toMatch(/^18\./);
    expect(await one(server.url, "SHOW work_mem")).toBe("1MB");
  });

  it("keeps committed rows through a kill -9, and recovers", async () => {
    await query(server.url, "CREATE TABLE kept AS SELECT 1 AS n");
    await server.kill9();
    await server.restart();
    expect(await one(server.url, "SELECT n FROM kept")).toBe(1);
  });

  it("gets a streaming standby that refuses to write", async () => {
    const standby = await startStandby(server);
    try {
      await query(server.url, "CREATE TABLE streamed AS SELECT 2 AS n");
      await waitForReplay(server, standby);
      expect(await one(standby.url, "SELECT n FROM streamed")).toBe(2);
      await expect(query(standby.url, "CREATE TABLE refused (n int)")).rejects.toMatchObject({ code: "25006" });
    } finally {
      await standby.cleanup();
    }
    expect(existsSync(standby.dataDir)).toBe(false);
  });
});
