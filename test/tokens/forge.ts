import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/adapters/config/config.ts";
import type { Approvers } from "../../src/adapters/tokens/approvers.ts";

/** Monday of the incident, 10:39 in New York. */
export const monday = new Date("2026-03-16T14:39:00Z");
export const seconds = (at: Date) => Math.floor(at.getTime() / 1000);

export interface KeyPair {
  privateKey: KeyObject;
  publicKey: KeyObject;
}
export const ecKeys = (): KeyPair => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
export const rsaKeys = (): KeyPair => generateKeyPairSync("rsa", { modulusLength: 2048 });

export const pem = (key: KeyObject) => String(key.export({ type: "spki", format: "pem" }));

/** `approvers` and what belongs to it as plangate.yaml has it; `{name}` stands for the public key of that name. */
export function approversFrom(yaml: string, keys: Readonly<Record<string, KeyPair>>, gate = "orders-gate"): Approvers {
  const directory = mkdtempSync(join(tmpdir(), "plangate-tokens-"));
  try {
    for (const [name, { publicKey }] of Object.entries(keys))
      writeFileSync(join(directory, `${name}.pem`), pem(publicKey));
    return loadConfig(`gate: { name: ${gate} }\n${yaml}`, join(directory, "plangate.yaml"), {}).approvers;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const encoded = (part: object | string) =>
  Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");

/** A token of any header and claims (text: as it is) with a signature that holds. */
export function forge(
  header: object | string,
  claims: object | string,
  { privateKey }: KeyPair,
  alg = "ES256",
): string {
  const input = `${encoded(header)}.${encoded(claims)}`;
  return `${input}.${signatureOf(input, privateKey, alg).toString("base64url")}`;
}

function signatureOf(input: string, key: KeyObject, alg: string): Buffer {
  const data = Buffer.from(input);
  if (alg === "ES256") return sign("sha256", data, { key, dsaEncoding: "ieee-p1363" });
  if (alg === "RS256") return sign("sha256", data, key);
  // RSA_PKCS1_PSS_PADDING, salt as long as the digest (RFC 7518, section 3.5).
  return sign("sha256", data, { key, padding: 6, saltLength: 32 });
}

export function withHmac(header: object, claims: object, secret: string): string {
  const input = `${encoded(header)}.${encoded(claims)}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

export function withSignature(header: object, claims: object, signature: string): string {
  return `${encoded(header)}.${encoded(claims)}.${signature}`;
}

/** Headers by which a token would bring its own key along, or demand what no reader here knows; `key` is a stranger's. */
export function foreignHeaders(key: KeyObject): [string, Record<string, unknown>, RegExp][] {
  return [
    ["an embedded jwk", { jwk: key.export({ format: "jwk" }) }, /header has "jwk"/],
    ["jku", { jku: "https://attacker.example/keys" }, /header has "jku"/],
    ["x5u", { x5u: "https://attacker.example/chain" }, /header has "x5u"/],
    ["x5c", { x5c: ["AAAA"] }, /header has "x5c"/],
    ["an unknown crit", { crit: ["b64"], b64: false }, /header has "crit", "b64"/],
    ["an empty crit", { crit: [] }, /header has "crit"/],
  ];
}

/** What is no key id. */
export const badKids: [string, unknown][] = [
  ["kid traversal", "../../../../dev/null"],
  ["kid traversal to a key of the gate", "../../keys/gate.public.pem"],
  ["kid with SQL", "x' UNION SELECT 'key"],
  ["kid __proto__", "__proto__"],
  ["kid as an array", ["dba-2026"]],
  ["kid as an array of a gate's key", ["gate-2026"]],
  ["kid as a number", 1],
  ["an empty kid", ""],
  ["kid with a NUL", "dba-2026\u0000"],
  ["kid of a gate's key with a NUL", "gate-2026\u0000"],
];
