import { once } from "node:events";
import { request as plainRequest } from "node:http";
import { connect as connectPlain, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import express from "express";
import type { AdmissionServerEvent } from "../../src/entry/http/admission-server.ts";
import { listen } from "../../src/entry/http/server.ts";
import { serviceName } from "../support/api-server-client.ts";
import { newAuthority } from "../support/certificates.ts";
import { allowing, startWorld, until, type World } from "./world.ts";

/** What the admission address does with connections: those of API servers, of strangers, and all of them at the end. */

let world: World;
afterEach(() => world.cleanup());

const port = () => Number(new URL(world.server.url).port);
const options = (): ConnectionOptions => ({
  port: port(),
  servername: serviceName,
  ca: world.authority.certificate,
});

async function secure(changes: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ ...options(), ...changes });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  return socket;
}

/** The error's code where no connection comes about. */
async function refusal(changes: ConnectionOptions): Promise<string | undefined> {
  const socket = connect({ ...options(), ...changes });
  const error = await new Promise<NodeJS.ErrnoException | null>((done) => {
    socket.once("secureConnect", () => done(null)).once("error", done);
  });
  socket.destroy();
  return error === null ? "connected" : error.code;
}

const failedHandshakes = (events: AdmissionServerEvent[]) =>
  events.flatMap((event) => (event.kind === "handshake-failed" ? [event.code] : []));

describe("API servers", () => {
  it("speak TLS 1.2 or 1.3, and HTTP/1.1", async () => {
    world = await startWorld();
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const socket = await secure({ minVersion: version, maxVersion: version, ALPNProtocols: ["h2", "http/1.1"] });
      expect([socket.getProtocol(), socket.alpnProtocol]).toEqual([version, "http/1.1"]);
      socket.destroy();
    }
  });

  it("refuse a certificate for another service, and one of another CA", async () => {
    world = await startWorld();
    const elsewhere = world.client({ serverName: "plangate.elsewhere.svc" });
    await expect(elsewhere.call("/")).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    const distrustful = world.client({ caBundle: newAuthority("plangate CA").certificate });
    await expect(distrustful.call("/")).rejects.toThrow("certificate");
  });

  it("send up to 7 MB", async () => {
    world = await startWorld();
    const client = world.client();
    const object = { apiVersion: "v1", kind: "ConfigMap", data: { text: "x".repeat(7_000_000) } };
    expect((await client.call("/", { request: { object } })).response.allowed).toBe(true);
    expect(await client.call("/")).toMatchObject({ reused: true });
  });

  it("have their connection kept for longer than they keep it themselves", async () => {
    world = await startWorld();
    const client = world.client();
    const { headers } = await client.call("/");
    const [, seconds] = String(headers["keep-alive"]).match(/^timeout=(\d+)/) ?? [];
    expect(Number(seconds)).toBeGreaterThan(90);
  });

  it("give up when their time is over, and call again", async () => {
    let slow = true;
    world = await startWorld({ handler: allowing(() => (slow ? sleep(2_000) : sleep(0))) });
    const client = world.client();
    await expect(client.call("/", { timeoutMs: 200 })).rejects.toMatchObject({ code: "ABORT_ERR" });
    slow = false;
    expect((await client.call("/")).response.allowed).toBe(true);
  });
});

describe("with a client CA", () => {
  const clusterCa = newAuthority("cluster CA");
  beforeEach(async () => {
    world = await startWorld({ clientCa: clusterCa.certificate });
  });

  it.each([
    ["a certificate of the CA", clusterCa.issue({ name: "kube-apiserver" }), true],
    ["no certificate", undefined, false],
    ["a certificate of another CA of the same name", newAuthority("cluster CA").issue({ name: "api" }), false],
    ["a certificate that signed itself", newAuthority("kube-apiserver"), false],
    [
      "an expired certificate",
      clusterCa.issue({ name: "api", notBefore: new Date(0), notAfter: new Date(86_400_000) }),
      false,
    ],
  ])("%s", async (_title, clientCertificate, answered) => {
    const client = world.client(clientCertificate === undefined ? {} : { clientCertificate });
    const call = client.call("/").then(
      () => true,
      () => false,
    );
    expect(await call).toBe(answered);
    if (!answered) await until(() => failedHandshakes(world.events).length > 0);
  });

  it("says why a client was refused", async () => {
    await expect(world.client().call("/")).rejects.toThrow();
    await until(() => failedHandshakes(world.events).length > 0);
    const stranger = newAuthority("cluster CA").issue({ name: "api" });
    await expect(world.client({ clientCertificate: stranger }).call("/")).rejects.toThrow();
    await until(() => failedHandshakes(world.events).length > 1);
    const codes = ["ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"];
    expect(failedHandshakes(world.events)).toEqual(codes);
  });
});

describe("strangers", () => {
  const impatient = { headers: 300, request: 600, keepAlive: 300, silence: 1_000, check: 50, connections: 16 };

  it("plain HTTP is not answered", async () => {
    world = await startWorld();
    const sent = plainRequest({ port: port(), path: "/admission/production", method: "POST" });
    sent.end("{}");
    const [error] = await once(sent, "error");
    expect(error).toMatchObject({ code: "ECONNRESET" });
    await until(() => failedHandshakes(world.events).length > 0);
    expect(failedHandshakes(world.events)).toEqual(["ERR_SSL_HTTP_REQUEST"]);
    expect((await world.client().call("/")).response.allowed).toBe(true);
  });

  it("old versions of TLS, and clients that speak HTTP/2 alone, are refused", async () => {
    world = await startWorld();
    // Security level 0 makes the client offer what it would refuse itself.
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    expect(await refusal(old)).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    expect(await refusal({ ALPNProtocols: ["h2"] })).toBe("ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
  });

  it("who says nothing, or nothing that makes sense, loses the connection; others go on being answered", async () => {
    world = await startWorld({ limits: impatient });
    const silent = await secure();
    const trickling = await secure();
    trickling.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
    const nonsense = await secure();
    nonsense.write("\0\0\0\0\r\n\r\n");
    const closed = Promise.all([silent, trickling, nonsense].map((socket) => once(socket.resume(), "close")));
    expect((await world.client().call("/")).response.allowed).toBe(true);
    await closed;
  });

  it("who only looks whether anybody listens is no failed handshake: kubelets do", async () => {
    world = await startWorld();
    for (const end of [(probe: Socket) => probe.end(), (probe: Socket) => probe.resetAndDestroy()]) {
      const probe = connectPlain({ port: port() });
      await once(probe, "connect");
      end(probe.resume());
      await once(probe, "close");
    }
    expect(await refusal({ ALPNProtocols: ["h2"] })).not.toBe("connected");
    await until(() => failedHandshakes(world.events).length > 0);
    expect(failedHandshakes(world.events)).toEqual(["ERR_SSL_NO_APPLICATION_PROTOCOL"]);
  });

  it("who does not finish the handshake loses the connection too", async () => {
    world = await startWorld({ limits: impatient });
    const socket = connectPlain({ port: port() });
    socket.on("error", () => {});
    socket.write(Buffer.from([0x16, 0x03, 0x01]));
    await once(socket.resume(), "close");
    expect(failedHandshakes(world.events)).toHaveLength(1);
  });
});

describe("at the end", () => {
  it("answers what was asked, and lets go of idle connections", async () => {
    const answers: (() => void)[] = [];
    world = await startWorld({
      handler: allowing(
        () =>
          new Promise((done) => {
            answers.push(done);
          }),
      ),
    });
    const call = world.client().call("/");
    await until(() => answers.length === 1);
    const idle = await secure();
    const closing = world.server.close();
    let closed = false;
    void closing.then(() => {
      closed = true;
    });
    await once(idle.resume(), "close");
    expect(closed).toBe(false);
    answers[0]?.();
    expect((await call).response.allowed).toBe(true);
    await closing;
  });

  it("clients leave before it is over: not one call fails while a replica stops", async () => {
    world = await startWorld({ drainMs: 30_000 });
    const clients = Array.from({ length: 8 }, () => world.client());
    for (const client of clients) await client.call("/");
    const closing = world.server.close();
    for (const client of clients) {
      expect(await client.call("/")).toMatchObject({ reused: true, headers: { connection: "close" } });
    }
    await closing;
    await expect(world.client().call("/")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("does not wait for clients that stay away longer than it was told to", async () => {
    world = await startWorld({ drainMs: 50 });
    const idle = await secure();
    await world.server.close();
    await once(idle.resume(), "close");
  });

  it("the API's address lets go of connections that were never used, too", async () => {
    world = await startWorld();
    const api = await listen(express(), "127.0.0.1", 0);
    const unused = connectPlain({ port: Number(new URL(api.url).port) });
    await once(unused, "connect");
    await Promise.all([api.close(), once(unused.resume(), "close")]);
  });
});
