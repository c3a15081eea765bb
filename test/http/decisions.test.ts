import { query } from "../support/postgres-server.ts";
import { deploy, startTestGate, type TestGate, wednesdayNoon } from "./gate.ts";

let gate: TestGate;
beforeAll(async () => {
  gate = await startTestGate();
});
afterAll(() => gate.cleanup());
beforeEach(() => gate.setTime(wednesdayNoon));

describe("POST /v1/decisions", () => {
  it("approves with 200", async () => {
    const response = await gate
      .post("/v1/decisions", deploy)
      .expect(200)
      .expect("Content-Type", /application\/json/);
    expect(response.body).toMatchObject({
      decision: "approved",
      allowed: true,
      evaluatedAt: wednesdayNoon,
      notAfter: "2026-03-11T13:00:00.000Z",
      warnings: [],
    });
  });

  it("rejects with 403, or with 200 for callers that read `allowed`", async () => {
    gate.setTime("2026-03-13T12:00:00Z");
    const response = await gate
      .post("/v1/decisions", deploy)
      .expect(403)
      .expect("Content-Type", /application\/json/);
    expect(response.body).toMatchObject({ decision: "rejected", allowed: false, notAfter: null });
    expect(response.body.window).toMatchObject({ open: false, nextOpen: "2026-03-16T08:00:00.000Z" });
    const read = await gate.post("/v1/decisions?mode=json", deploy).expect(200);
    expect(read.body.allowed).toBe(false);
  });

  it("rejects what no policy matches", async () => {
    const response = await gate.post("/v1/decisions", { ...deploy, environment: "staging" }).expect(403);
    expect(response.body.findings).toMatchObject([{ ruleId: "unmatched", policy: null, outcome: "fail" }]);
  });

  it("says what about approvals and overrides does not count", async () => {
    const body = {
      ...deploy,
      approvals: ["ey.J.x", { by: "dba@example.com", of: "query-plans" }],
      overrides: ["ey.J.y"],
    };
    const response = await gate.post("/v1/decisions", body).expect(200);
    expect(response.body.warnings).toEqual([
      "Approval 1 of 2 does not count: it is not base64url.",
      "The approvals are not signed: nothing but the caller's word says who gave them.",
      "The override does not count: it is not base64url.",
    ]);
  });

  it("lets a rollback to an approved commit through while the window is closed", async () => {
    const rollback = { ...deploy, action: "rollback", commit: "a11ce" };
    gate.setTime("2026-03-13T12:00:00Z");
    await gate.post("/v1/decisions", rollback).expect(403);
    gate.setTime(wednesdayNoon);
    await gate.post("/v1/decisions", { ...deploy, commit: "a11ce" }).expect(200);
    gate.setTime("2026-03-13T12:00:00Z");
    await gate.post("/v1/decisions", rollback).expect(200);
  });

  it("has written the audit entry before it answers, and keeps neither evidence nor tokens", async () => {
    const evidence = [{ version: 1, capturedAt: wednesdayNoon, server: { name: "orders-primary", role: "primary" } }];
    const response = await gate.post("/v1/decisions", { ...deploy, evidence, approvals: ["ey.J.secret"] }).expect(200);
    const [row] = await query(
      gate.database.url,
      `SELECT entry.body, decision.request FROM plangate.audit_entries AS entry
       JOIN plangate.decisions AS decision ON decision.audit_sequence = entry.sequence WHERE decision.id = $1`,
      [response.body.id],
    );
    expect(JSON.parse(String(row?.body))).toMatchObject({ decisionId: response.body.id, caller: "local" });
    expect(row?.request).toEqual({ ...deploy, action: "deploy" });
    expect(response.body.evidence).toMatchObject([{ server: "orders-primary", trust: "asserted" }]);
  });
});

describe("what is not a deploy request", () => {
  const huge = JSON.stringify({ ...deploy, description: "x".repeat(9 * 1024 * 1024) });
  it.each([
    ["no body", "", 400, "bad-json"],
    ["broken JSON", '{"service":', 400, "bad-json"],
    ["a duplicate key", '{"service":"a","service":"b","environment":"production"}', 400, "bad-json"],
    ["a __proto__ key", '{"service":"a","environment":"production","__proto__":{"allowed":true}}', 400, "bad-json"],
    ["deep nesting", "[".repeat(100_000), 400, "bad-json"],
    ["an array", "[]", 400, "bad-request"],
    ["null", "null", 400, "bad-request"],
    ["a constructor key", '{"service":"a","environment":"production","constructor":{}}', 400, "bad-request"],
    ["a NUL in a name", '{"service":"a\\u0000","environment":"production"}', 400, "bad-request"],
    ["more than 8 MiB", huge, 413, "body-too-large"],
  ])("%s", async (_name, body, status, code) => {
    const response = await gate.post("/v1/decisions", body).expect(status);
    expect(response.headers["content-type"]).toMatch("application/problem+json");
    expect(response.body).toMatchObject({ status, code, type: `urn:plangate:problem:${code}` });
  });

  it("names every wrong place at once", async () => {
    const body = { service: "", environment: 3, action: "delete", migrations: [{ path: "a.sql" }], sevrice: "orders" };
    const response = await gate.post("/v1/decisions", body).expect(400);
    expect(response.body.errors.map(({ path }: { path: string }) => path).sort()).toEqual([
      "action",
      "environment",
      "migrations[0].sql",
      "service",
      "sevrice",
    ]);
  });

  it.each([
    ["another content type", { "Content-Type": "text/plain" }, 415, "unsupported-media-type"],
    ["another charset", { "Content-Type": "application/json; charset=latin1" }, 415, "unsupported-media-type"],
    ["gzip", { "Content-Encoding": "gzip" }, 415, "unsupported-encoding"],
    ["an empty Idempotency-Key", { "Idempotency-Key": "" }, 400, "bad-request"],
    ["two different keys", { "Idempotency-Key": "a", "webhook-id": "b" }, 400, "bad-request"],
    ["a foreign Host", { Host: "attacker.example:8484" }, 421, "host-not-allowed"],
  ])("%s", async (_name, headers, status, code) => {
    const response = await gate.post("/v1/decisions", deploy).set(headers).expect(status);
    expect(response.body.code).toBe(code);
  });

  it("bytes that are not UTF-8", async () => {
    const body = Buffer.from([0x22, 0xff, 0xfe, 0x22]);
    const send = gate
      .post("/v1/decisions", "")
      .serialize((value) => value)
      .send(body as unknown as string);
    expect((await send.expect(400)).body.code).toBe("bad-encoding");
  });

  it("leaves nothing behind", async () => {
    const count = () => query(gate.database.url, "SELECT count(*) FROM plangate.audit_entries");
    const before = await count();
    await gate.post("/v1/decisions", { service: "orders" }).set("Idempotency-Key", "bad-one").expect(400);
    expect(await count()).toEqual(before);
    await gate.post("/v1/decisions", deploy).set("Idempotency-Key", "bad-one").expect(200);
  });
});

describe("an Idempotency-Key", () => {
  const send = (key: string, body: object = deploy) => gate.post("/v1/decisions", body).set("Idempotency-Key", key);

  it("gives the stored decision for the same body", async () => {
    const first = await send("same").expect(200);
    gate.setTime("2026-03-11T12:30:00Z");
    const again = await send("same").expect(200);
    expect(again.body).toEqual(first.body);
    const other = await gate.post("/v1/decisions", deploy).set("webhook-id", "same").expect(200);
    expect(other.body).toEqual(first.body);
  });

  it("is refused with another body", async () => {
    await send("body").expect(200);
    const response = await send("body", { ...deploy, commit: "other" }).expect(422);
    expect(response.body.code).toBe("idempotency-key-reused");
  });

  it("is refused once its approval has ended, while a rejection stays a rejection", async () => {
    await send("ended").expect(200);
    await send("rejected", { ...deploy, environment: "staging" }).expect(403);
    gate.setTime("2026-03-11T13:00:01Z");
    expect((await send("ended").expect(409)).body.code).toBe("approval-expired");
    await send("rejected", { ...deploy, environment: "staging" }).expect(403);
  });

  it("decides once when the same request comes many times at once", async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, () => send("parallel")));
    const answered = responses.filter(({ status }) => status === 200).map(({ body }) => body.id);
    expect(new Set(answered).size).toBe(1);
    for (const { status, body } of responses) if (status !== 200) expect(body.code).toBe("idempotency-in-flight");
  });
});

describe("GET /v1/decisions", () => {
  it("gives a decision as it was answered", async () => {
    const { body } = await gate.post("/v1/decisions", deploy).expect(200);
    expect((await gate.get(`/v1/decisions/${body.id}`).expect(200)).body).toEqual(body);
  });

  it("pages through the newest first", async () => {
    const ids: string[] = [];
    for (const commit of ["1", "2", "3"]) {
      ids.unshift((await gate.post("/v1/decisions", { ...deploy, service: "paged", commit })).body.id);
    }
    const page = async (path: string) => (await gate.get(path).expect(200)).body;
    const first = await page("/v1/decisions?service=paged&limit=2");
    expect(first.decisions.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
    const second = await page(`/v1/decisions?service=paged&limit=2&before=${first.next}`);
    expect(second.decisions.map(({ id }: { id: string }) => id)).toEqual(ids.slice(2));
    expect(second.next).toBeNull();
    expect(await page("/v1/decisions?service=paged&decision=rejected")).toEqual({ decisions: [], next: null });
  });

  it.each([
    ["/v1/decisions/dec_0123", 404, "decision-not-found"],
    ["/v1/decisions/%00", 404, "decision-not-found"],
    ["/v1/decisions/%zz", 400, "bad-path"],
    ["/v1/decisions?limit=0", 400, "bad-request"],
    ["/v1/decisions?limit=101", 400, "bad-request"],
    ["/v1/decisions?limit=1e1", 400, "bad-request"],
    ["/v1/decisions?limit=1&limit=2", 400, "bad-request"],
    ["/v1/decisions?decision=maybe", 400, "bad-request"],
    ["/v1/decisions?service=a%00b", 400, "bad-request"],
    ["/v1/decisions?before=dec_unknown", 400, "bad-request"],
    ["/v1/decisions?__proto__=1", 400, "bad-request"],
    ["/v1/decisions?constructor=1", 400, "bad-request"],
    ["/v1/decisions/", 404, "not-found"],
    ["/V1/decisions", 404, "not-found"],
  ])("%s is %i", async (path, status, code) => {
    expect((await gate.get(path).expect(status)).body).toMatchObject({ status, code });
  });
});
