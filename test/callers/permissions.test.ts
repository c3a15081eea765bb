import request from "supertest";
import { permissions } from "../../src/app/caller.ts";
import { deploy, startTestGate, type TestGate, wednesdayNoon } from "../http/gate.ts";
import { caller, secrets, signedHeaders } from "./world.ts";

const keyOf = (name: string) => Buffer.from(`${name} ${"-".repeat(32)}`);
const known = (name: string, change: Parameters<typeof caller>[2]) => caller(name, secrets(keyOf(name)), change);

let gate: TestGate;
let metricsGate: TestGate;
beforeAll(async () => {
  const callers = [
    ...permissions.map((may) => known(may, { may: new Set([may]) })),
    known("orders", { may: new Set(["request", "read"]), services: ["orders"], environments: ["prod*"] }),
    known("voucher", { may: new Set(["request", "vouch-approvals"]) }),
    known("collector", { may: new Set(["push-evidence", "read"]), databases: ["orders-*"] }),
    known("limited", { rateLimit: { count: 2, perMs: 60_000 } }),
  ];
  gate = await startTestGate(() => ({ callers }));
  metricsGate = await startTestGate(() => ({
    callers,
    listen: { api: { address: "127.0.0.1", port: 0 }, metrics: { address: "127.0.0.1", port: 0 }, admission: null },
  }));
});
afterAll(async () => {
  await gate.cleanup();
  await metricsGate.cleanup();
});
beforeEach(() => gate.setTime(wednesdayNoon));

let ids = 0;
const as = (name: string, method: "get" | "post", path: string, body: unknown = undefined, at = wednesdayNoon) => {
  const text = body === undefined ? "" : JSON.stringify(body);
  ids += 1;
  const signed = signedHeaders(text, { key: keyOf(name), id: `msg_${ids}`, timestamp: Date.parse(at) / 1000 });
  const sent = request(gate.url)[method](path).set(signed);
  return body === undefined ? sent : sent.set("Content-Type", "application/json").send(text);
};

const bundle = { version: 1, capturedAt: wednesdayNoon, server: { name: "orders-primary", role: "primary" } };
const windows = "/v1/windows?environment=production&service=orders";

describe.each([
  ["POST /v1/decisions", "post", "/v1/decisions", deploy, ["request"]],
  ["POST /v1/evidence", "post", "/v1/evidence?database=orders", bundle, ["push-evidence"]],
  ["GET /v1/decisions", "get", "/v1/decisions", undefined, ["read"]],
  ["GET /v1/decisions/{id}", "get", "/v1/decisions/dec_0", undefined, ["read"]],
  ["GET /v1/evidence", "get", "/v1/evidence?database=orders", undefined, ["read"]],
  ["GET /v1/windows", "get", windows, undefined, ["read", "request"]],
  ["GET /metrics", "get", "/metrics", undefined, ["read"]],
] as const)("%s", (_name, method, path, body, allowed) => {
  it.each(permissions)("for a caller that may %s alone", async (permission) => {
    const answer = await as(permission, method, path, body);
    if ((allowed as readonly string[]).includes(permission)) expect([200, 201, 404]).toContain(answer.status);
    else expect(answer.body).toMatchObject({ status: 403, code: "not-permitted" });
  });
});

describe("a caller with services and environments of its own", () => {
  it("asks about them alone", async () => {
    await as("orders", "post", "/v1/decisions", deploy).expect(200);
    for (const other of [{ service: "billing" }, { environment: "staging" }, { service: "orders2" }]) {
      const answer = await as("orders", "post", "/v1/decisions", { ...deploy, ...other }).expect(403);
      expect(answer.body.code).toBe("not-permitted");
    }
  });

  it("reads about them alone, and is not told what else there is", async () => {
    const foreign = await as("request", "post", "/v1/decisions", { ...deploy, service: "billing" }).expect(200);
    const own = await as("request", "post", "/v1/decisions", deploy).expect(200);
    await as("orders", "get", `/v1/decisions/${own.body.id}`).expect(200);
    await as("orders", "get", `/v1/decisions/${foreign.body.id}`).expect(404);
    await as("read", "get", `/v1/decisions/${foreign.body.id}`).expect(200);
    const list = (query: string) => as("orders", "get", `/v1/decisions${query}`);
    await list("").expect(403);
    await list("?service=orders").expect(403);
    await list("?service=billing&environment=production").expect(403);
    const page = await list("?service=orders&environment=production").expect(200);
    expect(page.body.decisions.length).toBeGreaterThan(0);
    await as("orders", "get", windows.replace("orders", "billing")).expect(403);
    await as("orders", "get", windows).expect(200);
  });

  it("pushes and reads the evidence of its databases alone", async () => {
    await as("collector", "post", "/v1/evidence?database=orders-production", bundle).expect(201);
    await as("collector", "get", "/v1/evidence?database=orders-production").expect(200);
    await as("collector", "post", "/v1/evidence?database=billing", bundle).expect(403);
    await as("collector", "get", "/v1/evidence?database=billing").expect(403);
  });
});

describe("who the requester is", () => {
  it("a caller that may not vouch: the caller itself, and nobody else", async () => {
    const answer = await as("orders", "post", "/v1/decisions", deploy).expect(200);
    expect(answer.body.requestedBy).toBe("orders");
    await as("orders", "post", "/v1/decisions", { ...deploy, requestedBy: "orders" }).expect(200);
    const other = await as("orders", "post", "/v1/decisions", { ...deploy, requestedBy: "dev@example.com" }).expect(
      403,
    );
    expect(other.body).toMatchObject({ code: "not-permitted" });
  });

  it("a caller that may vouch: whom the body names", async () => {
    const answer = await as("voucher", "post", "/v1/decisions", { ...deploy, requestedBy: "dev@example.com" }).expect(
      200,
    );
    expect(answer.body.requestedBy).toBe("dev@example.com");
  });

  it("unsigned approvals count only from a caller that may vouch", async () => {
    const schemaChange = {
      ...deploy,
      migrations: [{ path: "a.sql", sql: "CREATE TABLE a (id bigint);" }],
      approvals: [{ by: "dba@example.com", of: "query-plans" }],
    };
    const outcome = async (name: string) => {
      const { body } = await as(name, "post", "/v1/decisions?mode=json", schemaChange);
      return body.findings.find(({ ruleId }: { ruleId: string }) => ruleId === "human-review")?.outcome;
    };
    expect(await outcome("voucher")).toBe("pass");
    expect(await outcome("orders")).toBe("fail");
  });
});

describe("rate limit", () => {
  it("429 with Retry-After, for this caller alone; what others send in its name costs it nothing", async () => {
    const forged = { ...signedHeaders("", { key: keyOf("nobody"), timestamp: Date.parse(wednesdayNoon) / 1000 }) };
    for (let n = 0; n < 5; n += 1) {
      await request(gate.url)
        .get(windows)
        .set({ ...forged, "plangate-caller": "limited" })
        .expect(401);
    }
    await as("limited", "get", windows).expect(200);
    await as("limited", "get", windows).expect(200);
    const answer = await as("limited", "get", windows).expect(429).expect("Retry-After", "30");
    expect(answer.body).toMatchObject({ code: "rate-limited", status: 429 });
    await as("read", "get", windows).expect(200);
    const later = "2026-03-11T12:00:30.000Z";
    gate.setTime(later);
    await as("limited", "get", windows, undefined, later).expect(200);
    await as("limited", "get", windows, undefined, later).expect(429);
  });
});

describe("with metrics elsewhere", () => {
  it("the API answers to any name, and asks everyone who they are", async () => {
    const { url } = metricsGate;
    await request(url).get("/healthz").set("Host", "gate.example.com").expect(200);
    await request(url).post("/v1/decisions").set("Host", "gate.example.com").send(deploy).expect(401);
    await request(url).get("/metrics").expect(404);
  });

  it("metrics on an address of their own are open", async () => {
    const url = metricsGate.metricsUrl ?? "";
    await request(url).get("/metrics").expect(200);
    await request(url).get("/v1/decisions").expect(404);
  });
});
