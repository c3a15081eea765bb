import { createHmac, createSign, type KeyObject, sign } from "node:crypto";
import { signBundle } from "../../src/adapters/evidence-signature/detached-jws.ts";
import { bundleDigest, signedContent } from "../../src/core/evidence/bundle.ts";
import { editJson, gone } from "../support/edit-json.ts";
import { base64url, type Json, keysOf, newCollector, sampleBundle, signed, verdict } from "./support.ts";

const collector = newCollector("orders-collector", "ES256");
const rsa = newCollector("orders-rsa", "RS256");
const keys = keysOf(collector, rsa);
const honest = signed(sampleBundle(), collector);
const honestSignature = String(honest.signature);
const [honestHeader = "", , honestBytes = ""] = honestSignature.split(".");

const goodHeader = { alg: "ES256", kid: "orders-collector", typ: "plangate-evidence+jws" };

/** The sample bundle with a signature over any header, made with the collector's own key. */
function withHeader(header: object | string, bundle = sampleBundle()): Json {
  const encoded = base64url(typeof header === "string" ? header : JSON.stringify(header));
  return { ...bundle, signature: `${encoded}..${es256(encoded, bundle, collector.privateKey)}` };
}

function es256(encodedHeader: string, bundle: Json, key: KeyObject): string {
  const input = `${encodedHeader}.${base64url(signedContent(bundle))}`;
  return base64url(sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" }));
}

const withSignature = (signature: unknown): Json => ({ ...sampleBundle(), signature });

test("the forger's tools make what the product makes, so that the attacks below fail for their own reason", () => {
  expect(verdict(withHeader(goodHeader), keys)).toBe("signed by orders-collector");
  expect(verdict(honest, keys)).toBe("signed by orders-collector");
});

describe("the algorithm is the key's, never the token's", () => {
  test.each(["none", "None", "nOnE", "NONE", ""])("alg %j with an empty signature", (alg) => {
    const header = base64url(JSON.stringify({ ...goodHeader, alg }));
    expect(verdict(withSignature(`${header}..`), keys)).toBe(
      'refused: its signature is not a detached JWS ("header..signature")',
    );
  });

  test.each(["none", "None", "nOnE", "HS256", "ES384", "EdDSA", "es256", "ES256 "])(
    "alg %j with a signature",
    (alg) => {
      expect(verdict(withHeader({ ...goodHeader, alg }), keys)).toBe(
        'refused: its signature has an "alg" other than ES256, PS256, RS256',
      );
    },
  );

  test("RS256 to HS256 with the public key as the secret", () => {
    const header = base64url(JSON.stringify({ ...goodHeader, alg: "HS256", kid: "orders-rsa" }));
    const input = `${header}.${base64url(signedContent(sampleBundle()))}`;
    const mac = createHmac("sha256", rsa.publicPem).update(input).digest("base64url");
    expect(verdict(withSignature(`${header}..${mac}`), keys)).toMatch(/^refused: its signature has an "alg"/);
  });

  test("an HMAC with the public key under a header that says RS256", () => {
    const header = base64url(JSON.stringify({ ...goodHeader, alg: "RS256", kid: "orders-rsa" }));
    const input = `${header}.${base64url(signedContent(sampleBundle()))}`;
    const mac = createHmac("sha256", rsa.publicPem).update(input).digest("base64url");
    expect(verdict(withSignature(`${header}..${mac}`), keys)).toBe(
      "refused: its content is not what the key orders-rsa has signed",
    );
  });

  test("ES256 and RS256 swapped", () => {
    const attacker = newCollector("attacker", "RS256");
    const swapped = signBundle(sampleBundle(), attacker.privateKey, "RS256", "orders-collector");
    expect(verdict(withSignature(swapped), keys)).toBe(
      "refused: its signature says RS256, and the key orders-collector is for ES256",
    );
  });

  test("PS256 where the key's entry says RS256, though the same RSA key could make both", () => {
    const other = signBundle(sampleBundle(), rsa.privateKey, "PS256", "orders-rsa");
    expect(verdict(withSignature(other), keys)).toBe(
      "refused: its signature says PS256, and the key orders-rsa is for RS256",
    );
  });

  test("another key of the same kind under a known kid", () => {
    const attacker = newCollector("orders-collector", "ES256");
    expect(verdict(signed(sampleBundle(), attacker), keys)).toBe(
      "refused: its content is not what the key orders-collector has signed",
    );
  });
});

describe("the header brings no key along and asks for nothing", () => {
  const attacker = newCollector("orders-collector", "ES256");
  test.each<[string, Json]>([
    ["jwk", { jwk: attacker.key.publicKey.export({ format: "jwk" }) }],
    ["jku", { jku: "https://attacker.example/jwks.json" }],
    ["x5u", { x5u: "https://attacker.example/cert.pem" }],
    ["x5c", { x5c: ["MIIB"] }],
    ["x5t", { x5t: "AAAA" }],
    ["crit", { crit: ["exp"] }],
    ["crit", { crit: [] }],
    ["b64", { b64: false }],
    ["cty", { cty: "JWT" }],
    ["zip", { zip: "DEF" }],
  ])("embedded %s", (name, extra) => {
    expect(verdict(withHeader({ ...goodHeader, ...extra }), keys)).toBe(
      `refused: its signature has the header "${name}", which is not allowed`,
    );
  });

  test.each([
    undefined,
    null,
    "JWT",
    "plangate-override+jwt",
    "plangate-approval+jwt",
    "plangate-pass+jwt",
    "PLANGATE-EVIDENCE+JWS",
  ])("typ %j: a token made for something else", (typ) => {
    expect(verdict(withHeader({ ...goodHeader, typ }), keys)).toBe(
      'refused: its signature has a "typ" other than plangate-evidence+jws',
    );
  });
});

describe("the kid is looked up and nothing else", () => {
  test.each<[string, unknown]>([
    ["path traversal", "../../etc/passwd"],
    ["an absolute path", "/dev/null"],
    ["SQL", "x' UNION SELECT 'secret' --"],
    ["a shell command", "$(id)"],
    ["__proto__", "__proto__"],
    ["a NUL byte", "orders-collector\u0000"],
    ["a line break", "orders-collector\n"],
    ["an array", ["orders-collector"]],
    ["an object", { toString: "orders-collector" }],
    ["a number", 1],
    ["null", null],
    ["nothing", undefined],
    ["the empty string", ""],
    ["a megabyte", "k".repeat(1_000_000)],
  ])("kid: %s", (_name, kid) => {
    expect(verdict(withHeader({ ...goodHeader, kid }), keys)).toBe(
      'refused: its signature has a "kid" that is not a key id',
    );
  });

  test.each(["constructor", "toString", "hasOwnProperty", "orders-collector2", "ORDERS-COLLECTOR"])(
    "unknown kid %s",
    (kid) => {
      expect(verdict(withHeader({ ...goodHeader, kid }), keys)).toBe(
        `refused: it is signed with the key ${kid}, which is not among the configured evidence.keys`,
      );
    },
  );

  test("no key is configured at all", () => {
    expect(verdict(honest, new Map())).toMatch(
      /^refused: it is signed with the key orders-collector, which is not among/,
    );
  });
});

describe("one spelling of the header and of the signature", () => {
  test.each<[string, string]>([
    ["a key twice", '{"alg":"ES256","alg":"none","kid":"orders-collector","typ":"plangate-evidence+jws"}'],
    [
      "a key twice, the second one escaped",
      '{"alg":"ES256","\\u0061lg":"none","kid":"orders-collector","typ":"plangate-evidence+jws"}',
    ],
    ["a __proto__ key", '{"__proto__":{"alg":"ES256"},"kid":"orders-collector","typ":"plangate-evidence+jws"}'],
    ["text after the object", `${JSON.stringify(goodHeader)}{}`],
    ["a byte order mark", `\uFEFF${JSON.stringify(goodHeader)}`],
    ["a comment", `${JSON.stringify(goodHeader).slice(0, -1)}/**/}`],
    ["nested a thousand levels deep", "[".repeat(1000)],
  ])("header JSON: %s", (_name, text) => {
    expect(verdict(withHeader(text), keys)).toBe("refused: its signature has a header that is not JSON");
  });

  test.each<[string, string]>([
    ["an array", "[]"],
    ["a string", '"ES256"'],
    ["null", "null"],
    ["empty", "{}"],
  ])("header that is %s", (_name, text) => {
    expect(verdict(withHeader(text), keys)).toMatch(/^refused: its signature has /);
  });

  const lastCharacter = honestBytes.at(-1) ?? "";
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // 64 bytes are 86 characters, the last of which has four bits to spare.
  const sameBytes = alphabet[alphabet.indexOf(lastCharacter) + 1] ?? "";

  test.each<[string, string]>([
    ["padded", `${honestHeader}..${honestBytes}==`],
    ["header padded", `${honestHeader}=..${honestBytes}`],
    ["spare bits set", `${honestHeader}..${honestBytes.slice(0, -1)}${sameBytes}`],
    ["standard alphabet", `${honestHeader}..${honestBytes.slice(0, -4)}+/+/`],
    ["a space", `${honestHeader}.. ${honestBytes}`],
    ["a line break at the end", `${honestSignature}\n`],
    ["a NUL byte at the end", `${honestSignature}\u0000`],
    ["the content attached", `${honestHeader}.${base64url(signedContent(sampleBundle()))}.${honestBytes}`],
    ["four parts", `${honestSignature}.x`],
    ["one part", honestHeader],
    ["no header", `..${honestBytes}`],
    ["no signature", `${honestHeader}..`],
    ["only dots", ".."],
    ["empty", ""],
    ["JSON serialisation", JSON.stringify({ protected: honestHeader, signature: honestBytes })],
  ])("%s", (_name, signature) => {
    expect(verdict(withSignature(signature), keys)).toMatch(/^refused: its signature is not /);
  });

  test.each<[string, string]>([
    ["truncated by a byte", base64url(Buffer.from(honestBytes, "base64url").subarray(0, 63))],
    ["truncated to half", base64url(Buffer.from(honestBytes, "base64url").subarray(0, 32))],
    ["a byte too long", base64url(Buffer.concat([Buffer.from(honestBytes, "base64url"), Buffer.from([0])]))],
    ["all zero", base64url(Buffer.alloc(64))],
    ["DER-encoded", derSignature()],
  ])("signature bytes: %s", (_name, bytes) => {
    expect(verdict(withSignature(`${honestHeader}..${bytes}`), keys)).toBe(
      "refused: its content is not what the key orders-collector has signed",
    );
  });

  function derSignature(): string {
    const input = `${honestHeader}.${base64url(signedContent(sampleBundle()))}`;
    return createSign("sha256").update(input).sign(collector.privateKey).toString("base64url");
  }

  test("high-S: the twin of an ECDSA signature holds, and makes no other bundle of it", () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const bytes = Buffer.from(honestBytes, "base64url");
    const s = BigInt(`0x${bytes.subarray(32).toString("hex")}`);
    const twinBytes = Buffer.from((order - s).toString(16).padStart(64, "0"), "hex");
    const twin = {
      ...honest,
      signature: `${honestHeader}..${base64url(Buffer.concat([bytes.subarray(0, 32), twinBytes]))}`,
    };
    expect(twin.signature).not.toBe(honest.signature);
    expect(verdict(twin, keys)).toBe("signed by orders-collector");
    expect(bundleDigest(twin)).toBe(bundleDigest(honest));
  });

  test("no character of the signature can be another one", () => {
    for (let position = 0; position < honestSignature.length; position++) {
      const other = honestSignature[position] === "A" ? "B" : "A";
      const changed = `${honestSignature.slice(0, position)}${other}${honestSignature.slice(position + 1)}`;
      expect([position, verdict({ ...honest, signature: changed }, keys)]).toEqual([
        position,
        expect.stringMatching(/^refused: /),
      ]);
    }
  });
});

describe("one byte changed", () => {
  test.each<[string, unknown]>([
    ["capturedAt", "2026-03-13T20:40:01Z"],
    ["server.name", "orders-replica-2"],
    ["server.role", "primary"],
    ["server.systemIdentifier", "7412345678901234568"],
    ["server.database", "orders2"],
    ["server.address", "10.0.3.8"],
    ["server.port", 5433],
    ["server.startedAt", "2026-01-30T02:11:01Z"],
    ["server.settings.random_page_cost", "1.2"],
    ["server.settings.work_mem", "4MB"],
    ["indexUsage.windowStart", "2025-01-30T02:11:09Z"],
    ["indexUsage.rows.0.scans", 47_213_883],
    ["indexUsage.rows.0.index", "idx_orders_user_id"],
    ["indexUsage.rows.0", gone],
    ["indexUsage", gone],
    ["catalog.tables.0.rows", 1],
    ["catalog.indexes.0.unique", true],
    ["catalog.indexes.0.keys.0.column", "user_ie"],
    ["statistics.relations.0.reltuples", 3.2e7],
    ["statements.complete", false],
    ["statements.rows.0.query", "SELECT * FROM orders WHERE user_id = $2"],
    ["statements.rows.0.totalMs", 9.6],
    ["plans.0.plan", "Result  (cost=0.00..0.02 rows=1 width=4)"],
    ["plans.0.phase", "after"],
    ["plans.0.server.role", "primary"],
    ["plans", []],
    ["plansMissing", []],
    ["notes.0", 'pg_stat_statements was reset in January: "Wartung"'],
    ["notes", null],
  ])("%s", (path, value) => {
    const changed = structuredClone(honest);
    editJson(changed, path, value);
    expect(verdict(changed, keys)).toBe("refused: its content is not what the key orders-collector has signed");
  });

  test("the signature taken away leaves an asserted bundle", () => {
    expect(verdict(sampleBundle(), keys)).toBe("asserted");
    expect(verdict({ ...honest, signature: null }, keys)).toBe("asserted");
  });

  test("the signature moved to another bundle", () => {
    expect(verdict({ ...sampleBundle("orders-primary"), signature: honestSignature }, keys)).toBe(
      "refused: its content is not what the key orders-collector has signed",
    );
  });
});

test("another order of keys, other white space and other escapes are the same JSON (RFC 8785)", () => {
  const reversed = Object.fromEntries(Object.entries(honest).reverse());
  const escaped = JSON.stringify(reversed, null, 4).replaceAll("“", "\\u201c").replaceAll("orders", "\\u006frders");
  expect(verdict(JSON.parse(escaped), keys)).toBe("signed by orders-collector");
});

describe("what a key may sign, and for how long", () => {
  const until = new Date("2026-03-13T21:00:00Z");
  const limited = newCollector("limited", "ES256", {
    servers: ["orders-replica-*", "orders-primary"],
    notAfter: until,
  });
  const limitedKeys = keysOf(limited);

  test.each([
    ["orders-replica-1", "signed by limited"],
    ["orders-primary", "signed by limited"],
    [
      "orders-primary-2",
      "refused: the key limited may not sign for the server orders-primary-2, only for orders-replica-*, orders-primary",
    ],
    [
      "billing-primary",
      "refused: the key limited may not sign for the server billing-primary, only for orders-replica-*, orders-primary",
    ],
  ])("the server %s", (server, expected) => {
    expect(verdict(signed(sampleBundle(server), limited), limitedKeys)).toBe(expected);
  });

  test.each([
    ["2026-03-13T20:59:59.999Z", "signed by limited"],
    ["2026-03-13T21:00:00Z", "refused: the key limited counts only until 2026-03-13T21:00:00.000Z"],
  ])("at %s, whatever capture time the bundle claims", (now, expected) => {
    expect(verdict(signed(sampleBundle(), limited), limitedKeys, new Date(now))).toBe(expected);
  });
});
