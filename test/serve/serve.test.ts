import { copyFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildProgram, cleanup, decide, makeDataDirectory, newFolder, serve, start } from "./gate-process.ts";

const policies = join(__dirname, "policies");
const root = join(__dirname, "../..");

let made: Awaited<ReturnType<typeof makeDataDirectory>>;
beforeAll(async () => {
  buildProgram();
  made = await makeDataDirectory(policies);
});
afterEach(cleanup);
afterAll(() => made.remove());

it("says where it listens and what it runs on, decides, and ends with 0 on SIGTERM", async () => {
  const dataDir = newFolder();
  const gate = serve(["--policies", policies, "--data-dir", dataDir]);
  const url = await gate.url();
  expect(gate.stderr()).toContain(`Making the embedded database in ${dataDir}`);
  expect(gate.stdout()).toMatch(/^plangate \S+ listens on http:\/\/127\.0\.0\.1:\d+\n {2}policies {2}deploys \(/);
  const { status, id } = await decide(url);
  expect(status).toBe(200);
  gate.signal("SIGTERM");
  expect(await gate.ended()).toBe(0);
  const line =
    gate
      .stderr()
      .split("\n")
      .find((text) => text.includes(id)) ?? "";
  expect(JSON.parse(line)).toMatchObject({
    msg: "decided",
    decision: "approved",
    service: "orders",
    commit: "9f1c2e7",
  });

  const again = serve(["--policies", policies, "--data-dir", dataDir]);
  expect((await fetch(`${await again.url()}/v1/decisions/${id}`)).status).toBe(200);
  expect(again.stderr()).not.toContain("Making the embedded database");
});

it("refuses a data directory that another gate uses, and takes it over from one that was killed", async () => {
  const dataDir = made.copy();
  const first = serve(["--policies", policies, "--data-dir", dataDir]);
  const url = await first.url();
  const second = serve(["--policies", policies, "--data-dir", dataDir]);
  expect(await second.ended()).toBe(1);
  expect(second.stderr()).toContain(`in use by the gate with process id ${first.pid}`);

  const acknowledged: string[] = [];
  for (let n = 0; n < 20; n += 1) acknowledged.push((await decide(url, `commit-${n}`)).id);
  first.signal("SIGKILL");
  await first.ended();

  const third = serve(["--policies", policies, "--data-dir", dataDir]);
  const response = await fetch(`${await third.url()}/v1/decisions?limit=100`);
  const { decisions } = (await response.json()) as { decisions: { id: string }[] };
  expect(decisions.map(({ id }) => id)).toEqual(acknowledged.reverse());
});

describe("on SIGTERM", () => {
  /** A request whose body has not arrived in full. */
  const halfSent = async (url: string) => {
    const body = JSON.stringify({ service: "orders", environment: "production" });
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    const closed = new Promise<string>((done) => socket.on("close", () => done(answer)));
    socket.on("error", () => {});
    const head = `POST /v1/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    await new Promise((done) => socket.write(head + body.slice(0, 10), done));
    // An answer on another connection shows that the gate has seen the first.
    await fetch(`${url}/healthz`);
    return { finish: () => socket.write(body.slice(10)), closed };
  };

  it("answers and records what was accepted, and accepts nothing new", async () => {
    const dataDir = made.copy();
    const gate = serve(["--policies", policies, "--data-dir", dataDir]);
    const url = await gate.url();
    const request = await halfSent(url);
    gate.signal("SIGTERM");
    await expect(
      (async () => {
        for (;;) await fetch(`${url}/healthz`, { headers: { connection: "close" } });
      })(),
    ).rejects.toThrow("fetch failed");
    request.finish();
    const answer = await request.closed;
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(await gate.ended()).toBe(0);
    const id = /"id":"(dec_\w+)"/.exec(answer)?.[1];
    const again = serve(["--policies", policies, "--data-dir", dataDir]);
    expect((await fetch(`${await again.url()}/v1/decisions/${id}`)).status).toBe(200);
  });

  it("ends at once when asked a second time", async () => {
    const gate = serve(["--policies", policies, "--data-dir", made.copy()]);
    await halfSent(await gate.url());
    gate.signal("SIGINT");
    await sleep(1_000);
    gate.signal("SIGINT");
    expect(await gate.ended()).toBe(1);
  });
});

it("does not start with broken policies, and names every error", async () => {
  const folder = newFolder();
  writeFileSync(join(folder, "a.yaml"), "version: 1\npolicy: a\nenforcment: deny\n");
  writeFileSync(join(folder, "b.yaml"), "version: 1\npolicy: b\nenforcement: perhaps\n");
  const gate = serve(["--policies", folder, "--data-dir", made.copy()]);
  expect(await gate.ended()).toBe(1);
  expect(gate.stderr()).toMatch(/a\.yaml:3:1: .*enforcment/);
  expect(gate.stderr()).toMatch(/b\.yaml:3:\d+: .*enforcement/);
  expect(gate.stdout()).toBe("");
});

it("reads the policies again on SIGHUP", async () => {
  const folder = newFolder();
  copyFileSync(join(policies, "deploys.yaml"), join(folder, "deploys.yaml"));
  const gate = serve(["--policies", folder, "--data-dir", made.copy()]);
  await gate.url();
  gate.signal("SIGHUP");
  await gate.untilLogged("policies unchanged");
  writeFileSync(join(folder, "deploys.yaml"), "policy: [");
  gate.signal("SIGHUP");
  await gate.untilLogged("the policy files are broken");
});

it("is not ready and decides nothing once its embedded database has died", async () => {
  const preload = `--require ${join(__dirname, "end-database-thread.cjs")}`;
  const gate = serve(["--policies", policies, "--data-dir", made.copy()], { NODE_OPTIONS: preload });
  const url = await gate.url();
  expect((await decide(url)).status).toBe(200);
  gate.signal("SIGUSR2");
  await gate.untilLogged("the embedded database has ended");
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await decide(url)).status).toBe(503);
  gate.signal("SIGTERM");
  expect(await gate.ended()).toBe(0);
});

it("does not listen where others could reach it", async () => {
  const folder = newFolder();
  const config = join(folder, "plangate.yaml");
  writeFileSync(config, "listen:\n  api: { address: 0.0.0.0, port: 0 }\n");
  const gate = serve(["--config", config, "--policies", policies]);
  expect(await gate.ended()).toBe(1);
  expect(gate.stderr()).toContain("loopback");
});

it("npm start prints one command that sends the incident's request", async () => {
  const gate = start([join(root, "scripts/start.mjs"), "--port", "0", "--data-dir", made.copy()]);
  const url = await gate.url();
  expect(gate.stdout()).toContain(
    `curl -sS -X POST -H 'content-type: application/json' --data @examples/incident/request.json '${url}/v1/decisions'`,
  );
  gate.signal("SIGINT");
  expect(await gate.ended()).toBe(0);
});
