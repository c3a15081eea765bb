import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import express from "express";
import { Client } from "pg";
import request from "supertest";
import { type ListeningServer, listen } from "../../src/entry/http/server.ts";
import { caller, pipelineKey, secrets, signedHeaders } from "../callers/world.ts";
import { deploy, startTestGate, type TestGate, wednesdayNoon } from "../http/gate.ts";

/** Security checklist, "Parsers": slow clients, connection caps, pool exhaustion. Whatever strangers do, a pipeline goes on being heard. */

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A connection that sends this and then nothing, reads nothing, and does not close its side when the server closes the other. */
async function stranger(url: string, text: string | Buffer): Promise<Socket> {
  const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  socket.pause();
  sockets.push(socket);
  await once(socket, "connect");
  await new Promise((done) => socket.write(text, done));
  return socket;
}

describe("strangers at a gate", () => {
  let gate: TestGate;
  beforeAll(async () => {
    gate = await startTestGate(() => ({ callers: [caller("pipeline", secrets(pipelineKey))] }));
  });
  afterAll(() => gate.cleanup());

  const timestamp = Date.parse(wednesdayNoon) / 1000;
  let ids = 0;
  const ask = (key = pipelineKey) => {
    const body = JSON.stringify(deploy);
    ids += 1;
    return request(gate.url)
      .post("/v1/decisions")
      .set(signedHeaders(body, { key, id: `msg_${ids}`, timestamp }))
      .set("Content-Type", "application/json")
      .send(body);
  };
  /** The head of a request that nobody has signed, which only its body would show. */
  const head = (length: number) =>
    [
      "POST /v1/decisions HTTP/1.1",
      "Host: gate",
      "Content-Type: application/json",
      `Content-Length: ${length}`,
      "webhook-id: msg_stranger",
      `webhook-timestamp: ${timestamp}`,
      `webhook-signature: v1,${Buffer.alloc(32).toString("base64")}`,
      "",
      "",
    ].join("\r\n");

  it("slow clients: a hundred large bodies that are announced and do not come", async () => {
    for (let n = 0; n < 100; n += 1) await stranger(gate.url, head(8 * 1024 * 1024));
    for (let n = 0; n < 3; n += 1) await ask().expect(200);
  });

  it("slow clients: forty large bodies of which all but the last byte has come", async () => {
    const size = 4 * 1024 * 1024;
    const almost = Buffer.concat([Buffer.from(head(size)), Buffer.alloc(size - 1, " ")]);
    for (let n = 0; n < 40; n += 1) await stranger(gate.url, almost);
    for (let n = 0; n < 3; n += 1) await ask().expect(200);
  });

  it("slow clients: many heads that do not end", async () => {
    for (let n = 0; n < 300; n += 1) await stranger(gate.url, "POST /v1/decisions HTTP/1.1\r\nHost: ga");
    await ask().expect(200);
  });

  it("pool exhaustion: while every connection to the database is taken, strangers wait for none of them", async () => {
    const other = new Client({ connectionString: gate.database.url });
    await other.connect();
    await other.query("BEGIN; LOCK TABLE plangate.decisions IN ACCESS EXCLUSIVE MODE");
    // supertest sends when somebody waits for the answer.
    const waiting = Promise.all(Array.from({ length: 40 }, async () => (await ask()).status));
    const key = Buffer.from("nobody-knows-this-secret-of-ours");
    const strangers = await Promise.all(Array.from({ length: 40 }, async () => (await ask(key)).status));
    expect(new Set(strangers)).toEqual(new Set([401]));
    await request(gate.url).get("/healthz").expect(200);
    await other.query("COMMIT");
    await other.end();
    const answered = new Set(await waiting);
    answered.delete(503);
    expect([...answered].filter((status) => status !== 200)).toEqual([]);
    await ask().expect(200);
  });

  it("pool exhaustion: five hundred questions whether the gate is ready, beside a decision", async () => {
    const flood = Promise.all(
      Array.from({ length: 500 }, async () => (await request(gate.url).get("/readyz")).body.database),
    );
    await ask().expect(200);
    expect(new Set(await flood)).toEqual(new Set(["ok"]));
  });
});

describe("patience of the server", () => {
  const app = express();
  app.post("/", express.raw(), (_request, response) => void response.send("heard"));
  app.get("/large", (_request, response) => void response.end(Buffer.alloc(64 * 1024 * 1024)));
  app.get("/", (_request, response) => void response.end("hello"));
  const limits = { headers: 300, request: 600, keepAlive: 300, silence: 900, check: 50, connections: 1_000 };
  let server: ListeningServer;
  const start = async (change: Partial<typeof limits> = {}) => {
    server = await listen(app, "127.0.0.1", 0, { ...limits, ...change });
  };

  /** Sends on, a character at a time, until the server has let go of the connection. */
  const trickle = async (socket: Socket, characters: string) => {
    socket.resume();
    for (let n = 0; !socket.destroyed; n += 1) {
      socket.write(characters[n % characters.length] ?? "");
      await sleep(20);
    }
  };

  it.each([
    ["a head", "GET / HTTP/1.1\r\nHost: ga", "x"],
    ["header lines", "GET / HTTP/1.1\r\n", "a: b\r\n"],
    ["a body", "POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: 100000\r\n\r\n{", " "],
    ["chunks", "POST / HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"],
    ["what is no HTTP", "\u0016\u0003\u0001 hello\r\n\r\n", "x"],
    ["a head that is too large", `GET / HTTP/1.1\r\nx: ${"x".repeat(20_000)}\r\n\r\n`, "x"],
    [
      "two lengths of one body (request smuggling)",
      "POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
      "x",
    ],
    [
      "a length beside chunks (request smuggling)",
      "POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "x",
    ],
    ["the answer's next request", "GET /large HTTP/1.1\r\nHost: gate\r\n\r\n", "GET / HTTP/1.1\r\n"],
  ])("slow clients: who trickles %s loses the connection", async (_name, text, rest) => {
    await start({ silence: 60_000 });
    await trickle(await stranger(server.url, text), rest);
    await server.close();
  });

  it.each([
    ["nothing at all", ""],
    ["a request, and then no other", "GET / HTTP/1.1\r\nHost: gate\r\n\r\n"],
    ["a request whose answer it does not read", "GET /large HTTP/1.1\r\nHost: gate\r\n\r\n"],
  ])("slow clients: who sends %s loses the connection", async (_name, text) => {
    await start();
    await stranger(server.url, text);
    // Resolves when no connection is left.
    await server.close();
  });

  it("connection caps: beyond them nobody is let in, and those who are idle make place", async () => {
    await start({ connections: 5 });
    for (let n = 0; n < 5; n += 1) await stranger(server.url, "GET / HTTP/1.1\r\n");
    const sixth = await stranger(server.url, "GET / HTTP/1.1\r\nHost: gate\r\n\r\n");
    let answer = "";
    sixth.on("data", (part) => {
      answer += part;
    });
    sixth.resume();
    await once(sixth, "end");
    expect(answer).toBe("");
    const again = async (): Promise<string> => {
      try {
        return await (await fetch(server.url, { headers: { connection: "close" } })).text();
      } catch {
        return again();
      }
    };
    expect(await again()).toBe("hello");
    await server.close();
  });
});
