import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, type GateConfig, loadConfig } from "../../src/adapters/config/config.ts";

/** `evidence.keys` of plangate.yaml: everything that is wrong stops the start. */

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "plangate-keys-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

const ec = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve });
const rsa = (modulusLength: number) => generateKeyPairSync("rsa", { modulusLength });
const publicPem = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString();
const privatePem = (key: KeyObject) => key.export({ type: "pkcs8", format: "pem" }).toString();

function load(keys: string): GateConfig {
  return loadConfig(`evidence:\n  keys:\n${keys}`, join(directory, "plangate.yaml"), null);
}

function problems(keys: string): string[] {
  try {
    load(keys);
  } catch (error) {
    if (error instanceof ConfigError) return error.issues.map(({ line, key, message }) => `${line} ${key}: ${message}`);
    throw error;
  }
  throw new Error("it loaded");
}

test("a key with all that can be said of it", () => {
  writeFileSync(join(directory, "all.pem"), publicPem(ec("P-256").publicKey));
  const { keys } = load(
    `    - { kid: all, algorithm: ES256, publicKeyFile: all.pem, servers: ["orders-*"], notAfter: 2027-01-01T00:00:00Z }`,
  ).evidence;
  expect([...keys.values()]).toMatchObject([
    { kid: "all", algorithm: "ES256", servers: ["orders-*"], notAfter: new Date("2027-01-01T00:00:00Z") },
  ]);
  expect(keys.get("all")?.fingerprint).toMatch(/^sha256:[0-9a-f]{64}$/);
});

test("an RSA public key as PKCS #1, with Windows line ends", () => {
  const pem = rsa(2048).publicKey.export({ type: "pkcs1", format: "pem" }).toString();
  writeFileSync(join(directory, "pkcs1.pem"), pem.replaceAll("\n", "\r\n"));
  expect(load("    - { kid: a, algorithm: PS256, publicKeyFile: pkcs1.pem }").evidence.keys.size).toBe(1);
});

const onePublicKey = "must hold exactly one public key in PEM form (-----BEGIN PUBLIC KEY-----)";

test.each<[string, string, () => string, string]>([
  [
    "a short RSA key",
    "RS256",
    () => publicPem(rsa(1024).publicKey),
    "is an RSA key of 1024 bits; RS256 needs an RSA key of at least 2048 bits",
  ],
  [
    "an RSA key for ES256",
    "ES256",
    () => publicPem(rsa(2048).publicKey),
    "is an RSA key of 2048 bits; ES256 needs an EC key on the curve P-256",
  ],
  [
    "an EC key for PS256",
    "PS256",
    () => publicPem(ec("P-256").publicKey),
    "is an EC key on the curve prime256v1; PS256 needs an RSA key of at least 2048 bits",
  ],
  [
    "the curve P-384",
    "ES256",
    () => publicPem(ec("P-384").publicKey),
    "is an EC key on the curve secp384r1; ES256 needs an EC key on the curve P-256",
  ],
  [
    "the curve secp256k1",
    "ES256",
    () => publicPem(ec("secp256k1").publicKey),
    "is an EC key on the curve secp256k1; ES256 needs an EC key on the curve P-256",
  ],
  [
    "Ed25519",
    "ES256",
    () => publicPem(generateKeyPairSync("ed25519").publicKey),
    "is a key of the type ed25519; ES256 needs an EC key on the curve P-256",
  ],
  [
    "RSA-PSS",
    "PS256",
    () => publicPem(generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey),
    "is a key of the type rsa-pss; PS256 needs an RSA key of at least 2048 bits",
  ],
  [
    "a private key",
    "ES256",
    () => privatePem(ec("P-256").privateKey),
    "holds a private key, which belongs to its owner alone; name the file of its public key",
  ],
  ["two keys", "ES256", () => publicPem(ec("P-256").publicKey).repeat(2), onePublicKey],
  ["a certificate", "ES256", () => "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", onePublicKey],
  ["an empty file", "ES256", () => "", onePublicKey],
  ["a JWK", "ES256", () => JSON.stringify(ec("P-256").publicKey.export({ format: "jwk" })), onePublicKey],
  [
    "garbage in PEM",
    "ES256",
    () => "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    "is not a public key that can be read",
  ],
])("%s", (_name, algorithm, content, expected) => {
  writeFileSync(join(directory, "key.pem"), content());
  expect(problems(`    - { kid: a, algorithm: ${algorithm}, publicKeyFile: key.pem }`)).toEqual([
    `3 evidence.keys[0].publicKeyFile: key.pem: ${expected}`,
  ]);
});

test("a file that is not there", () => {
  expect(problems("    - { kid: a, algorithm: ES256, publicKeyFile: nowhere.pem }")).toEqual([
    "3 evidence.keys[0].publicKeyFile: nowhere.pem: there is no such file or directory",
  ]);
});

test("the same kid twice, and the same key under two kids", () => {
  writeFileSync(join(directory, "one.pem"), publicPem(ec("P-256").publicKey));
  writeFileSync(join(directory, "two.pem"), publicPem(ec("P-256").publicKey));
  const entry = (kid: string, file: string) => `    - { kid: ${kid}, algorithm: ES256, publicKeyFile: ${file} }\n`;
  expect(problems(entry("a", "one.pem") + entry("a", "two.pem") + entry("b", "one.pem"))).toEqual([
    "4 evidence.keys[1].kid: another key has the same kid",
    "5 evidence.keys[2].publicKeyFile: is the same key as that of a",
  ]);
});

test.each([
  ["{ algorithm: ES256, publicKeyFile: one.pem }", "evidence.keys[0].kid"],
  ["{ kid: ../x, algorithm: ES256, publicKeyFile: one.pem }", "evidence.keys[0].kid"],
  ["{ kid: __proto__, algorithm: ES256, publicKeyFile: one.pem }", "evidence.keys[0].kid"],
  ["{ kid: a, algorithm: none, publicKeyFile: one.pem }", "evidence.keys[0].algorithm"],
  ["{ kid: a, algorithm: HS256, publicKeyFile: one.pem }", "evidence.keys[0].algorithm"],
  ["{ kid: a, algorithm: ES256 }", "evidence.keys[0].publicKeyFile"],
  ["{ kid: a, algorithm: ES256, publicKeyFile: one.pem, servers: [] }", "evidence.keys[0].servers"],
  ["{ kid: a, algorithm: ES256, publicKeyFile: one.pem, notAfter: 2027-01-01 }", "evidence.keys[0].notAfter"],
  ["{ kid: a, algorithm: ES256, publicKeyFile: one.pem, jwksUrl: https://x }", "evidence.keys[0].jwksUrl"],
])("%s", (entry, key) => {
  expect(problems(`    - ${entry}`)).toEqual([expect.stringContaining(`${key}: `)]);
});
