import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { startIssuer, type TestIssuer } from "../callers/oidc-issuer.ts";
import { pipelineKey, rotatedKey, signedHeaders, textOf } from "../callers/world.ts";
import { people } from "../override/people.ts";
import { buildProgram, cleanup, type GateProcess, newFolder, serve } from "../serve/gate-process.ts";
import { type PostgresServer, query, startPostgres } from "../support/postgres-server.ts";

/** Security checklist: "tokens absent from logs", and "Markdown, ANSI and CRLF injection in comments and logs". */

let database: PostgresServer;
let issuer: TestIssuer;
let webhook: Server;
beforeAll(async () => {
  buildProgram();
  database = await startPostgres({ major: 18 });
  issuer = await startIssuer(() => new Date());
  webhook = createServer((_request, response) => void response.writeHead(500).end());
  await new Promise<void>((done) => webhook.listen(0, "127.0.0.1", done));
});
afterEach(cleanup);
afterAll(async () => {
  await database.cleanup();
  await issuer.close();
  webhook.close();
});

const migration = { path: "a.sql", sql: "CREATE TABLE a (id bigint PRIMARY KEY);" };
const deploy = { service: "orders", environment: "production", commit: "b77e01d", migrations: [migration] };
const asked = { ...deploy, requestedBy: "octocat" };

/** Everything that must not be printed. */
const secret = new Set<string>();
/** A JWT, and its parts that are worth something by themselves. */
function token(text: string): string {
  const [, payload = "", signature = ""] = text.split(".");
  for (const part of [text, payload, signature]) if (part.length > 8) secret.add(part);
  return text;
}
function hidden(text: string): string {
  secret.add(text);
  return text;
}

let ids = 0;
function signed(body: string, key: Buffer, timestamp = Math.floor(Date.now() / 1000)) {
  ids += 1;
  const headers = signedHeaders(body, { key, id: `msg_${ids}`, timestamp });
  hidden((headers["webhook-signature"] ?? "").slice("v1,".length));
  return headers;
}

async function startGate(): Promise<{ gate: GateProcess; url: string; dba: ReturnType<typeof people> }> {
  const folder = newFolder();
  const dba = people(folder, ["human-review"], "dba");
  const env = {
    PIPELINE: hidden(textOf(pipelineKey)),
    HOOK: hidden("a-webhook-secret-of-many-bytes"),
    HOOK_URL: `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/services/${hidden("hook-path-hunter2")}?key=${hidden("hook-query-hunter2")}`,
    NOBODY_URL: `http://127.0.0.1:1/services/${hidden("nobody-path-hunter2")}`,
    STORE: database.url.replace("//postgres@", `//postgres:${hidden("store-hunter2")}@`),
    NODE_URL: `postgres://reader:${hidden("node-hunter2")}@127.0.0.1:1/orders`,
  };
  secret.add(pipelineKey.toString("base64")).add(pipelineKey.toString("utf8"));
  writeFileSync(
    join(folder, "plangate.yaml"),
    `${dba.yaml}
database: { urlEnv: STORE }
policies: { directory: ${JSON.stringify(join(__dirname, "../override/policies"))} }
databases: [{ name: orders, nodes: [{ name: orders-primary, urlEnv: NODE_URL }] }]
callers:
  - { name: signer, secrets: [PIPELINE], services: [orders], environments: [production], may: [request, read, push-evidence, vouch-approvals] }
  - name: job
    oidc: { issuer: "${issuer.url}", audience: plangate, claims: { repository_id: 74 } }
    services: ["*"]
    environments: ["*"]
    may: [request, read]
notify:
  - { name: json, urlEnv: HOOK_URL, secret: HOOK, events: [override-used] }
  - { name: slack, urlEnv: NOBODY_URL, format: slack, events: [override-used] }
`,
  );
  const gate = serve(["--config", join(folder, "plangate.yaml")], env);
  return { gate, url: await gate.url(), dba };
}

/** A gate is sent every kind of good and bad request; whatever it prints is searched for everything that was secret. */
test("tokens, secrets and passwords are in no line that the gate prints, and in no answer", async () => {
  const { gate, url, dba } = await startGate();
  const answers: string[] = [];
  const statuses: number[] = [];
  const send = async (
    path: string,
    headers: Record<string, string> = {},
    body: string | null = JSON.stringify(asked),
  ) => {
    const response = await fetch(`${url}${path}`, {
      method: body === null ? "GET" : "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
    statuses.push(response.status);
    answers.push(await response.text());
  };
  const bearer = (text: string) => ({ authorization: `Bearer ${token(text)}` });
  const post = (body: object, key = pipelineKey) => {
    const text = JSON.stringify(body);
    return send("/v1/decisions", signed(text, key), text);
  };

  // Signatures: good, of another body, of an unknown key, too old, no signature at all, two proofs.
  const text = JSON.stringify(asked);
  await post(asked);
  await send("/v1/decisions", signed("{}", pipelineKey), text);
  await post(asked, rotatedKey);
  await send("/v1/decisions", signed(text, pipelineKey, 1), text);
  await send("/v1/decisions", { "webhook-signature": `v1,${hidden("bm8tc2lnbmF0dXJlLWF0LWFsbA==")}` });
  await send("/v1/decisions", { ...signed(text, pipelineKey), ...bearer(issuer.sign()) });

  // Bearer tokens: good, expired, for somebody else, of a stranger, garbage; where they do not belong.
  await send("/v1/decisions", bearer(issuer.sign()));
  await send("/v1/decisions", bearer(issuer.sign({ exp: 1 })));
  await send("/v1/decisions", bearer(issuer.sign({ aud: "vault" })));
  await send("/v1/decisions", bearer(issuer.sign({ iss: "https://stranger.example" })));
  await send("/v1/decisions", bearer(issuer.sign({ environment: "staging" })));
  await send("/v1/decisions", bearer(issuer.sign({ actor: "somebody else" })));
  await send("/v1/decisions", bearer("garbage-that-is-no-token"));
  await send("/v1/decisions", { authorization: `Basic ${hidden("dXNlcjpodW50ZXIy")}` });
  const lost = token(issuer.sign());
  await send(`/v1/decisions?token=${lost}`, {}, null);
  await send(`/v1/decisions/${lost}`, {}, null);
  await send(`/${lost}`, {}, null);
  await send(`/v1/decisions?token=${lost}`, signed("", pipelineKey), null);
  await send(`/v1/decisions/${lost}`, signed("", pipelineKey), null);

  // Overrides and approvals: one that is used up, the same again, broken ones, in broken requests.
  const override = token(dba.override("dba", asked, { rules: ["human-review"] }));
  const approval = token(dba.approval("dba", asked, `sha256:${"0".repeat(64)}`));
  await post({ ...asked, approvals: [approval] });
  await post({ ...asked, overrides: [override] });
  await post({ ...asked, overrides: [override], approvals: [override] });
  await post({ ...asked, overrides: [token(`${override.slice(0, -4)}AAAA`), override.slice(0, 60), `${override}.x`] });
  await post({ ...asked, environment: "staging", overrides: [override] });
  await post({ ...asked, overrides: { token: override } });
  await post({ ...asked, overrid: override });
  await post({ ...asked, description: `deploy with ${override}`, commits: [{ message: approval }] });
  const broken = `{"overrides":["${override}"`;
  await send("/v1/decisions", signed(broken, pipelineKey), broken);
  await send("/v1/evidence?database=orders", signed(text, pipelineKey), text);
  await post({ ...asked, database: "orders" });

  // While the issuer, and then the database, do not answer.
  issuer.answer = (_request, response) => void response.writeHead(500).end();
  await send("/v1/decisions", bearer(issuer.sign({}, { header: { kid: "unknown" } })));
  issuer.answer = null;
  await gate.untilLogged("a webhook was not told about an override");
  await database.stop("immediate");
  await post({ ...asked, overrides: [override] });
  await send("/v1/decisions", bearer(issuer.sign()));
  await send("/readyz", {}, null);
  await database.restart();
  gate.signal("SIGTERM");
  await gate.ended();

  expect([...new Set(statuses)].sort()).toEqual([200, 400, 401, 403, 404, 503]);
  const printed = gate.stdout() + gate.stderr();
  for (const line of ["authenticat", "decided", "evidence could not be read", "request failed", "request refused"]) {
    expect(printed).toContain(line);
  }
  for (const text of secret) {
    expect(printed).not.toContain(text);
    expect(printed).not.toContain(encodeURIComponent(text));
  }
  for (const answer of answers) for (const text of secret) expect(answer).not.toContain(text);
  const stored = JSON.stringify(await query(database.url, "SELECT body, request FROM plangate.decisions"));
  for (const text of secret) expect(stored).not.toContain(text);
});

test("ANSI, CRLF and direction-changing characters from requests and tokens reach no line of the log", async () => {
  const { gate, url } = await startGate();
  const invisible = "\u202e\u200b\u2028\u2029\u2066\ufeff\u{e0041}";
  const control = '\u001b[2J\u001b]0;owned\u0007\r\n{"level":50,"msg":"forged"}\u007f\u0085\u009b31m';
  const send = async (claims: object, body: object) => {
    const response = await fetch(`${url}/v1/decisions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${issuer.sign(claims)}` },
      body: JSON.stringify(body),
    });
    return response.status;
  };
  const hostile = { ...deploy, service: `a${invisible}`, environment: `b${invisible}`, commit: `c${invisible}` };
  expect(await send({ environment: undefined, actor: `d${invisible}` }, hostile)).toBe(403);
  expect(await send({ environment: control }, deploy)).toBe(403);
  expect(await send({ actor: control }, deploy)).toBe(401);
  expect(await send({}, { ...deploy, environment: control })).toBe(400);
  expect(await send({}, { ...deploy, description: control })).toBe(403);
  await fetch(`${url}/%1b%5b2J%0d%0a?%1b=%0a`);
  gate.signal("SIGTERM");
  await gate.ended();
  const lines = gate.stderr().trimEnd().split("\n");
  expect(lines.join("").match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)).toBeNull();
  const logged = lines.map((line) => JSON.parse(line));
  expect(logged).toContainEqual(expect.objectContaining({ msg: "decided", service: `a${invisible}` }));
  expect(logged).not.toContainEqual(expect.objectContaining({ msg: "forged" }));
});

test("a gate whose database does not answer does not print its password", async () => {
  const folder = newFolder();
  writeFileSync(join(folder, "plangate.yaml"), "database: { urlEnv: STORE }\npolicies: { directory: policies }\n");
  const policies = join(__dirname, "../override/policies");
  const gate = serve(["--config", join(folder, "plangate.yaml"), "--policies", policies], {
    STORE: "postgres://gate:hunter2-and-more@127.0.0.1:1/plangate",
  });
  expect(await gate.ended()).toBe(1);
  expect(gate.stderr()).toContain("database");
  expect(gate.stdout() + gate.stderr()).not.toContain("hunter2");
});
