import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEvidence } from "../../src/core/evidence/bundle.ts";
import { startIssuer, type TestIssuer } from "../callers/oidc-issuer.ts";
import { caller, oidc, pipelineKey, secrets, signature, textOf } from "../callers/world.ts";
import { type CliWorld, cli } from "../cli/run.ts";
import { keysOf, newCollector, sampleBundle, signed } from "../evidence-signature/support.ts";
import { startTestGate, type TestGate, wednesdayNoon } from "../http/gate.ts";
import { editJson } from "../support/edit-json.ts";

/** `plangate evidence push` against a real gate, and against whatever else may answer. */

const collector = newCollector("collector", "ES256");
const stranger = newCollector("stranger", "ES256");
const readerKey = Buffer.from("reader-secret-reader-secret-0032");
const slowSecret = "slow-slow-slow-slow";

let gate: TestGate;
let issuer: TestIssuer;
let cwd: string;
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "plangate-push-"));
  issuer = await startIssuer(() => new Date(wednesdayNoon));
  const may = new Set(["push-evidence" as const]);
  gate = await startTestGate(() => ({
    evidence: { retentionMs: null, keys: keysOf(collector) },
    callers: [
      caller("collector", secrets(pipelineKey), { may, databases: ["orders*", "großer Name &?#"] }),
      caller("slow", secrets(Buffer.from(slowSecret)), { may, rateLimit: { count: 2, perMs: 3_600_000 } }),
      caller("ci", oidc(issuer.url), { may }),
      caller("reader", secrets(readerKey), { may: new Set(["read"]) }),
    ],
  }));
});
afterAll(async () => {
  await gate.cleanup();
  await issuer.close();
  rmSync(cwd, { recursive: true });
});

const secret = textOf(pipelineKey);
const bundle = (server: string) => ({ ...sampleBundle(server), capturedAt: "2026-03-11T11:00:00Z" });
const primary = bundle("orders-primary");
const replica = bundle("orders-replica-1");
const digestOf = (raw: object) => parseEvidence(raw, "bundle", "asserted")[0]?.digest;
const changed = (original: object) => {
  const copy = structuredClone(original);
  editJson(copy, "indexUsage.rows.0.scans", 0);
  return copy;
};

const file = (name: string, content: unknown) => {
  writeFileSync(join(cwd, name), typeof content === "string" ? content : JSON.stringify(content, null, 2));
  return name;
};
const push = (args: string[], env: NodeJS.ProcessEnv = { PLANGATE_SECRET: secret }, world: CliWorld = {}) =>
  cli(["evidence", "push", ...args], { cwd, env, now: wednesdayNoon, ...world });
const to = (database: string, url = gate.url) => ["--url", url, "--database", database];

/** "server trust" of what the gate has for a database. */
async function held(database: string): Promise<string[]> {
  const id = "msg_1";
  const timestamp = Date.parse(wednesdayNoon) / 1000;
  const { body } = await gate
    .get(`/v1/evidence?database=${encodeURIComponent(database)}`)
    .set({
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": signature("", { key: readerKey, id, timestamp }),
    })
    .expect(200);
  return body.bundles.map(({ server, trust }: Record<string, string>) => `${server} ${trust}`).sort();
}

describe("a real gate", () => {
  it("stores the bundles of several files, with the trust that their signatures prove, and prints it", async () => {
    const several = file("several.json", [signed(primary, collector), replica]);
    const one = file("one.json", signed(bundle("orders-replica-2"), collector));
    expect(await push([several, one, ...to("orders-text")])).toEqual({
      code: 0,
      stdout: `stored  orders-primary: signed, ${digestOf(primary)}
stored  orders-replica-1: asserted, ${digestOf(replica)}
stored  orders-replica-2: signed, ${digestOf(bundle("orders-replica-2"))}
`,
      stderr: "",
    });
    expect(await held("orders-text")).toEqual([
      "orders-primary signed",
      "orders-replica-1 asserted",
      "orders-replica-2 signed",
    ]);
  });

  it("as JSON", async () => {
    const { code, stdout, stderr } = await push([
      file("json.json", [signed(primary, collector)]),
      ...to("orders-json"),
      "--format",
      "json",
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      database: "orders-json",
      bundles: [
        { file: "json.json[0]", server: "orders-primary", digest: digestOf(primary), trust: "signed", problem: null },
      ],
    });
  });

  it("what plangate evidence sign prints, from standard input", async () => {
    writeFileSync(
      join(cwd, "collector.pem"),
      collector.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      { mode: 0o600 },
    );
    const sign = ["evidence", "sign", file("unsigned.json", [primary]), "--key", "collector.pem", "--kid", "collector"];
    const { stdout: stdin } = await cli(sign, { cwd });
    const { code } = await push(["-", ...to("orders-stdin")], undefined, { stdin });
    expect(code).toBe(0);
    expect(await held("orders-stdin")).toEqual(["orders-primary signed"]);
  });

  it("numbers and text that JSON can write in several ways keep their signature", async () => {
    const odd = { ...primary, notes: ["“Wartung” \u2028 \u{1F600} é"] };
    editJson(odd, "statements.rows.0.totalMs", 1e-7);
    const text = JSON.stringify(signed(odd, collector)).replace("1e-7", "0.00000010").replace("é", "\\u00e9");
    await push([file("odd.json", text), ...to("orders-odd")]);
    expect(await held("orders-odd")).toEqual(["orders-primary signed"]);
  });

  it("a database's name may have any characters", async () => {
    expect((await push([file("a.json", primary), ...to("großer Name &?#")])).code).toBe(0);
    expect(await held("großer Name &?#")).toEqual(["orders-primary asserted"]);
  });

  it("pushed twice is stored once", async () => {
    const args = [file("twice.json", primary), "twice.json", ...to("orders-twice")];
    expect((await push(args)).code).toBe(0);
    expect((await push(args)).code).toBe(0);
    expect(await held("orders-twice")).toEqual(["orders-primary asserted"]);
  });

  it("a bundle that is refused: 1, which one and why; the others are stored", async () => {
    const evidence = [
      changed(signed(primary, collector)),
      signed(replica, collector),
      signed(bundle("orders-replica-2"), stranger),
    ];
    const args = [file("refused.json", evidence), ...to("orders-refused")];
    const { code, stdout, stderr } = await push(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: `stored  orders-replica-1: signed, ${digestOf(replica)}\n` });
    expect(stderr.split("\n")).toEqual([
      "plangate: The gate has not stored refused.json[0], the bundle of orders-primary (422 evidence-refused): Nothing was stored: signature: The evidence bundle of orders-primary does not count: its content is not what the key collector has signed.",
      expect.stringMatching(/refused\.json\[2\], the bundle of orders-replica-2 .* is signed with the key stranger/),
      "",
    ]);
    expect(await held("orders-refused")).toEqual(["orders-replica-1 signed"]);

    const json = await push([...args, "--format", "json"]);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout).bundles).toMatchObject([
      { file: "refused.json[0]", trust: null, problem: expect.stringContaining("what the key collector has signed") },
      { file: "refused.json[1]", trust: "signed", problem: null },
      { file: "refused.json[2]", trust: null, problem: expect.stringContaining("the key stranger") },
    ]);
  });

  it.each<[string, string, NodeJS.ProcessEnv, string]>([
    ["nobody whom it knows", "orders", { PLANGATE_SECRET: "somebody-elses-secret" }, "401 not-authenticated"],
    ["no permission", "orders", { PLANGATE_SECRET: textOf(readerKey) }, "403 not-permitted"],
    ["another database", "payments", { PLANGATE_SECRET: secret }, 'nothing to do with the database "payments"'],
    ["no database", "", { PLANGATE_SECRET: secret }, "400 bad-request): The query is not valid: database: "],
  ])("%s: 1, the gate's reason, and no further bundle is tried", async (_name, database, env, reason) => {
    const { code, stdout, stderr } = await push([file("two.json", [primary, replica]), ...to(database)], env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("plangate: not sent: two.json[1], orders-replica-1\n");
    expect(stderr).toContain(reason);
    expect(stderr).toContain("has not stored two.json[0], the bundle of orders-primary (");
  });

  it("too many requests: it waits no longer than --timeout for all bundles together, and says what is stored", async () => {
    const three = file("three.json", [primary, replica, bundle("orders-replica-2"), bundle("orders-replica-3")]);
    const args = [three, ...to("orders-slow"), "--timeout", "5s", "--format", "json"];
    const { code, stdout, stderr } = await push(args, { PLANGATE_SECRET: slowSecret });
    expect(code).toBe(1);
    expect(JSON.parse(stdout).bundles.map(({ trust, problem }: Record<string, string>) => trust ?? problem)).toEqual([
      "asserted",
      "asserted",
      expect.stringContaining("in time: it answered 429 (rate-limited)"),
      "not sent",
    ]);
    expect(stderr).toContain("it answered 429 (rate-limited)");
  });

  it("a token from the environment, and one from GitHub Actions; the caller by its name", async () => {
    const token = issuer.sign();
    const args = [file("token.json", primary), ...to("orders-token"), "--caller", "ci"];
    expect((await push(args, { PLANGATE_TOKEN: token })).code).toBe(0);
    issuer.answer = (incoming, response) => {
      const granted = incoming.url === "/token?audience=other";
      response.writeHead(granted ? 200 : 403).end(JSON.stringify({ value: token }));
    };
    const actions = { ACTIONS_ID_TOKEN_REQUEST_URL: `${issuer.url}/token`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "x" };
    expect(await push([...args, "--audience", "other"], actions)).toMatchObject({ code: 0, stderr: "" });
    const refused = await push(args, actions);
    expect(refused).toMatchObject({ code: 1, stderr: "plangate: GitHub Actions gave no ID token for this job.\n" });
    issuer.answer = null;
    expect((await push([...args.slice(0, -1), "slow"], { PLANGATE_TOKEN: token })).stderr).toContain("401");
  });
});

describe("whatever answers", () => {
  /** A server that gives these answers, one for each request; the last for all others. */
  const against = async (answers: ((response: ServerResponse) => void)[], args: string[]) => {
    const received: { incoming: IncomingMessage; body: string }[] = [];
    const server = createServer(async (incoming, response) => {
      let body = "";
      for await (const chunk of incoming) body += chunk;
      received.push({ incoming, body });
      answers[Math.min(received.length, answers.length) - 1]?.(response);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/gate/`;
      return { ...(await push([...args, ...to("orders", url)])), received };
    } finally {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  };
  const json = (status: number, value: unknown, type: string) => (response: ServerResponse) =>
    void response.writeHead(status, { "content-type": type }).end(JSON.stringify(value));
  const stored = (raw: object, digest = digestOf(raw)) =>
    json(201, { bundles: [{ server: "orders-primary", digest, trust: "signed", newer: 1 }] }, "application/json");
  const problem = (status: number, code: string, errors?: object[]) =>
    json(status, { code, detail: "Because.", errors }, "application/problem+json");

  it("sends each bundle in a call of its own, in order, and again after 503 and a lost connection with the same id", async () => {
    const answers = [
      problem(503, "store-unavailable"),
      (response: ServerResponse) => void response.destroy(),
      stored(primary),
      stored(replica),
    ];
    const { code, stderr, received } = await against(answers, [file("again.json", [primary, replica])]);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^plangate: 127\.0\.0\.1:\d+ has not stored again\.json\[0\], the bundle of orders-primary yet: it answered 503 \(store-unavailable\); asking again in 1 s\n/,
    );
    expect(received.map(({ incoming, body }) => [incoming.url, JSON.parse(body).server.name])).toEqual([
      ["/gate/v1/evidence?database=orders", "orders-primary"],
      ["/gate/v1/evidence?database=orders", "orders-primary"],
      ["/gate/v1/evidence?database=orders", "orders-primary"],
      ["/gate/v1/evidence?database=orders", "orders-replica-1"],
    ]);
    const ids = received.map(({ incoming }) => incoming.headers["webhook-id"]);
    expect(new Set(ids.slice(0, 3)).size).toBe(1);
    expect(new Set(ids).size).toBe(2);
  });

  it.each<[string, (response: ServerResponse) => void, string]>([
    ["a login page", (response) => void response.end("<html>stored</html>"), "status 200, which is not a confirmation"],
    ["a redirect", (response) => void response.writeHead(307, { location: "/a" }).end(), "status 307"],
    ["200", json(200, { bundles: [] }, "application/json"), "status 200, which is not a confirmation"],
    ["201 and other JSON", json(201, { ok: true }, "application/json"), "not a plangate gate"],
    ["201 and no bundle", json(201, { bundles: [] }, "application/json"), "not a plangate gate"],
    ["a confirmation of another bundle", stored(primary, "sha256:0"), "about another evidence bundle"],
    ["an internal error", problem(500, "internal-error"), "(500 internal-error): Because."],
  ])("%s: 1, at once", async (_name, answer, message) => {
    const { code, stdout, stderr, received } = await against([answer], [file("other.json", [primary, replica])]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(message);
    expect(received).toHaveLength(1);
  });

  it("what an older gate does not know in a bundle is named place by place", async () => {
    const errors = [
      { path: "plansMissing", message: "unknown key" },
      { path: "statements.windowStart", message: "unknown \u001b[31mkey" },
    ];
    const { code, stderr } = await against(
      [problem(400, "bad-evidence", errors), stored(replica)],
      [file("newer.json", [primary, replica])],
    );
    expect(code).toBe(1);
    expect(stderr).toContain("\n  plansMissing: unknown key\n  statements.windowStart: unknown \\u{1b}[31mkey\n");
  });
});

describe("before anything is sent", () => {
  const nowhere = to("orders", "http://127.0.0.1:9");
  const filled = (bytes: number) => {
    const empty = JSON.stringify({ ...primary, notes: [""] }).length;
    return { ...primary, notes: ["x".repeat(bytes - empty + 4)] };
  };
  const limit = 8 * 1024 * 1024;

  it("a bundle above 8 MiB is refused, after others too; how the file is indented does not count", async () => {
    const size = Buffer.byteLength(JSON.stringify(filled(limit)));
    const exact = filled(limit - (size - limit));
    expect(Buffer.byteLength(JSON.stringify(exact))).toBe(limit);
    expect(await push([file("exact.json", exact), ...to("orders-large")])).toMatchObject({ code: 0 });

    const larger = { ...exact, notes: [`${exact.notes[0]}x`] };
    expect(await push([file("large.json", [replica, larger]), ...nowhere])).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "plangate: large.json[1]: the bundle of orders-primary has 8.1 MiB, and the gate takes at most 8 MiB. Nothing was sent.\n",
    });
  });

  it.each<[string, string[], NodeJS.ProcessEnv, string]>([
    ["no file", [], {}, "missing required argument 'FILE'"],
    ["no such file", ["missing.json"], {}, "missing.json: there is no such file"],
    ["an empty array", ["empty.json"], {}, "empty.json: holds no evidence bundle"],
    ["no bundle", ["good.json", "bad.json"], {}, "[0].server: "],
    ["no JSON", ["text.json"], {}, "text.json: line 1, column 1"],
    ["nothing on standard input", ["-"], {}, "standard input: line 1, column 1"],
    ["two credentials", ["good.json"], { PLANGATE_SECRET: "x".repeat(20), PLANGATE_TOKEN: "a.b.c" }, "Both"],
    ["a secret that is empty", ["good.json"], { PLANGATE_SECRET: "" }, "PLANGATE_SECRET is empty"],
  ])("%s: 1", async (_name, files, env, message) => {
    file("good.json", primary);
    file("empty.json", []);
    file("bad.json", [{ version: 1 }]);
    file("text.json", "evidence");
    expect(await push([...files, ...nowhere], env)).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining(message),
    });
  });

  it.each<[string[], NodeJS.ProcessEnv, string]>([
    [["--database", "orders"], {}, "Name the gate"],
    [["--url", "https://gate.example.com"], {}, "required option '--database <NAME>' not specified"],
    [to("orders", "http://gate.example.com"), { PLANGATE_TOKEN: "a.b.c" }, "must begin with https://"],
    [to("orders", `https://user:${secret}@gate.example.com`), {}, "must not hold a user or password"],
  ])("%j %j: 1", async (args, env, message) => {
    const { code, stdout, stderr } = await push([file("good.json", primary), ...args], env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain(secret);
  });
});

test("PLANGATE_URL names the gate, too", async () => {
  const args = [file("env.json", primary), "--database", "orders-env"];
  expect(await push(args, { PLANGATE_SECRET: secret, PLANGATE_URL: gate.url })).toMatchObject({ code: 0, stderr: "" });
});

test("--help shows an example", async () => {
  const { code, stdout } = await push(["--help"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/Example:\n {2}PLANGATE_SECRET=whsec_… plangate evidence push evidence\.signed\.json --url/);
});
