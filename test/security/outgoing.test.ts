import dns from "node:dns";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import request from "supertest";
import { loadConfig } from "../../src/adapters/config/config.ts";
import { send } from "../../src/adapters/outgoing/send.ts";
import { startIssuer } from "../callers/oidc-issuer.ts";
import { caller, oidc } from "../callers/world.ts";
import { deploy, startTestGate, wednesdayNoon } from "../http/gate.ts";

/** Security checklist, "Outgoing": nothing that answers or resolves names can send the gate to an address of its choice. */

const get = { method: "GET", headers: {}, timeoutMs: 10_000, mostBytes: 1_000 } as const;

/** From now on names resolve to these addresses. */
function resolveTo(...addresses: string[]): void {
  const answer = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  // dns.lookup has many signatures; the gate uses the one with `all`.
  const lookup = (_name: string, _options: object, done: (error: null, all: object[]) => void) => done(null, answer);
  jest.spyOn(dns, "lookup").mockImplementation(lookup as unknown as typeof dns.lookup);
}
afterEach(() => jest.restoreAllMocks());

const forbidden = [
  "169.254.169.254",
  "169.254.170.2",
  "169.254.0.1",
  "::ffff:169.254.169.254",
  "64:ff9b::a9fe:a9fe",
  "fe80::1",
  "fd00:ec2::254",
  "fd20:ce::254",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "0.0.0.0",
  "::",
];

describe("DNS rebinding: a name that resolves to", () => {
  it.each([...forbidden, "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])("%s", async (address) => {
    resolveTo(address);
    await expect(send("https://issuer.example.com/keys", get)).rejects.toMatchObject({ code: "address-refused" });
  });

  it("a good address beside a forbidden one", async () => {
    resolveTo("203.0.113.7", "169.254.169.254");
    await expect(send("https://issuer.example.com/keys", get)).rejects.toMatchObject({ code: "address-refused" });
  });

  it("this machine, once the gate runs: no connection is made, and nobody is let in", async () => {
    let connections = 0;
    const local = createServer().on("connection", () => {
      connections += 1;
    });
    await once(local.listen(0, "127.0.0.1"), "listening");
    const rebound = `https://issuer.example.com:${(local.address() as AddressInfo).port}`;
    const signer = await startIssuer(() => new Date(wednesdayNoon));
    const gate = await startTestGate(() => ({ callers: [caller("ci", oidc(rebound))] }));
    try {
      resolveTo("127.0.0.1");
      const token = signer.sign({ iss: rebound });
      const answer = await request(gate.url).post("/v1/decisions").set("Authorization", `Bearer ${token}`).send(deploy);
      expect(answer.body).toMatchObject({ status: 503, code: "issuer-unavailable" });
      expect(connections).toBe(0);
    } finally {
      jest.restoreAllMocks();
      await gate.cleanup();
      await signer.close();
      local.close();
    }
  });
});

describe("an address in place of a name, however it is written", () => {
  it.each([
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "169.254.169.254.",
    "１６９.254.169.254",
    "[fd00:ec2::254]",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[fe80::1]",
    "[::]",
    "0",
  ])("https://%s", async (host) => {
    await expect(send(`https://${host}/latest/meta-data`, get)).rejects.toMatchObject({ code: "address-refused" });
  });
});

describe("what an answer can do", () => {
  let answer: (incoming: IncomingMessage, response: ServerResponse) => void = () => {};
  let asked: string[] = [];
  const server = createServer((incoming, response) => {
    asked.push(incoming.url ?? "");
    answer(incoming, response);
  });
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  beforeAll(() => once(server.listen(0, "127.0.0.1"), "listening"));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    asked = [];
  });

  it.each([301, 302, 303, 307, 308])("a redirect (%i) is an answer, and is not followed", async (status) => {
    answer = (_incoming, response) => response.writeHead(status, { location: `${url()}/elsewhere` }).end();
    expect(await send(`${url()}/hook`, { ...get, method: "POST" })).toMatchObject({ status });
    expect(asked).toEqual(["/hook"]);
  });

  it("more bytes than are wanted are not read", async () => {
    answer = (_incoming, response) => {
      const more = () => {
        while (response.write("x".repeat(64 * 1024)));
      };
      response.on("drain", more).on("error", () => {});
      more();
    };
    await expect(send(url(), get)).rejects.toThrow("larger than 1000 bytes");
  });

  it("a compressed answer is not unpacked", async () => {
    answer = (_incoming, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("not gzip");
    expect(await send(url(), get)).toEqual({ status: 200, text: "not gzip" });
  });

  it.each<[string, typeof answer]>([
    ["none", () => {}],
    [
      "its first byte and no more",
      (_incoming, response) => {
        response.write("{");
      },
    ],
    [
      "an upgrade to another protocol",
      (_incoming, response) => void response.writeHead(101, { upgrade: "x", connection: "upgrade" }).end(),
    ],
    ["a broken connection", (incoming) => void incoming.socket.destroy()],
    ["no HTTP", (incoming) => void incoming.socket.end("SSH-2.0-OpenSSH_9.6\r\n")],
  ])("%s: it is given up", async (_name, how) => {
    answer = how;
    await expect(send(url(), { ...get, timeoutMs: 500 })).rejects.toThrow();
  });
});

it("callback URLs: nothing in a request is ever asked, wherever it names a URL", async () => {
  let connections = 0;
  const local = createServer().on("connection", () => {
    connections += 1;
  });
  await once(local.listen(0, "127.0.0.1"), "listening");
  const { port } = local.address() as AddressInfo;
  const there = `http://127.0.0.1:${port}/`;
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const tokens = ["jku", "x5u"].flatMap((name) =>
    ["plangate-override+jwt", "plangate-approval+jwt"].map(
      (typ) => `${part({ alg: "ES256", kid: "dba", typ, [name]: there })}.${part({ iss: there })}.AAAA`,
    ),
  );
  const gate = await startTestGate();
  try {
    const body = {
      ...deploy,
      description: there,
      images: [`127.0.0.1:${port}/orders@sha256:1`],
      pipeline: { system: there, url: there },
      migrations: [{ path: there, sql: `-- ${there}\nSELECT 1;` }],
      evidence: [
        {
          version: 1,
          capturedAt: wednesdayNoon,
          server: { name: "a", role: "replica", address: "127.0.0.1", port },
        },
      ],
      approvals: tokens,
      overrides: tokens,
    };
    await gate.post("/v1/decisions?mode=json", body).expect(200);
    expect(connections).toBe(0);
  } finally {
    await gate.cleanup();
    local.close();
  }
});

describe("URLs of plangate.yaml", () => {
  const env = { SECRET: "whsec_MDEyMzQ1Njc4OWFiY2RlZg==", SLACK: "https://169.254.169.254/hunter2" };
  const entry = (key: string, url: string) =>
    ({
      issuer: `callers: [{ name: ci, services: [a], environments: [b], may: [read], oidc: { issuer: "${url}", audience: a, claims: { a: b } } }]`,
      jwksUrl: `callers: [{ name: ci, services: [a], environments: [b], may: [read], oidc: { issuer: "https://a.example", jwksUrl: "${url}", audience: a, claims: { a: b } } }]`,
      url: `notify: [{ name: a, url: "${url}", secret: SECRET, events: [override-used] }]`,
    })[key] ?? "";
  const load = (text: string) => () => loadConfig(text, "/srv/plangate.yaml", env);

  describe.each(["issuer", "jwksUrl", "url"])("%s", (key) => {
    it.each([
      ["https://169.254.169.254/x", "must not be a link-local address"],
      ["https://2852039166/x", "must not be a link-local address"],
      ["https://[fd00:ec2::254]/x", "must not be a link-local address"],
      ["https://0.0.0.0/x", "must not be a link-local address"],
      ["http://10.0.0.7/x", "must begin with https://"],
      ["http://169.254.169.254/x", "must begin with https://"],
      ["https://user:hunter2@a.example/x", "must not hold a user or password"],
      ["https://user@a.example/x", "must not hold a user or password"],
      ["gopher://a.example/x", "must begin with https://"],
    ])("%s is refused", (url, message) => {
      expect(load(entry(key, url))).toThrow(message);
      expect(load(entry(key, url))).not.toThrow("hunter2");
    });

    it.each(["https://10.0.0.7/x", "https://[fd12::7]/x", "http://127.0.0.1:8080/x", "http://localhost/x"])(
      "%s is the operator's choice",
      (url) => {
        expect(load(entry(key, url))).not.toThrow();
      },
    );
  });

  it("a URL from the environment is judged alike, and not shown", () => {
    const notify = load("notify: [{ name: a, urlEnv: SLACK, format: slack, events: [override-used] }]");
    expect(notify).toThrow("must not be a link-local address");
    expect(notify).not.toThrow("hunter2");
  });
});

describe("a discovery document that sends the gate for its keys to", () => {
  let issuer: Awaited<ReturnType<typeof startIssuer>>;
  let gate: Awaited<ReturnType<typeof startTestGate>>;
  let at = new Date(wednesdayNoon);
  beforeAll(async () => {
    issuer = await startIssuer(() => at);
    gate = await startTestGate(() => ({ callers: [caller("ci", oidc(issuer.url))] }));
  });
  afterAll(async () => {
    await gate.cleanup();
    await issuer.close();
  });

  it.each<[string, (url: string) => string]>([
    ["a metadata address", () => "http://169.254.169.254/latest/meta-data/iam"],
    ["another host", () => "https://keys.attacker.example/jwks"],
    ["another port of the same host", (url) => url.replace(/:\d+$/, ":1/jwks")],
    ["the same host with a password", (url) => `${url.replace("//", "//user:password@")}/jwks`],
    ["a file", () => "file:///etc/passwd"],
    ["data of its own", () => 'data:application/json,{"keys":[]}'],
    ["no URL", () => "jwks"],
  ])("%s", async (_name, jwksUri) => {
    at = new Date(at.getTime() + 3_600_000 * 2);
    gate.setTime(at.toISOString());
    const before = issuer.asked.length;
    issuer.discovery.jwks_uri = jwksUri(issuer.url);
    const answer = await request(gate.url)
      .post("/v1/decisions")
      .set("Authorization", `Bearer ${issuer.sign()}`)
      .send(deploy);
    expect(answer.body).toMatchObject({ status: 503, code: "issuer-unavailable" });
    expect(issuer.asked.slice(before)).toEqual(["/.well-known/openid-configuration"]);
  });
});
