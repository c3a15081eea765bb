import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { isSignedWith, readSignedHeaders } from "../../src/adapters/callers/standard-webhooks.ts";
import { ConfigError, loadConfig } from "../../src/adapters/config/config.ts";
import { overrideMessage } from "../../src/adapters/notify/message.ts";
import { notifyAll } from "../../src/adapters/notify/notifier.ts";
import type { NotifyTarget } from "../../src/adapters/notify/target.ts";
import { openStore, type Store } from "../../src/adapters/store/store.ts";
import type { Decision } from "../../src/core/decision.ts";
import { realDatabase, type TestDatabase } from "../store/databases.ts";
import { clockAt, noon, sampleRecord } from "../store/samples.ts";

const key = Buffer.from("0123456789abcdef0123456789abcdef");

/** An approval that came about by an override. */
const overridden = (jti: string, changes: Partial<Decision> = {}) =>
  sampleRecord({
    withoutOverrides: "rejected",
    overrides: [
      {
        jti,
        by: "dba@example.com",
        kid: "dba-2026",
        rules: ["change-window"],
        reason: "The index has to come back <!channel>",
        ticket: "INC-2041",
        issuedAt: noon.toISOString(),
        expiresAt: noon.toISOString(),
        consumed: true,
      },
    ],
    findings: [
      {
        policy: "schema-changes",
        ruleId: "change-window",
        outcome: "fail",
        enforcement: "deny",
        subject: "orders/production",
        message: "closed",
        help: null,
        location: null,
        waivedBy: jti,
        details: {},
      },
    ],
    ...changes,
  });

interface Received {
  headers: IncomingMessage["headers"];
  body: Buffer;
}

/** A webhook that answers with these statuses in turn, then with 204. */
async function startWebhook(...statuses: number[]) {
  const received: Received[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    received.push({ headers: request.headers, body: Buffer.concat(chunks) });
    const status = statuses.shift() ?? 204;
    response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {}).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  // listen() has given it an address and a port.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, received, close: () => server.close() };
}

describe("webhooks are told about each used override", () => {
  let database: TestDatabase;
  let stores: Store[];
  beforeAll(async () => {
    database = await realDatabase();
    const open = () => openStore({ ...database.target, clock: clockAt(noon), evidenceRetentionMs: null });
    stores = [await open(), await open()];
  });
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await database.cleanup();
  });
  const store = (index = 0) => stores[index] ?? (stores[0] as Store);
  const failures: string[] = [];
  const round = (targets: NotifyTarget[], index = 0) =>
    notifyAll(targets, {
      store: store(index).notifications,
      clock: clockAt(noon),
      onFailure: (target, error) => failures.push(`${target}: ${String(error)}`),
    });
  const allDue = () =>
    database.query("UPDATE plangate.notifications SET next_attempt_at = now() WHERE delivered_at IS NULL");
  beforeEach(() => failures.splice(0));

  it("once, signed, with who, what and why", async () => {
    const hook = await startWebhook();
    const record = overridden("ovr_told");
    await store().decisions.record(record);
    await store().decisions.record(sampleRecord());
    const target: NotifyTarget = { name: "pager", url: hook.url, key, format: "json" };
    await round([target]);
    await round([target]);
    await round([target], 1);
    hook.close();
    expect(hook.received).toHaveLength(1);
    const [{ headers, body } = { headers: {}, body: Buffer.alloc(0) }] = hook.received;
    const signed = readSignedHeaders((name) => String(headers[name] ?? ""), noon);
    expect(isSignedWith(key, signed, body)).toBe(true);
    expect(JSON.parse(body.toString())).toEqual({
      type: "override.used",
      timestamp: noon.toISOString(),
      data: {
        decision: expect.objectContaining({ id: record.decision.id, service: "orders", waived: ["change-window"] }),
        override: expect.objectContaining({ jti: "ovr_told", by: "dba@example.com", ticket: "INC-2041" }),
      },
    });
    expect(failures).toEqual([]);
  });

  it("again, under the same id, until it is taken", async () => {
    const hook = await startWebhook(500, 302);
    await store().decisions.record(overridden("ovr_again"));
    const target: NotifyTarget = { name: "flaky", url: hook.url, key, format: "json" };
    await round([target]);
    await round([target]);
    for (const _attempt of [2, 3, 4]) {
      await allDue();
      await round([target]);
    }
    hook.close();
    // This webhook is new, so it was told about the earlier override too: one of them met 500, the other a redirect.
    expect(hook.received).toHaveLength(4);
    const about = hook.received.filter(({ body }) => body.includes("ovr_again"));
    expect(about).toHaveLength(2);
    expect(new Set(about.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect(failures.map((failure) => failure.split(":")[0])).toEqual(["flaky", "flaky"]);
    expect(failures.join()).not.toContain(hook.url);
  });

  it("again, under the same id, when somebody deletes that it was told", async () => {
    const hook = await startWebhook();
    await store().decisions.record(overridden("ovr_deleted"));
    const target: NotifyTarget = { name: "forgetful", url: hook.url, key, format: "json" };
    await round([target]);
    await database.query("DELETE FROM plangate.notifications WHERE jti = 'ovr_deleted'");
    await round([target]);
    hook.close();
    const about = hook.received.filter(({ body }) => body.includes("ovr_deleted"));
    expect(about).toHaveLength(2);
    expect(new Set(about.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  });

  it("by one gate at a time", async () => {
    const hook = await startWebhook();
    for (let n = 0; n < 6; n += 1) await store().decisions.record(overridden(`ovr_both_${n}`));
    const target: NotifyTarget = { name: "both", url: hook.url, key: null, format: "slack" };
    await Promise.all([round([target], 0), round([target], 1)]);
    await Promise.all([round([target], 0), round([target], 1)]);
    hook.close();
    const texts = hook.received.map(({ body }) => body.toString());
    expect(new Set(texts).size).toBe(texts.length);
    expect(texts.filter((text) => text.includes("Override used"))).toHaveLength(9);
  });
});

it("the form for Slack mentions nobody and holds no link", () => {
  const { decision } = overridden("ovr_1", { requestedBy: "<https://attacker.example|dev>" });
  const { text } = JSON.parse(overrideMessage(decision, "ovr_1", "slack"));
  expect(text).toBe(
    [
      "Override used: orders to production, requested by &lt;https://attacker.example|dev&gt;",
      "dba@example.com waived change-window (INC-2041): The index has to come back &lt;!channel&gt;",
      `Decision ${decision.id}, would have been rejected; may start until -`,
    ].join("\n"),
  );
});

describe("notify in plangate.yaml", () => {
  const env = {
    HOOK_SECRET: "whsec_MDEyMzQ1Njc4OWFiY2RlZg==",
    EMPTY: "",
    SLACK_URL: "https://hooks.slack.com/services/T/B/hunter2",
  };
  const load = (entry: string) => loadConfig(`notify:\n  - ${entry}\n`, "/srv/plangate.yaml", env).notify;

  it("webhooks that are signed, and Slack's", () => {
    expect(
      load("{ name: pager, url: https://pager.example.com/x, secret: HOOK_SECRET, events: [override-used] }"),
    ).toEqual([
      { name: "pager", url: "https://pager.example.com/x", key: Buffer.from("0123456789abcdef"), format: "json" },
    ]);
    expect(load("{ name: slack, urlEnv: SLACK_URL, format: slack, events: [override-used] }")).toEqual([
      { name: "slack", url: env.SLACK_URL, key: null, format: "slack" },
    ]);
  });

  it.each([
    ["no secret", "{ name: a, url: https://a.example, events: [override-used] }", /`json` is signed: set `secret`/],
    [
      "a secret that is not set",
      "{ name: a, url: https://a.example, secret: NONE, events: [override-used] }",
      /NONE is not set/,
    ],
    [
      "an empty secret",
      "{ name: a, url: https://a.example, secret: EMPTY, events: [override-used] }",
      /EMPTY is empty/,
    ],
    [
      "plain http",
      "{ name: a, url: http://a.example, format: slack, events: [override-used] }",
      /only to this machine/,
    ],
    [
      "a password in the URL",
      "{ name: a, url: https://u:hunter2@a.example, format: slack, events: [override-used] }",
      /must not hold a user or password/,
    ],
    [
      "another scheme",
      "{ name: a, url: file:///etc/passwd, format: slack, events: [override-used] }",
      /must begin with https/,
    ],
    ["no URL", "{ name: a, format: slack, events: [override-used] }", /set either `url` or `urlEnv`/],
    [
      "an event that there is not",
      "{ name: a, url: https://a.example, format: slack, events: [all] }",
      /expected override-used/,
    ],
  ])("refuses %s", (_name, entry, problem) => {
    try {
      load(entry);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      expect(error.issues).toEqual([expect.objectContaining({ message: expect.stringMatching(problem) })]);
      expect(error.message).not.toContain("hunter2");
      return;
    }
    throw new Error("it loaded");
  });
});
