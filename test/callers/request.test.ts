import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requestDecision } from "../../src/adapters/gate-client/request-decision.ts";
import { cli } from "../cli/run.ts";
import { startTestGate, type TestGate, wednesdayNoon } from "../http/gate.ts";
import { startIssuer, type TestIssuer } from "./oidc-issuer.ts";
import { caller, oidc, pipelineKey, secrets, signature, textOf } from "./world.ts";

let gate: TestGate;
let issuer: TestIssuer;
let cwd: string;
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "plangate-request-"));
  writeFileSync(join(cwd, "a.sql"), "CREATE TABLE a (id bigint);\n");
  issuer = await startIssuer(() => new Date(wednesdayNoon));
  gate = await startTestGate(() => ({
    callers: [
      caller("pipeline", secrets(pipelineKey)),
      caller("ci", oidc(issuer.url)),
      caller("slow", secrets(Buffer.from("slow-slow-slow-slow")), { rateLimit: { count: 1, perMs: 3_600_000 } }),
    ],
  }));
});
afterAll(async () => {
  await gate.cleanup();
  await issuer.close();
  rmSync(cwd, { recursive: true });
});

const secret = textOf(pipelineKey);
const deploy = ["--environment", "production", "--service", "orders", "--commit", "9f1c2e7"];
const ask = (args: string[], env: NodeJS.ProcessEnv = { PLANGATE_SECRET: secret }, now = wednesdayNoon) =>
  cli(["request", ...args], { cwd, env, now });

describe("a real gate", () => {
  it("approved: 0, and printed as check prints it", async () => {
    const { code, stdout, stderr } = await ask([...deploy, "--url", gate.url]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^APPROVED {2}orders to production, commit 9f1c2e7/);
  });

  it("rejected: 2, with the migrations that were sent", async () => {
    const { code, stdout } = await ask(["a.sql", ...deploy, "--url", gate.url, "--format", "json"]);
    expect(code).toBe(2);
    const decision = JSON.parse(stdout);
    expect(decision).toMatchObject({ decision: "rejected", allowed: false });
    expect(decision.findings).toContainEqual(expect.objectContaining({ ruleId: "human-review", outcome: "fail" }));
  });

  it.each(["sarif", "github"])("as %s", async (format) => {
    const { code, stdout } = await ask(["a.sql", ...deploy, "--url", gate.url, "--format", format]);
    expect(code).toBe(2);
    expect(stdout).toContain("human-review");
  });

  it("evidence files travel in the request", async () => {
    const bundle = { version: 1, capturedAt: wednesdayNoon, server: { name: "orders-primary", role: "primary" } };
    writeFileSync(join(cwd, "evidence.json"), JSON.stringify([bundle]));
    const { stdout } = await ask([...deploy, "--url", gate.url, "--evidence", "evidence.json", "--format", "json"]);
    expect(JSON.parse(stdout).evidence).toMatchObject([{ server: "orders-primary", trust: "asserted" }]);
  });

  it("a token from the environment, and one from GitHub Actions", async () => {
    const token = issuer.sign();
    expect((await ask([...deploy, "--url", gate.url], { PLANGATE_TOKEN: token })).code).toBe(0);
    issuer.answer = (incoming, response) => {
      const granted = incoming.url === "/token?v=1&audience=plangate";
      if (incoming.headers.authorization === "Bearer granted" && granted)
        response.end(JSON.stringify({ value: token }));
      else response.writeHead(403).end();
    };
    const actions = {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${issuer.url}/token?v=1`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "granted",
    };
    expect(await ask([...deploy, "--url", gate.url], actions)).toMatchObject({ code: 0, stderr: "" });
    const refused = await ask([...deploy, "--url", gate.url], { ...actions, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "no" });
    expect(refused).toMatchObject({
      code: 1,
      stdout: "",
      stderr: "plangate: GitHub Actions gave no ID token for this job.\n",
    });
    issuer.answer = null;
  });

  it("the same --idempotency-key: the same decision", async () => {
    const args = [...deploy, "--url", gate.url, "--format", "json", "--idempotency-key", "release-7"];
    const [first, second] = [await ask(args), await ask(args)];
    expect(JSON.parse(first.stdout).id).toBe(JSON.parse(second.stdout).id);
  });

  it("who is not known, or may not: 1, and the gate's reason", async () => {
    const nobody = await ask([...deploy, "--url", gate.url], { PLANGATE_SECRET: "somebody-elses-secret" });
    expect(nobody).toMatchObject({ code: 1, stdout: "" });
    expect(nobody.stderr).toContain("401 not-authenticated");
    const early = await ask([...deploy, "--url", gate.url], { PLANGATE_SECRET: secret }, "2026-03-11T11:00:00Z");
    expect(early.stderr).toContain("3600 s before the gate's clock");
    const twoNames = await ask([...deploy, "--url", gate.url, "--requested-by", "x"], {
      PLANGATE_TOKEN: issuer.sign(),
    });
    expect(twoNames).toMatchObject({ code: 1, stderr: expect.stringContaining("403 not-permitted") });
  });

  it("too many requests: it waits no longer than --timeout", async () => {
    const env = { PLANGATE_SECRET: "slow-slow-slow-slow" };
    expect((await ask([...deploy, "--url", gate.url], env)).code).toBe(0);
    const limited = await ask([...deploy, "--url", gate.url, "--timeout", "5s"], env);
    expect(limited).toMatchObject({ code: 1, stdout: "" });
    expect(limited.stderr).toContain("it answered 429 (rate-limited)");
  });
});

describe("whatever answers", () => {
  interface Received {
    headers: IncomingHttpHeaders;
    body: string;
  }
  /** A server that gives these answers, one for each request; the last for all others. */
  const serving = async <Result>(
    answers: ((response: ServerResponse, body: string) => void)[],
    use: (url: string) => Promise<Result>,
  ) => {
    const received: Received[] = [];
    const server = createServer((incoming, response) => {
      let body = "";
      incoming.on("data", (chunk) => {
        body += chunk;
      });
      incoming.on("end", () => {
        received.push({ headers: incoming.headers, body });
        answers[Math.min(received.length, answers.length) - 1]?.(response, body);
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    try {
      return { result: await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/gate/`), received };
    } finally {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  };
  const against = async (answers: Parameters<typeof serving>[0], args: string[] = []) => {
    const { result, received } = await serving(answers, (url) => ask([...deploy, "--url", url, ...args]));
    return { ...result, received };
  };
  const json =
    (status: number, value: unknown, headers = {}) =>
    (response: ServerResponse) =>
      void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
  const problem = (status: number, code: string, headers = {}) =>
    json(status, { code, detail: "Because." }, { "content-type": "application/problem+json", ...headers });
  const digest = async () =>
    JSON.parse((await ask([...deploy, "--url", gate.url, "--format", "json"])).stdout).requestDigest;
  const approval = async () => ({ id: "dec_1", decision: "approved", allowed: true, requestDigest: await digest() });

  it("asks again after 429, 503, 502, a lost connection and a decision in flight: same key, same body, new signature", async () => {
    const pauses: number[] = [];
    let seconds = 0;
    const patience = {
      timeoutMs: 600_000,
      now: () => {
        seconds += 1;
        return new Date(Date.parse(wednesdayNoon) + seconds * 1000);
      },
      sleep: async (ms: number) => void pauses.push(ms),
      onRetry: () => {},
    };
    const answers = [
      problem(429, "rate-limited", { "retry-after": "30" }),
      problem(503, "store-unavailable"),
      json(502, "bad gateway"),
      (response: ServerResponse) => void response.destroy(),
      problem(409, "idempotency-in-flight"),
      json(200, await approval()),
    ];
    const requestDigest = await digest();
    const { received } = await serving(answers, async (url) => {
      const question = { body: Buffer.from("{}"), requestDigest, id: "req_1", caller: null };
      const credentials = { kind: "secret", key: pipelineKey } as const;
      const answer = await requestDecision({ url: new URL(url), ...question, credentials }, patience);
      expect(answer).toMatchObject({ id: "dec_1", allowed: true });
    });
    expect(received).toHaveLength(6);
    expect(new Set(received.map(({ headers }) => headers["webhook-timestamp"])).size).toBe(6);
    for (const { headers, body } of received) {
      const timestamp = String(headers["webhook-timestamp"]);
      expect({ id: headers["webhook-id"], body }).toEqual({ id: "req_1", body: "{}" });
      expect(headers["webhook-signature"]).toBe(signature(body, { id: "req_1", timestamp }));
    }
    expect(pauses).toHaveLength(5);
    expect(pauses[0]).toBe(30_000);
  });

  it.each<[string, (approval: object) => (response: ServerResponse) => void, string]>([
    [
      "an approval of another request",
      (of) => json(200, { ...of, requestDigest: "sha256:0" }),
      "about another request",
    ],
    ["a rejection with 200", (of) => json(200, { ...of, decision: "rejected", allowed: false }), "contradicts itself"],
    ["an approval with 403", (of) => json(403, of), "contradicts itself"],
    ["allowed without approved", (of) => json(200, { ...of, decision: "rejected" }), "contradicts itself"],
    ["a login page", () => (response) => void response.end("<html>APPROVED</html>"), "not a decision"],
    ["JSON that is no decision", () => json(200, { ok: true }), "not a plangate gate"],
    ["a redirect", () => (response) => void response.writeHead(307, { location: "/elsewhere" }).end(), "status 307"],
    ["a problem", () => problem(422, "idempotency-key-reused"), "422 idempotency-key-reused"],
    ["not permitted", () => problem(403, "not-permitted"), "403 not-permitted"],
    ["a used-up approval", () => problem(409, "approval-expired"), "409 approval-expired"],
    ["an internal error", () => problem(500, "internal-error"), "500 internal-error"],
  ])("%s: 1, at once", async (_name, answer, message) => {
    const { code, stdout, stderr, received } = await against([answer(await approval())]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(message);
    expect(received).toHaveLength(1);
  });

  it("a decision of another version is shown as it is", async () => {
    const { code, stdout, stderr } = await against([json(200, { ...(await approval()), newer: true })]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ newer: true });
    expect(stderr).toContain("another version");
  });

  it("secrets and tokens are in no output, whatever goes wrong", async () => {
    const token = issuer.sign();
    const outputs = [
      await against([problem(500, "x")], ["--debug"]),
      await against([(response) => void response.destroy()], ["--timeout", "1s", "--debug"]),
      await ask([...deploy, "--url", "http://gate.example.com", "--debug"], { PLANGATE_TOKEN: token }),
      await ask([...deploy, "--url", `https://user:${secret}@gate.example.com`, "--debug"]),
      await ask([...deploy, "--url", gate.url, "--debug"], {
        PLANGATE_SECRET: "whsec_not base64 %%",
        PLANGATE_DEBUG: "1",
      }),
    ];
    for (const { code, stdout, stderr } of outputs) {
      expect(code).toBe(1);
      for (const hidden of [secret, secret.slice(6), token, "not base64 %%"])
        expect(stdout + stderr).not.toContain(hidden);
    }
  });
});

it.each([
  [["--url", "http://gate.example.com"], { PLANGATE_TOKEN: "a.b.c" }, "must begin with https://"],
  [[], { PLANGATE_SECRET: textOf(pipelineKey) }, "Name the gate"],
  [["--url", "gate.example.com"], {}, "is not a URL"],
  [["--url", "ftp://gate.example.com"], {}, "must begin with https://"],
  [["--url", "https://gate.example.com/?a=b"], {}, "must not have a query"],
  [["--url", "https://gate.example.com", "--at", wednesdayNoon], {}, "--at is for plangate check"],
  [["--url", "https://gate.example.com", "--unmatched", "approve"], {}, "--unmatched is for plangate check"],
  [["--url", "https://gate.example.com", "--idempotency-key", "a b"], {}, "--idempotency-key must be"],
  [["--url", "https://gate.example.com"], { PLANGATE_SECRET: "" }, "PLANGATE_SECRET is empty"],
  [["--url", "https://gate.example.com"], { PLANGATE_TOKEN: "" }, "PLANGATE_TOKEN is empty"],
  [["--url", "https://gate.example.com"], { PLANGATE_TOKEN: "a\r\nb" }, "not a signed JWT"],
  [["--url", "https://gate.example.com"], { PLANGATE_TOKEN: "a.b.c", PLANGATE_SECRET: "x" }, "Both"],
])("%j %j: 1, and nothing is sent", async (args, env, message) => {
  const result = await ask([...deploy, ...args], env);
  expect(result).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(message) });
});
