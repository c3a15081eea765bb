import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Decision } from "../../src/core/decision.ts";
import { buildProgram, cleanup, type GateProcess, newFolder, serve } from "../serve/gate-process.ts";
import { query, startPostgres } from "../support/postgres-server.ts";
import { type People, people } from "./people.ts";

const request = {
  service: "orders",
  environment: "production",
  commit: "b77e01d",
  requestedBy: "dev@example.com",
  migrations: [{ path: "a.sql", sql: "CREATE TABLE a (id bigint PRIMARY KEY);" }],
};

beforeAll(buildProgram);
afterEach(cleanup);

/** A folder with plangate.yaml and the keys of one DBA. */
function newWorld(databaseUrl: string | null): { config: string; dba: People } {
  const folder = newFolder();
  const dba = people(folder, ["human-review"], "dba");
  const config = join(folder, "plangate.yaml");
  writeFileSync(config, dba.yaml);
  appendFileSync(config, `policies: { directory: ${JSON.stringify(join(__dirname, "policies"))} }\n`);
  if (databaseUrl !== null) appendFileSync(config, `database: { url: ${JSON.stringify(databaseUrl)} }\n`);
  return { config, dba };
}

async function send(url: string, overrides: string[]): Promise<Decision> {
  const response = await fetch(`${url}/v1/decisions?mode=json`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...request, overrides }),
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  // The gate's own documented answer.
  return (await response.json()) as Decision;
}

function expectOneHonoured(decisions: readonly Decision[], jti: string): void {
  const [honoured, ...others] = decisions.filter(({ allowed }) => allowed);
  expect(others).toEqual([]);
  expect(honoured).toMatchObject({ withoutOverrides: "rejected", overrides: [{ jti, consumed: true }] });
  const refused = decisions.filter(({ allowed }) => !allowed);
  expect(refused).toHaveLength(decisions.length - 1);
  for (const { warnings, overrides } of refused) {
    expect(overrides).toEqual([]);
    expect(warnings).toEqual([
      `The override does not count: ${jti} was used up by the decision ${honoured?.id}, and an override counts once.`,
    ]);
  }
}

describe("100 parallel uses of one override token", () => {
  const jti = "ovr_once";

  it("over two gates on one PostgreSQL: one is honoured, every other one says why not", async () => {
    const database = await startPostgres({ major: 18 });
    try {
      const { config, dba } = newWorld(database.url);
      const urls = await Promise.all([1, 2].map(() => serve(["--config", config]).url()));
      const token = dba.override("dba", request, { jti });
      const decisions = await Promise.all(
        Array.from({ length: 100 }, (_, index) => send(urls[index % 2] ?? "", [token])),
      );
      expectOneHonoured(decisions, jti);
      const stored = await query(
        database.url,
        "SELECT jti, decision_id, subject, kid FROM plangate.consumed_overrides",
      );
      const honoured = decisions.find(({ allowed }) => allowed);
      expect(stored).toEqual([{ jti, decision_id: honoured?.id, subject: "dba@example.com", kid: "dba-2026" }]);
    } finally {
      await database.cleanup();
    }
  });

  it("while one of two gates is killed with -9: still one, and none after it", async () => {
    const database = await startPostgres({ major: 18 });
    try {
      const { config, dba } = newWorld(database.url);
      const gates: GateProcess[] = [1, 2].map(() => serve(["--config", config]));
      const [doomed = "", survivor = ""] = await Promise.all(gates.map((gate) => gate.url()));
      const token = dba.override("dba", request, { jti });
      let answered = 0;
      const kill = (decision: Decision) => {
        answered += 1;
        if (answered === 10) gates[0]?.signal("SIGKILL");
        return decision;
      };
      const attempts = Array.from({ length: 100 }, (_, index) =>
        send(index % 2 === 0 ? doomed : survivor, [token]).then(kill),
      );
      await Promise.allSettled(attempts);
      const after = await send(survivor, [token]);
      const approved = await query(database.url, "SELECT id FROM plangate.decisions WHERE decision = 'approved'");
      const consumed = await query(database.url, "SELECT decision_id AS id FROM plangate.consumed_overrides");
      expect(approved).toHaveLength(1);
      expect(consumed).toEqual(approved);
      expect(after).toMatchObject({
        allowed: false,
        warnings: [expect.stringContaining("was used up by the decision")],
      });
    } finally {
      await database.cleanup();
    }
  });

  it("on the embedded database of one gate", async () => {
    const { config, dba } = newWorld(null);
    const gate = serve(["--config", config]);
    const url = await gate.url();
    const token = dba.override("dba", request, { jti });
    const decisions = await Promise.all(Array.from({ length: 100 }, () => send(url, [token])));
    expectOneHonoured(decisions, jti);
    gate.signal("SIGTERM");
    await gate.ended();
    const again = await send(await serve(["--config", config]).url(), [token]);
    expect(again).toMatchObject({ allowed: false, warnings: [expect.stringContaining("was used up by the decision")] });
  });

  it.each([0, 1, 10])(
    "on the embedded database of one gate that is killed with -9 after %i answers: one in total",
    async (answers) => {
      const { config, dba } = newWorld(null);
      const first = serve(["--config", config]);
      const url = await first.url();
      const token = dba.override("dba", request, { jti });
      const heard: Decision[] = [];
      const attempts = Array.from({ length: 100 }, async () => {
        heard.push(await send(url, [token]));
        if (heard.length >= answers) first.signal("SIGKILL");
      });
      // The gate has taken the requests when it answers another one.
      await fetch(`${url}/healthz`).catch(() => undefined);
      if (answers === 0) first.signal("SIGKILL");
      await Promise.allSettled(attempts);
      await first.ended();
      expect(heard.length).toBeLessThan(100);

      const again = await serve(["--config", config]).url();
      const later = await Promise.all(Array.from({ length: 20 }, () => send(again, [token])));
      const approved = (await (await fetch(`${again}/v1/decisions?decision=approved&limit=100`)).json()) as {
        decisions: Decision[];
      };
      expect(approved.decisions).toHaveLength(1);
      const [{ id } = { id: "" }] = approved.decisions;
      // The answer of the one that is honoured may have been lost with the gate.
      const all = [...heard, ...later];
      expect(all.filter(({ allowed }) => allowed).every((decision) => decision.id === id)).toBe(true);
      for (const { allowed, warnings, overrides } of all) {
        if (allowed) continue;
        expect(overrides).toEqual([]);
        expect(warnings).toEqual([
          `The override does not count: ${jti} was used up by the decision ${id}, and an override counts once.`,
        ]);
      }
    },
  );
});
