import { query } from "../support/postgres-server.ts";
import { deploy, startTestGate, type TestGate, wednesdayNoon } from "./gate.ts";

let gate: TestGate;
beforeAll(async () => {
  gate = await startTestGate();
});
afterAll(() => gate.cleanup());

describe("GET /v1/windows", () => {
  const friday = "2026-03-13T12:00:00Z";

  it("says when a deploy may start", async () => {
    const path = `/v1/windows?environment=production&service=orders&changes=deploy&at=${friday}&count=2`;
    const { body } = await gate.get(path).expect(200);
    expect(body).toMatchObject({
      policies: ["deploys"],
      window: { open: false, nextOpen: "2026-03-16T08:00:00.000Z", duration: "10m" },
      intervals: [
        { start: "2026-03-16T08:00:00.000Z", end: "2026-03-16T18:00:00.000Z" },
        { start: "2026-03-17T08:00:00.000Z", end: "2026-03-17T18:00:00.000Z" },
      ],
    });
  });

  it("takes the present for granted, and a schema change", async () => {
    const { body } = await gate.get("/v1/windows?environment=production&service=orders").expect(200);
    expect(body.policies).toEqual(["reviewed-schema"]);
    expect(body.window.open).toBe(true);
  });

  it.each([
    ["environment=production", "service"],
    [`environment=production&service=orders&at=2026-03-13`, "at"],
    ["environment=production&service=orders&duration=10", "duration"],
    ["environment=production&service=orders&changes=drop", "changes"],
    ["environment=production&service=orders&count=1000000", "count"],
    ["environment=production&service=orders&zone=UTC", "zone"],
  ])("refuses ?%s", async (parameters, path) => {
    const { body } = await gate.get(`/v1/windows?${parameters}`).expect(400);
    expect(body.errors).toMatchObject([{ path }]);
  });
});

describe("/v1/evidence", () => {
  const bundle = (name: string) => ({
    version: 1,
    capturedAt: "2026-03-11T11:00:00Z",
    server: { name, role: "replica" },
  });

  it("stores bundles, lists them, and uses them for requests on that database", async () => {
    const posted = await gate.post("/v1/evidence?database=orders-production", [bundle("a"), bundle("b")]).expect(201);
    const listed = await gate.get("/v1/evidence?database=orders-production").expect(200);
    const servers = ({ bundles }: { bundles: { server: string }[] }) => bundles.map(({ server }) => server).sort();
    expect(servers(posted.body)).toEqual(["a", "b"]);
    expect(servers(listed.body)).toEqual(["a", "b"]);
    const decided = await gate.post("/v1/decisions", {
      ...deploy,
      database: "orders-production",
      evidence: [bundle("b"), bundle("c")],
    });
    expect(decided.body.evidence.map(({ server }: { server: string }) => server).sort()).toEqual(["a", "b", "c"]);
    const elsewhere = await gate.post("/v1/decisions", { ...deploy, database: "payments" });
    expect(elsewhere.body.evidence).toEqual([]);
  });

  it("stores all of an upload or nothing", async () => {
    const { body } = await gate.post("/v1/evidence?database=partial", [bundle("a"), { version: 2 }]).expect(400);
    expect(body.code).toBe("bad-evidence");
    expect((await gate.get("/v1/evidence?database=partial")).body).toEqual({ bundles: [] });
  });

  it("wants to know the database", async () => {
    await gate.post("/v1/evidence", bundle("a")).expect(400);
    await gate.get("/v1/evidence").expect(400);
  });
});

describe("operations", () => {
  it("says what is wrong with a method or a path", async () => {
    const { body, headers } = await gate.get("/v1/decisions").expect(200);
    expect(body.decisions).toBeInstanceOf(Array);
    expect(headers).not.toHaveProperty("x-powered-by");
    expect(headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    const refused = await gate.post("/healthz", {}).expect(405);
    expect(refused.headers.allow).toBe("GET, HEAD");
    expect(refused.body.code).toBe("method-not-allowed");
    await gate.get("/").expect(404);
  });

  it("counts decisions and findings, with a bounded number of environments", async () => {
    for (let n = 0; n < 60; n += 1) await gate.post("/v1/decisions", { ...deploy, environment: `preview-${n}` });
    const { text } = await gate
      .get("/metrics")
      .expect(200)
      .expect("Content-Type", /text\/plain/);
    expect(text).toContain('plangate_decisions_total{decision="approved",environment="production"}');
    expect(text).toContain('plangate_findings_total{rule="unmatched",outcome="fail"}');
    expect(text).toMatch(/plangate_decisions_total\{decision="rejected",environment="other"\} \d+/);
    expect(text.match(/plangate_decisions_total\{/g)?.length).toBeLessThan(60);
  });

  it("is ready while the database answers", async () => {
    const { body } = await gate.get("/readyz").expect(200);
    expect(body).toEqual({ ready: true, database: "ok", policies: "ok", configuration: "ok", evidence: [] });
  });
});

describe("while the database is down", () => {
  beforeAll(() => gate.database.stop("immediate"));
  afterAll(() => gate.database.restart());

  it("decides nothing and approves nothing", async () => {
    const response = await gate.post("/v1/decisions", deploy).expect(503);
    expect(response.headers["content-type"]).toMatch("application/problem+json");
    expect(response.body).toMatchObject({ code: "store-unavailable", status: 503 });
    expect(JSON.stringify(response.body)).not.toMatch(/postgres|127\.0\.0\.1|at .*\.ts/);
    await gate.post("/v1/decisions", deploy).set("Idempotency-Key", "down").expect(503);
    await gate.get("/v1/decisions").expect(503);
  });

  it("lives, but is not ready", async () => {
    await gate.get("/healthz").expect(200);
    const { body } = await gate.get("/readyz").expect(503);
    expect(body).toEqual({ ready: false, database: "unavailable", policies: "ok", configuration: "ok", evidence: [] });
  });
});

it("decides again once the database is back", async () => {
  gate.setTime(wednesdayNoon);
  await gate.post("/v1/decisions", deploy).set("Idempotency-Key", "down").expect(200);
});

it("answers 503 and keeps no decision when the audit entry cannot be written", async () => {
  const { url } = gate.database;
  await query(url, "ALTER TABLE plangate.audit_entries ADD CONSTRAINT full_disk CHECK (false) NOT VALID");
  try {
    const before = await query(url, "SELECT count(*) FROM plangate.decisions");
    await gate.post("/v1/decisions", deploy).expect(503);
    expect(await query(url, "SELECT count(*) FROM plangate.decisions")).toEqual(before);
  } finally {
    await query(url, "ALTER TABLE plangate.audit_entries DROP CONSTRAINT full_disk");
  }
  await gate.post("/v1/decisions", deploy).expect(200);
});
