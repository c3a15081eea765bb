import { once } from "node:events";
import { type ConnectionOptions, connect } from "node:tls";
import { serviceName } from "../support/api-server-client.ts";
import { type Issued, newAuthority } from "../support/certificates.ts";
import { underLoad } from "./load.ts";
import { fingerprint, serving, startWorld, until, type World } from "./world.ts";

/** Certificates are replaced while an API server calls: not one call fails, and new connections get the new certificate. */

const clientCa = newAuthority("cluster CA");
const apiServer = clientCa.issue({ name: "kube-apiserver" });
const secret = (pair: { certificate: string; key: string }, clientCaBundle: string) => ({
  "tls.crt": pair.certificate,
  "tls.key": pair.key,
  "client-ca.crt": clientCaBundle,
});

const withChain = ({ certificate, key }: Issued, ...others: Issued[]): Issued => ({
  certificate: [certificate, ...others.map((other) => other.certificate)].join(""),
  key,
});

let world: World;
afterEach(() => world.cleanup());

it("replaces certificate and key again and again, the CA too, under load", async () => {
  world = await startWorld();
  const { server, mount, authority } = world;
  const nextAuthority = newAuthority("plangate CA");
  const between = nextAuthority.intermediate("plangate issuer");
  const caBundle = authority.certificate + nextAuthority.certificate;
  const kept = underLoad(Array.from({ length: 12 }, () => world.client({ caBundle })));
  const fresh = underLoad(Array.from({ length: 4 }, () => world.client({ caBundle, keepAlive: false })));
  const pairs = [
    ...[authority, authority, nextAuthority, authority, nextAuthority].map((issuer) => serving(issuer)),
    withChain(serving(between), between),
  ];
  for (const pair of pairs) {
    mount.replace({ "tls.crt": pair.certificate, "tls.key": pair.key });
    await until(() => fresh.calls.some((call) => call.fingerprint === fingerprint(pair)));
    const answer = await world.client({ caBundle }).call("/admission/production");
    expect(answer).toMatchObject({ reused: false, fingerprint: fingerprint(pair) });
    expect(server.state()).toMatchObject({ fingerprint: fingerprint(pair), staleSince: null });
    const [keptCalls, freshCalls] = [kept.calls.length, fresh.calls.length];
    await until(() => kept.calls.length >= keptCalls + 100 && fresh.calls.length >= freshCalls + 20);
  }
  await Promise.all([kept.stop(), fresh.stop()]);
  expect([...kept.failures, ...fresh.failures]).toEqual([]);
  // Each of these clients has one connection, the one that it opened first.
  expect(kept.calls.filter(({ reused }) => !reused)).toHaveLength(12);
  expect(new Set(kept.calls.map((call) => call.fingerprint))).toEqual(new Set([fingerprint(world.first)]));
});

it("leaves open connections alone, whatever becomes of the files", async () => {
  world = await startWorld();
  const client = world.client();
  expect(await client.call("/admission/production")).toMatchObject({ reused: false });
  const next = serving(world.authority);
  world.mount.replace({ "tls.crt": next.certificate, "tls.key": next.key });
  await until(() => world.server.state().fingerprint === fingerprint(next));
  expect(await client.call("/admission/production")).toMatchObject({
    reused: true,
    fingerprint: fingerprint(world.first),
  });
  expect(await world.client().call("/admission/production")).toMatchObject({ fingerprint: fingerprint(next) });
});

it("replaces the client CA under load: a bundle of both, then the new one", async () => {
  world = await startWorld({ clientCa: clientCa.certificate });
  const { mount, first, server } = world;
  const nextCa = newAuthority("cluster CA");
  const nextApiServer = nextCa.issue({ name: "kube-apiserver" });
  const load = underLoad(Array.from({ length: 8 }, () => world.client({ clientCertificate: apiServer })));
  await until(() => load.calls.length >= 50);

  mount.replace(secret(first, clientCa.certificate + nextCa.certificate));
  const strangers = world.client({ clientCertificate: nextApiServer, keepAlive: false });
  await until(() =>
    strangers.call("/admission/production").then(
      () => true,
      () => false,
    ),
  );
  const newLoad = underLoad(Array.from({ length: 8 }, () => world.client({ clientCertificate: nextApiServer })));
  await until(() => newLoad.calls.length >= 50 && load.calls.length >= 100);
  await load.stop();

  const rotated = serving(world.authority);
  mount.replace(secret(rotated, nextCa.certificate));
  await until(() => server.state().fingerprint === fingerprint(rotated));
  const since = newLoad.calls.length;
  await until(() => newLoad.calls.length >= since + 100);
  await newLoad.stop();
  expect(load.failures).toEqual([]);
  expect(newLoad.failures).toEqual([]);
  await expect(world.client({ clientCertificate: apiServer }).call("/admission/production")).rejects.toThrow();
});

it("asks clients that an old client CA let in to connect again, with their next answer", async () => {
  world = await startWorld({ clientCa: clientCa.certificate });
  const client = world.client({ clientCertificate: apiServer });
  expect((await client.call("/admission/production")).headers.connection).toBe("keep-alive");
  world.mount.replace(secret(world.first, newAuthority("another CA").certificate));
  await world.server.reload();
  const last = await client.call("/admission/production");
  expect(last).toMatchObject({ reused: true, headers: { connection: "close" } });
  await expect(client.call("/admission/production")).rejects.toThrow();
});

it("resumes no session that an old client CA let in", async () => {
  world = await startWorld({ clientCa: clientCa.certificate });
  const { authority, server, mount, first } = world;
  const options: ConnectionOptions = {
    port: Number(new URL(server.url).port),
    servername: serviceName,
    ca: authority.certificate,
    cert: apiServer.certificate,
    key: apiServer.key,
  };
  const { session } = await greet(options);
  expect(await greet({ ...options, session })).toMatchObject({ answered: true, resumed: true });
  mount.replace(secret(first, newAuthority("another CA").certificate));
  await server.reload();
  expect(await greet({ ...options, session })).toMatchObject({ answered: false, resumed: false });
});

/** One request on a TLS connection of its own; `session` is what could resume it. */
async function greet(options: ConnectionOptions): Promise<{ answered: boolean; resumed: boolean; session: Buffer }> {
  const seen = { answered: false, resumed: false, session: Buffer.alloc(0) as Buffer };
  const socket = connect(options, () => {
    seen.resumed = socket.isSessionReused();
  });
  socket.on("session", (session) => {
    seen.session = session;
  });
  socket.on("data", () => {
    seen.answered = true;
  });
  socket.on("error", () => {});
  const body = '{ "request": { "uid": "1" } }';
  socket.end(`POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await once(socket, "close");
  return seen;
}

it("keeps the old pair while only half of the new one is there", async () => {
  world = await startWorld();
  const next = serving(world.authority);
  world.mount.replace({ "tls.crt": next.certificate, "tls.key": world.first.key });
  await until(() => world.server.state().staleSince !== null);
  const client = world.client({ keepAlive: false });
  expect(await client.call("/admission/production")).toMatchObject({ fingerprint: fingerprint(world.first) });
  world.mount.replace({ "tls.crt": next.certificate, "tls.key": next.key });
  await until(() => world.server.state().staleSince === null);
  expect(await client.call("/admission/production")).toMatchObject({ fingerprint: fingerprint(next) });
});
