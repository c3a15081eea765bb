import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/adapters/config/config.ts";
import { loadGateKeys } from "../../src/adapters/gate-keys.ts";
import { jwkSetOf } from "../../src/adapters/passes/jwk-set.ts";
import { passIssuer, passVerifier } from "../../src/adapters/passes/passes.ts";
import { cli } from "../cli/run.ts";
import { ecKeys, monday, rsaKeys } from "../tokens/forge.ts";
import { sampleClaims } from "./sample.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plangate-pass-keys-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** `keys` of a plangate.yaml beside its key files. */
const keysOf = async (yaml: string) => {
  const { keys } = loadConfig(`keys: ${yaml}`, join(folder, "plangate.yaml"), {});
  return loadGateKeys(keys, folder);
};
const write = (name: string, key: KeyObject, type: "pkcs8" | "sec1" | "pkcs1" | "spki" = "pkcs8") =>
  writeFileSync(join(folder, name), String(key.export({ type: type as "pkcs8", format: "pem" })));

describe("rotation", () => {
  const gateOf = async (yaml: string) => {
    const keys = await keysOf(yaml);
    return {
      pass: passIssuer("orders-gate", keys[0]).issue(sampleClaims("orders-gate")),
      problem: (token: string) => passVerifier("orders-gate", keys).verify(token, monday).problem,
      published: jwkSetOf(keys).keys.map(({ kid }) => kid),
    };
  };

  it("a pass counts as long as its key is listed, whichever key signs", async () => {
    const old = ecKeys();
    write("old.pem", old.privateKey);
    write("old.public.pem", old.publicKey, "spki");
    write("new.pem", ecKeys().privateKey);
    const before = await gateOf("[{ kid: old, privateKeyFile: old.pem }]");
    const announced = await gateOf("[{ kid: old, privateKeyFile: old.pem }, { kid: new, privateKeyFile: new.pem }]");
    const switched = await gateOf(
      "[{ kid: new, privateKeyFile: new.pem }, { kid: old, publicKeyFile: old.public.pem }]",
    );
    const after = await gateOf("[{ kid: new, privateKeyFile: new.pem }]");

    expect(announced.published).toEqual(["old", "new"]);
    // Replicas restart one after the other: each takes the passes of those that are a step ahead or behind.
    expect(announced.problem(before.pass)).toBeNull();
    expect(announced.problem(switched.pass)).toBeNull();
    expect(switched.problem(announced.pass)).toBeNull();
    expect(switched.published).toEqual(["new", "old"]);
    expect(after.problem(switched.pass)).toBeNull();
    expect(after.problem(announced.pass)).toBe("its key old is not among the keys of this gate");
    expect(before.problem(switched.pass)).toBe("its key new is not among the keys of this gate");
  });

  it("another key under the kid of one that is gone takes nothing over", async () => {
    write("old.pem", ecKeys().privateKey);
    const before = await gateOf("[{ kid: gate, privateKeyFile: old.pem }]");
    write("old.pem", ecKeys().privateKey);
    const after = await gateOf("[{ kid: gate, privateKeyFile: old.pem }]");
    expect(after.problem(before.pass)).toBe("its signature is not that of the key gate");
  });

  it("from the key that the gate made itself to a configured one", async () => {
    const [own] = await loadGateKeys([], folder);
    write("new.pem", ecKeys().privateKey);
    const after = await keysOf(
      `[{ kid: new, privateKeyFile: new.pem }, { kid: ${own.kid}, publicKeyFile: keys/gate.public.pem }]`,
    );
    const pass = passIssuer("orders-gate", own).issue(sampleClaims("orders-gate"));
    expect(passVerifier("orders-gate", after).verify(pass, monday).problem).toBeNull();
  });
});

describe("forms of key files", () => {
  it.each([
    ["PKCS #8", "pkcs8", ecKeys(), "ES256"],
    ["SEC 1 (EC PRIVATE KEY)", "sec1", ecKeys(), "ES256"],
    ["PKCS #8, RSA", "pkcs8", rsaKeys(), "PS256"],
    ["PKCS #1 (RSA PRIVATE KEY)", "pkcs1", rsaKeys(), "PS256"],
  ] as const)("%s", async (_name, type, pair, algorithm) => {
    write("gate.pem", pair.privateKey, type);
    const [key] = await keysOf("[{ kid: a, privateKeyFile: gate.pem }]");
    expect(key.algorithm).toBe(algorithm);
    expect(key.publicKey.equals(pair.publicKey)).toBe(true);
  });

  it("SEC 1 behind EC PARAMETERS, as openssl ecparam -genkey writes it", async () => {
    const { privateKey, publicKey } = ecKeys();
    const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    writeFileSync(join(folder, "gate.pem"), parameters + privateKey.export({ type: "sec1", format: "pem" }));
    const [key] = await keysOf("[{ kid: a, privateKeyFile: gate.pem }]");
    expect(key.publicKey.equals(publicKey)).toBe(true);
  });
});

describe("a configuration that is refused", () => {
  beforeEach(() => {
    const pair = ecKeys();
    write("a.pem", pair.privateKey);
    write("a.sec1.pem", pair.privateKey, "sec1");
    write("a.public.pem", pair.publicKey, "spki");
    write("b.pem", ecKeys().privateKey);
    write("p384.pem", generateKeyPairSync("ec", { namedCurve: "secp384r1" }).privateKey);
    write("ed25519.pem", generateKeyPairSync("ed25519").privateKey);
    writeFileSync(
      join(folder, "locked.pem"),
      String(ecKeys().privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" })),
    );
  });
  const a = "{ kid: a, privateKeyFile: a.pem }";
  it.each([
    ["a first key that only verifies", "[{ kid: a, publicKeyFile: a.public.pem }]", /the first key signs: it needs/],
    ["a key without a file", `[${a}, { kid: b }]`, /set either `privateKeyFile` or `publicKeyFile`/],
    ["both files", "[{ kid: a, privateKeyFile: a.pem, publicKeyFile: a.public.pem }]", /set either/],
    ["a kid twice", `[${a}, { kid: a, privateKeyFile: b.pem }]`, /another key has the same kid/],
    ["a key twice", `[${a}, { kid: b, privateKeyFile: a.sec1.pem }]`, /the key b is the same key as a; list it once/],
    ["a key twice, the second time public", `[${a}, { kid: b, publicKeyFile: a.public.pem }]`, /the same key as a/],
    ["a private key as publicKeyFile", `[${a}, { kid: b, publicKeyFile: b.pem }]`, /b\.pem: holds a private key/],
    ["a public key as privateKeyFile", "[{ kid: a, privateKeyFile: a.public.pem }]", /must hold a private key/],
    ["another curve", "[{ kid: a, privateKeyFile: p384.pem }]", /ES256 needs an EC key on the curve P-256/],
    ["another kind of key", "[{ kid: a, privateKeyFile: ed25519.pem }]", /is a key of the type ed25519/],
    ["a key behind a passphrase", "[{ kid: a, privateKeyFile: locked.pem }]", /is encrypted/],
    ["a file that is missing", `[${a}, { kid: b, publicKeyFile: c.pem }]`, /c\.pem: there is no such file/],
    ["an unknown key", "[{ kid: a, privateKeyFile: a.pem, algorithm: HS256 }]", /unknown key/i],
    ["a kid that is a path", "[{ kid: ../a, privateKeyFile: a.pem }]", /a key id is 1 to 100 letters/],
  ])("%s", async (_name, yaml, expected) => {
    const policies = join(__dirname, "../http/policies");
    writeFileSync(join(folder, "plangate.yaml"), `keys: ${yaml}\npolicies: { directory: ${policies} }\n`);
    const { code, stderr } = await cli(["serve", "--check-config"], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(expected);
  });
});

it("the key set holds public keys alone, which others can read", async () => {
  const rsa = rsaKeys();
  write("ec.pem", ecKeys().privateKey);
  write("rsa.pem", rsa.privateKey);
  const keys = await keysOf("[{ kid: ec, privateKeyFile: ec.pem }, { kid: rsa, privateKeyFile: rsa.pem }]");
  const set = jwkSetOf(keys);
  expect(set.keys.map((key) => Object.keys(key).sort())).toEqual([
    ["alg", "crv", "kid", "kty", "use", "x", "y"],
    ["alg", "e", "kid", "kty", "n", "use"],
  ]);
  for (const [index, jwk] of set.keys.entries()) {
    expect(createPublicKey({ key: jwk, format: "jwk" }).equals(keys[index]?.publicKey as KeyObject)).toBe(true);
  }
});
