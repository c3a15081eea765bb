import { createHash, createHmac } from "node:crypto";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import request from "supertest";
import { deploy, startTestGate, type TestGate, wednesdayNoon } from "../http/gate.ts";
import { caller, pipelineKey, releaseKey, rotatedKey, secrets, signature, signedHeaders } from "./world.ts";

let gate: TestGate;
beforeAll(async () => {
  gate = await startTestGate(() => ({
    callers: [
      caller("pipeline", secrets(pipelineKey, rotatedKey)),
      caller("release", secrets(releaseKey), { may: new Set(["request"]), environments: ["staging"] }),
    ],
  }));
});
afterAll(() => gate.cleanup());
beforeEach(() => gate.setTime(wednesdayNoon));

const now = Date.parse(wednesdayNoon) / 1000;
const body = JSON.stringify(deploy);

let ids = 0;
const newId = () => {
  ids += 1;
  return `msg_${ids}`;
};

/** Sends exactly these bytes. */
const send = (bytes: string | Buffer, headers: Record<string, string | string[]>, path = "/v1/decisions") => {
  const sent = request(gate.url).post(path).set("Content-Type", "application/json");
  for (const [name, value] of Object.entries(headers)) sent.set(name, value as string);
  sent.serialize((value: unknown) => value as string);
  return sent.send(bytes);
};

const refused = { code: "not-authenticated", status: 401, type: "urn:plangate:problem:not-authenticated" };

it("a signed request is decided, and its caller is on record", async () => {
  const answer = await send(body, signedHeaders(body, { id: newId(), timestamp: now })).expect(200);
  expect(answer.body).toMatchObject({ decision: "approved" });
  const read = await request(gate.url)
    .get(`/v1/decisions/${answer.body.id}`)
    .set(signedHeaders("", { id: newId(), timestamp: now }));
  expect(read.body).toEqual(answer.body);
});

it("without authentication nothing is said but that it is missing", async () => {
  for (const path of ["/v1/decisions", "/v1/evidence?database=orders"]) {
    const answer = await send(body, {}, path).expect(401).expect("WWW-Authenticate", "Bearer");
    expect(answer.body).toMatchObject(refused);
    expect(answer.headers["content-type"]).toContain("application/problem+json");
  }
  for (const path of ["/v1/decisions", "/v1/decisions/dec_1", "/v1/evidence?database=a", "/v1/windows", "/metrics"]) {
    await gate.get(path).expect(401);
  }
});

it.each(["/healthz", "/readyz", "/openapi.json"])("%s is open", async (path) => {
  await gate.get(path).expect(200);
});

describe("signatures", () => {
  it.each([
    ["body", 5],
    ["last byte", body.length - 1],
  ])("one flipped byte: %s", async (_name, position) => {
    const bytes = Buffer.from(body);
    bytes[position] = (bytes[position] ?? 0) ^ 1;
    const answer = await send(bytes, signedHeaders(body, { id: newId(), timestamp: now })).expect(401);
    expect(answer.body).toMatchObject(refused);
  });

  it.each(["webhook-id", "webhook-timestamp"])("one changed character of %s", async (name) => {
    const headers = signedHeaders(body, { id: newId(), timestamp: now });
    const changed = name === "webhook-id" ? "other" : String(now + 1);
    await send(body, { ...headers, [name]: changed }).expect(401);
  });

  it("re-serialised JSON: the same value with other white space", async () => {
    const headers = signedHeaders(body, { id: newId(), timestamp: now });
    await send(JSON.stringify(deploy, null, 1), headers).expect(401);
  });

  it("emoji: signed as UTF-8 bytes", async () => {
    const text = JSON.stringify({ ...deploy, description: "🚢 ümlaut \u2028" });
    await send(text, signedHeaders(text, { id: newId(), timestamp: now })).expect(200);
    const escaped = text.replace("🚢", "\\ud83d\\udea2");
    await send(escaped, signedHeaders(text, { id: newId(), timestamp: now })).expect(401);
  });

  it("BOM: authentic, and no JSON; added by somebody else, not authentic", async () => {
    const text = `\ufeff${body}`;
    const answer = await send(text, signedHeaders(text, { id: newId(), timestamp: now })).expect(400);
    expect(answer.body.code).toBe("bad-json");
    await send(text, signedHeaders(body, { id: newId(), timestamp: now })).expect(401);
  });

  it("gzip: a compressed body is refused, whichever bytes were signed", async () => {
    for (const signed of [body, gzipSync(body)]) {
      const headers = signedHeaders(signed, { id: newId(), timestamp: now });
      const answer = await send(gzipSync(body), { ...headers, "Content-Encoding": "gzip" }).expect(415);
      expect(answer.body.code).toBe("unsupported-encoding");
    }
  });

  it("chunked: the bytes without their framing count", async () => {
    const headers = { ...signedHeaders(body, { id: newId(), timestamp: now }), "Content-Type": "application/json" };
    const chunks = [body.slice(0, 7), body.slice(7)].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`);
    const head = Object.entries({ Host: "gate", Connection: "close", "Transfer-Encoding": "chunked", ...headers });
    const text = `POST /v1/decisions HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${chunks.join("")}0\r\n\r\n`;
    expect(await raw(text)).toMatch(/^HTTP\/1\.1 200 /);
  });

  const good = signature(body, { id: "wrong", timestamp: now });
  it.each([
    ["nothing", ""],
    ["only the version", "v1,"],
    ["a signature that is too short", "v1,AAAA"],
    ["31 bytes", `v1,${Buffer.alloc(31).toString("base64")}`],
    ["33 bytes", `v1,${Buffer.alloc(33).toString("base64")}`],
    ["32 bytes of nothing", `v1,${Buffer.alloc(32).toString("base64")}`],
    ["4000 bytes", `v1,${Buffer.alloc(4000).toString("base64")}`],
    ["hexadecimal digits", `v1,${createHmac("sha256", pipelineKey).update(`wrong.${now}.${body}`).digest("hex")}`],
    ["no padding", good.replace("=", "")],
    ["another version", good.replace("v1", "v2")],
    ["a version in capitals", good.replace("v1", "V1")],
    ["no version", good.slice(3)],
    ["commas in place of spaces", `v1,AAAA,${good}`],
    ["21 signatures", Array.from({ length: 21 }, () => good).join(" ")],
  ])("%s", async (_name, value) => {
    const headers = { ...signedHeaders(body, { id: "wrong", timestamp: now }), "webhook-signature": value };
    expect((await send(body, headers).expect(401)).body).toMatchObject(refused);
  });

  it("SHA-1 only", async () => {
    const id = newId();
    const sha1 = createHmac("sha1", pipelineKey).update(`${id}.${now}.${body}`).digest("base64");
    for (const value of [`v1,${sha1}`, `sha1=${sha1}`]) {
      await send(body, { ...signedHeaders(body, { id, timestamp: now }), "webhook-signature": value }).expect(401);
    }
    await send(body, { "X-Hub-Signature": `sha1=${createHash("sha1").update(body).digest("hex")}` }).expect(401);
  });

  it("several signatures: one that holds is enough, wherever it stands", async () => {
    const id = newId();
    const own = signature(body, { id, timestamp: now });
    const foreign = `v1,${Buffer.alloc(32, 7).toString("base64")}`;
    for (const value of [`${foreign} ${own}`, `v1a,xyz ${own} ${foreign}`]) {
      await send(body, { ...signedHeaders(body, { id, timestamp: now }), "webhook-signature": value }).expect(200);
    }
  });

  it("rotated secrets: old and new count, others do not", async () => {
    for (const key of [pipelineKey, rotatedKey]) {
      await send(body, signedHeaders(body, { key, id: newId(), timestamp: now })).expect(200);
    }
    const key = Buffer.from("somebody-else-somebody-else-1234");
    await send(body, signedHeaders(body, { key, id: newId(), timestamp: now })).expect(401);
    await send(body, signedHeaders(body, { key: Buffer.alloc(0), id: newId(), timestamp: now })).expect(401);
  });
});

describe("headers", () => {
  it.each(["webhook-id", "webhook-timestamp", "webhook-signature", "Authorization", "plangate-caller"])(
    "duplicate headers: %s",
    async (name) => {
      const signed: Record<string, string> = signedHeaders(body, { id: newId(), timestamp: now });
      const value = signed[name] ?? "Bearer x";
      const headers = { ...signed, Host: "gate", Connection: "close", "Content-Type": "application/json" };
      const lines = [...Object.entries(headers), [name, value], ...(name in signed ? [] : [[name, value]])];
      const text = `POST /v1/decisions HTTP/1.1\r\n${lines.map(([key, of]) => `${key}: ${of}\r\n`).join("")}Content-Length: ${body.length}\r\n\r\n${body}`;
      const answer = await raw(text);
      expect(answer).toMatch(/^HTTP\/1\.1 401 /);
      expect(answer).toContain(`The header ${name.toLowerCase()} is sent twice.`);
    },
  );

  it.each(["webhook-id", "webhook-timestamp", "webhook-signature"])("no %s", async (name) => {
    const headers = Object.entries(signedHeaders(body, { id: newId(), timestamp: now }));
    await send(body, Object.fromEntries(headers.filter(([key]) => key !== name))).expect(401);
  });

  it("a signature and a bearer token", async () => {
    const headers = { ...signedHeaders(body, { id: newId(), timestamp: now }), Authorization: "Bearer a.b.c" };
    expect((await send(body, headers).expect(401)).body.detail).toContain("not both");
  });

  it("plangate-caller: another caller's name does not help, and its own does not hurt", async () => {
    const headers = (name: string) => ({
      ...signedHeaders(body, { id: newId(), timestamp: now }),
      "plangate-caller": name,
    });
    await send(body, headers("pipeline")).expect(200);
    for (const name of ["release", "nobody", "__proto__", ""]) await send(body, headers(name)).expect(401);
  });

  it.each([-300, 300])("a timestamp %i s off", async (offset) => {
    await send(body, signedHeaders(body, { id: newId(), timestamp: now + offset })).expect(200);
  });

  it.each([-301, 301])("a timestamp %i s off, correctly signed", async (offset) => {
    const answer = await send(body, signedHeaders(body, { id: newId(), timestamp: now + offset })).expect(401);
    expect(answer.body.detail).toContain("301 s");
  });

  it.each(["123abc", "", " ", "1e9", "0x10", "-1", `${now}.0`, `0${now}`, `+${now}`, "NaN", "Infinity", `${now}000`])(
    "timestamp %p, correctly signed",
    async (timestamp) => {
      await send(body, signedHeaders(body, { id: newId(), timestamp })).expect(401);
    },
  );

  it("an id with a full stop, which would make two messages of one signature", async () => {
    await send(body, signedHeaders(body, { id: "a.b", timestamp: now })).expect(401);
  });
});

describe("replay", () => {
  it("same id and body: the stored decision, not another one", async () => {
    const id = newId();
    const first = await send(body, signedHeaders(body, { id, timestamp: now })).expect(200);
    const second = await send(body, signedHeaders(body, { id, timestamp: now + 2 })).expect(200);
    expect(second.body).toEqual(first.body);
  });

  it("same id with another body, correctly signed", async () => {
    const id = newId();
    await send(body, signedHeaders(body, { id, timestamp: now })).expect(200);
    const other = JSON.stringify({ ...deploy, commit: "0ther" });
    const answer = await send(other, signedHeaders(other, { id, timestamp: now })).expect(422);
    expect(answer.body.code).toBe("idempotency-key-reused");
  });

  it("concurrent replay: one decision", async () => {
    const id = newId();
    const headers = signedHeaders(body, { id, timestamp: now });
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(body, headers)));
    const decided = answers.filter(({ status }) => status === 200);
    expect(new Set(decided.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
  });

  it("concurrent replay with another body: one of the two is decided, once", async () => {
    const id = newId();
    const bodies = [body, JSON.stringify({ ...deploy, commit: "0ther" })];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const text = bodies[index % 2] ?? body;
        return send(text, signedHeaders(text, { id, timestamp: now }));
      }),
    );
    const decided = answers.filter(({ status }) => status === 200);
    expect(new Set(decided.map((answer) => answer.body.id)).size).toBe(1);
    expect(new Set(answers.filter(({ status }) => status !== 200).map(({ status }) => status)).has(422)).toBe(true);
    expect(answers.filter(({ status }) => ![200, 409, 422].includes(status))).toEqual([]);
  });

  it("another Idempotency-Key beside the signed id does not make another request of it", async () => {
    const headers = signedHeaders(body, { id: newId(), timestamp: now });
    await send(body, headers).expect(200);
    expect((await send(body, { ...headers, "Idempotency-Key": newId() }).expect(400)).body.code).toBe("bad-request");
    const twice = { ...headers, Host: "gate", Connection: "close", "Content-Type": "application/json" };
    const lines = [...Object.entries(twice), ["Idempotency-Key", "a"], ["Idempotency-Key", "b"]];
    const text = `POST /v1/decisions HTTP/1.1\r\n${lines.map(([key, of]) => `${key}: ${of}\r\n`).join("")}Content-Length: ${body.length}\r\n\r\n${body}`;
    expect(await raw(text)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("one caller's id is nothing to another", async () => {
    const id = newId();
    await send(body, signedHeaders(body, { id, timestamp: now })).expect(200);
    const other = JSON.stringify({ ...deploy, environment: "staging" });
    const answer = await send(other, signedHeaders(other, { key: releaseKey, id, timestamp: now })).expect(403);
    expect(answer.headers["content-type"]).toContain("application/json");
  });
});

it("body's environment other than the caller's: a problem, not a rejection, and nothing is decided", async () => {
  const answer = await send(body, signedHeaders(body, { key: releaseKey, id: newId(), timestamp: now })).expect(403);
  expect(answer.headers["content-type"]).toContain("application/problem+json");
  expect(answer.body).toMatchObject({
    code: "not-permitted",
    detail: 'The caller release may not ask about "orders" in "production".',
  });
});

it("a body over the limit is refused before it is hashed", async () => {
  const huge = Buffer.alloc(9 * 1024 * 1024, 0x20);
  const answer = await send(huge, signedHeaders(huge, { id: newId(), timestamp: now })).expect(413);
  expect(answer.body.code).toBe("body-too-large");
});

it("an unsigned body is not parsed: broken JSON is no answer to strangers", async () => {
  await send("{", signedHeaders("[", { id: newId(), timestamp: now })).expect(401);
  await send("{", signedHeaders("{", { id: newId(), timestamp: now })).expect(400);
});

/** Sends text over a socket, for what no HTTP client sends; the whole answer. */
function raw(text: string): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect(Number(new URL(gate.url).port), "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("end", () => done(answer));
    socket.on("error", fail);
  });
}
