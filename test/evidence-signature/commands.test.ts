import { createPrivateKey, generateKeyPairSync, sign as rsaSign } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli } from "../cli/run.ts";
import { editJson } from "../support/edit-json.ts";
import { sampleBundle } from "./support.ts";

let cwd: string;
const run = (...args: string[]) => cli(args, { cwd });
const sign = (file: string, kid: string, ...more: string[]) =>
  run("evidence", "sign", file, "--key", `keys/${kid}.private.pem`, "--kid", kid, ...more);
const verify = (file: string, kid: string, ...more: string[]) =>
  run("evidence", "verify", file, "--key", `keys/${kid}.public.pem`, "--kid", kid, ...more);
const write = (file: string, value: unknown) => writeFileSync(join(cwd, file), JSON.stringify(value));
const read = (file: string) => JSON.parse(readFileSync(join(cwd, file), "utf8"));

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "plangate-sign-"));
  await run("evidence", "keygen", "--kid", "ec", "--out-dir", "keys");
  await run("evidence", "keygen", "--kid", "rsa", "--out-dir", "keys", "--algorithm", "PS256");
  write("two.json", [sampleBundle("orders-primary"), sampleBundle("orders-replica-1")]);
  write("one.json", sampleBundle());
});
afterAll(() => rmSync(cwd, { recursive: true }));

describe("keygen", () => {
  it("writes a private key that only its owner can read, and prints the entry for plangate.yaml", async () => {
    const { code, stdout, stderr } = await run("evidence", "keygen", "--kid", "fresh-1", "--out-dir", "new/keys");
    expect([code, stdout]).toEqual([
      0,
      'evidence:\n  keys:\n    - { kid: "fresh-1", algorithm: ES256, publicKeyFile: "new/keys/fresh-1.public.pem" }\n',
    ]);
    expect(stderr).toContain("new/keys/fresh-1.private.pem");
    expect(statSync(join(cwd, "new/keys/fresh-1.private.pem")).mode & 0o777).toBe(0o600);
  });

  it("never overwrites, and leaves no half pair", async () => {
    const before = readFileSync(join(cwd, "keys/ec.private.pem"));
    const again = await run("evidence", "keygen", "--kid", "ec", "--out-dir", "keys");
    expect([again.code, again.stdout]).toEqual([1, ""]);
    expect(again.stderr).toContain("ec.private.pem: is there already, and a key is never overwritten");
    expect(readFileSync(join(cwd, "keys/ec.private.pem"))).toEqual(before);
    writeFileSync(join(cwd, "keys/half.public.pem"), "mine");
    expect((await run("evidence", "keygen", "--kid", "half", "--out-dir", "keys")).code).toBe(1);
    expect(existsSync(join(cwd, "keys/half.private.pem"))).toBe(false);
  });

  it.each(["../escape", "a/b", "", ".hidden", "a b"])("refuses the kid %j", async (kid) => {
    const { code, stderr } = await run("evidence", "keygen", "--kid", kid, "--out-dir", "keys");
    expect([code, stderr]).toEqual([1, expect.stringContaining("a key id is 1 to 100 letters")]);
  });
});

describe("sign and verify", () => {
  it.each(["ec", "rsa"])("an array with the %s key", async (kid) => {
    const { code, stderr } = await sign("two.json", kid, "--out", `two.${kid}.json`);
    expect([code, stderr.split("\n")[0]]).toEqual([
      0,
      `plangate: signed the bundle of orders-primary with ${kid} (${kid === "ec" ? "ES256" : "PS256"})`,
    ]);
    const checked = await verify(`two.${kid}.json`, kid);
    expect(checked).toMatchObject({
      code: 0,
      stdout: `ok      orders-primary: signed by ${kid} (captured at 2026-03-13T20:40:00.000Z)\nok      orders-replica-1: signed by ${kid} (captured at 2026-03-13T20:40:00.000Z)\n`,
    });
  });

  it("one bundle stays one, on standard output, with nothing else changed", async () => {
    const { stdout } = await sign("one.json", "rsa", "--algorithm", "RS256");
    const { signature, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual(sampleBundle());
    const [header] = signature.split("..");
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({
      alg: "RS256",
      kid: "rsa",
      typ: "plangate-evidence+jws",
    });
    write("rs256.json", { ...rest, signature });
    expect((await verify("rs256.json", "rsa", "--algorithm", "RS256")).code).toBe(0);
    expect((await verify("rs256.json", "rsa")).stdout).toContain(
      "its signature says RS256, and the key rsa is for PS256",
    );
  });

  it("names what fails, and ends with 2 where one of several does", async () => {
    await sign("two.json", "ec", "--out", "changed.json");
    const bundles = read("changed.json");
    editJson(bundles, "1.indexUsage.rows.0.scans", 0);
    write("changed.json", [...bundles, sampleBundle("orders-replica-2")]);
    const { code, stdout } = await verify("changed.json", "ec");
    expect([code, stdout.split("\n")]).toEqual([
      2,
      [
        "ok      orders-primary: signed by ec (captured at 2026-03-13T20:40:00.000Z)",
        "FAILED  orders-replica-1: its content is not what the key ec has signed (captured at 2026-03-13T20:40:00.000Z)",
        "FAILED  orders-replica-2: it has no signature (captured at 2026-03-13T20:40:00.000Z)",
        "",
      ],
    ]);
    const json = JSON.parse((await verify("changed.json", "ec", "--format", "json")).stdout);
    expect(json.bundles.map(({ signedBy, problem }: Record<string, unknown>) => [signedBy, problem])).toEqual([
      ["ec", null],
      [null, "its content is not what the key ec has signed"],
      [null, "it has no signature"],
    ]);
  });

  it("replaces a signature that is there, and says so", async () => {
    await sign("one.json", "rsa", "--out", "first.json");
    const { stderr } = await sign("first.json", "ec", "--out", "second.json");
    expect(stderr).toContain("in place of the signature that it had");
    expect((await verify("second.json", "ec")).code).toBe(0);
  });

  it("verifies by the configuration", async () => {
    await sign("one.json", "ec", "--out", "configured.json");
    cpSync(join(cwd, "configured.json"), join(cwd, "elsewhere.json"));
    const entry = "{ kid: ec, algorithm: ES256, publicKeyFile: keys/ec.public.pem, servers: [orders-primary] }";
    writeFileSync(join(cwd, "gate.yaml"), `evidence:\n  keys:\n    - ${entry}\n`);
    expect(await run("evidence", "verify", "elsewhere.json", "--config", "gate.yaml")).toMatchObject({
      code: 2,
      stdout: expect.stringContaining(
        "the key ec may not sign for the server orders-replica-1, only for orders-primary",
      ),
    });
  });

  it("verifies what other tools have signed", async () => {
    const header = Buffer.from('{"typ":"plangate-evidence+jws","kid":"rsa","alg":"RS256"}').toString("base64url");
    // By hand what RFC 8785 asks for: keys sorted, no white space.
    const content = '{"capturedAt":"2026-03-13T20:40:00Z","server":{"name":"tiny","role":"primary"},"version":1}';
    const key = createPrivateKey(readFileSync(join(cwd, "keys/rsa.private.pem")));
    const input = Buffer.from(`${header}.${Buffer.from(content).toString("base64url")}`);
    const bytes = rsaSign("sha256", input, key).toString("base64url");
    write("by-hand.json", { ...JSON.parse(content), signature: `${header}..${bytes}` });
    expect((await verify("by-hand.json", "rsa", "--algorithm", "RS256")).code).toBe(0);
  });
});

describe("what they refuse with exit code 1", () => {
  beforeAll(() => {
    const pkcs8 = { type: "pkcs8", format: "pem" } as const;
    const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
    const ec = createPrivateKey(readFileSync(join(cwd, "keys/ec.private.pem")));
    writeFileSync(join(cwd, "keys/p384.private.pem"), p384.export(pkcs8));
    writeFileSync(join(cwd, "keys/short.private.pem"), short.export(pkcs8));
    writeFileSync(
      join(cwd, "keys/secret.private.pem"),
      ec.export({ ...pkcs8, cipher: "aes-256-cbc", passphrase: "secret" }),
    );
    cpSync(join(cwd, "keys/ec.public.pem"), join(cwd, "keys/public.private.pem"));
    writeFileSync(join(cwd, "twice.json"), '{"version":1,"version":1}');
    writeFileSync(join(cwd, "empty.json"), "[]");
    write("unknown.json", { ...sampleBundle(), extra: 1 });
  });

  it.each([
    ["p384", "keys/p384.private.pem: is an EC key on the curve secp384r1; ES256 needs an EC key on the curve P-256"],
    ["short", "keys/short.private.pem: is an RSA key of 1024 bits; PS256 needs an RSA key of at least 2048 bits"],
    ["secret", "keys/secret.private.pem: is encrypted; write it without a passphrase"],
    ["public", "keys/public.private.pem: must hold a private key in PEM form"],
    ["nowhere", "keys/nowhere.private.pem: there is no such file"],
  ])("sign with the key %s", async (kid, message) => {
    expect(await sign("one.json", kid)).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining(message),
    });
  });

  it.each([
    ["twice.json", 'the key "version" occurs twice'],
    ["unknown.json", "extra: unknown key"],
    ["empty.json", "holds no evidence bundle"],
    ["nowhere.json", "there is no such file"],
  ])("the file %s", async (file, message) => {
    expect(await sign(file, "ec")).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(message) });
    expect(await verify(file, "ec")).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(message) });
  });

  it.each<[string[], string]>([
    [["--key", "keys/ec.public.pem"], "--key and --kid belong together"],
    [["--kid", "ec"], "--key and --kid belong together"],
    [["--algorithm", "ES256"], "--key and --kid belong together"],
    [["--key", "keys/ec.public.pem", "--kid", "ec", "--config", "gate.yaml"], "either --key with --kid, or --config"],
    [["--key", "keys/ec.private.pem", "--kid", "ec"], "holds a private key"],
    [["--key", "keys/ec.public.pem", "--kid", "ec", "--algorithm", "none"], "Allowed choices are ES256, PS256, RS256"],
    [[], "no keys are known; give --key and --kid"],
  ])("verify %j", async (options, message) => {
    expect(await run("evidence", "verify", "one.json", ...options)).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining(message),
    });
  });
});
